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
    """Format an interval in square brackets; empty if it is undefined."""
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
    """Format the interval of an effect, without the unit; empty if it is undefined.

    >>> from pipeline.project.metrics import METRICS
    >>> effect_interval(0.4, 0.6, METRICS["test_loss"]), effect_interval(-0.012, 0.01, METRICS["test_accuracy"])
    ('[0.400, 0.600]', '[−1.20, +1.00]')
    """
    limits = [effect(limit, metric).removeprefix("× ").removesuffix(" points") for limit in (low, high)]
    return "" if math.isnan(low) else f"[{', '.join(limits)}]"


def amount(effect: float, low: float, high: float, metric: Metric) -> tuple[str, str]:
    """Format by how much a value is lowered or raised, without a sign, and the interval of that amount.

    >>> from pipeline.project.metrics import METRICS
    >>> amount(0.01, 0.005, 0.02, METRICS["test_loss"]), amount(1.25, 1.125, 1.5, METRICS["test_loss"])
    (('a factor of 100', '[50.0, 200]'), ('25.0 %', '[12.5, 50.0]'))
    >>> amount(-0.012, -0.02, -0.004, METRICS["test_accuracy"])
    ('1.20 points', '[0.40, 2.00]')
    """
    values = (effect, low, high)
    if metric.scale == "linear":
        fraction = metric.unit == "fraction"
        template = "{} points" if fraction else "{}"
        amounts = [math.copysign(100 if fraction else 1, effect) * value for value in values]
    elif 0.5 < effect < 2:
        template = "{} %"
        amounts = [100 * (1 - value if effect < 1 else value - 1) for value in values]
    else:
        # a loss that is lowered to a hundredth is lowered by a factor of 100
        template = "a factor of {}"
        amounts = [value if effect > 1 else 1 / value if value else math.inf for value in values]
    size, *limits = (
        f"{value:.2f}" if metric.unit == "fraction" else significant(value)
        for value in (amounts[0], *sorted(amounts[1:]))
    )
    return template.format(size), f"[{', '.join(limits)}]"


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
    """Format a row of `judging.COLUMNS`: its cells by name; undefined ones are empty."""
    no_wins = row.identical or math.isnan(row.win_rate)
    texts = {
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
