"""Style, panels, axes, colours and legends that all figures share, and the conversion to reproducible SVG."""

import base64
import io
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.project.variants import Study

_RC = {
    "svg.hashsalt": "mlp-ablations",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: text has the same width on every machine
    "axes.titleweight": "bold",
    "legend.frameon": False,
}
HEIGHT = 3.3  # inches of one panel
PARTS: Mapping[str, Mapping[str, Any]] = {
    "train": {"label": "training", "linestyle": "--"},
    "validation": {"label": "validation", "linestyle": ":"},
    "test": {"label": "test", "linestyle": "-"},
    "start": {"label": "at the start", "linestyle": "-"},
    "end": {"label": "after training", "linestyle": "--"},
}
_LONGEST = 36  # letters of a name in a figure
_SAME = 1 + 1e-9


@dataclass(frozen=True)
class Picture:
    """A drawn figure with its name within its study or measurement."""

    name: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Sketch:
    """A figure that is not drawn yet: its name, its caption and the function that draws it."""

    name: str
    caption: str
    draw: Callable[[], Figure]


def svg(draw: Callable[[], Figure]) -> str:
    """Draw a figure; the same tables give the same bytes."""
    file = io.StringIO()
    styles = [sns.plotting_context("paper", font_scale=1.15), sns.axes_style("whitegrid"), _RC]
    # "default": the user's own matplotlibrc is ignored
    with matplotlib.style.context(["default", *styles]):
        # `savefig` would draw twice, the first time to lay the figure out, which drawing does again
        FigureCanvasSVG(draw()).print_svg(file, metadata=dict.fromkeys(["Date", "Creator", "Format", "Type"]))
    return _compact(file.getvalue())


def _compact(svg: str) -> str:
    """Halve the size of an SVG, because the page contains all figures and is tracked by git.

    Round coordinates to hundredths of a point, drop indentation and unused ids, group dots of one style, and name one
    family of fonts. Rename the ids, which are digests of coordinates, and store images without compression, so that
    neither the last bits of a coordinate nor the version of zlib changes a byte.
    """
    coordinates = r' (?:d|x|y|width|height|transform|viewBox)="[^"]*"'
    svg = re.sub(coordinates, lambda match: re.sub(r"-?\d+(?:\.\d+)?", _hundredths, match[0]), svg)
    svg = re.sub(r' transform="rotate\(0 [^"]*"', "", svg)
    svg = re.sub(r"(?<=data:image/png;base64,)\s*([^\"]+)", _grey, svg)
    svg = re.sub(r"\n\s+", "\n", svg)
    svg = re.sub(r'(<use [^>]*/>)\s*</g>\s*<g clip-path="[^"]+">\s*(?=<use )', r"\1\n", svg)
    alike = r'<use [^>]* style="([^"]*)"/>\n(?:<use [^>]* style="\1"/>\n)+'
    svg = re.sub(alike, _grouped, svg)
    used = dict.fromkeys(re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', svg))
    names = {name: f"p{number}" for number, name in enumerate(used)}
    svg = re.sub(r' id="([^"]+)"', lambda match: f' id="{names[match[1]]}"' if match[1] in names else "", svg)
    svg = re.sub(r'(url\(|xlink:href=")#([^)"]+)', lambda match: f"{match[1]}#{names[match[2]]}", svg)
    return re.sub(r"font-family: [^;\"]+", "font-family: sans-serif", svg)


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):z.2f}".rstrip("0").rstrip(".")


def _grey(image: re.Match[str]) -> str:
    """Convert a grey PNG in base64 to one byte per pixel, stored without compression."""
    pixels = np.rint(255 * imread(io.BytesIO(base64.b64decode(image[1])), format="png")[..., 0]).astype(np.uint8)
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    file = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")):
        file += len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)
    return base64.b64encode(file).decode()


def _grouped(dots: re.Match[str]) -> str:
    style = f' style="{dots[1]}"'
    return f"<g{style}>\n{dots[0].replace(style, '')}</g>\n"


def panels_of_blocks(study: Study, width: float, rows: int = 1) -> tuple[Figure, list[tuple[str, Any]]]:
    """Return a figure with a column of panels for each block on shared axes, and each block with its panels."""
    figure = Figure(figsize=(width * len(study.blocks), HEIGHT * rows), layout="constrained")
    grid = figure.subplots(rows, len(study.blocks), squeeze=False, sharey="row", sharex=True)
    for block, axes in zip(study.blocks, grid[0], strict=True):
        axes.set_title(short_name(block))
    return figure, list(zip(study.blocks, grid[0] if rows == 1 else grid.T, strict=True))


def band(axes: Axes, table: pd.DataFrame, x: str, colour: Any, **line: Any) -> None:
    """Draw a line through `estimate` and a band from `low` to `high`."""
    axes.plot(table[x], table["estimate"], color=colour, **line)
    axes.fill_between(table[x], table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)


def error_bars(axes: Axes, x: Any, rows: Any, **style: Any) -> None:
    """Draw the estimate of a row, or of each row of a table, with bars from `low` to `high`."""
    axes.errorbar(
        x, rows.estimate, yerr=np.reshape([rows.estimate - rows.low, rows.high - rows.estimate], (2, -1)), **style
    )


def log_axis(axes: Axes) -> None:
    """Make the y axis logarithmic, with numbers instead of powers of ten if it spans little more than a decade.

    Losses that are all 0 have no logarithm: their axis stays linear.
    """
    if axes.dataLim.y1 <= 0 and axes.dataLim.height >= 0:
        return
    axes.set_yscale("log")
    # floats of Python, whose ratio may be infinite without a warning
    low, high = map(float, axes.get_ylim())
    if low > 0 and high / low < _SAME:
        # values that differ by rounding alone: the distance between them may round to 0 on a logarithmic axis
        low, high = low / 1.1, high * 1.1
        axes.set_ylim(low, high)
    if high / low < 30:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high / low > 5 else MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def factor_axis(axes: Axes, study: Study) -> None:
    """Name the variants on the x axis, also those for which nothing is drawn; long names are slanted."""
    names = study.labels
    axes.set(xticks=range(len(names)), xticklabels=[short_name(name) for name in names], xlim=(-0.5, len(names) - 0.5))
    axes.set(xlabel=factor_label(study))
    if is_long(names):
        axes.tick_params(axis="x", rotation=25)
        for tick in axes.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")


def short_name(name: str) -> str:
    """Return a name that leaves room for the drawing: its beginning and its end.

    >>> short_name("normal(std=0.01)"), short_name(str([1] * 99))
    ('normal(std=0.01)', '[1, 1, 1, 1, 1, 1, 1,... 1, 1, 1, 1]')
    """
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 15]}...{name[-12:]}"


def is_long(names: list[str]) -> bool:
    """Return whether names do not fit beside each other."""
    return max(map(len, names)) > 12 or sum(map(len, names)) > 70


def with_labels(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the label and the block of each row's variant."""
    variants = {variant.id: variant for variant in study.variants}
    return table.assign(
        label=[variants[id].label for id in table["variant"]], block=[variants[id].block for id in table["variant"]]
    )


def is_numeric(study: Study) -> bool:
    """Return whether a single number distinguishes the variants."""
    if study.named or len(study.compared) != 1:
        return False
    values = [variant.factors[study.compared[0]] for variant in study.variants]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def colours(study: Study) -> dict[str, Any]:
    """Return a colour for each label: ordered shades for numbers, distinct colours for names."""
    labels = study.labels
    # the palette for colour-blind readers has ten colours; more variants need more hues
    named = "colorblind" if len(labels) <= 10 else "husl"
    palette = sns.color_palette("crest" if is_numeric(study) else named, len(labels))
    return dict(zip(labels, palette, strict=True))


def factor_label(study: Study) -> str:
    """Return `optimizer.weight_decay` as "weight decay", `model.initialization.weight` as "weight initialization"."""
    if study.named:
        return "variant"
    keys = [factor.split(".") for factor in study.compared]
    return ", ".join(" ".join(reversed(key[1:] or key)).replace("_", " ") for key in keys)


def label_handles(study: Study, **style: Any) -> list[Line2D]:
    """Return an entry of a legend for each label."""
    return [Line2D([], [], color=colour, label=short_name(name), **style) for name, colour in colours(study).items()]


def legend(figure: Figure, study: Study, handles: Sequence[Line2D], columns: int = 1) -> None:
    """Add a legend beside the panels."""
    figure.legend(handles=handles, loc="outside right center", title=factor_label(study), ncols=columns)


def wide_legend(figure: Figure, study: Study, parts: Sequence[str]) -> None:
    """Add a legend of the variants' colours and the parts' dashes, and widen the figure if it needs the room."""
    handles = label_handles(study, linewidth=2) + [Line2D([], [], color="grey", **PARTS[part]) for part in parts]
    columns = 1 + len(handles) // 12
    longest = min(_LONGEST, max(map(len, study.labels)))
    needed, width = columns * (0.6 + 0.09 * longest), figure.get_figwidth()
    if needed > width - 1.5:
        # a legend takes its room from the panels, which would disappear
        figure.set_figwidth(width + needed)
    legend(figure, study, handles, columns)
