"""Verdicts: two sides of a row to its evidence, and the rows of a family to what they show.

A row compares `ours` with `theirs` on one metric: a variant with its baseline, or a variant now with the same variant
before. The seed is what is repeated. A verdict is the first of these that applies:

    not comparable   a side is missing, or was measured on other data, or a value has no place on the metric's scale
    worse, better  runs diverged, and significantly more on one side; if not significantly: not comparable
    equivalent     the interval lies within the margin of the metric, or all pairs are identical
    better, worse  the adjusted p is at most alpha and the interval excludes "no difference"
    undecided      everything else, which is not "no difference"; one seed is always undecided

Intervals are of each row by itself, verdicts of the family: `p_adjusted` is Holm's over all its rows that were tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pipeline.analysis import significance
from pipeline.analysis.statistics import Estimate, estimate_mean, logarithms, paired_effect
from pipeline.core.rounding import rounded
from pipeline.project.metrics import Metric
from pipeline.project.schema import Judging

VERDICTS = ("better", "worse", "equivalent", "undecided", "not comparable")

_NO_ESTIMATE = Estimate(0, np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Evidence:
    """What a row shows, and in the end its verdict; `COLUMNS` in a table.

    Attributes:
        n: Seeds that are compared; where the sides have other seeds, of ours.
        paired: Whether the two sides have seeds in common.
        ours, theirs: Centres over the compared runs that finished.
        diverged, reference_diverged: How many of the compared runs did not finish.
        effect: Ours against theirs on the metric's scale; undefined where a run diverged.
        identical: Whether all pairs are equal in every bit, those that diverged included.
        wins: Share of pairs in which ours is better; undefined where nothing is better or nothing is paired.
        p: Two-sided, of no difference; undefined where there is nothing to test.
        least: The smallest p that as many runs could have given.
        p_adjusted: Over the family; equal to p in a family of one.
        verdict: One of `VERDICTS`; empty for a metric without a better direction, and where none was asked for.
        note: Why, in words.
    """

    n: int = 0
    reference_n: int = 0
    paired: bool = True
    ours: Estimate = _NO_ESTIMATE
    theirs: Estimate = _NO_ESTIMATE
    diverged: int = 0
    reference_diverged: int = 0
    effect: Estimate = _NO_ESTIMATE
    identical: bool = False
    wins: float = np.nan
    p: float = np.nan
    least: float = 0.0
    p_adjusted: float = np.nan
    verdict: str = ""
    note: str = ""


COLUMNS = [
    "n",
    "reference_n",
    "paired",
    "estimate",
    "low",
    "high",
    "reference_centre",
    "reference_low",
    "reference_high",
    "diverged",
    "reference_diverged",
    "effect",
    "effect_low",
    "effect_high",
    "identical",
    "wins",
    "p",
    "least",
    "p_adjusted",
    "verdict",
    "note",
]


def cells(one: Evidence) -> list[object]:
    """A row of a table, `COLUMNS`."""
    head = [one.n, one.reference_n, one.paired, *one.ours[1:], *one.theirs[1:], one.diverged, one.reference_diverged]
    return [*head, *one.effect[1:], one.identical, one.wins, one.p, one.least, one.p_adjusted, one.verdict, one.note]


def evidence(ours: pd.DataFrame, theirs: pd.DataFrame, metric: Metric, split_correlation: float = 0.0) -> Evidence:
    """What two sides show of a metric, paired by seed where they have seeds in common.

    Args:
        ours, theirs: One row a seed, indexed by it, with the columns `value` and `finished`. A value is undefined (NaN)
            where the run did not finish.
        metric: Says the scale and which direction is better.
        split_correlation: As of `statistics.estimate`, where seeds are splits of one data set.
    """
    common = ours.index.intersection(theirs.index)
    paired = len(common) > 0
    if paired:
        kept = [f"{len(common)} of {max(len(ours), len(theirs))} seeds in common"]
        note = kept[0] if len(common) < max(len(ours), len(theirs)) else ""
        ours, theirs = ours.loc[common], theirs.loc[common]
    else:
        note = "other seeds: not paired"
    found = Evidence(
        n=len(ours),
        reference_n=len(theirs),
        paired=paired,
        ours=_centre(ours, metric, split_correlation),
        theirs=_centre(theirs, metric, split_correlation),
        diverged=int((~ours["finished"]).sum()),
        reference_diverged=int((~theirs["finished"]).sum()),
        identical=paired and ours[["value", "finished"]].equals(theirs[["value", "finished"]]),
        note=note,
    )
    counts = _counts(found) if found.diverged + found.reference_diverged else ""
    mine, other = (np.asarray(side.loc[side["finished"], "value"], dtype=float) for side in (ours, theirs))
    if not (np.isfinite(mine).all() and np.isfinite(other).all()):
        return replace(found, verdict="not comparable", note=_both(note, "not measured for every run", counts))
    if metric.scale == "log":
        mine, other = logarithms(mine), logarithms(other)
        if not (np.isfinite(mine).all() and np.isfinite(other).all()):
            zero = "a value of 0 has no place on a log scale"
            return replace(found, verdict="not comparable", note=_both(note, zero, counts))
    least = significance.least_of_pairs(len(ours))
    if not paired:
        least = significance.least_of_divisions(len(ours), len(theirs))
    if counts:
        return replace(found, p=_p_of_divergence(ours, theirs, paired), least=least, note=_both(note, counts))
    if not paired:
        # split_correlation or not: seeds of two roots split the data in ways that have nothing in common beyond the data
        effect = significance.unpaired_effect(mine, other, metric.scale)
        return replace(found, effect=effect, p=significance.permutation(mine, other), least=least)
    differences = mine - other
    sign = 1 if metric.better == "higher" else -1
    found = replace(
        found,
        effect=paired_effect(ours["value"], theirs["value"], metric.scale, split_correlation),
        wins=float((sign * (ours["value"] - theirs["value"]) > 0).mean()) if metric.better else np.nan,
    )
    if split_correlation and len(differences) > 1:
        # signs of splits of one data set do not flip independently
        return replace(found, p=significance.resampled_t(differences, split_correlation))
    return replace(found, p=significance.sign_flip(differences), least=least)


def _centre(side: pd.DataFrame, metric: Metric, split_correlation: float) -> Estimate:
    return estimate_mean(side.loc[side["finished"], "value"], metric.scale, split_correlation)


def _p_of_divergence(ours: pd.DataFrame, theirs: pd.DataFrame, paired: bool) -> float:
    lost, other = ~ours["finished"].to_numpy(), ~theirs["finished"].to_numpy()
    if paired:
        return significance.mcnemar(int((lost & ~other).sum()), int((other & ~lost).sum()))
    return significance.fisher(int(lost.sum()), len(lost), int(other.sum()), len(other))


def _counts(found: Evidence) -> str:
    return f"diverged: {found.diverged} of {found.n} against {found.reference_diverged} of {found.reference_n}"


def _both(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def judge(family: Sequence[Evidence], metric: Metric, judging: Judging) -> list[Evidence]:
    """The rows of a family with adjusted p and verdict.

    Args:
        family: All that is judged together: the variants of a study.
        metric: What they are judged by. Without a better direction nothing is tested and no verdict given; notes stay.
        judging: Error rate and margins.
    """
    if metric.better is None:
        return [replace(one, p=np.nan, verdict="") for one in family]
    tested = [place for place, one in enumerate(family) if not np.isnan(one.p)]
    adjusted = significance.holm([family[place].p for place in tested])
    rows = list(family)
    for place, p in zip(tested, adjusted, strict=True):
        one = replace(rows[place], p_adjusted=p)
        verdict = _verdict(one, metric, judging)
        rows[place] = replace(one, verdict=verdict, note=_both(one.note, "identical" if one.identical else ""))
    return rows


def floor(family: pd.DataFrame, alpha: float) -> str:
    """In words, why no row of a family can be better or worse, whatever its runs are; empty where one can.

    The smallest p of a family is multiplied by their number: where the smallest that so many seeds can give is too
    large for that, none can be significant.

    Args:
        family: One row each, with `COLUMNS`.
        alpha: Error rate of the family.
    """
    tested = family[family["p"].notna()]
    if tested.empty or rounded(len(tested) * tested["least"].min()) <= alpha:
        return ""
    n = int(tested["n"].max())
    words = f"{n} seed{'s' if n > 1 else ''} can not decide a family of {len(tested)}"
    if tested["paired"].all():
        words += f": at least {significance.seeds_needed(len(tested), alpha)} are needed"
    return words


def _verdict(one: Evidence, metric: Metric, judging: Judging) -> str:
    significant = one.p_adjusted <= judging.alpha
    if one.diverged + one.reference_diverged:
        if not significant:
            return "not comparable"
        share, other = one.diverged / one.n, one.reference_diverged / one.reference_n
        return "worse" if share > other else "better"
    none, low, high = metric.none, one.effect.low, one.effect.high
    if np.isnan(low):
        return "undecided"
    if one.identical or _within(low, high, metric, judging):
        return "equivalent"
    if significant and not low <= none <= high:
        return "better" if (one.effect.estimate > none) == (metric.better == "higher") else "worse"
    return "undecided"


def _within(low: float, high: float, metric: Metric, judging: Judging) -> bool:
    margin = judging.margins.get(metric.name)
    if margin is None:
        return False
    least = -margin if metric.scale == "linear" else rounded(1 / margin)
    return least <= low and high <= margin
