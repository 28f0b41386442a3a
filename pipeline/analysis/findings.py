"""What a measurement found, beside what theory says it must find."""

import math

import numpy as np
import pandas as pd
from scipy import special, stats

from pipeline.analysis.statistics import CONFIDENCE, estimate_mean
from pipeline.core.rounding import rounded
from pipeline.measurements.config import Activations, MatrixProduct, MeasurementConfig, ShiftDetector

COLUMNS = ["quantity", "label", "n", "estimate", "low", "high", "sd", "least", "most", "expected"]

_LARGEST_GRADIENT = {"relu": 1, "leaky_relu": 1, "elu": 1, "sigmoid": 0.25, "tanh": 1, "identity": 1}


def findings(configs: MeasurementConfig, measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each of `configs.quantities`, `COLUMNS`.

    `expected` is the closed form, undefined (NaN) where there is none; the interval of a mean is the 95 % t interval,
    that of a share Clopper and Pearson's.
    """
    match configs:
        case Activations():
            rows = _activations(configs, measured)
        case MatrixProduct():
            rows = _matrix_product(configs, measured)
        case ShiftDetector():
            rows = _shift_detector(configs, measured)
    return pd.DataFrame(rows, columns=COLUMNS)


def _exact(quantity: str, label: str, n: int, value: float, expected: float) -> list[object]:
    """A row of a number that nothing random is in."""
    return [quantity, label, n, value, value, value, 0.0, value, value, expected]


def _activations(configs: Activations, measured: pd.DataFrame) -> list[list[object]]:
    groups = {key: group["value"] for key, group in measured.groupby(["case", "quantity"])}
    rows = []
    for name in configs.functions:
        gradient = groups[name, "gradient"]
        words = f"largest gradient of {name.replace('_', ' ')}"
        expected = float(_LARGEST_GRADIENT.get(name, np.nan))
        rows.append(_exact(f"largest_gradient_{name}", words, len(gradient), float(gradient.max()), expected))
    if "tanh_identity" in configs.quantities:
        identity = groups["tanh", "identity"].abs()
        words = "largest |tanh(x) + 1 − 2 sigmoid(2x)|"
        rows.append(_exact("tanh_identity", words, len(identity), float(identity.max()), 0.0))
    return rows


def _matrix_product(configs: MatrixProduct, measured: pd.DataFrame) -> list[list[object]]:
    # the norm of a row grows by a factor whose square is chi-squared with `size` degrees of freedom
    growth = rounded(configs.factors * (special.digamma(configs.size / 2) + math.log(2)) / 2 / math.log(10))
    rows: list[list[object]] = []
    for quantity, words, expected in (
        ("log10_largest", "log10 of the largest entry of the product", np.nan),
        ("log10_growth", "log10 of the growth of a row's norm", growth),
    ):
        values = measured.loc[measured["quantity"] == quantity, "value"]
        spread = [float(values.std()), float(values.min()), float(values.max())]
        rows.append([quantity, words, *estimate_mean(values, "linear"), *spread, expected])
    return rows


def _shift_detector(configs: ShiftDetector, measured: pd.DataFrame) -> list[list[object]]:
    rows: list[list[object]] = []
    for shift, quantity in zip(configs.shifts, configs.quantities, strict=True):
        found = measured.loc[measured["case"] == f"{shift:g}", "value"] <= configs.alpha
        test = stats.binomtest(int(found.sum()), len(found))
        low, high = map(rounded, test.proportion_ci(CONFIDENCE))
        words = f"detections at shift {shift:g}" if shift else "false alarms (no shift)"
        share = float(found.mean())
        # a test of level alpha raises a false alarm at most so often
        expected = configs.alpha if shift == 0 else np.nan
        rows.append([quantity, words, len(found), share, low, high, float(found.std()), 0.0, 1.0, expected])
    return rows
