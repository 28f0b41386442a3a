"""The rows of a comparison as a user reads them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.project.metrics import Metric
from pipeline.report.numbers import digits, effect, effect_interval, interval, number, p_value

HEADER = ["effect", "95 % interval", "p, adjusted", "wins", "verdict", "note"]


def direction(metric: Metric) -> str:
    """Name of a metric and what is better.

    >>> from pipeline.project.metrics import METRICS
    >>> direction(METRICS["test_loss"])
    'test loss, lower is better'
    """
    return f"{metric.label}, {metric.better} is better" if metric.better else f"{metric.label}, neither way is better"


def evidence(row: Any, metric: Metric) -> list[str]:
    """The cells of `HEADER` of a row of `judging.COLUMNS`."""
    between = effect_interval(row.effect_low, row.effect_high, metric)
    wins = "" if pd.isna(row.wins) or row.identical else f"{digits(100 * row.wins, 3)} %"
    p = "" if pd.isna(row.p_adjusted) else p_value(row.p_adjusted)
    return ["" if pd.isna(row.effect) else effect(row.effect, metric), between, p, wins, row.verdict, row.note]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows for JSON: numbers with all their digits, None where undefined."""
    found: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return found


def middle(value: float, low: float, high: float, metric: Metric) -> str:
    """A estimate with its interval."""
    return f"{number(value, metric)} {interval(low, high, metric)}".strip()


def summary(verdicts: Sequence[str], order: Sequence[str]) -> str:
    """How many rows have which verdict.

    >>> summary(["worse", "better", "better"], ["better", "worse", "undecided"])
    '2 better, 1 worse'
    """
    counts = {verdict: list(verdicts).count(verdict) for verdict in order}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
