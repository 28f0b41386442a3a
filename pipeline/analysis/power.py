"""Power of n seeds, before they are run.

The level is alpha / m: Holm's procedure demands it of the smallest p of a family of m, so the power holds whatever the
other rows show. Differences within pairs, of logarithms on a log scale, are assumed to be normal.
"""

import bisect
import functools
import math

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import outcomes
from pipeline.analysis.significance import seeds_needed, sign_flips
from pipeline.analysis.statistics import CONFIDENCE, logarithms
from pipeline.core.config import MAX_SEEDS
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging
from pipeline.project.variants import Study

POWER = 0.8
_FAR = 1e6  # standard deviations beyond the margin: as good as infinitely many
_DRAWS = 11  # binary logarithm
_FEW = 14  # largest number of pairs to which the sign-flip test itself is applied
_STEPS = 1024  # of the distribution of a standard deviation
_LARGE = 700  # logarithm above which a ratio overflows


def power(effect: float, sd: float, n: int, level: float, split_correlation: float = 0.0, margin: float = 0.0) -> float:
    """Compute the probability of a verdict of better or worse (higher or lower).

    It needs p <= level in both the sign-flip test and the t test, and a 95 % confidence interval that does not lie
    within the margin. Up to 14 pairs the sign-flip test itself is applied to 2,048 fixed samples. Beyond, the power of
    the paired t test is returned, which sign flips reach within 2 % in families of up to 20 rows
    (`docs/statistics.md`).

    Args:
        effect, sd: Mean and standard deviation of the differences within pairs.
        n: Number of seeds, at least 2.
        level: Two-sided level.
        split_correlation: See `statistics.estimate_mean`; if not 0, the test is the corrected resampled t test.
        margin: Largest difference that does not matter, 0 for none.

    Reference: J. Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences".

    >>> round(power(1.0, 1.0, 30, 0.001), 3), round(power(1.0, 1.0, 30, 0.001, margin=1.5), 3)
    (0.952, 0.246)
    """
    if sd == 0:
        return float(abs(effect) > margin)
    ratio, margin = min(abs(effect) / sd, _FAR + margin / sd), margin / sd
    if n <= _FEW and not split_correlation:
        means, half_widths = _samples(n, ratio)
        wider = half_widths * _quantile(n, min(level, 1 - CONFIDENCE)) / _quantile(n, 1 - CONFIDENCE)
        decided = (np.abs(means) > wider) & (np.abs(means) + half_widths > margin)
        return float(np.mean((sign_flips(_standard_normal(n) + ratio) <= level) & decided))
    error, errors, half_widths = _errors(n, split_correlation)
    limits = errors * _quantile(n, min(level, 1 - CONFIDENCE))
    return float(np.mean(1 - _within(np.maximum(limits, margin - half_widths), ratio, error)))


def power_of_equivalence(effect: float, sd: float, n: int, margin: float, split_correlation: float = 0.0) -> float:
    """Compute the probability that the 95 % confidence interval lies within the margin; arguments as for `power`.

    >>> round(power_of_equivalence(0.0, 1.0, 30, 0.5), 3)
    0.508
    """
    if sd == 0:
        return float(abs(effect) <= margin)
    ratio, margin = min(abs(effect) / sd, _FAR + margin / sd), margin / sd
    if n <= _FEW and not split_correlation:
        means, half_widths = _samples(n, ratio)
        return float(np.mean(np.abs(means) + half_widths <= margin))
    error, _, half_widths = _errors(n, split_correlation)
    return float(np.mean(_within(margin - half_widths, ratio, error)))


def _quantile(n: int, level: float) -> float:
    from scipy import stats

    return float(stats.t.isf(level / 2, n - 1))


def _samples(n: int, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Return means and half-widths of the intervals of 2,048 samples with mean `ratio` and sd 1."""
    samples = _standard_normal(n) + ratio
    return samples.mean(axis=1), _quantile(n, 1 - CONFIDENCE) * samples.std(axis=1, ddof=1) / math.sqrt(n)


@functools.lru_cache(maxsize=1024)
def _errors(n: int, split_correlation: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the standard error of a mean of n values with sd 1, 1,024 equally likely estimates of it, and the
    half-widths of the intervals that follow from them.
    """
    from scipy import stats

    error = math.sqrt(1 / n + split_correlation)
    quantiles = (np.arange(_STEPS) + 0.5) / _STEPS
    errors = error * np.sqrt(stats.chi2.ppf(quantiles, n - 1) / (n - 1))
    return error, errors, _quantile(n, 1 - CONFIDENCE) * errors


def _within(limits: np.ndarray, mean: float, error: float) -> np.ndarray:
    """Return the probabilities that a normal estimate of a mean lies between -limit and limit; 0 below 0."""
    from scipy import special

    inside = special.ndtr((limits - mean) / error) - special.ndtr((-limits - mean) / error)
    return np.asarray(np.maximum(inside, 0.0))


@functools.cache
def _standard_normal(n: int) -> np.ndarray:
    """Return 2,048 samples of n standard normal values from a Sobol sequence, always the same."""
    from scipy import special, stats

    return np.asarray(special.ndtri(stats.qmc.Sobol(n, rng=0).random_base2(_DRAWS)))


def min_seeds(family: int, alpha: float, split_correlation: float = 0.0) -> int:
    """Return the smallest number of seeds with which a family of this size can contain a better or worse."""
    # the corrected resampled t test has no smallest p
    return 2 if split_correlation else max(2, seeds_needed(family, alpha))


@functools.cache
def detectable(
    n: int, family: int, alpha: float, wanted: float = POWER, split_correlation: float = 0.0, margin: float = 0.0
) -> float:
    """Return the smallest effect that n seeds find better or worse with power `wanted`, or NaN.

    Effect and margin are in standard deviations.
    """
    from scipy import optimize

    def surplus(ratio: float) -> float:
        return power(ratio, 1.0, n, alpha / family, split_correlation, margin) - wanted

    if n < min_seeds(family, alpha, split_correlation):
        return math.nan
    if surplus(0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while surplus(high) < 0:
        low, high = high, 2 * high
    return float(optimize.brentq(surplus, low, high, xtol=1e-4 * high))


def seeds_for(
    effect: float,
    sd: float,
    family: int,
    alpha: float,
    wanted: float = POWER,
    split_correlation: float = 0.0,
    margin: float = 0.0,
) -> int | None:
    """Return the smallest number of seeds that reach, with power `wanted`, the verdict that an effect deserves.

    It is equivalent for an effect below the margin, which any number of seeds that is large enough finds equivalent,
    else better or worse. None if 100,000 seeds are too few.
    """
    if abs(effect) < margin:
        counts = range(2, MAX_SEEDS + 1)
        powers = functools.partial(power_of_equivalence, effect, sd, margin=margin, split_correlation=split_correlation)
    else:
        counts = range(min_seeds(family, alpha, split_correlation), MAX_SEEDS + 1)
        level = alpha / family
        powers = functools.partial(power, effect, sd, level=level, split_correlation=split_correlation, margin=margin)
    index = bisect.bisect_left(counts, wanted, key=powers)
    return counts[index] if index < len(counts) else None


def of_study(
    study: Study,
    results: pd.DataFrame | None,
    metric: str,
    judging: Judging,
    seeds: int | None = None,
    effect: float | None = None,
    sd: float | None = None,
    wanted: float = POWER,
) -> pd.DataFrame:
    """Compute what `seeds` seeds, by default as many as in the results, find of each variant against its baseline.

    Args:
        study: Its variants without the baselines are the family.
        results: One row per run; None if `sd`, of the differences within pairs, is given.
        judging: Error rate of the family, and margins.
        effect: Effect to find: a difference, or a ratio on a log scale.

    Returns:
        Columns variant, label, block; `n` and `sd`, number of pairs in the results and standard deviation of their
        differences, undefined if a run diverged or n < 2; `detectable`, the smallest effect that the seeds find better
        or worse, above 0 or, on a log scale, above 1; `seeds`, the number that finds `effect`, and `equivalent`, the
        number that finds the absence of an effect equivalent, 0 if none does.
    """
    definition = METRICS[metric]
    log, split_correlation = definition.scale == "log", study.split_correlation_of(definition)
    margin, size = judging.margins.get(metric, definition.zero_effect), effect
    if log:
        margin, size = math.log(margin), None if size is None else math.log(size)
    runs = {} if results is None else outcomes(results, definition)
    compared = [variant for variant in study.variants if variant.id != variant.baseline]
    rows = []
    for variant in compared:
        n, spread = 0, math.nan if sd is None else sd
        if results is not None:
            n, spread = len(runs[variant.id]), _spread(runs[variant.id], runs[variant.baseline], log)
        count = n if seeds is None else seeds
        smallest, needed, equivalent = math.nan, None, None
        m, alpha = len(compared), judging.alpha
        if spread == 0:
            smallest = margin if count >= min_seeds(m, alpha, split_correlation) else math.nan
        elif not math.isnan(spread):
            smallest = spread * detectable(count, m, alpha, wanted, split_correlation, margin / spread)
        if log:
            smallest = math.exp(smallest) if not smallest > _LARGE else math.inf
        if not math.isnan(spread):
            options = spread, m, alpha, wanted, split_correlation, margin
            needed = None if size is None else seeds_for(size, *options)
            equivalent = seeds_for(0.0, *options) if margin else None
        row = [variant.id, variant.label, variant.block, n, spread, smallest, needed or 0, equivalent or 0]
        rows.append(row)
    columns = ["variant", "label", "block", "n", "sd", "detectable", "seeds", "equivalent"]
    return pd.DataFrame(rows, columns=columns)


def _spread(variant: pd.DataFrame, baseline: pd.DataFrame, log: bool) -> float:
    """Return the standard deviation of the differences within pairs."""
    if len(variant) < 2 or not (variant["finished"] & baseline["finished"]).all():
        return math.nan
    values, reference = (logarithms(runs["value"]) if log else runs["value"].to_numpy() for runs in (variant, baseline))
    return float(np.std(values - reference, ddof=1))
