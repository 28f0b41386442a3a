"""Two-sided tests of zero effect, and the smallest p they can reach.

Sign-flip and permutation tests assume no distribution, only that variant and baseline are exchangeable if there is no
effect. `scipy.stats.permutation_test` misses ties that differ by rounding, and refuses a sample of one run.
"""

import functools
import itertools
import math
import warnings
from collections.abc import Sequence

import numpy as np

from pipeline.analysis.statistics import CONFIDENCE, Estimate, Scale, intervals
from pipeline.core.rounding import rounded

EXACT = 17  # largest number of pairs for which all signs are enumerated: 65,536, as the first is +1
SAMPLED = 2**16  # number of signs, or of divisions of the runs, that are sampled beyond
_TIE = 1e-12  # relative: sums that differ by less differ by rounding
_CACHED = 2**18  # numbers at a time, so that they fit into a processor's cache


def sign_flips(differences: np.ndarray) -> np.ndarray:
    """Test for each of S samples that its mean is 0: (S, n) -> p, (S,).

    p is the share of sign assignments whose mean is at least as far from 0. Up to 17 pairs all assignments are
    enumerated; beyond, they are a fixed random sample that contains the observed one.

    Reference: R. A. Fisher (1935), "The Design of Experiments", section 21.

    >>> sign_flips(np.array([[1.0, 2.0, 3.0, 4.0]]))
    array([0.125])
    """
    return _shares(_signs(differences.shape[1]), differences, np.abs(differences.sum(axis=1)))


def permutation(variant: np.ndarray, baseline: np.ndarray) -> float:
    """Test that the means of two unpaired samples, (n,) and (m,), are equal.

    p is the share of divisions of all runs into n and m whose means differ at least as much. More than 65,536 divisions
    are sampled.

    Reference: E. J. G. Pitman (1937), "Significance tests which may be applied to samples from any populations".

    >>> permutation(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    0.3333333333333333
    """
    runs, n = np.concatenate([variant, baseline]), len(variant)
    # the sum of the first n determines both means
    expected = runs.sum() * n / len(runs)
    return float(_shares(_divisions(len(runs), n), runs[None], np.abs([variant.sum() - expected]), expected)[0])


def _shares(weights: np.ndarray, samples: np.ndarray, observed: np.ndarray, expected: float = 0.0) -> np.ndarray:
    """Return for S samples, (S, n), the share of W weights, (W, n), whose sums are at least `observed` off."""
    limits = observed - _TIE * np.abs(samples).sum(axis=1)
    counts = np.zeros(len(samples))
    step = max(16, _CACHED // samples.size)
    for start in range(0, len(weights), step):
        distances = np.abs(weights[start : start + step] @ samples.T - expected)
        counts += np.count_nonzero(distances >= limits, axis=0)
    return counts / len(weights)


@functools.lru_cache(maxsize=2)
def _signs(n: int) -> np.ndarray:
    """Return all signs of n pairs, or a sample. The first sign is +1: the opposite signs give the same distances."""
    if n <= EXACT:
        flipped = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1) & 1
    else:
        flipped = np.random.default_rng(0).integers(0, 2, size=(SAMPLED, n - 1), dtype=np.int8)
        flipped[0] = 0
    return np.insert(1 - 2 * flipped.astype(np.int8), 0, 1, axis=1)


@functools.lru_cache(maxsize=4)  # studies have different numbers of seeds, and drawing takes longer than the tests
def _divisions(runs: int, n: int) -> np.ndarray:
    """Return all ways to choose n of the runs, or a sample: 1 where chosen."""
    if math.comb(runs, n) <= SAMPLED:
        return np.array([np.bincount(rows, minlength=runs) for rows in itertools.combinations(range(runs), n)])
    chosen = np.zeros((SAMPLED, runs), dtype=np.int8)
    chosen[:, :n] = 1
    random = np.random.default_rng(0)
    for row in chosen[1:]:
        random.shuffle(row)
    return chosen


def resampled_t(differences: np.ndarray, split_correlation: float) -> float:
    """Test that the mean of differences, (n,) with n > 1, is 0 if their runs split one data set.

    Reference: the corrected resampled t test of Nadeau and Bengio (see `statistics.estimate_mean`).
    """
    from scipy import stats

    error = np.std(differences, ddof=1) * np.sqrt(1 / len(differences) + split_correlation)
    if error == 0:
        return float(not differences.any())
    return rounded(2 * stats.t.sf(abs(differences.mean()) / error, len(differences) - 1))


def mean_is_zero(differences: np.ndarray, split_correlation: float = 0.0) -> float:
    """Test that the mean of differences, (n,), is 0: by the corrected resampled t test if splits of one data set
    correlate, whose signs do not flip independently, else by sign flips.
    """
    if split_correlation and len(differences) > 1:
        return resampled_t(differences, split_correlation)
    return float(sign_flips(differences[None])[0])


def name_of_test(n: int, split_correlation: float = 0.0) -> str:
    """Return the name of the test of n paired differences, which says whether p is exact.

    >>> name_of_test(10), name_of_test(30)
    ('exact sign flips', 'sign flips (Monte Carlo, 65,536 draws)')
    """
    if split_correlation:
        return "corrected resampled t test"
    return "exact sign flips" if n <= EXACT else f"sign flips (Monte Carlo, {SAMPLED:,} draws)"


def divergence(variant: np.ndarray, baseline: np.ndarray, *, paired: bool) -> float:
    """Test that runs diverge equally often: exact McNemar test of pairs in the same order, else Fisher's exact test.

    `variant` and `baseline`, (n,) and (m,), are True for each run that diverged.
    """
    from scipy import stats

    if not paired:
        return rounded(stats.fisher_exact([[runs.sum(), (~runs).sum()] for runs in (variant, baseline)]).pvalue)
    discordant = int((variant != baseline).sum())
    return rounded(stats.binomtest(int((variant & ~baseline).sum()), discordant).pvalue) if discordant else 1.0


def unpaired_effect(variant: np.ndarray, baseline: np.ndarray, scale: Scale) -> Estimate:
    """Compute the effect of one sample, (n,), against another, (m,), with Welch's 95 % interval.

    Both are logarithms on a log scale. The interval is undefined if one sample has a single value.
    """
    from scipy import stats

    n, half_width = min(len(variant), len(baseline)), np.nan
    if n > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy warns of samples without spread
            interval = stats.ttest_ind(variant, baseline, equal_var=False).confidence_interval(CONFIDENCE)
        half_width = np.nan_to_num((interval.high - interval.low) / 2)
    return Estimate(n, *map(float, intervals(variant.mean() - baseline.mean(), half_width, scale)))


def holm(p: Sequence[float]) -> list[float]:
    """Adjust the p of a family: if no variant has an effect, at most alpha of families have an adjusted p <= alpha.

    Undefined p (NaN) are not part of the family.

    Reference: S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6:65.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")  # NaN last
    factors = holm_factors(p)
    scaled = [rounded(factors[index] * p[index]) for index in order]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in adjusted]


def holm_factors(p: Sequence[float]) -> list[int]:
    """Return the number that Holm's procedure multiplies each p by: how many are not smaller; 0 if p is undefined.

    >>> holm_factors([0.01, 0.04, 0.03, 0.03])
    [4, 1, 3, 3]
    """
    values = np.asarray(p, dtype=float)
    return [int(np.count_nonzero(values >= value)) for value in values]


def min_p(n: int, m: int, *, paired: bool = True) -> float:
    """Return the smallest p that n runs against m can reach in any of the tests: of n pairs 2 / 2^n, or 1 / 65,536."""
    smallest = math.ldexp(2.0, -n) if paired else (2 if n == m else 1) / math.comb(n + m, n)
    return max(smallest, 1 / SAMPLED)


def seeds_needed(family: int, alpha: float) -> int:
    """Return the smallest number of paired seeds with which a family of this size can reach an adjusted p <= alpha.

    >>> seeds_needed(1, 0.05), seeds_needed(7, 0.05)
    (6, 9)
    """
    # Holm multiplies the smallest p by the size; a difference of logarithms, as size / alpha may overflow
    return math.ceil(1 + math.log2(family) - math.log2(alpha) - 1e-12)
