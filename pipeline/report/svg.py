"""Style of all figures, and their conversion to compact and reproducible SVG with tooltips."""

import base64
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from pipeline.report import png
from pipeline.report.colours import on_dark

PAGE = "../index.html"  # the page, as a figure's file in reports/figures links to it

# private characters, which no text contains: the id of an artist carries its tooltips through matplotlib
_WHOLE, _POINT, _QUOTE = "\ue000", "\ue001", "\ue002"
_END = r"(?:/>|>\n<title>[^<]*</title>\n</use>)\n"
_USE = rf"<use [^>]*?{_END}"
_PAINT = r"((?:fill|stroke|stop-color)(?:: |=\"))(#[0-9a-f]{6})"


def tip(artist: Any, texts: str | Sequence[str]) -> None:
    """Attach a tooltip to an artist, or one to each of its points.

    Points are the markers of a line or a scatter, the lines of a collection or the cells of a mesh. The text of a
    marker that is not drawn, because its place is not finite, is dropped with it.

    Raises:
        ValueError: If the numbers of texts and of points differ.
    """
    if isinstance(texts, str):
        artist.set_gid(_WHOLE + texts.replace('"', _QUOTE))
        return
    if isinstance(artist, Line2D | PathCollection):
        points: Any = artist.get_xydata() if isinstance(artist, Line2D) else artist.get_offsets()
        finite: Any = np.isfinite(np.ma.filled(np.ma.asarray(points, float), np.nan)).all(axis=1)
    else:
        finite = [True] * len(artist.get_paths())
    if len(finite) != len(texts):
        raise ValueError(f"tip: {len(texts)} texts for {len(finite)} points of {artist}, needs one per point")
    drawn = [text.replace('"', _QUOTE) for text, is_drawn in zip(texts, finite, strict=True) if is_drawn]
    artist.set_gid("".join(_POINT + text for text in drawn) or None)


def write(figure: Figure) -> str:
    """Lay a figure out and convert it to the text of an SVG file; the same figure gives the same bytes everywhere.

    Raises:
        ValueError: If matplotlib drew fewer or more points than have tooltips.
    """
    file = io.StringIO()
    # `savefig` would draw twice, the first time to lay the figure out, which drawing does again
    FigureCanvasSVG(figure).print_svg(file, metadata=dict.fromkeys(["Date", "Creator", "Format", "Type"]))
    return _compact(_with_titles(file.getvalue()))


def inline(svg: str, name: str) -> Markup:
    """Return a figure as part of the page.

    Drop prologue, fixed size and white ground, prefix ids by a name to make them unique, and replace colours by
    variables, which `themes` declares. Links to the page become links within it.
    """
    body = svg[svg.index("<svg") :]
    root = rf'<svg viewBox="\1" font-family="sans-serif" style="fill: {_variable("#000000")}">'
    body = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', root, body, count=1)
    body = re.sub(r'(?<=</style>\n</defs>\n)<path d="[^"]*" style="fill: #ffffff"/>\n', "", body)
    body = re.sub(_PAINT, lambda paint: paint[1] + _variable(paint[2]), body)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("url(#", f"url(#{name}-").replace('<use xlink:href="#', f'<use href="#{name}-')
    body = body.replace(f'xlink:href="{PAGE}#', 'href="#').replace("xlink:href=", "href=")
    # written by matplotlib, which escapes text
    return Markup(body)  # noqa: S704


def themes(svgs: Iterable[str]) -> tuple[str, str]:
    """Return the declarations of the colours of figures on the page in the light theme and in the dark one."""
    colours = sorted({"#000000"}.union(*({paint[1] for paint in re.findall(_PAINT, svg)} for svg in svgs)))
    light, dark = (" ".join(f"--c{colour[1:]}: {shown(colour)};" for colour in colours) for shown in (str, on_dark))
    return light, dark


def _variable(colour: str) -> str:
    return f"var(--c{colour[1:]})"


def _with_titles(svg: str) -> str:
    """Convert the ids by which `tip` marked artists to titles."""
    whole = rf'<g id="{_WHOLE}([^"]*)">'
    svg = re.sub(whole, lambda group: f"<g>\n<title>{group[1]}</title>", svg)
    # matplotlib indents an element and its end alike
    points = rf'^( *)<g id="({_POINT}[^"]*)">\n(.*?)^\1</g>\n'
    if _POINT in svg:
        svg = re.sub(points, _with_titles_of_points, svg, flags=re.DOTALL | re.MULTILINE)
    return svg.replace(_QUOTE, '"')


def _with_titles_of_points(group: re.Match[str]) -> str:
    texts = iter(group[2].split(_POINT)[1:])
    number = group[2].count(_POINT)
    # few points of several colours are drawn as paths; definitions have no clip path or other style of their own
    element = "use" if "<use " in group[3] else "path"
    parts = re.split(r"(<defs>.*?</defs>)", group[3], flags=re.DOTALL)
    points = sum(len(re.findall(rf"<{element} ", part)) for part in parts[::2])
    if points != number:
        raise ValueError(f"tip: matplotlib drew {points} points, of which {number} have texts, such as {next(texts)!r}")
    titled = rf"(<{element} [^>]*)/>"
    parts[::2] = [
        re.sub(titled, lambda point: f"{point[1]}>\n<title>{next(texts)}</title>\n</{element}>", part)
        for part in parts[::2]
    ]
    return f"<g>\n{''.join(parts)}</g>\n"


def _compact(svg: str) -> str:
    """Halve the size of an SVG, because the page contains all figures and is tracked by git.

    Round coordinates to hundredths of a point, drop indentation, unused ids and groups, group dots of one style, and
    name one family of fonts once. Rename the ids, which are digests of coordinates, and encode images by `png.encode`,
    so that neither the last bits of a coordinate nor the version of zlib changes a byte.
    """
    coordinates = r' (?:d|x|y|width|height|transform|viewBox)="[^"]*"'
    svg = re.sub(coordinates, _rounded, svg)
    svg = re.sub(r' transform="rotate\(0 [^"]*"', "", svg)
    svg = re.sub(r"(?<=data:image/png;base64,)\s*([^\"]+)", _encoded, svg)
    svg = re.sub(r"\n\s+", "\n", svg)
    svg = re.sub(r'<a xlink:href="#([^"]*)" target="_blank">', rf'<a xlink:href="{PAGE}#\1">', svg)
    ids, reference = r' id="([^"]+)"', r'#(?<=[("]#)([^)"]+)'
    known = set(re.findall(ids, svg))  # other references of this form are colours of patterns
    used = [name for name in dict.fromkeys(re.findall(reference, svg)) if name in known]
    names = {name: f"p{number}" for number, name in enumerate(used)}
    svg = re.sub(ids, lambda match: f' id="{names[match[1]]}"' if match[1] in names else "", svg)
    svg = re.sub(reference, lambda match: "#" + names.get(match[1], match[1]), svg)
    svg = re.sub(r"font-family: [^;\"]+; ", "", svg).replace("<svg ", '<svg font-family="sans-serif" ', 1)
    svg = _without_plain_groups(svg)
    clipped = rf'(<g clip-path="[^"]+">\n)(?:(?:{_USE})+</g>\n\1)+(?={_USE})'
    svg = re.sub(clipped, lambda groups: groups[1] + groups[0].replace(groups[1], "").replace("</g>\n", ""), svg)
    alike = rf'<use [^>]* style="([^"]*)"{_END}(?:<use [^>]* style="\1"{_END})+'
    return re.sub(alike, _grouped, svg)


def _without_plain_groups(svg: str) -> str:
    """Drop groups that are empty or have neither attributes nor a title."""
    svg = re.sub(r"<g[^>]*/>\n", "", svg)
    parts, is_plain = re.split(r"(<g[ >][^\n]*\n|</g>\n)", svg), []
    for number in range(1, len(parts), 2):
        if parts[number] != "</g>\n":
            is_plain.append(parts[number] == "<g>\n" and not parts[number + 1].startswith("<title>"))
            dropped = is_plain[-1]
        else:
            dropped = is_plain.pop()
        if dropped:
            parts[number] = ""
    return "".join(parts)


def _rounded(coordinates: re.Match[str]) -> str:
    short = coordinates[0].replace(" \n", "").replace("\n", "")
    for letter in "MLQC":
        short = short.replace(f"{letter} ", letter)
    return re.sub(r"-?\d+(?:\.\d+)?", _hundredths, short)


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):z.2f}".rstrip("0").rstrip(".")


def _encoded(image: re.Match[str]) -> str:
    levels = imread(io.BytesIO(base64.b64decode(image[1])), format="png")
    alpha = levels[..., 3:] if levels.shape[2] == 4 else 1
    pixels = np.rint(255 * (alpha * levels[..., :3] + 1 - alpha)).astype(np.uint8)
    is_grey = (pixels == pixels[..., :1]).all()
    return base64.b64encode(png.encode(pixels[..., 0] if is_grey else pixels)).decode()


def _grouped(dots: re.Match[str]) -> str:
    style = f' style="{dots[1]}"'
    return f"<g{style}>\n{dots[0].replace(style, '')}</g>\n"
