"""Rows of effects with intervals on one axis, from which the effects of a study and the overview are drawn.

Reference: J. Ho et al. (2019), "Moving beyond P values: data analysis with estimation graphics", Nature Methods 16:565.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.analysis.judging import VERDICTS, expected_region
from pipeline.analysis.statistics import logarithms
from pipeline.arithmetic import arrays
from pipeline.project.metrics import Metric
from pipeline.report import colours, drawing
from pipeline.report.format import effect, effect_with_interval
from pipeline.report.svg import tip

_CENTRAL = (0.025, 0.975)  # quantiles of the seeds of a row that fit onto the axis
_SPREAD = 0.36  # of a row's height is covered by the dots
_PHASE = 0.618  # golden section: neighbouring seeds lie apart
_VISIBLE = 0.02  # of the axis: a narrower band cannot be seen
_LEFT = 0.3  # of the axis, in which the line of zero effect would cross a text
_CHARACTERS = 22  # of labels that fit on the axis, beside long names
_BESIDE: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
TALL = 0.24  # inches of a row with room for two lines of small text


@dataclass(frozen=True)
class Row:
    """An effect in a plot of rows; `top` and `height` are inches from the top of the panel.

    Attributes:
        name: What the effect is of, for its tooltip.
        numbers: Effect, low and high; NaN where undefined.
        points: Effects of single seeds, by seed index.
        others: Further effects and their verdicts, drawn small.
        margin: The largest difference that does not matter.
        note: Text in place of an undefined effect.
    """

    top: float
    height: float
    name: str
    verdict: str
    numbers: tuple[float, float, float]
    n: int
    metric: Metric
    points: dict[int, float] = field(default_factory=dict)
    others: tuple[tuple[float, str, str], ...] = ()
    margin: float | None = None
    note: str = ""


def draw(
    axes: Axes, rows: Sequence[Row], metric: Metric, height: float, *, gap: float, share: float, numbers: bool
) -> None:
    """Draw effects of metrics of one scale on the x axis, cut where a few effects would flatten all others.

    An effect beyond the axis is an arrow at its end, as is an interval that reaches beyond it; a dot or a small mark
    there is a seed or another effect beyond it.

    Args:
        height: Inches of the panel.
        gap, share: The axis is cut at the largest gap between the sizes of the effects, if it is at least this factor
            and at most this share of the rows lies beyond it.
        numbers: Write the effect beside an arrow.
    """
    low, high = _limits(rows, metric, gap, share)
    axes.set(xlim=(low, high), ylim=(height, 0))
    _label(axes, metric, low, high)
    axes.grid(False, axis="y")
    axes.spines[["left", "right", "top"]].set_visible(False)
    for row in rows:
        _draw_row(axes, row, (low, high), numbers=numbers)


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if abs(value) > 1e-12 else "0"


def _draw_row(axes: Axes, row: Row, limits: tuple[float, float], *, numbers: bool) -> None:
    zero, bottom = row.metric.zero_effect, row.top + row.height
    if row.margin is not None:
        region = np.clip(expected_region("equal", row.metric.scale, row.margin), *limits)
        axes.fill_between(region, row.top, bottom, color=colours.BAND, linewidth=0, zorder=0.5)
    axes.plot([zero, zero], [row.top, bottom], color=colours.QUIET, linewidth=0.8, zorder=1)
    # with dots, they take the lower half of the row
    middle = row.top + row.height / 2
    line = middle - (0.2 * row.height if row.points else 0)
    for value, verdict, name in row.others:
        style = {**marker(verdict), "markersize": 3, "alpha": 0.5, "linestyle": "none", "clip_on": False}
        if not limits[0] <= value <= limits[1]:
            style["marker"] = "<" if value < limits[0] else ">"
        (mark,) = axes.plot([np.clip(value, *limits)], [line], zorder=2, **style)
        tip(mark, [name])
    if np.isnan(row.numbers[0]):
        _write_note(axes, row, middle, limits)
    elif limits[0] <= row.numbers[0] <= limits[1]:
        if row.points:
            _draw_seeds(axes, row, middle + 0.22 * row.height, limits)
        _draw_estimate(axes, row, line, limits)
    else:
        _draw_arrow(axes, row, (line, middle), limits, numbers=numbers)


def _ink(row: Row) -> colours.Ink:
    return colours.VERDICTS.get(row.verdict, colours.VERDICTS["undecided"])


def _draw_seeds(axes: Axes, row: Row, middle: float, limits: tuple[float, float]) -> None:
    """Draw the effect of every seed as a dot, beyond the axis as an arrow at its end."""
    style: dict[str, Any] = {"color": _ink(row).colour, "alpha": 0.45, "linewidth": 0, "clip_on": False}
    for shape, size, inside in (
        ("o", 5, lambda value: limits[0] <= value <= limits[1]),
        ("<", 9, lambda value: value < limits[0]),
        (">", 9, lambda value: value > limits[1]),
    ):
        points = {seed: value for seed, value in row.points.items() if inside(value)}
        if points:
            offsets = [_SPREAD * row.height * ((seed * _PHASE) % 1 - 0.5) for seed in points]
            values = np.clip(list(points.values()), *limits)
            dots = axes.scatter(values, middle + np.array(offsets), s=size, marker=shape, zorder=2, **style)
            tip(dots, [f"{row.name}, seed {seed}: {effect(value, row.metric)}" for seed, value in points.items()])


def _write_note(axes: Axes, row: Row, middle: float, limits: tuple[float, float]) -> None:
    if row.note:
        zero, (low, high) = row.metric.zero_effect, limits
        if row.metric.scale == "log":
            zero, low, high = 0.0, float(np.log(low)), float(np.log(high))
        # beside the line of zero effect if it is at the left, otherwise on a ground that hides the line
        start = row.metric.zero_effect if (zero - low) < _LEFT * (high - low) else limits[0]
        ground = {"facecolor": colours.GROUND, "linewidth": 0, "pad": 0.5}
        colour = _ink(row).colour if row.verdict else colours.QUIET
        text = axes.annotate(row.note, (start, middle), (4, 0), fontsize=7, color=colour, bbox=ground, **_BESIDE)
        text.set_in_layout(False)


def _draw_estimate(axes: Axes, row: Row, line: float, limits: tuple[float, float]) -> None:
    """Draw an estimate and its interval, which ends in an arrow where the axis ends first."""
    estimate, low, high = row.numbers
    colour = _ink(row).colour
    if not np.isnan(low):
        axes.plot(np.clip([low, high], *limits), [line, line], color=colour, linewidth=1.6, zorder=3)
        for end, arrow in zip(limits, "<>", strict=True):
            if low < end < high:
                axes.plot([end], [line], marker=arrow, color=colour, markersize=3.5, clip_on=False, zorder=3)
    (mark,) = axes.plot([estimate], [line], linestyle="none", markersize=5.5, zorder=4, **marker(row.verdict))
    tip(mark, [_title(row)])


def _draw_arrow(
    axes: Axes, row: Row, heights: tuple[float, float], limits: tuple[float, float], *, numbers: bool
) -> None:
    """Draw an estimate beyond the axis as an arrow at its end, with its number beside it."""
    left, colour = row.numbers[0] < limits[0], _ink(row).colour
    end = limits[0] if left else limits[1]
    style: dict[str, Any] = {"marker": "<" if left else ">", "color": colour, "markersize": 5, "clip_on": False}
    (mark,) = axes.plot([end], [heights[0]], linestyle="none", zorder=3, **style)
    tip(mark, [_title(row)])
    if numbers:
        # a low row has no room for a second line
        number = _words(row).replace(" [", "\n[") if row.height >= TALL else effect(row.numbers[0], row.metric)
        side = {**_BESIDE, "ha": "left" if left else "right"}
        text = axes.annotate(number, (end, heights[1]), (6 if left else -6, 0), fontsize=6.5, color=colour, **side)
        # text over the panel takes no room from it
        text.set_in_layout(False)


def _words(row: Row) -> str:
    return " ".join(effect_with_interval(*row.numbers, row.metric)).strip()


def _title(row: Row) -> str:
    return f"{row.name}: {_words(row)}{f', {row.verdict}' if row.verdict else ''}, n = {row.n}"


def marker(verdict: str) -> dict[str, Any]:
    """Return the marker and colour of a verdict; rows without one look undecided."""
    ink = colours.VERDICTS.get(verdict, colours.VERDICTS["undecided"])
    return {
        "marker": ink.marker,
        "color": ink.colour,
        "markerfacecolor": ink.colour if ink.filled else colours.GROUND,
        "markeredgewidth": 1.0,
    }


def legend_handles(axes: Axes, rows: Sequence[Row]) -> list[Any]:
    """Return an entry for each verdict that the drawn rows have, for the dots of seeds and for bands that are visible.

    A band of a narrow margin hides behind the line of zero effect.
    """
    given = {row.verdict for row in rows} | {verdict for row in rows for _, verdict, _ in row.others}
    handles: list[Any] = [
        Line2D([], [], linestyle="none", markersize=5, label=verdict, **marker(verdict))
        for verdict in VERDICTS
        if verdict in given
    ]
    if any(row.points for row in rows):
        handles.append(Line2D([], [], linestyle="none", marker=".", color=colours.QUIET, label="one seed"))
    if any(_width_of_band(axes, row) >= _VISIBLE for row in rows):
        handles.append(Patch(color=colours.BAND, label="within the margin"))
    return handles


def _width_of_band(axes: Axes, row: Row) -> float:
    """Return how much of the axis the margin covers, as a fraction of its length."""
    if row.margin is None:
        return 0.0
    region = np.clip(expected_region("equal", row.metric.scale, row.margin), *axes.get_xlim())
    places = (axes.transScale + axes.transLimits).transform([(end, 0.0) for end in region])
    return float(places[1, 0] - places[0, 0])


def _limits(rows: Sequence[Row], metric: Metric, gap: float, share: float) -> tuple[float, float]:
    """Return the ends of the axis: all rows, or those below the largest gap between the sizes of effects."""
    ends, always, is_folded = [], (0.0, 0.0), False
    for row in rows:
        margin = () if row.margin is None else expected_region("equal", row.metric.scale, row.margin)
        seeds = np.array(list(row.points.values()) or [np.nan])
        # rows that are folded have no estimate of their own
        folded = [value for value, _, _ in row.others] if np.isnan(row.numbers[0]) else []
        values = np.array([*row.numbers, *folded, *np.quantile(seeds, _CENTRAL), *margin])
        values = logarithms(values) if metric.scale == "log" else values
        values = values[np.isfinite(values)]
        low, high = values.min(initial=0.0), values.max(initial=0.0)
        if np.isnan(row.numbers[0]):
            # such as folded rows, which stand for several variants
            always, is_folded = (min(low, always[0]), max(high, always[1])), is_folded or bool(row.others)
        else:
            ends.append((low, high))
    ends.sort(key=lambda pair: max(-pair[0], pair[1]))
    ends.insert(0, always)
    sizes = [max(-low, high) for low, high in ends]
    # one effect stays on the axis, unless folded ones do
    beyond = range(1, min(len(ends) - (not is_folded), int(share * len(rows)) + 1))
    gaps = {count: sizes[-count] / sizes[-count - 1] for count in beyond if sizes[-count - 1] > 0}
    widest = max(gaps, key=lambda count: gaps[count], default=0)
    kept = ends[: len(ends) - widest] if widest and gaps[widest] >= gap else ends
    low, high = min(pair[0] for pair in kept), max(pair[1] for pair in kept)
    room = 0.06 * (high - low) or 0.01
    low, high = low - room, high + room
    return (float(arrays.exp(low)), float(arrays.exp(high))) if metric.scale == "log" else (low, high)


def _label(axes: Axes, metric: Metric, low: float, high: float) -> None:
    """Label the axis: zero effect and as many round numbers as have room."""
    locators: list[Any]
    place: Callable[[float], float]
    text: Callable[[float], str]
    if metric.scale == "log":
        axes.set_xscale("log")
        fine = MaxNLocator(8, steps=[1, 2, 5, 10]) if high / low <= 4 else LogLocator(subs=(1, 2, 5))
        locators, place, text = [LogLocator(numticks=6) if high / low > 30 else fine], np.log, drawing.tick
    else:
        factor = 100 if metric.unit == "fraction" else 1
        locators = [MaxNLocator(count, steps=[1, 2, 5, 10]) for count in (6, 5, 4, 3, 2)]
        place, text = float, lambda value: _signed(factor * value)
    for locator in locators:
        ticks = [float(value) for value in np.asarray(locator.tick_values(low, high)) if low <= value <= high]
        width = (1 + max((len(text(value)) for value in ticks), default=1)) / _CHARACTERS * (place(high) - place(low))
        kept: list[float] = []
        for value in sorted({metric.zero_effect, *ticks}, key=lambda tick: abs(place(tick))):
            if all(abs(place(value) - place(other)) >= width for other in kept):
                kept.append(value)
        if set(ticks) <= set(kept):
            break
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.xaxis.set_minor_locator(NullLocator())
