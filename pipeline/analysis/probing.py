"""What a probe found, beside what theory says it must find."""

import math

import numpy as np
import pandas as pd
from scipy import special, stats

from pipeline.analysis.statistics import CONFIDENCE, centre
from pipeline.project.rounding import rounded
from pipeline.project.settings.probes import Activations, MatrixProduct, ProbeSettings, ShiftDetector

COLUMNS = ["quantity", "label", "n", "centre", "low", "high", "sd", "least", "most", "expected"]

_LARGEST_GRADIENT = {"relu": 1, "leaky_relu": 1, "elu": 1, "sigmoid": 0.25, "tanh": 1, "identity": 1}


def findings(settings: ProbeSettings, measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each of `settings.quantities`, `COLUMNS`.

    `expected` is the closed form, undefined (NaN) where there is none; the interval of a mean is the 95 % t interval,
    that of a share Clopper and Pearson's.
    """
    match settings:
        case Activations():
            rows = _activations(settings, measured)
        case MatrixProduct():
            rows = _matrix_product(settings, measured)
        case ShiftDetector():
            rows = _shift_detector(settings, measured)
    return pd.DataFrame(rows, columns=COLUMNS)


def _exact(quantity: str, label: str, n: int, value: float, expected: float) -> list[object]:
    """A row of a number that nothing random is in."""
    return [quantity, label, n, value, value, value, 0.0, value, value, expected]


def _activations(settings: Activations, measured: pd.DataFrame) -> list[list[object]]:
    groups = {key: group["value"] for key, group in measured.groupby(["case", "quantity"])}
    rows = []
    for name in settings.functions:
        gradient = groups[name, "gradient"]
        words = f"largest gradient of {name.replace('_', ' ')}"
        expected = float(_LARGEST_GRADIENT.get(name, np.nan))
        rows.append(_exact(f"largest_gradient_{name}", words, len(gradient), float(gradient.max()), expected))
    if "tanh_identity" in settings.quantities:
        identity = groups["tanh", "identity"].abs()
        words = "largest |tanh(x) + 1 − 2 sigmoid(2x)|"
        rows.append(_exact("tanh_identity", words, len(identity), float(identity.max()), 0.0))
    return rows


def _matrix_product(settings: MatrixProduct, measured: pd.DataFrame) -> list[list[object]]:
    # the norm of a row grows by a factor whose square is chi-squared with `size` degrees of freedom
    growth = rounded(settings.factors * (special.digamma(settings.size / 2) + math.log(2)) / 2 / math.log(10))
    rows: list[list[object]] = []
    for quantity, words, expected in (
        ("log10_largest", "log10 of the largest entry of the product", np.nan),
        ("log10_growth", "log10 of the growth of a row's norm", growth),
    ):
        values = measured.loc[measured["quantity"] == quantity, "value"]
        spread = [float(values.std()), float(values.min()), float(values.max())]
        rows.append([quantity, words, *centre(values, "linear"), *spread, expected])
    return rows


def _shift_detector(settings: ShiftDetector, measured: pd.DataFrame) -> list[list[object]]:
    rows: list[list[object]] = []
    for shift, quantity in zip(settings.shifts, settings.quantities, strict=True):
        found = measured.loc[measured["case"] == f"{shift:g}", "value"] <= settings.alpha
        test = stats.binomtest(int(found.sum()), len(found))
        low, high = map(rounded, test.proportion_ci(CONFIDENCE))
        words = f"detections at shift {shift:g}" if shift else "false alarms (no shift)"
        share = float(found.mean())
        # a test of level alpha raises a false alarm at most so often
        expected = settings.alpha if shift == 0 else np.nan
        rows.append([quantity, words, len(found), share, low, high, float(found.std()), 0.0, 1.0, expected])
    return rows
