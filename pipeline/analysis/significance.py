"""Tests of no difference, and what a family of them can reach.

Every p is two-sided. None of the tests assumes a distribution: sign-flip and permutation need no more than that, if
there is no difference, the two sides could as well be exchanged.
"""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from pipeline.analysis.statistics import CONFIDENCE, Estimate, Scale, limits
from pipeline.core.rounding import rounded

EXACT = 14  # pairs up to which all signs are tried
SAMPLED = 2**16  # signs, or ways to divide the runs, beyond
_TIE = 1e-12  # relative; means that differ by less differ by rounding
_BLOCK = 2**18  # numbers at a time


def sign_flip(differences: np.ndarray) -> float:
    """Exact sign-flip test of a mean of 0: the share of signs with which the mean is at least as far from 0.

    Args:
        differences: (n,), finite. Beyond 14 pairs the signs are a seeded sample, with the given ones among them.

    Reference: R. A. Fisher (1935), "The Design of Experiments", section 21.

    >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0]))
    0.125
    """
    return float(sign_flips(np.asarray(differences)[None])[0])


def sign_flips(differences: np.ndarray) -> np.ndarray:
    """`sign_flip` of each of many samples: (S, n) -> (S,)."""
    observed = np.abs(differences.sum(axis=1)) - _TIE * np.abs(differences).sum(axis=1)
    return _shares(_signs(differences.shape[1]), differences, np.zeros(len(differences)), observed)


def permutation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Permutation test of equal means: the share of divisions of all runs whose means differ at least as much.

    Args:
        ours, theirs: (n,) and (m,), finite. If there are many divisions, they are a seeded sample, with the given one
            among them.

    Reference: E. J. G. Pitman (1937), "Significance tests which may be applied to samples from any populations".

    >>> permutation(np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    0.3333333333333333
    """
    return float(permutations(np.asarray(ours)[None], np.asarray(theirs)[None])[0])


def permutations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """`permutation` of each of many pairs of samples: (S, n), (S, m) -> (S,)."""
    both = np.concatenate([ours, theirs], axis=1)
    n, every = ours.shape[1], both.shape[1]
    # the mean of the others follows from the sum of all
    expected = both.sum(axis=1) * n / every
    observed = np.abs(ours.sum(axis=1) - expected) - _TIE * np.abs(both).sum(axis=1)
    return _shares(_divisions(every, n), both, expected, observed)


def _shares(weights: np.ndarray, samples: np.ndarray, expected: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """For each sample the share of weightings (W, n) whose sum is at least as far from the expected as observed."""
    counts = np.zeros(len(samples))
    for rows in _blocks(len(weights), samples.size):
        whole = weights[rows].astype(float)
        for some in _blocks(len(samples), len(whole)):
            distances = np.abs(samples[some] @ whole.T - expected[some, None])
            counts[some] += np.count_nonzero(distances >= observed[some, None], axis=1)
    return counts / len(weights)


def _blocks(count: int, width: int) -> list[slice]:
    """So many rows of such a width, in blocks that fit into the cache."""
    size = max(1, _BLOCK // max(1, width))
    return [slice(start, start + size) for start in range(0, count, size)]


@functools.lru_cache(maxsize=2)
def _signs(n: int) -> np.ndarray:
    """All signs of n pairs of which the first is not flipped - the others give the same distances -, or a sample."""
    if n <= EXACT:
        flipped = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1) & 1
    else:
        flipped = np.random.default_rng(0).integers(0, 2, size=(SAMPLED, n - 1), dtype=np.int8)
        flipped[0] = 0
    return np.insert(1 - 2 * flipped.astype(np.int8), 0, 1, axis=1)


@functools.lru_cache(maxsize=2)
def _divisions(every: int, n: int) -> np.ndarray:
    """All ways to choose n of so many, or a sample: 1 where chosen."""
    count = math.comb(every, n)
    chosen = np.zeros((min(count, SAMPLED), every), dtype=np.int8)
    if count <= SAMPLED:
        for row, places in enumerate(itertools.combinations(range(every), n)):
            chosen[row, places] = 1
    else:
        random = np.random.default_rng(0)
        chosen[:, :n] = 1
        for row in chosen[1:]:
            random.shuffle(row)
    return chosen


def resampled_t(differences: np.ndarray, split_correlation: float) -> float:
    """Corrected resampled t test of a mean of 0, for differences that come from splits of one data set.

    Args:
        differences: (n,), n > 1.
        split_correlation: As of `statistics.estimate`, which has the reference.
    """
    error = np.std(differences, ddof=1) * np.sqrt(1 / len(differences) + split_correlation)
    if error == 0:
        return float(not differences.any())
    return rounded(2 * stats.t.sf(abs(differences.mean()) / error, len(differences) - 1))


def mcnemar(ours: int, theirs: int) -> float:
    """Exact McNemar test on pairs of which exactly one side was lost: how many of each.

    >>> mcnemar(6, 0)
    0.03125
    """
    return rounded(stats.binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0


def fisher(ours: int, of_ours: int, theirs: int, of_theirs: int) -> float:
    """Fisher's exact test of as many lost on either side, where runs are not paired."""
    return rounded(stats.fisher_exact([[ours, of_ours - ours], [theirs, of_theirs - theirs]]).pvalue)


def unpaired_effect(ours: np.ndarray, theirs: np.ndarray, scale: Scale) -> Estimate:
    """The effect of one sample against another with Welch's 95 % interval.

    Args:
        ours, theirs: (n,) and (m,), finite, on the scale that is computed on: logarithms for "log".
        scale: "linear": a difference of means. "log": a ratio of geometric means.

    Reference: B. L. Welch (1947), "The generalization of 'Student's' problem when several different population
    variances are involved", Biometrika 34:28.
    """
    difference, half = float(ours.mean() - theirs.mean()), np.nan
    if min(len(ours), len(theirs)) > 1:
        # as `scipy.stats.ttest_ind`, which warns where all values of a side are equal
        variances = [np.var(side, ddof=1) / len(side) if np.ptp(side) else 0.0 for side in (ours, theirs)]
        total, half = sum(variances), 0.0
        if total:
            parts = zip(variances, (ours, theirs), strict=True)
            degrees = 1 / sum((variance / total) ** 2 / (len(side) - 1) for variance, side in parts)
            half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * math.sqrt(total))
    return Estimate(min(len(ours), len(theirs)), *map(float, limits(difference, half, scale)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjustment: rejecting what is at most alpha, no more than alpha of true families lose a hypothesis.

    Reference: S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6:65.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        largest = max(largest, min(1.0, rounded((len(p) - rank) * p[place])))
        adjusted[place] = largest
    return adjusted


def least_of_pairs(n: int) -> float:
    """The smallest p that a sign-flip or McNemar test of n pairs can have."""
    return math.ldexp(2.0, -n)


def least_of_divisions(ours: int, theirs: int) -> float:
    """The smallest p that a permutation or Fisher test of so many against so many can have."""
    return (2 if ours == theirs else 1) / math.comb(ours + theirs, ours)


def seeds_needed(family: int, alpha: float) -> int:
    """The fewest paired seeds with which a family of so many rows can hold any better or worse.

    The smallest p of n pairs is 2 / 2^n (`least_of_pairs`), and Holm multiplies the smallest of a family by its size.

    >>> seeds_needed(1, 0.05), seeds_needed(7, 0.05)
    (6, 9)
    """
    # the quotient of a family and a tiny alpha would be no float
    return math.ceil(1 + math.log2(family) - math.log2(alpha) - 1e-12)
