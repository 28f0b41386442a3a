"""What n seeds can show, before they are run.

The level is alpha / m: what the smallest p of a family of m has to reach under Holm's procedure, so that the answer
holds whatever the other rows show. No test of n pairs reaches a p below 2 / 2^n: that is why `seeds_needed` comes
first. Differences are taken for normal, on the metric's scale.
"""

import functools
import math

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from pipeline.analysis.comparison import outcomes
from pipeline.analysis.significance import EXACT, seeds_needed, sign_flips
from pipeline.analysis.statistics import CONFIDENCE, logarithms
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

POWER = 0.8
MOST_SEEDS = 100_000  # as many as `seeds.count` allows
_FAR = 1e6  # standard deviations: as good as infinitely many
_DRAWS = 11  # binary logarithm
_LARGE = 700  # above, a ratio is more than a float can hold


def power(effect: float, sd: float, n: int, level: float, split_correlation: float = 0.0) -> float:
    """The probability that n seeds find an effect: that p is at most the level and the 95 % interval excludes none.

    Up to 14 pairs the sign-flip test is carried out on 2,048 drawn samples: near its floor, where few p are small
    enough, it finds less than the paired t test, with 55 to 65 % what that would find with 80 %. Beyond, the power
    of the paired t test is given; in families of up to 20 rows the sign-flip test comes within 2 % of it. It falls
    short only where a large family has barely enough seeds: 69 % in place of 80 % with 100 rows and 15 seeds.

    Args:
        effect: A difference; on a log scale, of logarithms.
        sd: Of the differences between the two sides of a pair.
        n: Seeds, at least 2.
        level: Two-sided.
        split_correlation: As of `statistics.estimate`. If not 0, of the corrected resampled t test.

    Reference: J. Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", by the noncentral t
    distribution (`scipy.stats.nct`).

    >>> round(power(1.0, 1.0, 30, 0.001), 3)
    0.952
    """
    if sd == 0 and effect == 0:
        return 0.0
    ratio = min(abs(effect) / sd, _FAR) if sd else _FAR
    if n <= EXACT and not split_correlation:
        return _of_sign_flips(ratio, n, level)
    shift = ratio / math.sqrt(1 / n + split_correlation)
    limit = stats.t.isf(min(level, 1 - CONFIDENCE) / 2, n - 1)
    # far out SciPy's noncentral t is not a number: there the near tail is 1, the far one 0
    near, far = stats.nct.sf(limit, n - 1, shift), stats.nct.cdf(-limit, n - 1, shift)
    return float(np.nan_to_num(near, nan=1.0) + np.nan_to_num(far, nan=0.0))


def _of_sign_flips(ratio: float, n: int, level: float) -> float:
    differences = _drawn(n) + ratio
    half = stats.t.isf((1 - CONFIDENCE) / 2, n - 1) * differences.std(axis=1, ddof=1) / math.sqrt(n)
    return float(np.mean((sign_flips(differences) <= level) & (np.abs(differences.mean(axis=1)) > half)))


@functools.cache
def _drawn(n: int) -> np.ndarray:
    """Samples of n standard normal values, spread evenly: always the same."""
    uniform: np.ndarray = stats.qmc.Sobol(n, rng=0).random_base2(_DRAWS)
    return np.asarray(special.ndtri(uniform))


def detectable(
    sd: float, n: int, family: int, alpha: float, wanted: float = POWER, split_correlation: float = 0.0
) -> float:
    """The smallest effect that n seeds find with the wanted probability; NaN where n seeds can not find any.

    Args:
        sd: Of the differences between the two sides of a pair.
        n: Seeds.
        family: Rows that are judged together.
        alpha: Error rate of the family.
        wanted: Probability.
        split_correlation: As of `power`.
    """
    if n < fewest(family, alpha, split_correlation):
        return np.nan
    return sd * _ratio(n, alpha / family, wanted, split_correlation) if sd else 0.0


@functools.cache
def _ratio(n: int, level: float, wanted: float, split_correlation: float) -> float:
    """The smallest effect in standard deviations."""

    def lacking(ratio: float) -> float:
        return power(ratio, 1.0, n, level, split_correlation) - wanted

    if lacking(0.0) >= 0:
        return 0.0
    low, high = 0.0, 1.0
    while lacking(high) < 0:
        low, high = high, 2 * high
    return float(optimize.brentq(lacking, low, high, xtol=1e-4 * high))


def fewest(family: int, alpha: float, split_correlation: float = 0.0) -> int:
    """The fewest seeds with which a family of so many rows can hold any better or worse.

    Args:
        family: Rows that are judged together.
        alpha: Error rate of the family.
        split_correlation: As of `power`: the corrected resampled t test has no smallest p.
    """
    return 2 if split_correlation else max(2, seeds_needed(family, alpha))


def seeds_for(
    effect: float, sd: float, family: int, alpha: float, wanted: float = POWER, split_correlation: float = 0.0
) -> int | None:
    """The fewest seeds that find an effect with the wanted probability; none where 100,000 are too few.

    The arguments are those of `power` and `detectable`.
    """
    low = fewest(family, alpha, split_correlation)

    def enough(n: int) -> bool:
        return power(effect, sd, n, alpha / family, split_correlation) >= wanted

    high = low
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


COLUMNS = ["variant", "label", "block", "n", "sd", "detectable", "seeds"]


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
    """What so many seeds could show of each variant against its baseline.

    Args:
        study: Its variants without the baselines are the family.
        results: The runs there are, from which the spread comes; none where `sd` is given.
        metric: By which variants are judged.
        alpha: Error rate of the family.
        seeds: How many; as many as there are runs where none are given.
        effect: For which the column `seeds` is asked: a difference, or on a log scale a ratio.
        sd: Of the differences, in place of what the runs there are show.
        wanted: Probability of finding it.

    Returns:
        `COLUMNS`: `sd` of the differences (on a log scale of log ratios) over `n` seeds there are, undefined where a
        run diverged or there are fewer than 2; `detectable`, the smallest effect that `seeds` seeds find, above 0 or
        on a log scale above 1; `seeds`, how many find `effect` (0: no number does).
    """
    kind = METRICS[metric]
    log, split_correlation = kind.scale == "log", study.split_correlation_of(kind)
    compared = [variant for variant in study.variants if variant.id != variant.baseline]
    sides = {} if results is None else outcomes(results, kind)
    size = None if effect is None else math.log(effect) if log else effect
    rows = []
    for variant in compared:
        n, spread = 0, np.nan
        if sd is not None:
            spread = sd
        elif sides:
            ours, theirs = sides[variant.id], sides[variant.baseline]
            n = len(ours)
            mine, other = (logarithms(side["value"]) if log else side["value"].to_numpy() for side in (ours, theirs))
            with np.errstate(invalid="ignore"):
                differences = mine - other
            if n > 1 and np.isfinite(differences).all() and (ours["finished"] & theirs["finished"]).all():
                spread = float(np.std(differences, ddof=1))
        known, count = not math.isnan(spread), n if seeds is None else seeds
        found = detectable(spread, count, len(compared), alpha, wanted, split_correlation) if known else np.nan
        needed = (
            seeds_for(size, spread, len(compared), alpha, wanted, split_correlation)
            if known and size is not None
            else None
        )
        smallest = math.inf if found > _LARGE and log else math.exp(found) if log else found
        rows.append([variant.id, variant.label, variant.block, n, spread, smallest, needed or 0])
    return pd.DataFrame(rows, columns=COLUMNS)
