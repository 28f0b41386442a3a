"""Numbers, effects and rows of a comparison as text: the same on the page, in its summary and in a terminal."""

import math
from collections.abc import Sequence
from typing import Any

from pipeline.analysis.judging import VERDICTS
from pipeline.project.metrics import Metric

UNDEFINED = "–"


def number(value: float, metric: Metric | None) -> str:
    """Format a value of a metric: accuracies in percent, everything else with three significant digits.

    >>> from pipeline.project.metrics import METRICS
    >>> number(0.0123456, METRICS["test_loss"]), number(0.91234, METRICS["test_accuracy"])
    ('0.0123', '91.2 %')
    """
    percent = metric is not None and metric.unit == "fraction" and not math.isnan(value)
    return f"{100 * value:.1f} %" if percent else significant(value)


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
    if math.isnan(value):
        return UNDEFINED
    if metric is not None and metric.scale == "log":
        # three digits would hide an effect close to 1
        return f"× {value:.5f}" if 0.99 < value < 1.01 and value != 1 else f"× {significant(value)}"
    fraction = metric is not None and metric.unit == "fraction"
    return (f"{100 * value:+.2f} points" if fraction else f"{value:+.3g}").replace("-", "−")


def effect_interval(low: float, high: float, metric: Metric | None) -> str:
    """Format the interval of an effect, without the unit; empty if it is undefined, in words if all pairs are equal.

    >>> from pipeline.project.metrics import METRICS
    >>> effect_interval(0.4, 0.6, METRICS["test_loss"]), effect_interval(-0.012, 0.01, METRICS["test_accuracy"])
    ('[0.400, 0.600]', '[−1.20, +1.00]')
    """
    if low == high:
        return "all equal"
    limits = [effect(limit, metric).removeprefix("× ").removesuffix(" points") for limit in (low, high)]
    return "" if math.isnan(low) else f"[{', '.join(limits)}]"


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
    return effect(abs(value), metric).replace("+", "± ")


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
    # of the rounded value: 9.9999 has two digits before the point
    magnitude = int(scientific.partition("e")[2])
    return f"{value:.{max(0, 2 - magnitude)}f}" if -4 <= magnitude < 6 else scientific


# --- rows and tables --------------------------------------------------------------------------------------------------


def cells(row: Any, metric: Metric | None) -> dict[str, str]:
    """Format a row of `judging.COLUMNS`: its cells by name; undefined ones are empty.

    `n` is the number of runs that the estimate rests on: "1 of 10" if nine diverged, empty if nothing is random.
    """
    no_wins = row.identical or math.isnan(row.win_rate)
    texts = {
        "n": "" if metric and not metric.random else count(row.n, row.diverged),
        "estimate": number(row.estimate, metric),
        "interval": interval(row.low, row.high, metric),
        "effect": effect(row.effect, metric),
        "effect_interval": effect_interval(row.effect_low, row.effect_high, metric),
        "p": p_value(row.p_adjusted),
        "wins": UNDEFINED if no_wins else f"{digits(100 * row.win_rate, 3)} %",
        "verdict": row.verdict,
        "note": row.note,
    }
    return {name: "" if text == UNDEFINED else text for name, text in texts.items()}


def count_verdicts(verdicts: Sequence[str]) -> str:
    """Return the number of rows with each verdict.

    >>> count_verdicts(["worse", "better", "better"])
    '2 better, 1 worse'
    """
    counts = {verdict: list(verdicts).count(verdict) for verdict in VERDICTS}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
