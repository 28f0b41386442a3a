import base64
import dataclasses
import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from report.sections import of

from pipeline.report import drawing


def svg_of(plot, **options) -> str:
    """The SVG of what a function plots on the axes of a new figure."""

    def draw() -> Figure:
        figure = Figure(**options)
        plot(figure.subplots())
        return figure

    return drawing.svg(draw)


def two_points(axes) -> None:
    axes.plot([1, 2], [1, 3], marker="o")
    axes.scatter([1, 2], [1, 2])
    axes.set_yscale("log")


def test_coordinates_are_rounded_and_text_is_not():
    svg = svg_of(lambda axes: axes.set_title("0.123456", y=1 / 3))
    assert ">0.123456<" in svg
    attributes = re.findall(r' (?:d|x|y|width|height|transform|viewBox)="([^"]*)"', svg)
    numbers = [number for text in attributes for number in re.findall(r"-?[\d.]+", text)]
    assert any("." in number for number in numbers)
    assert all(re.fullmatch(r"(?!-0$)-?\d+(\.\d?[1-9])?", number) for number in numbers)


def test_ids_do_not_depend_on_the_last_bits_of_coordinates():
    """Matplotlib's ids are digests of them."""
    svg = svg_of(two_points, figsize=(6, 4))
    assert svg == svg_of(two_points, figsize=(6 + 1e-13, 4))
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', svg))
    assert sorted(used) == sorted(re.findall(r' id="([^"]+)"', svg)) == [f"p{n}" for n in range(len(used))]
    assert len(used) >= 3


def test_a_figure_does_not_depend_on_the_user_s_configuration_of_matplotlib():
    svg = svg_of(two_points)
    with matplotlib.rc_context({"axes.xmargin": 0.3, "font.sans-serif": ["cmr10"]}):
        assert svg_of(two_points) == svg


def test_images_are_stored_pixel_by_pixel_without_compression():
    pixels = np.arange(12).reshape(3, 4) / 11
    svg = svg_of(lambda axes: axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="none"))
    (image,) = re.findall(r'xlink:href="data:image/png;base64,([^"]+)"', svg)
    png = base64.b64decode(image)
    stored = imread(io.BytesIO(png), format="png")
    np.testing.assert_allclose(stored, 1 - pixels, atol=1 / 255)
    rows = np.rint(255 * stored).astype(np.uint8)
    assert b"".join(b"\0" + row.tobytes() for row in rows) in png


def test_every_variant_has_its_own_colour():
    study = of("named").study
    many = tuple(dataclasses.replace(study.variants[0], id=f"v{n}", label=f"v{n}") for n in range(24))
    assert len(set(drawing.colours(dataclasses.replace(study, variants=many)).values())) == 24


def test_long_names_are_slanted_and_widen_the_figure():
    assert not drawing.is_long(["0", "0.5"])
    assert drawing.is_long(["normal(std=0.01)"])
    assert drawing.is_long(["ten letters"] * 7)
    study = of("named").study
    study = dataclasses.replace(study, variants=(dataclasses.replace(study.variants[0], id="x" * 36, label="x" * 36),))
    figure = Figure(figsize=(3, 3))
    drawing.wide_legend(figure, study, ["test"])
    assert figure.get_figwidth() > 6


def test_losses_that_are_all_0_stay_on_a_linear_axis():
    axes = Figure().subplots()
    axes.plot([0, 1], [0, 0])
    drawing.log_axis(axes)
    assert axes.get_yscale() == "linear"
