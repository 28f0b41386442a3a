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

from pipeline.analysis.statistics import CONFIDENCE, Estimate, Scale

EXACT = 14  # pairs up to which all signs are tried
SAMPLED = 2**14  # signs, or ways to divide the runs, beyond
_TIE = 1e-12  # relative; means that differ by less differ by rounding


def sign_flip(differences: np.ndarray) -> float:
    """Exact sign-flip test of a mean of 0: the share of signs with which the mean is at least as far from 0.

    Args:
        differences: (n,), finite. Beyond 14 pairs the signs are a seeded sample, with the given ones among them.

    Reference: R. A. Fisher (1935), "The Design of Experiments", section 21.

    >>> sign_flip(np.array([1.0, 2.0, 3.0, 4.0]))
    0.125
    """
    room = _TIE * np.abs(differences).sum()
    return float(np.mean(np.abs(_signs(len(differences)) @ differences) >= abs(differences.sum()) - room))


@functools.lru_cache(maxsize=8)
def _signs(n: int) -> np.ndarray:
    """All signs of n differences, or a sample of them, those as given first: (number, n)."""
    if n <= EXACT:
        return np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    signs = np.random.default_rng(0).choice([1.0, -1.0], size=(SAMPLED, n))
    signs[0] = 1
    return signs


def permutation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Permutation test of equal means: the share of divisions of all runs whose means differ at least as much.

    Args:
        ours, theirs: (n,) and (m,), finite. If there are many divisions, they are a seeded sample.

    Reference: E. J. G. Pitman (1937), "Significance tests which may be applied to samples from any populations".
    """
    both = np.concatenate([ours, theirs])
    # the other mean follows from the sum of all
    expected = both.sum() * len(ours) / len(both)
    distances = np.abs(_divisions(len(both), len(ours)) @ both - expected)
    room = _TIE * np.abs(both).sum()
    return float(np.mean(distances >= abs(ours.sum() - expected) - room))


@functools.lru_cache(maxsize=8)
def _divisions(total: int, n: int) -> np.ndarray:
    """All choices of n runs of so many, or a sample of them, the first n first: 1 where chosen, (number, total)."""
    if math.comb(total, n) <= SAMPLED:
        chosen = np.array(list(itertools.combinations(range(total), n)))
    else:
        chosen = np.argsort(np.random.default_rng(0).random((SAMPLED, total)), axis=1)[:, :n]
        chosen[0] = np.arange(n)
    marks = np.zeros((len(chosen), total))
    np.put_along_axis(marks, chosen, 1.0, axis=1)
    return marks


def resampled_t(differences: np.ndarray, resplit: float) -> float:
    """Corrected resampled t test of a mean of 0, for differences that come from splits of one data set.

    Args:
        differences: (n,), n > 1.
        resplit: As of `statistics.centre`, which has the reference.
    """
    error = np.std(differences, ddof=1) * np.sqrt(1 / len(differences) + resplit)
    if error == 0:
        return float(not differences.any())
    return float(2 * stats.t.sf(abs(differences.mean()) / error, len(differences) - 1))


def mcnemar(ours: int, theirs: int) -> float:
    """Exact McNemar test on pairs of which exactly one side was lost: how many of each.

    >>> mcnemar(6, 0)
    0.03125
    """
    return float(stats.binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0


def fisher(ours: int, of_ours: int, theirs: int, of_theirs: int) -> float:
    """Fisher's exact test of as many lost on either side, where runs are not paired."""
    return float(stats.fisher_exact([[ours, of_ours - ours], [theirs, of_theirs - theirs]]).pvalue)


def unpaired_effect(ours: np.ndarray, theirs: np.ndarray, scale: Scale) -> Estimate:
    """The effect of one sample against another with Welch's 95 % interval.

    Args:
        ours, theirs: (n,) and (m,), finite, on the scale that is computed on: logarithms for "log".
        scale: "linear": a difference of means. "log": a ratio of geometric means.
    """
    difference, low, high = float(ours.mean() - theirs.mean()), np.nan, np.nan
    if min(len(ours), len(theirs)) > 1:
        if np.ptp(ours) == 0 == np.ptp(theirs):
            low = high = difference
        else:
            low, high = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(CONFIDENCE)
    back = np.exp if scale == "log" else np.asarray
    return Estimate(min(len(ours), len(theirs)), *(float(back(value)) for value in (difference, low, high)))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjustment: rejecting what is at most alpha, no more than alpha of true families lose a hypothesis.

    Reference: S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6:65.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = largest
    return adjusted


def seeds_needed(family: int, alpha: float) -> int:
    """The fewest paired seeds with which a family of so many rows can hold any better or worse.

    The smallest p of n pairs is 2 / 2^n, and Holm multiplies the smallest of a family by its size.

    >>> seeds_needed(1, 0.05), seeds_needed(7, 0.05)
    (6, 9)
    """
    return math.ceil(1 + math.log2(family / alpha) - 1e-12)
