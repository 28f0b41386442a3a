"""Centres, effects and their 95 % intervals, for one sample or one paired sample.

On a log scale everything is computed on logarithms: a estimate is a geometric mean, an effect a ratio of geometric means.
Logarithms and exponentials are the project's own, for NumPy's have other last bits on another processor.
"""

import functools
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.arithmetic import arrays
from pipeline.core.rounding import rounded

CONFIDENCE = 0.95

Scale = Literal["linear", "log"]


class Estimate(NamedTuple):
    """A estimate or an effect with its interval; NaN where it is not defined."""

    n: int
    estimate: float
    low: float
    high: float


def estimate_mean(values: ArrayLike, scale: Scale, split_correlation: float = 0.0) -> Estimate:
    """The mean (on a log scale the geometric mean) of values and its 95 % t interval.

    Args:
        values: (n,). One that is not finite, or on a log scale not above 0, makes the estimate undefined.
        scale: Of the metric.
        split_correlation: 0 for independent values. Where each comes from another split of one data set they are not: of the
            mean over r seeds of the mean over k folds, the variance is (1 / r + k * validated / trained on) s^2
            (the corrected resampled t: C. Nadeau and Y. Bengio, 2003, "Inference for the generalization error",
            Machine Learning 52:239; R. Bouckaert and E. Frank, 2004, for folds), and `split_correlation` its second term.

    Returns:
        The interval is undefined for n = 1.

    >>> round(estimate([1.0, 10.0, 100.0], "log").estimate, 6)
    10.0
    """
    sample = np.asarray(values, dtype=float)
    return Estimate(len(sample), *map(float, estimate_means(sample[None], scale, split_correlation)[0]))


def estimate_means(samples: np.ndarray, scale: Scale, split_correlation: ArrayLike = 0.0) -> np.ndarray:
    """`estimate_mean` of each of many samples: (S, n) -> estimate, low and high, (S, 3); `split_correlation` is one or (S,)."""
    n = samples.shape[1]
    transformed = logarithms(samples) if scale == "log" else samples
    defined = np.isfinite(transformed).all(axis=1) & (n > 0)
    found = np.full((len(samples), 3), np.nan)
    if defined.any():
        kept = transformed[defined]
        half = np.full(len(kept), np.nan)
        if n > 1:
            widths = np.sqrt(1 / n + np.broadcast_to(split_correlation, len(samples))[defined])
            half = _quantile(n - 1) * kept.std(axis=1, ddof=1) * widths
        found[defined] = limits(kept.mean(axis=1), half, scale)
    return found


def limits(middle: ArrayLike, half: ArrayLike, scale: Scale) -> np.ndarray:
    """Centre, low and high, (..., 3), from estimates and half the widths of their intervals, (...).

    Both are on the scale that is computed on: logarithms for "log". What comes back is not, and is rounded.
    """
    middle = np.asarray(middle)
    found = np.stack([middle, middle - half, middle + half], axis=-1)
    found = arrays.exp(found) if scale == "log" else found
    return np.array([rounded(one) for one in found.flat]).reshape(found.shape)


@functools.cache
def _quantile(degrees: int) -> float:
    # as `scipy.stats.t.ppf`, without the second that every stage would need to import `scipy.stats`
    return rounded(special.stdtrit(degrees, (1 + CONFIDENCE) / 2))


def paired_effect(values: ArrayLike, baseline: ArrayLike, scale: Scale, split_correlation: float = 0.0) -> Estimate:
    """The effect of a variant against its baseline, paired by seed, with its 95 % t interval.

    Args:
        values, baseline: (n,) each, in the same order of seeds.
        scale: "linear": the mean difference. "log": the ratio of geometric means, below 1 where values are smaller.
        split_correlation: As of `estimate`.

    Raises:
        ValueError: If the samples are not of one length.

    >>> paired_effect([2.0, 6.0], [1.0, 3.0], "log").estimate
    2.0
    """
    ours, theirs = np.asarray(values, dtype=float), np.asarray(baseline, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(f"found samples of shapes {ours.shape} and {theirs.shape}, allowed: one value each for a seed")
    if scale == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            # a ratio whose parts are not both above 0 is undefined
            ratios = np.where((ours > 0) & (theirs > 0), ours / theirs, np.nan)
        return estimate_mean(ratios, "log", split_correlation)
    return estimate_mean(ours - theirs, "linear", split_correlation)


def logarithms(values: ArrayLike) -> np.ndarray:
    """The natural logarithms of values; undefined (NaN) where one is not finite or not above 0."""
    numbers = np.asarray(values, dtype=float)
    # below the smallest normal number none of the digits that a logarithm would have is left
    defined = np.isfinite(numbers) & (numbers >= np.finfo(float).tiny)
    return np.where(defined, arrays.log(np.where(defined, numbers, 1.0)), np.nan)
