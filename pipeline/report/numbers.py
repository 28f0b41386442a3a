"""Numbers as a user reads them, on the page and in a terminal."""

import math

from pipeline.project.metrics import Metric


def number(value: float, metric: Metric) -> str:
    """A value of a metric: accuracies in percent, everything else with three significant digits.

    >>> from pipeline.project.metrics import METRICS
    >>> number(0.0123456, METRICS["test_loss"]), number(0.91234, METRICS["test_accuracy"])
    ('0.0123', '91.2 %')
    """
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if metric.unit == "fraction" else significant(value)


def interval(low: float, high: float, metric: Metric) -> str:
    """An interval in square brackets, empty where it is not defined."""
    return "" if math.isnan(low) else f"[{number(low, metric)}, {number(high, metric)}]"


def effect(value: float, metric: Metric | None) -> str:
    """An effect on the metric's scale: a factor for losses, percentage points for accuracies; else a difference.

    >>> from pipeline.project.metrics import METRICS
    >>> effect(0.5, METRICS["test_loss"]), effect(-0.012, METRICS["test_accuracy"])
    ('× 0.500', '−1.20 points')
    """
    if math.isnan(value):
        return "–"
    if metric is not None and metric.scale == "log":
        # three digits would hide an effect that is nearly none
        return f"× {value:.5f}" if 0.99 < value < 1.01 and value != 1 else f"× {significant(value)}"
    fraction = metric is not None and metric.unit == "fraction"
    points = f"{100 * value:+.2f} points" if fraction else f"{value:+.3g}"
    return points.replace("-", "−")


def effect_interval(low: float, high: float, metric: Metric | None) -> str:
    """The interval of an effect, whose unit stands beside the effect; empty where it is not defined.

    >>> from pipeline.project.metrics import METRICS
    >>> effect_interval(0.4, 0.6, METRICS["test_loss"]), effect_interval(-0.012, 0.01, METRICS["test_accuracy"])
    ('[0.400, 0.600]', '[−1.20, +1.00]')
    """
    limits = [effect(limit, metric).removeprefix("× ").removesuffix(" points") for limit in (low, high)]
    return "" if math.isnan(low) else f"[{', '.join(limits)}]"


def amount(effect: float, low: float, high: float, metric: Metric) -> tuple[str, str]:
    """By how much a value is lowered or raised, without a sign, and the interval of that.

    >>> from pipeline.project.metrics import METRICS
    >>> amount(0.01, 0.005, 0.02, METRICS["test_loss"]), amount(1.25, 1.125, 1.5, METRICS["test_loss"])
    (('a factor of 100', '[50.0, 200]'), ('25.0 %', '[12.5, 50.0]'))
    >>> amount(-0.012, -0.02, -0.004, METRICS["test_accuracy"])
    ('1.20 points', '[0.40, 2.00]')
    """
    if metric.scale == "linear":
        sign = -1 if effect < 0 else 1
        unit, scale = (" points", 100) if metric.unit == "fraction" else ("", 1)
        words = "{}" + unit
        extents = [sign * scale * one for one in (effect, low, high)]
    elif 0.5 < effect < 2:
        words = "{} %"
        extents = [100 * (1 - one if effect < 1 else one - 1) for one in (effect, low, high)]
    else:
        # a loss that is lowered to a hundredth is lowered by a factor of 100
        words = "a factor of {}"
        extents = [one if effect > 1 else 1 / one if one else math.inf for one in (effect, low, high)]
    shown = [
        f"{one:.2f}" if metric.unit == "fraction" else significant(one) for one in (extents[0], *sorted(extents[1:]))
    ]
    return words.format(shown[0]), f"[{shown[1]}, {shown[2]}]"


def size(effect: float, metric: Metric) -> str:
    """How large an effect is, such as a margin.

    >>> from pipeline.project.metrics import METRICS
    >>> size(1.05, METRICS["test_loss"]), size(0.005, METRICS["test_accuracy"])
    ('5.00 %', '0.50 points')
    """
    return amount(effect, effect, effect, metric)[0]


def p_value(p: float) -> str:
    """A p with two digits, and not smaller than it can be told apart.

    >>> p_value(0.03217), p_value(0.000012), p_value(1.0)
    ('0.032', '< 0.0001', '1')
    """
    if math.isnan(p):
        return "–"
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def digits(value: float, count: int = 4) -> str:
    """So many significant digits; published numbers have four."""
    return "–" if math.isnan(value) else f"{value:.{count}g}"


def significant(value: float) -> str:
    """Three significant digits, without an exponent where a user reads it better so.

    >>> significant(90.123), significant(1.2e-7), significant(12345.6), significant(9.9999)
    ('90.1', '1.20e-07', '12346', '10.0')
    """
    if math.isnan(value):
        return "–"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    scientific = f"{value:.2e}"
    # of the rounded value: 9.9999 has two digits before the point
    magnitude = int(scientific.partition("e")[2])
    return f"{value:.{max(0, 2 - magnitude)}f}" if -4 <= magnitude < 6 else scientific
