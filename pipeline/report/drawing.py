"""What all figures share: style, panels, scales, colours, words; and the way to SVG that is always the same."""

import base64
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.project.variants import Study, Variant

_RC = {
    "svg.hashsalt": "mlp-ablations",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: words have the same width on every machine
    "axes.titleweight": "bold",
    "legend.frameon": False,
}
HEIGHT = 3.3  # inches of one panel
DASHES = {"test": "-", "train": "--", "validation": ":", "start": "-", "end": "--"}
WORDS = {
    "test": "test",
    "train": "training",
    "validation": "validation",
    "start": "at the start",
    "end": "after training",
}


@dataclass(frozen=True)
class Picture:
    """A figure with its name within its study or measurement."""

    name: str
    caption: str
    svg: str


def picture(name: str, caption: str, draw: Callable[[], Figure]) -> Picture:
    """The figure that `draw` makes, byte for byte the same for the same tables."""
    style: dict[str, Any] = {**sns.plotting_context("paper", font_scale=1.15), **sns.axes_style("whitegrid"), **_RC}
    with matplotlib.rc_context():
        # not what the user's own matplotlibrc says
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style)
        file = io.StringIO()
        draw().savefig(file, format="svg", metadata=dict.fromkeys(["Date", "Creator", "Format", "Type"]))
    return Picture(name, caption, _compact(file.getvalue()))


def _compact(svg: str) -> str:
    """The same drawing in half the bytes, since all figures are in the page, which is in git.

    Coordinates to a hundredth of a point, no indentation, one group around dots of one kind, one family of fonts, no
    name for what nothing refers to. Nothing in it follows from the last bits of a coordinate, as matplotlib's names
    do, which are digests, or from the library that compresses.
    """
    places = r' (?:d|x|y|width|height|transform|viewBox)="[^"]*"'
    svg = re.sub(places, lambda place: re.sub(r"-?\d+(?:\.\d+)?", _hundredths, place[0]), svg)
    svg = re.sub(r' transform="rotate\(0 [^"]*"', "", svg)
    svg = re.sub(r"(?<=data:image/png;base64,)\s*([^\"]+)", _grey, svg)
    svg = re.sub(r"\n\s+", "\n", svg)
    svg = re.sub(r'(<use [^>]*/>)\s*</g>\s*<g clip-path="[^"]+">\s*(?=<use )', r"\1\n", svg)
    alike = r'<use [^>]* style="([^"]*)"/>\n(?:<use [^>]* style="\1"/>\n)+'
    svg = re.sub(alike, _grouped, svg)
    used = dict.fromkeys(re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', svg))
    names = {name: f"p{number}" for number, name in enumerate(used)}
    svg = re.sub(r' id="([^"]+)"', lambda name: f' id="{names[name[1]]}"' if name[1] in names else "", svg)
    svg = re.sub(r'(url\(|xlink:href=")#([^)"]+)', lambda name: f"{name[1]}#{names[name[2]]}", svg)
    return re.sub(r"font-family: [^;\"]+", "font-family: sans-serif", svg)


def _hundredths(number: re.Match[str]) -> str:
    text = f"{float(number[0]):z.2f}"
    return text.rstrip("0").rstrip(".")


def _grey(picture: re.Match[str]) -> str:
    """A grey PNG file in base64 with one byte for each pixel, which are stored without compression."""
    pixels = np.rint(255 * imread(io.BytesIO(base64.b64decode(picture[1])), format="png")[..., 0]).astype(np.uint8)
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


def band(axes: Axes, table: pd.DataFrame, x: str, colour: Any, **line: Any) -> None:
    """A line through `estimate` and its interval from `low` to `high`."""
    axes.plot(table[x], table["estimate"], color=colour, **line)
    axes.fill_between(table[x], table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)


def panels_of_blocks(study: Study, width: float, rows: int = 1) -> tuple[Figure, list[tuple[str, Any]]]:
    """A column of panels for each block of variants that are compared with each other, on shared axes."""
    blocks = block_names(study)
    figure = Figure(figsize=(width * len(blocks), HEIGHT * rows), layout="constrained")
    grid = figure.subplots(rows, len(blocks), squeeze=False, sharey="row", sharex=True)
    for block, axes in zip(blocks, grid[0], strict=True):
        axes.set_title(shortened(block))
    columns = grid[0] if rows == 1 else grid.T
    return figure, list(zip(blocks, columns, strict=True))


def log_axis(axes: Axes) -> None:
    """A logarithmic axis; where it spans little more than a decade, with plain numbers instead of powers of ten.

    Losses that are all 0 have no place on one: their axis stays linear.
    """
    if axes.dataLim.y1 <= 0 and axes.dataLim.height >= 0:
        return
    axes.set_yscale("log")
    # floats of Python, whose ratio may be infinite without a warning
    low, high = map(float, axes.get_ylim())
    if low > 0 and high / low < _SAME:
        # values that differ by rounding alone: on a logarithmic axis the room between them may round to nothing
        low, high = low / 1.1, high * 1.1
        axes.set_ylim(low, high)
    if high / low < 30:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high / low > 5 else MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def name_ticks(axes: Axes, names: list[str]) -> None:
    """One place on the axis x for each name, also where nothing is drawn; slanted where names are long."""
    axes.set(xticks=range(len(names)), xticklabels=[shortened(name) for name in names], xlim=(-0.5, len(names) - 0.5))
    if is_long(names):
        axes.tick_params(axis="x", rotation=25)
        for tick in axes.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")


def shortened(name: str) -> str:
    """A name that leaves room for the drawing; its end tells it from others as often as its beginning.

    >>> shortened("normal(std=0.01)"), shortened(str([1] * 99))
    ('normal(std=0.01)', '[1, 1, 1, 1, 1, 1, 1,... 1, 1, 1, 1]')
    """
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 15]}...{name[-12:]}"


_LONGEST = 36
_SAME = 1 + 1e-9


def is_long(names: list[str]) -> bool:
    """Whether names do not fit beside each other."""
    return max(map(len, names)) > 12 or sum(map(len, names)) > 70


def legend(figure: Figure, study: Study, parts: tuple[str, ...]) -> None:
    """Colours of the variants and dashes of the parts, beside the panels."""
    palette = colours(study)
    longest = min(_LONGEST, max(map(len, label_names(study))))
    handles = [Line2D([], [], color=palette[name], label=shortened(name), linewidth=2) for name in label_names(study)]
    handles += [Line2D([], [], color="grey", linestyle=DASHES[part], label=WORDS[part]) for part in parts]
    columns = 1 + len(handles) // 12
    needed, width = columns * (0.6 + 0.09 * longest), figure.get_figwidth()
    if needed > width - 1.5:
        # a legend takes its room from the panels, of which none would be left
        figure.set_figwidth(width + needed)
    figure.legend(handles=handles, loc="outside right center", title=factor_words(study), ncols=columns)


def with_labels(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the label and the block of each row's variant."""
    known = {variant.id: variant for variant in study.variants}
    return table.assign(
        label=[known[key].label for key in table["variant"]], block=[known[key].block for key in table["variant"]]
    )


def label_names(study: Study) -> list[str]:
    """The labels of all variants, each once, in order."""
    return list(dict.fromkeys(variant.label for variant in study.variants))


def block_names(study: Study) -> list[str]:
    """The blocks, each once, in order."""
    return list(dict.fromkeys(variant.block for variant in study.variants))


def is_numeric(study: Study) -> bool:
    """Whether one number tells the variants apart."""

    def number(variant: Variant) -> bool:
        value = variant.factors[study.compared[0]]
        return isinstance(value, int | float) and not isinstance(value, bool)

    return not study.named and len(study.compared) == 1 and all(map(number, study.variants))


def colours(study: Study) -> dict[str, Any]:
    """A colour for each label: shades in order for numbers, distinct colours for names."""
    labels = label_names(study)
    # the colours made for the colour-blind are ten; more variants need more hues
    named = "colorblind" if len(labels) <= 10 else "husl"
    palette = sns.color_palette("crest" if is_numeric(study) else named, len(labels))
    return dict(zip(labels, palette, strict=True))


def factor_words(study: Study) -> str:
    """`optimizer.weight_decay` as "weight decay", `model.initialization.weight` as "weight initialization"."""
    if study.named:
        return "variant"
    keys = [factor.split(".") for factor in study.compared]
    return ", ".join(" ".join(reversed(key[1:] or key)).replace("_", " ") for key in keys)


def seeds_words(count: int) -> str:
    """How many seeds a estimate is over."""
    return f"over {count} seed{'s' if count > 1 else ''}"
