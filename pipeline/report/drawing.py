"""Style, panels, axes, colours and legends that all figures share.

Every figure is one column wide: readable on a phone, side by side on a desktop, and in a column of a paper.
"""

import contextlib
import hashlib
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.project.variants import Study
from pipeline.report import colours

WIDTH = 3.5  # inches of every figure
PANEL = 1.5  # inches of the height of a panel
LINE = 0.15  # inches of a line of text
DASHES = ("-", (0, (4, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)))
PARTS: Mapping[str, Mapping[str, Any]] = {
    "train": {"label": "training", "linestyle": "--", "color": colours.CATEGORICAL[0]},
    "validation": {"label": "validation", "linestyle": ":", "color": colours.CATEGORICAL[1]},
    "test": {"label": "test", "linestyle": "-", "color": colours.CATEGORICAL[2]},
}
_RC = {
    "svg.hashsalt": "mlp-ablations",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: text has the same width on every machine
    "text.parse_math": False,  # a name with dollar signs is no formula
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # a position that matplotlib chooses costs an eighth of the time of a figure
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": colours.QUIET,
    "axes.labelcolor": colours.INK,
    "text.color": colours.INK,
    "xtick.color": colours.INK,
    "ytick.color": colours.INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "grid.color": colours.GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.0,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}
TINT = 0.45  # of the colours of a table, on which text is readable in both themes
_MANY = 8  # variants that have a colour each
_HIGHLIGHTED = 5  # of more variants
_BESIDE = 24  # characters of a label beside a panel
_SAME = 1 + 1e-9
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Drawing:
    """A drawn figure and the table of what it shows."""

    figure: Figure
    data: pd.DataFrame


@dataclass(frozen=True)
class Sketch:
    """A figure that is not drawn yet: its name within its study, its caption and the function that draws it.

    `sources` are the files that it is drawn from.
    """

    name: str
    caption: str
    sources: tuple[str, ...]
    draw: Callable[[], Drawing]


@dataclass(frozen=True)
class Picture:
    """A drawn figure as files: an SVG, a PNG, and the table of what it shows as CSV."""

    name: str
    caption: str
    sources: tuple[str, ...]
    svg: str
    png: bytes
    csv: str

    @property
    def digest(self) -> str:
        """The beginning of the SHA-256 of the table."""
        return hashlib.sha256(self.csv.encode()).hexdigest()[:12]


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Set the style of all figures; the user's own matplotlibrc is ignored."""
    with matplotlib.style.context(["default", sns.axes_style("whitegrid"), _RC]), warnings.catch_warnings():
        # a browser has other fonts for what this one lacks
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


# --- panels and axes --------------------------------------------------------------------------------------------------


def grid(rows: int, columns: int = 1, height: float = PANEL, **shared: Any) -> tuple[Figure, np.ndarray]:
    """Return a figure of one column's width and its panels, (rows, columns)."""
    figure = Figure(figsize=(WIDTH, height * rows + 0.4), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def label_outer(figure: Figure) -> None:
    """Remove labels that a panel of the same row or column has, too, and say which panels are empty."""
    for axes in figure.axes:
        if not axes.texts and not np.isfinite(axes.dataLim.get_points()).all():
            axes.text(0.5, 0.5, "no values", ha="center", va="center", color=colours.QUIET, transform=axes.transAxes)
        ticks = axes.get_shared_y_axes().get_siblings(axes)
        axes.label_outer()
        if not any(other.get_subplotspec().is_first_col() for other in ticks):
            axes.tick_params(axis="y", labelleft=True)


def panels_of_blocks(
    study: Study, columns: Sequence[str], rows: Sequence[str] = ("",), height: float = PANEL, *, alike: bool = True
) -> tuple[Figure, dict[tuple[str, str, str], Axes]]:
    """Return a figure with a line of panels for each row and block, and the panels by row, block and column.

    Titles name the columns, above the first line, and below them the blocks, if there are several. The panels of a row
    share the y axis, so that blocks can be compared, and those of different columns only if these are `alike`.
    """
    lines = [(row, block) for row in rows for block in study.blocks]
    figure, panels = grid(len(lines), len(columns), height, sharex=True)
    named = {}
    for index, (line, (row, block)) in enumerate(zip(panels, lines, strict=True)):
        for axes, column in zip(line, columns, strict=True):
            title = f"{column}\n" if study.blocked and column else column
            axes.set_title(title if index == 0 else "", fontweight="normal")
            named[row, block, column] = axes
        line[0].set_title(short_name(block, 40), loc="left", fontsize=7.5)
    first: dict[tuple[str, str], Axes] = {}
    for (row, _, column), axes in named.items():
        leader = first.setdefault((row, "" if alike else column), axes)
        if axes is not leader:
            axes.sharey(leader)
    return figure, named


def band(axes: Axes, table: pd.DataFrame, x: str, color: str, **line: Any) -> Line2D:
    """Draw a line through `estimate` and, unless it is a grey one, a band from `low` to `high`; return the line."""
    (drawn,) = axes.plot(table[x], table["estimate"], color=color, **line)
    if color != colours.FAINT:
        axes.fill_between(table[x], table["low"], table["high"], color=color, alpha=0.18, linewidth=0)
    return drawn


def error_bars(axes: Axes, x: Any, rows: Any, **style: Any) -> Any:
    """Draw the estimate of a row, or of each row of a table, with bars from `low` to `high`."""
    return axes.errorbar(
        x, rows.estimate, yerr=np.reshape([rows.estimate - rows.low, rows.high - rows.estimate], (2, -1)), **style
    )


def log_axis(axes: Axes, suffix: str = " (log scale)") -> None:
    """Make the y axis logarithmic and add a suffix to its label.

    Losses that are all 0 have no logarithm: their axis stays linear.
    """
    if axes.dataLim.y1 <= 0 and axes.dataLim.height >= 0:
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if low > 0 and high / low < _SAME:
        # values that differ by rounding alone: the distance between them may round to 0 on a logarithmic axis
        axes.set_ylim(low / 1.1, high * 1.1)
    label_log(axes.yaxis)
    label = axes.get_ylabel()
    axes.set_ylabel(f"{label}{suffix}" if len(label + suffix) <= _BESIDE else f"{label}\n{suffix.strip()}")


def label_log(axis: Axis) -> None:
    """Label the ticks of a logarithmic axis: round numbers if it spans few decades, otherwise powers of ten."""
    # floats of Python, whose ratio may be infinite without a warning
    low, high = map(float, axis.get_view_interval())
    for ratio, mantissas in ((6, (1, 1.5, 2, 3, 5, 7)), (30, (1, 2, 3, 5)), (300, (1, 3))):
        if high / low < ratio:
            axis.set_major_locator(LogLocator(subs=mantissas) if high / low > 2 else MaxNLocator(4))
            break
    axis.set_major_formatter(FuncFormatter(tick))
    axis.set_minor_locator(NullLocator())


def tick(value: float, _: object = None) -> str:
    """Return the label of a tick of a logarithmic axis.

    >>> tick(0.3), tick(1e-13), tick(3e6)
    ('0.3', '10⁻¹³', '3 × 10⁶')
    """
    if 1e-4 <= value < 1e5 or value <= 0:
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    power = power_of_ten(int(exponent))
    return power if float(mantissa) == 1 else f"{float(mantissa):g} × {power}"


def power_of_ten(exponent: int) -> str:
    """Return a power of ten in superscript digits.

    >>> power_of_ten(-3)
    '10⁻³'
    """
    return f"10{str(exponent).translate(_POWERS)}"


def colour_cell(axes: Axes, column: int, row: int, share: float, text: str, fontsize: float) -> Patch:
    """Draw a cell of a table of colours, for a share in [-1, 1], and return it."""
    style: dict[str, Any] = {"facecolor": colours.diverging(TINT * share), "edgecolor": colours.GROUND}
    axes.text(column, row, text, ha="center", va="center", fontsize=fontsize)
    cell: Patch = axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, linewidth=2, **style))
    return cell


def label_cells(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Name columns and rows of a table of colours."""
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def factor_axis(axes: Axes, study: Study) -> None:
    """Name the variants on the x axis, also those for which nothing is drawn; of many, every second or third one."""
    names = [wrapped(short_name(name), 14) for name in study.labels]
    step = 1 + len(names) // 14 if is_numeric(study) else 1
    axes.set(xticks=range(0, len(names), step), xticklabels=names[::step], xlim=(-0.5, len(names) - 0.5))
    axes.set(xlabel=factor_label(study))
    if sum(map(len, names[::step])) > 50:
        axes.tick_params(axis="x", rotation=30)
        for tick in axes.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")


# --- names ------------------------------------------------------------------------------------------------------------


def short_name(name: str, length: int = 44) -> str:
    """Return a name that leaves room for the drawing: its beginning and its end.

    >>> short_name("normal(std=0.01)"), short_name(str([1] * 99), 36)
    ('normal(std=0.01)', '[1, 1, 1, 1, 1, 1, 1,... 1, 1, 1, 1]')
    """
    return name if len(name) <= length else f"{name[: length - 15]}...{name[-12:]}"


def wrapped(name: str, width: int = 22) -> str:
    """Return a name on several lines, broken at spaces, except in lists that fit, and behind `_`, `(` and `/`.

    >>> print(wrapped("l2_in_the_optimizer", 12))
    l2_in_the_
    optimizer
    >>> wrapped("first layer / last")
    'first layer / last'
    """
    unbroken = re.sub(rf"\[.{{,{width - 2}}}?\]", lambda whole: whole[0].replace(" ", "\N{NO-BREAK SPACE}"), name)
    # a vertical tab marks where a line may break without a space
    lines = textwrap.wrap(
        re.sub(r"([_(/])", "\\1\v", unbroken), width, break_on_hyphens=False, replace_whitespace=False
    )
    return "\n".join(line.replace("\v", "") for line in lines)


def factor_label(study: Study) -> str:
    """Return `optimizer.weight_decay` as "weight decay", `model.initialization.weight` as "weight initialization"."""
    if study.named:
        return "variant"
    return ", ".join(map(factor_name, study.compared))


def factor_name(factor: str) -> str:
    """Return a dotted key in words, the last part first."""
    key = factor.split(".")
    return " ".join(reversed(key[1:] or key)).replace("_", " ")


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


# --- colours and legends ----------------------------------------------------------------------------------------------


def highlighted(study: Study) -> list[str]:
    """Return the labels that have a colour of their own: all, or of many the baseline and some in equal steps."""
    labels = study.labels
    if len(labels) <= _MANY:
        return labels
    steps = {labels[index] for index in np.linspace(0, len(labels) - 1, _HIGHLIGHTED).round().astype(int)}
    steps.add(study.variant(study.variants[0].baseline).label)
    return [label for label in labels if label in steps]


def lines_of(study: Study) -> dict[str, dict[str, Any]]:
    """Return the style of a line for each label: shades for numbers, colours for names, grey for the rest."""
    shown = highlighted(study)
    faint = {"color": colours.FAINT, "linewidth": 0.8, "linestyle": "-", "zorder": 1.5}
    palette = colours.ordered(len(shown)) if is_numeric(study) else colours.CATEGORICAL
    styles = dict.fromkeys(study.labels, faint)
    for index, label in enumerate(shown):
        dashes = DASHES[index % len(DASHES)]
        styles[label] = {"color": palette[index % len(palette)], "linestyle": dashes, "zorder": 2}
    return styles


def palette(study: Study) -> dict[str, str]:
    """Return the colour of each label."""
    return {label: style["color"] for label, style in lines_of(study).items()}


def label_handles(study: Study) -> list[Line2D]:
    """Return an entry of a legend for each highlighted label, and one for all others."""
    styles = lines_of(study)
    handles = [Line2D([], [], label=wrapped(short_name(name), 40), **styles[name]) for name in highlighted(study)]
    if others := len(study.labels) - len(handles):
        handles.append(Line2D([], [], color=colours.FAINT, linewidth=0.8, label=f"{others} others"))
    return handles


def legend_below(figure: Figure, handles: Sequence[Any], title: str | None = None) -> None:
    """Add a legend below the panels, in as many columns as fit, and make room for it; nothing without entries."""
    _add_legend(figure, handles, title, "outside lower center")


def legend_above(figure: Figure, handles: Sequence[Any]) -> None:
    """Add a legend above the panels, for what the one below them does not name."""
    _add_legend(figure, handles, None, "outside upper center")


def _add_legend(figure: Figure, handles: Sequence[Any], title: str | None, place: str) -> None:
    if not handles:
        return
    longest = max(max(map(len, str(handle.get_label()).split("\n"))) for handle in handles)
    columns = max(1, min(len(handles), int(62 // (longest + 9))))
    tall, lines = -(-len(handles) // columns), [1 + str(handle.get_label()).count("\n") for handle in handles]
    most = max(sum(lines[start : start + tall]) for start in range(0, len(lines), tall)) + (title is not None)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.15 * most + 0.05)
    figure.legend(handles=handles, loc=place, title=title, ncols=columns, title_fontsize=7.5)
