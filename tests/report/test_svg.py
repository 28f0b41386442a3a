import base64
import io
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from pipeline.report import colours, drawing, svg

NAMESPACE = "{http://www.w3.org/2000/svg}"


def svg_of(plot, **options) -> str:
    """The SVG of what a function plots on the axes of a new figure."""
    with drawing.style():
        figure = Figure(**options)
        plot(figure.subplots())
        return svg.write(figure)


def titles(text: str, *names: str) -> list[str]:
    """The texts of the tooltips of these elements, in the order of drawing; the SVG must be well-formed."""
    elements = ElementTree.fromstring(text).iter()  # noqa: S314
    parents = [element for element in elements if element.tag.removeprefix(NAMESPACE) in names]
    return [title.text for element in parents if (title := element.find(f"{NAMESPACE}title")) is not None]


def two_points(axes) -> None:
    axes.plot([1, 2], [1, 3], marker="o")
    axes.scatter([1, 2], [1, 2])
    axes.scatter([1, 2], [2, 1], marker="s")
    axes.set_yscale("log")


def test_coordinates_are_rounded_and_text_is_not():
    text = svg_of(lambda axes: axes.set_title("0.123456", y=1 / 3))
    assert ">0.123456<" in text
    attributes = re.findall(r' (?:d|x|y|width|height|transform|viewBox)="([^"]*)"', text)
    numbers = [number for attribute in attributes for number in re.findall(r"-?[\d.]+", attribute)]
    assert any("." in number for number in numbers)
    assert all(re.fullmatch(r"(?!-0$)-?\d+(\.\d?[1-9])?", number) for number in numbers)


def test_ids_do_not_depend_on_the_last_bits_of_coordinates():
    """Matplotlib's ids are digests of them."""
    text = svg_of(two_points, figsize=(6, 4))
    assert text == svg_of(two_points, figsize=(6 + 1e-13, 4))
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', text))
    assert sorted(used) == sorted(re.findall(r' id="([^"]+)"', text)) == [f"p{n}" for n in range(len(used))]
    assert len(used) >= 3


def test_a_figure_does_not_depend_on_the_user_s_configuration_of_matplotlib():
    text = svg_of(two_points)
    with matplotlib.rc_context({"axes.xmargin": 0.3, "font.sans-serif": ["cmr10"]}):
        assert svg_of(two_points) == text


def test_images_keep_their_pixels():
    grey = np.arange(12).reshape(3, 4) / 11
    coloured = np.random.default_rng(0).integers(0, 256, (3, 4, 3)) / 255
    for pixels, kind in ((grey, 0), (coloured, 2)):
        text = svg_of(lambda axes, image=pixels: axes.imshow(image, cmap="gray", interpolation="none"))
        (image,) = re.findall(r'xlink:href="data:image/png;base64,([^"]+)"', text)
        file = base64.b64decode(image)
        assert file[25] == kind  # grey takes one byte per pixel
        np.testing.assert_allclose(imread(io.BytesIO(file), format="png"), pixels, atol=1 / 255)


def test_tooltips_of_artists_and_of_points():
    def plot(axes) -> None:
        svg.tip(axes.plot([1, 2], [1, 2])[0], 'a line < 3 & "so"\nsecond')
        svg.tip(axes.plot([1, 2], [2, 1], marker="o")[0], ["left", "right"])
        svg.tip(axes.axvspan(1, 1.5), "a span")
        for artist in axes.errorbar([1, 2], [1, 2], yerr=0.3, capsize=2, marker="s").get_children():
            svg.tip(artist, "bar")

    text = svg_of(plot)
    assert titles(text, "use") == ["left", "right"]
    assert titles(text, "g") == ["a span", 'a line < 3 & "so"\nsecond', *["bar"] * 4]


@pytest.mark.parametrize("style", [{}, {"c": ["r", "g", "b", "r"]}, {"s": [9, 16, 25, 36]}])
@pytest.mark.parametrize("number", [2, 4])
def test_tooltips_stay_at_their_points(style, number):
    """Also when matplotlib drops one, draws every dot in its own style, or draws so few that they are paths."""
    style = {name: values[:number] for name, values in style.items()}
    y = np.array([1, np.nan, 3, 4])[:number]

    def plot(axes, **other) -> None:
        svg.tip(axes.scatter(range(number), y, **style, **other), [f"dot {n}" for n in range(number)])

    expected = [f"dot {n}" for n in range(number) if np.isfinite(y[n])]
    text = svg_of(plot)
    assert titles(text, "use", "path") == expected
    if number == 4:
        # a dot further right has a later number
        x = [float(x) for x in re.findall(r'<use [^>]*x="([\d.]+)"[^>]*>\n<title>', text)]
        assert x == sorted(x)


def test_tooltips_of_lines_and_cells():
    def plot(axes) -> None:
        svg.tip(axes.vlines([1, 2], [0, np.nan], [1, 1]), ["first", "not drawn"])
        svg.tip(axes.pcolormesh(np.ma.masked_less(np.arange(6).reshape(2, 3), 1)), [f"cell {n}" for n in range(6)])

    assert titles(svg_of(plot), "path") == [*(f"cell {n}" for n in range(6)), "first", "not drawn"]


def test_numbers_of_tooltips_and_of_points_agree():
    with pytest.raises(ValueError, match="3 texts for 2 points"):
        svg_of(lambda axes: svg.tip(axes.scatter([1, 2], [1, 2]), ["a", "b", "c"]))

    def beyond(axes) -> None:
        svg.tip(axes.plot([1, 2, 3], [1, 2, 3], "o", markevery=2)[0], ["a", "b", "c"])

    with pytest.raises(ValueError, match="drew 2 points, of which 3 have texts, such as 'a'"):
        svg_of(beyond)


def test_dots_of_one_style_share_it():
    def plot(axes, tips: bool) -> None:
        for start in (0, 50):
            dots = axes.scatter(range(start, start + 50), np.arange(50), color=colours.CATEGORICAL[0])
            if tips:
                svg.tip(dots, ["."] * 50)

    for tips in (False, True):
        text = svg_of(lambda axes, tips=tips: plot(axes, tips))
        assert text.count(f"fill: {colours.CATEGORICAL[0]}") == 1
        assert text.count("<use ") == 100


def test_artists_without_points_leave_nothing():
    def plot(axes) -> None:
        axes.scatter([], [])
        axes.plot([np.nan], [np.nan], marker="o")

    text = svg_of(plot)
    assert titles(text, "g") == []
    assert not re.search("<g[^>]*/>|<g>", text)


def test_links_lead_to_the_page():
    def plot(axes) -> None:
        axes.scatter([1, 2], [1, 2], urls=["#activation"])
        axes.text(1, 1, "elsewhere", url="https://example.org/#a")

    text = svg_of(plot)
    assert set(re.findall('<a xlink:href="([^"]*)"', text)) == {"../index.html#activation", "https://example.org/#a"}
    inlined = svg.inline(text, "x")
    assert set(re.findall('<a href="([^"]*)"', inlined)) == {"#activation", "https://example.org/#a"}
    assert "xlink" not in inlined


def test_the_page_names_every_colour_and_id():
    text = svg_of(two_points)
    inlined = svg.inline(text, "study-effects")
    assert not re.search(r"(fill|stroke)(: |=\")#", inlined)
    assert inlined.startswith('<svg viewBox="0 0 460.8 345.6"')
    references = set(re.findall(r'(?:url\(|href=")#([^)"]+)', inlined))
    assert references == set(re.findall(r' id="([^"]+)"', inlined))
    assert all(reference.startswith("study-effects-p") for reference in references)
    light, dark = [dict(re.findall(r"(--\w+): (#\w+);", theme)) for theme in svg.themes([text, text])]
    assert light.keys() == dark.keys() == {*re.findall(r"var\((--\w+)\)", inlined), "--cffffff"}
    assert light["--c1d2733"] == "#1d2733"
    assert dark["--c1d2733"] == colours.on_dark("#1d2733")


def test_a_file_has_white_ground_and_the_page_none():
    text = svg_of(lambda axes: axes.axis("off"))
    assert text.count("fill: #ffffff") == 1
    assert "ffffff" not in svg.inline(text, "x")
