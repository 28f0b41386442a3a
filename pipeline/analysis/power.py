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
from pipeline.analysis.significance import EXACT, seeds_needed, sign_flips
from pipeline.analysis.statistics import CONFIDENCE, logarithms
from pipeline.core.config import MAX_SEEDS
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

POWER = 0.8
_FAR = 1e6  # standard deviations: as good as infinitely many
_DRAWS = 11  # binary logarithm
_LARGE = 700  # logarithm above which a ratio overflows


def power(effect: float, sd: float, n: int, level: float, split_correlation: float = 0.0) -> float:
    """Compute the probability that p <= level and the 95 % confidence interval excludes zero effect.

    Up to 14 pairs the sign-flip test itself is applied to 2,048 fixed samples. Beyond, the power of the paired t test
    is returned, which sign flips reach within 2 % in families of up to 20 rows (`docs/statistics.md`).

    Args:
        effect, sd: Mean and standard deviation of the differences within pairs.
        n: Number of seeds, at least 2.
        level: Two-sided level.
        split_correlation: See `statistics.estimate_mean`; if not 0, the test is the corrected resampled t test.

    Reference: J. Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences".

    >>> round(power(1.0, 1.0, 30, 0.001), 3)
    0.952
    """
    from scipy import stats

    if sd == 0 and effect == 0:
        return 0.0
    ratio = min(abs(effect) / sd, _FAR) if sd else _FAR
    if n <= EXACT and not split_correlation:
        differences = _standard_normal(n) + ratio
        half_widths = stats.t.isf((1 - CONFIDENCE) / 2, n - 1) * differences.std(axis=1, ddof=1) / math.sqrt(n)
        excludes_zero = np.abs(differences.mean(axis=1)) > half_widths
        return float(np.mean((sign_flips(differences) <= level) & excludes_zero))
    noncentrality = ratio / math.sqrt(1 / n + split_correlation)
    limit = stats.t.isf(min(level, 1 - CONFIDENCE) / 2, n - 1)
    # SciPy's noncentral t is NaN far out, where the near tail is 1 and the far one 0
    near, far = stats.nct.sf(limit, n - 1, noncentrality), stats.nct.cdf(-limit, n - 1, noncentrality)
    return float(np.nan_to_num(near, nan=1.0) + np.nan_to_num(far, nan=0.0))


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
def detectable(n: int, family: int, alpha: float, wanted: float = POWER, split_correlation: float = 0.0) -> float:
    """Return the smallest effect, in standard deviations, that n seeds find with power `wanted`, or NaN."""
    from scipy import optimize

    def surplus(ratio: float) -> float:
        return power(ratio, 1.0, n, alpha / family, split_correlation) - wanted

    if n < min_seeds(family, alpha, split_correlation):
        return math.nan
    if surplus(0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while surplus(high) < 0:
        low, high = high, 2 * high
    return float(optimize.brentq(surplus, low, high, xtol=1e-4 * high))


def seeds_for(
    effect: float, sd: float, family: int, alpha: float, wanted: float = POWER, split_correlation: float = 0.0
) -> int | None:
    """Return the smallest number of seeds that find an effect with power `wanted`; None if 100,000 are too few."""
    counts = range(min_seeds(family, alpha, split_correlation), MAX_SEEDS + 1)
    powers = functools.partial(power, effect, sd, level=alpha / family, split_correlation=split_correlation)
    index = bisect.bisect_left(counts, wanted, key=powers)
    return counts[index] if index < len(counts) else None


def of_study(
    study: Study,
    results: pd.DataFrame | None,
    metric: str,
    alpha: float,
    seeds: int | None = None,
    effect: float | None = None,
    sd: float | None = None,
    wanted: float = POWER,
) -> pd.DataFrame:
    """Compute what `seeds` seeds, by default as many as in the results, find of each variant against its baseline.

    Args:
        study: Its variants without the baselines are the family.
        results: One row per run; None if `sd`, of the differences within pairs, is given.
        alpha: Error rate of the family.
        effect: Effect to find: a difference, or a ratio on a log scale.

    Returns:
        Columns variant, label, block; `n` and `sd`, number of pairs in the results and standard deviation of their
        differences, undefined if a run diverged or n < 2; `detectable`, the smallest effect that the seeds find, above
        0 or, on a log scale, above 1; `seeds`, the number that finds `effect`, 0 if none does.
    """
    definition = METRICS[metric]
    log, split_correlation = definition.scale == "log", study.split_correlation_of(definition)
    runs = {} if results is None else outcomes(results, definition)
    compared = [variant for variant in study.variants if variant.id != variant.baseline]
    rows = []
    for variant in compared:
        n, spread = 0, math.nan if sd is None else sd
        if results is not None:
            n, spread = len(runs[variant.id]), _spread(runs[variant.id], runs[variant.baseline], log)
        count = n if seeds is None else seeds
        smallest = spread * detectable(count, len(compared), alpha, wanted, split_correlation)
        if log:
            smallest = math.exp(smallest) if not smallest > _LARGE else math.inf
        needed = None
        if effect is not None and not math.isnan(spread):
            size = math.log(effect) if log else effect
            needed = seeds_for(size, spread, len(compared), alpha, wanted, split_correlation)
        rows.append([variant.id, variant.label, variant.block, n, spread, smallest, needed or 0])
    return pd.DataFrame(rows, columns=["variant", "label", "block", "n", "sd", "detectable", "seeds"])


def _spread(variant: pd.DataFrame, baseline: pd.DataFrame, log: bool) -> float:
    """Return the standard deviation of the differences within pairs."""
    if len(variant) < 2 or not (variant["finished"] & baseline["finished"]).all():
        return math.nan
    values, reference = (logarithms(runs["value"]) if log else runs["value"].to_numpy() for runs in (variant, baseline))
    return float(np.std(values - reference, ddof=1))
