"""What n seeds can show, before they are run.

The level is alpha / m: what the smallest p of a family of m has to reach under Holm's procedure, so that the answer
holds whatever the other rows show. The power is that of the paired t test, which the sign-flip test comes close to
(tests/analysis/test_power.py measures it against the whole procedure); but no test of n pairs reaches a p below
2 / 2^n, which is why `seeds_needed` comes first.
"""

import math

import numpy as np
import pandas as pd
from scipy import optimize, stats

from pipeline.analysis.comparison import outcomes
from pipeline.analysis.significance import seeds_needed
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

POWER = 0.8
MOST_SEEDS = 100_000  # as many as `seeds.count` allows


def power(effect: float, sd: float, n: int, level: float) -> float:
    """The probability that the paired t test of n seeds finds an effect.

    Args:
        effect: A difference; on a log scale, of logarithms.
        sd: Of the differences between the two sides of a pair.
        n: Seeds, at least 2.
        level: Two-sided.

    Reference: J. Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", by the noncentral t
    distribution (`scipy.stats.nct`).

    >>> round(power(1.0, 1.0, 10, 0.05), 3)
    0.803
    """
    if sd == 0:
        return float(effect != 0)
    shift = abs(effect) / sd * math.sqrt(n)
    limit = stats.t.isf(level / 2, n - 1)
    # far out SciPy's noncentral t is not a number: there the near tail is 1, the far one 0
    near, far = stats.nct.sf(limit, n - 1, shift), stats.nct.cdf(-limit, n - 1, shift)
    return float(np.nan_to_num(near, nan=1.0) + np.nan_to_num(far, nan=0.0))


def detectable(sd: float, n: int, family: int, alpha: float, wanted: float = POWER) -> float:
    """The smallest effect that n seeds find with the wanted probability; NaN where n seeds can not find any.

    Args:
        sd: Of the differences between the two sides of a pair.
        n: Seeds.
        family: Rows that are judged together.
        alpha: Error rate of the family.
        wanted: Probability.
    """
    if n < max(2, seeds_needed(family, alpha)):
        return np.nan
    if sd == 0:
        return 0.0
    level = alpha / family
    most = (stats.t.isf(level / 2, n - 1) + 20) * sd / math.sqrt(n)
    return float(optimize.brentq(lambda effect: power(effect, sd, n, level) - wanted, 0, most))


def seeds_for(effect: float, sd: float, family: int, alpha: float, wanted: float = POWER) -> int | None:
    """The fewest seeds that find an effect with the wanted probability; none where 100,000 are too few.

    The arguments are those of `power` and `detectable`.
    """
    low = max(2, seeds_needed(family, alpha))

    def enough(n: int) -> bool:
        return power(effect, sd, n, alpha / family) >= wanted

    high = low
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return low if enough(low) else high


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
    log = kind.scale == "log"
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
            with np.errstate(divide="ignore", invalid="ignore"):
                mine, other = (np.log(side["value"]) if log else side["value"] for side in (ours, theirs))
                differences = mine - other
            if n > 1 and np.isfinite(differences).all() and (ours["finished"] & theirs["finished"]).all():
                # the variance over splits of one data set counts for more, as in the test itself
                spread = float(differences.std() * math.sqrt(1 + n * study.resplit_of(kind)))
        known = not math.isnan(spread)
        found = detectable(spread, n if seeds is None else seeds, len(compared), alpha, wanted) if known else np.nan
        needed = seeds_for(size, spread, len(compared), alpha, wanted) if known and size is not None else None
        rows.append(
            [variant.id, variant.label, variant.block, n, spread, math.exp(found) if log else found, needed or 0]
        )
    return pd.DataFrame(rows, columns=COLUMNS)
