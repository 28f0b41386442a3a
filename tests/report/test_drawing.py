import base64
import dataclasses
import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from report.sections import made

from pipeline.report import drawing


def of(study: str):
    return next(section for section in made().sections if section.study.id == study)


def test_every_variant_has_a_colour_of_its_own():
    study = of("named").study
    many = [dataclasses.replace(study.variants[0], id=f"v{n}", label=f"v{n}") for n in range(24)]
    assert len(set(drawing.colours(dataclasses.replace(study, variants=tuple(many))).values())) == 24


def test_a_factor_is_named_in_words():
    words = {name: drawing.factor_words(of(name).study) for name in ("weight_decay", "activation", "named")}
    assert words == {"weight_decay": "weight decay", "activation": "activation", "named": "variant"}


def test_coordinates_are_rounded_and_words_are_not():
    def draw() -> Figure:
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1 / 3, 1], [0, 0.123456, 1])
        axes.set_title("0.123456")
        return figure

    svg = drawing.picture("name", "caption", draw).svg
    assert ">0.123456<" in svg
    places = re.findall(r' (?:d|x|y|width|height|transform|viewBox)="([^"]*)"', svg)
    numbers = [word for place in places for word in re.findall(r"-?[\d.]+", place)]
    assert any("." in word for word in numbers)
    assert all(re.fullmatch(r"(?!-0$)-?\d+(\.\d?[1-9])?", word) for word in numbers)


def svg_of(width: float) -> str:
    def draw() -> Figure:
        figure = Figure(figsize=(width, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot([1, 2], [1, 3], marker="o")
        axes.scatter([1, 2], [1, 2])
        axes.set_yscale("log")
        return figure

    return drawing.picture("name", "caption", draw).svg


def test_names_within_a_figure_do_not_follow_from_the_last_bits_of_its_numbers():
    """matplotlib's names are digests of them."""
    svg = svg_of(6)
    assert svg == svg_of(6 + 1e-13)
    used = re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', svg)
    assert sorted(set(used)) == sorted(re.findall(r' id="([^"]+)"', svg)) == [f"p{n}" for n in range(len(set(used)))]
    assert len(set(used)) >= 3


def test_a_figure_does_not_follow_from_what_the_user_has_set_for_matplotlib():
    svg = svg_of(6)
    with matplotlib.rc_context({"axes.xmargin": 0.3, "font.sans-serif": ["cmr10"]}):
        assert svg_of(6) == svg


def test_images_are_stored_pixel_by_pixel_and_without_a_compressor():
    pixels = np.arange(12).reshape(3, 4) / 11

    def draw() -> Figure:
        figure = Figure()
        figure.subplots().imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="none")
        return figure

    svg = drawing.picture("name", "caption", draw).svg
    (picture,) = re.findall(r'xlink:href="data:image/png;base64,([^"]+)"', svg)
    png = base64.b64decode(picture)
    found = imread(io.BytesIO(png), format="png")
    np.testing.assert_allclose(found, 1 - pixels, atol=1 / 255)
    rows = np.rint(255 * found).astype(np.uint8)
    assert b"".join(b"\0" + row.tobytes() for row in rows) in png


def test_a_block_says_what_its_number_is_of():
    assert drawing.block_names(of("activation").study) == ["learning rate 0.1", "learning rate 0.5"]
    assert drawing.block_names(of("named").study) == [""]


def test_long_names_do_not_stand_beside_each_other():
    assert not drawing.is_long(["0", "0.5"])
    assert drawing.is_long(["normal(std=0.01)"])
    assert drawing.is_long(["ten letters"] * 7)
