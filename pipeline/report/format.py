"""Numbers, effects and rows of a comparison as text: the same on the page, in its summary and in a terminal."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from pipeline.analysis.judging import VERDICTS
from pipeline.project.metrics import Metric

UNDEFINED = "–"
_SMALL, _LARGE = 1e-4, 1e6  # numbers outside have an exponent
_MOST = 5  # decimals of a ratio
_ROUNDING = 1e-10  # what equal numbers may differ by


def number(value: float, metric: Metric | None) -> str:
    """Format a value of a metric: accuracies in percent, everything else with three significant digits.

    >>> from pipeline.project.metrics import METRICS
    >>> number(0.0123456, METRICS["test_loss"]), number(0.91234, METRICS["test_accuracy"])
    ('0.0123', '91.2 %')
    """
    if metric is None or metric.unit != "fraction" or not math.isfinite(value):
        return significant(value)
    text = f"{100 * value:.{_enough([100 * value], 1, 4)}f}"
    return f"{text.removeprefix('-') if float(text) == 0 else text} %"


def interval(low: float, high: float, metric: Metric | None) -> str:
    """Format an interval in square brackets; empty if it is undefined, and in words if all values are equal."""
    if low == high:
        return "all equal"
    return "" if math.isnan(low) else f"[{number(low, metric)}, {number(high, metric)}]"


def effect(value: float, metric: Metric | None) -> str:
    """Format an effect on the metric's scale: a ratio for losses, percentage points for accuracies, else a difference.

    >>> from pipeline.project.metrics import METRICS
    >>> effect(0.5, METRICS["test_loss"]), effect(-0.012, METRICS["test_accuracy"])
    ('× 0.500', '−1.20 points')
    """
    return effect_with_interval(value, math.nan, math.nan, metric)[0]


def effect_with_interval(value: float, low: float, high: float, metric: Metric | None) -> tuple[str, str]:
    """Format an effect and its interval, which has no unit, with the same number of decimals.

    The interval is empty if it is undefined, and in words if all pairs are equal.

    >>> from pipeline.project.metrics import METRICS
    >>> effect_with_interval(-0.00001, -0.00012, 0.0001, METRICS["test_accuracy"])
    ('−0.001 points', '[−0.012, +0.010]')
    """
    decimals = _decimals(value, low, high, metric)
    text, *limits = (
        UNDEFINED if math.isnan(number) else _of_row(number, decimals, metric) for number in (value, low, high)
    )
    if metric is not None and text != UNDEFINED:
        text = f"× {text}" if metric.scale == "log" else f"{text} points" if metric.unit == "fraction" else text
    return text, "" if math.isnan(low) else "all equal" if low == high else f"[{', '.join(limits)}]"


def _decimals(value: float, low: float, high: float, metric: Metric | None) -> int | None:
    """Return how many decimals an effect and its interval share, at which neither seems to be 0 or without width.

    None if they are too small or too far apart to share decimals.
    """
    numbers = [number for number in (value, low, high) if math.isfinite(number)]
    widths = [right - left for left, right in itertools.pairwise(sorted(numbers))]
    if metric is not None and metric.scale == "log":
        ratios = [number for number in numbers if number > 0]
        if not ratios or min(ratios) < _SMALL or max(ratios) > 10 * min(ratios):
            return None
        if len(numbers) == 1 and _is_close(ratios[0]):
            return _MOST
        # of the effect, if there is one
        return _enough([ratio - 1 for ratio in ratios] + widths, places(ratios[0]), _MOST)
    if metric is not None and metric.unit == "fraction":
        return _enough([100 * number for number in numbers + widths], 2, 4)
    largest = max(map(abs, numbers), default=0.0)
    return _enough(numbers + widths, places(largest), places(largest) + 2) if largest >= _SMALL else None


def _is_close(ratio: float) -> bool:
    """Return whether three digits would hide that a ratio is not 1."""
    return 0.99 < ratio < 1.01 and ratio != 1


def _enough(numbers: Sequence[float], least: int, most: int) -> int:
    """Return the fewest decimals, from `least` to `most`, at which no number but 0 is rounded to 0."""
    shown = [number for number in numbers if abs(number) > _ROUNDING]
    for decimals in range(least, most):
        if all(round(number, decimals) for number in shown):
            return decimals
    return max(least, most) if shown else least


def _of_row(value: float, decimals: int | None, metric: Metric | None) -> str:
    """Format a ratio, or a difference with its sign; what rounds to 0 has none."""
    if metric is not None and metric.scale == "log":
        if _is_close(value) and decimals is None:
            decimals = _MOST
        return significant(value) if decimals is None or not 0 < value < math.inf else f"{value:.{decimals}f}"
    if metric is not None and metric.unit == "fraction":
        value *= 100
    text = significant(abs(value)) if decimals is None or math.isinf(value) else f"{abs(value):.{decimals}f}"
    return text if float(text) == 0 else f"{'-' if value < 0 else '+'}{text}".replace("-", "−")


def magnitude(value: float, metric: Metric) -> float:
    """Return a key that sorts effects by size; an undefined one, such as of runs that diverged, comes last."""
    if math.isnan(value):
        return -math.inf
    if metric.scale == "linear":
        return abs(value)
    # the logarithm's order without its last bits
    return max(value, 1 / value if value else math.inf)


def size(value: float, metric: Metric | None) -> str:
    """Format an effect of either direction: a ratio and its inverse, or a difference with both signs.

    >>> from pipeline.project.metrics import METRICS
    >>> size(1.25, METRICS["test_loss"]), size(0.005, METRICS["test_accuracy"])
    ('× 0.800 or × 1.25', '± 0.50 points')
    """
    if metric is not None and metric.scale == "log":
        larger = max(value, 1 / value)
        return f"{effect(1 / larger, metric)} or {effect(larger, metric)}"
    if metric is not None and metric.unit == "fraction":
        return f"± {effect(abs(value), metric).removeprefix('+')}"
    return f"± {digits(abs(value), 3)}".replace("-", "−")


def within(margin: float, metric: Metric | None) -> str:
    """Format the effects that lie within a margin.

    >>> from pipeline.project.metrics import METRICS
    >>> within(1.05, METRICS["test_loss"]), within(0.005, METRICS["test_accuracy"])
    ('× 0.952 to × 1.05', '± 0.50 points')
    """
    return size(margin, metric).replace(" or ", " to ")


def count(n: int, diverged: int) -> str:
    """Format the number of runs that an estimate rests on.

    >>> count(10, 0), count(10, 9)
    ('10', '1 of 10')
    """
    return f"{n - diverged} of {n}" if diverged else f"{n}"


def points_in_examples(metric: Metric | None, examples: int) -> str:
    """Say how many test examples a percentage point is; empty for a metric that does not count test examples.

    >>> from pipeline.project.metrics import METRICS
    >>> points_in_examples(METRICS["test_accuracy"], 360)
    '1 point is 3.6 of 360 test examples'
    """
    if metric is None or metric.unit != "fraction" or metric.split != "test":
        return ""
    return f"1 point is {digits(examples / 100, 3)} of {examples:,} test examples"


def p_value(p: float) -> str:
    """Format p with two digits, down to 0.0001.

    >>> p_value(0.03217), p_value(0.000012), p_value(1.0)
    ('0.032', '< 0.0001', '1')
    """
    return "< 0.0001" if p < 0.0001 else digits(p, 2)


def z_score(z: float) -> str:
    """Format a z-score with its sign.

    >>> z_score(-1.234), z_score(-0.001)
    ('−1.23', '0.00')
    """
    return _of_row(z, 2, None)


def digits(value: float, count: int = 4) -> str:
    """Format a number with `count` significant digits, without trailing zeros."""
    return UNDEFINED if math.isnan(value) else f"{value:.{count}g}"


def significant(value: float) -> str:
    """Format a number with three significant digits, with an exponent only if it is very small or very large.

    >>> significant(90.123), significant(1.2e-7), significant(12345.6), significant(9.9999)
    ('90.1', '1.20e-07', '12346', '10.0')
    """
    if math.isnan(value):
        return UNDEFINED
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    scientific = f"{value:.2e}"
    return f"{value:.{places(value)}f}" if _SMALL <= abs(float(scientific)) < _LARGE else scientific


def places(value: float) -> int:
    """Return the decimals of a number with three significant digits.

    >>> places(0.0123), places(9.9999), places(12345.6)
    (4, 1, 0)
    """
    # of the rounded value: 9.9999 has two digits before the point
    return max(0, 2 - int(f"{value:.2e}".partition("e")[2]))


# --- rows and tables --------------------------------------------------------------------------------------------------


def cells(row: Any, metric: Metric | None) -> dict[str, str]:
    """Format a row of `judging.COLUMNS`: its cells by name; undefined ones are empty.

    `n` is the number of runs that the estimate rests on: "1 of 10" if nine diverged, empty if nothing is random.
    """
    no_wins = row.identical or math.isnan(row.win_rate)
    text, limits = effect_with_interval(row.effect, row.effect_low, row.effect_high, metric)
    texts = {
        "n": "" if metric and not metric.random else count(row.n, row.diverged),
        "estimate": number(row.estimate, metric),
        "interval": interval(row.low, row.high, metric),
        "effect": text,
        "effect_interval": limits,
        "p": p_value(row.p_adjusted),
        "wins": UNDEFINED if no_wins else f"{digits(100 * row.win_rate, 3)} %",
        "verdict": row.verdict,
        "note": row.note,
    }
    return {name: "" if text == UNDEFINED else text for name, text in texts.items()}


def described(row: Any, metric: Metric, name: str) -> str:
    """Return the text of a tooltip: the name, the estimate and its interval."""
    return f"{name}: {metric.label} {number(row.estimate, metric)} {interval(row.low, row.high, metric)}".strip()


def count_verdicts(verdicts: Sequence[str]) -> str:
    """Return the number of rows with each verdict.

    >>> count_verdicts(["worse", "better", "better"])
    '2 better, 1 worse'
    """
    counts = {verdict: list(verdicts).count(verdict) for verdict in VERDICTS}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
