"""Estimates and effects with 95 % confidence intervals, from one sample or one paired sample.

On a log scale everything is computed on logarithms: an estimate is a geometric mean, an effect a ratio of geometric
means. Logarithms and exponentials are the project's own: those of NumPy differ in the last bits between processors.
"""

import functools
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pipeline.arithmetic import arrays
from pipeline.core.rounding import rounded

CONFIDENCE = 0.95

Scale = Literal["linear", "log"]


class Estimate(NamedTuple):
    """An estimate or an effect of n values with its confidence interval; NaN where undefined."""

    n: int
    estimate: float
    low: float
    high: float


def estimate_mean(values: ArrayLike, scale: Scale, split_correlation: float = 0.0) -> Estimate:
    """Compute the mean (on a log scale the geometric mean) of values and its 95 % t interval.

    Args:
        values: (n,). The estimate is undefined if any value is not finite or, on a log scale, not above 0; the interval
            also if n = 1.
        split_correlation: q / (1 - q), where q is the correlation of two seeds that split one data set; 0 if they are
            independent. It is the second term of the corrected variance (1 / n + q / (1 - q)) s^2 of a mean.

    Reference: C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning 52:239; for
    folds R. Bouckaert and E. Frank (2004).

    >>> round(estimate_mean([1.0, 10.0, 100.0], "log").estimate, 6)
    10.0
    """
    sample = np.asarray(values, dtype=float)
    return Estimate(len(sample), *map(float, estimate_means(sample[None], scale, split_correlation)[0]))


def estimate_means(samples: np.ndarray, scale: Scale, split_correlation: ArrayLike = 0.0) -> np.ndarray:
    """Compute `estimate_mean` of S samples, (S, n), with one or S split correlations: (S, 3), without n."""
    n = samples.shape[1]
    transformed = logarithms(samples) if scale == "log" else samples
    defined = np.isfinite(transformed).all(axis=1) & (n > 0)
    estimates = np.full((len(samples), 3), np.nan)
    if defined.any():
        kept = transformed[defined]
        half_widths = np.full(len(kept), np.nan)
        if n > 1:
            errors = np.sqrt(1 / n + np.broadcast_to(split_correlation, len(samples))[defined])
            half_widths = _t_quantile(n - 1) * kept.std(axis=1, ddof=1) * errors
        estimates[defined] = intervals(kept.mean(axis=1), half_widths, scale)
    return estimates


def intervals(means: ArrayLike, half_widths: ArrayLike, scale: Scale) -> np.ndarray:
    """Return estimate, low and high, (..., 3), rounded, from means and half-widths (logarithms on a log scale)."""
    means = np.asarray(means)
    estimates = np.stack([means, means - half_widths, means + half_widths], axis=-1)
    estimates = arrays.exp(estimates) if scale == "log" else estimates
    return np.array([rounded(value) for value in estimates.flat]).reshape(estimates.shape)


@functools.cache
def _t_quantile(degrees: int, factor: float = 1.0) -> float:
    # equals `scipy.stats.t.ppf` but spares every stage the import of `scipy.stats`
    from scipy import special

    return rounded(special.stdtrit(degrees, 1 - (1 - CONFIDENCE) / 2 / factor))


def widen(effect: Estimate, scale: Scale, factor: float) -> Estimate:
    """Return a 95 % t interval at the level 1 - 0.05 / `factor`.

    >>> [round(limit, 3) for limit in widen(Estimate(10, 1.0, 0.5, 1.5), "linear", 4)[2:]]
    [0.312, 1.688]
    """
    if effect.n < 2 or factor == 1:
        return effect
    ratio = _t_quantile(effect.n - 1, factor) / _t_quantile(effect.n - 1)
    mean, low, high = (float(value) for value in (logarithms(effect[1:]) if scale == "log" else effect[1:]))
    return Estimate(effect.n, *map(float, intervals(mean, ratio * (high - low) / 2, scale)))


def paired_effect(variant: ArrayLike, baseline: ArrayLike, scale: Scale, split_correlation: float = 0.0) -> Estimate:
    """Compute the mean difference or, on a log scale, ratio of geometric means of n pairs, with its 95 % t interval.

    >>> paired_effect([2.0, 6.0], [1.0, 3.0], "log").estimate
    2.0
    """
    variant, baseline = np.asarray(variant, dtype=float), np.asarray(baseline, dtype=float)
    if scale == "linear":
        return estimate_mean(variant - baseline, "linear", split_correlation)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((variant > 0) & (baseline > 0), variant / baseline, np.nan)
    return estimate_mean(ratios, "log", split_correlation)


def logarithms(values: ArrayLike) -> np.ndarray:
    """Compute natural logarithms; NaN where a value is not finite or below the smallest normal number."""
    numbers = np.asarray(values, dtype=float)
    # a subnormal number has too few digits for a logarithm
    defined = np.isfinite(numbers) & (numbers >= np.finfo(float).tiny)
    return np.where(defined, arrays.log(np.where(defined, numbers, 1.0)), np.nan)
