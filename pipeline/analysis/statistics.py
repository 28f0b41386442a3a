"""Centres, effects and their 95 % intervals, for one sample or one paired sample.

On a log scale everything is computed on logarithms: a centre is a geometric mean, an effect a ratio of geometric means.
"""

import functools
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

CONFIDENCE = 0.95

Scale = Literal["linear", "log"]


class Estimate(NamedTuple):
    """A centre or an effect with its interval; NaN where it is not defined."""

    n: int
    centre: float
    low: float
    high: float


def centre(values: ArrayLike, scale: Scale, resplit: float = 0.0) -> Estimate:
    """The mean (on a log scale the geometric mean) of values and its 95 % t interval.

    Args:
        values: (n,). One that is not finite, or on a log scale not above 0, makes the centre undefined.
        scale: Of the metric.
        resplit: 0 for independent values. Where each comes from another split of one data set they are not: of the
            mean over r seeds of the mean over k folds, the variance is (1 / r + k * validated / trained on) s^2
            (the corrected resampled t: C. Nadeau and Y. Bengio, 2003, "Inference for the generalization error",
            Machine Learning 52:239; R. Bouckaert and E. Frank, 2004, for folds), and `resplit` its second term.

    Returns:
        The interval is undefined for n = 1.

    >>> round(centre([1.0, 10.0, 100.0], "log").centre, 6)
    10.0
    """
    transformed = _transform(values, scale)
    n = len(transformed)
    if n == 0 or not np.isfinite(transformed).all():
        return Estimate(n, np.nan, np.nan, np.nan)
    middle = float(np.mean(transformed))
    half = np.nan
    if n > 1:
        half = float(_quantile(n - 1) * np.std(transformed, ddof=1) * np.sqrt(1 / n + resplit))
    back = np.exp if scale == "log" else np.asarray
    return Estimate(n, *(float(back(value)) for value in (middle, middle - half, middle + half)))


@functools.cache
def _quantile(degrees: int) -> float:
    # as `scipy.stats.t.ppf`, without the second that every stage would need to import `scipy.stats`
    return float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2))


def paired_effect(values: ArrayLike, baseline: ArrayLike, scale: Scale, resplit: float = 0.0) -> Estimate:
    """The effect of a variant against its baseline, paired by seed, with its 95 % t interval.

    Args:
        values, baseline: (n,) each, in the same order of seeds.
        scale: "linear": the mean difference. "log": the ratio of geometric means, below 1 where values are smaller.
        resplit: As of `centre`.

    Raises:
        ValueError: If the samples are not of one length.

    >>> paired_effect([2.0, 6.0], [1.0, 3.0], "log").centre
    2.0
    """
    ours, theirs = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(f"found samples of shapes {ours.shape} and {theirs.shape}, allowed: one value each for a seed")
    if scale == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            # a ratio whose parts are not both above 0 is undefined
            ratios = np.where((ours > 0) & (theirs > 0), ours / theirs, np.nan)
        return centre(ratios, "log", resplit)
    return centre(ours - theirs, "linear", resplit)


def _transform(values: ArrayLike, scale: Scale) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    if scale == "linear":
        return numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms: np.ndarray = np.log(numbers)
    return logarithms
