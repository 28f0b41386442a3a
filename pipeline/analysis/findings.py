"""Findings of a measurement: an estimate of each quantity, beside what theory expects."""

import math

import pandas as pd
from scipy import stats

from pipeline.analysis.statistics import CONFIDENCE, estimate_mean
from pipeline.core.rounding import rounded
from pipeline.measurements import MeasurementConfig
from pipeline.measurements.base import Quantity

COLUMNS = ["quantity", "label", "share", "n", "estimate", "low", "high", "sd", "min", "max", "expected"]


def findings(config: MeasurementConfig, measured: pd.DataFrame) -> pd.DataFrame:
    """Estimate the quantities of a measurement from its table, one row each, `COLUMNS`.

    The interval of a mean is the 95 % t interval, that of a share is Clopper and Pearson's. The largest value of a
    function is computed, not sampled: n is 0, and interval and sd are undefined. `expected` is the closed form, NaN
    without one.
    """
    rows = []
    samples = measured.fillna({"case": ""}).groupby(["case", "quantity"])["value"]  # an empty case is read as missing
    for name, quantity in config.quantities.items():
        values = samples.get_group(quantity.source)
        share, n = quantity.statistic == "share", len(values) if quantity.statistic in ("mean", "share") else 0
        rows.append((name, quantity.label, share, n, *_estimate(quantity, values), quantity.expected))
    return pd.DataFrame(rows, columns=COLUMNS)


def _estimate(quantity: Quantity, values: pd.Series) -> tuple[float, ...]:
    """Compute the columns from estimate to max."""
    if quantity.statistic == "mean":
        return *estimate_mean(values, "linear")[1:], float(values.std()), float(values.min()), float(values.max())
    if quantity.statistic == "share":
        hits = values <= quantity.level
        low, high = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(CONFIDENCE)
        return float(hits.mean()), rounded(low), rounded(high), float(hits.std()), 0.0, 1.0
    largest = float((values.abs() if quantity.statistic == "max_abs" else values).max())
    return largest, math.nan, math.nan, math.nan, largest, largest
