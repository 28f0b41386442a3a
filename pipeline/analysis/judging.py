"""Tests and verdicts: turn two groups of runs into one row of numbers, and a family of rows into verdicts.

A row compares a variant with its baseline, or with itself at another revision, on one metric; the seed is the unit of
replication. The verdict is the first of these that applies:

    not comparable  a side is missing or saw other data, or a value has no logarithm on a log scale
    worse, better   runs diverged significantly more often on one side; not comparable if the difference is not
    equivalent      the confidence interval lies within the margin of the metric, or all pairs are identical
    better, worse   the adjusted p is at most alpha, and the interval at the adjusted level excludes zero effect; for a
                    metric without a better direction: higher, lower
    undecided       everything else, which is no evidence of zero effect; a single seed is always undecided

Zero effect is a difference of 0 or a ratio of 1. A confidence interval covers 95 % and holds for its own row. A family
is all rows that are judged together, the variants of one study. Its p-values are adjusted by Holm's procedure: if no
variant has an effect, at most alpha (5 %) of families report one. Beside p, an interval must exclude zero effect at the
same adjusted level, which protects against distributions that mislead p (docs/statistics.md). Who looks at the better
and worse rows alone has selected them; their `selected` intervals account for that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from pipeline.analysis import significance
from pipeline.analysis.statistics import (
    CONFIDENCE,
    Estimate,
    Scale,
    estimate_mean,
    logarithms,
    paired_effect,
    widen,
)
from pipeline.core.rounding import rounded
from pipeline.project.metrics import Metric
from pipeline.project.schema import Judging

VERDICTS = ("better", "worse", "higher", "lower", "equivalent", "undecided", "not comparable")
DECIDED = VERDICTS[:4]


@dataclass(frozen=True)
class EffectTest:
    """One row of a table of effects; its fields are the columns, `COLUMNS`. Undefined numbers are NaN."""

    n: int = 0  # number of seeds of the variant; if paired, of the seeds in common
    reference_n: int = 0  # the same for the baseline
    paired: bool = True  # variant and baseline have seeds in common
    estimate: float = np.nan  # of the variant, over the runs that finished
    low: float = np.nan  # its confidence interval, if all runs finished
    high: float = np.nan
    reference_estimate: float = np.nan  # the same for the baseline
    reference_low: float = np.nan
    reference_high: float = np.nan
    diverged: int = 0  # number of runs that diverged
    reference_diverged: int = 0
    effect: float = np.nan  # of variant against baseline on the metric's scale; undefined if a run diverged
    effect_low: float = np.nan
    effect_high: float = np.nan
    selected_low: float = np.nan  # of a decided row, its interval adjusted for the selection of rows by p
    selected_high: float = np.nan
    identical: bool = False  # all pairs are equal in every bit, including those that diverged
    win_rate: float = np.nan  # share of pairs in which the variant is better, if the metric has a better direction
    p: float = np.nan  # of zero effect or, if runs diverged, of equal rates of divergence; two-sided
    min_p: float = 0.0  # smallest p that this number of runs can reach; 0 for the corrected resampled t test
    p_adjusted: float = np.nan  # adjusted for the family
    verdict: str = ""  # one of `VERDICTS`; empty if the metric is not random or no verdict was requested
    note: str = ""  # reason for the verdict


COLUMNS = [field.name for field in fields(EffectTest)]


def position(low: float, high: float, region: tuple[float, float]) -> Literal["inside", "outside", "across"]:
    """Return how the interval from low to high lies relative to a region; "across" also if it is undefined."""
    if region[0] <= low and high <= region[1]:
        return "inside"
    return "outside" if high < region[0] or low > region[1] else "across"


def expected_region(expected: str, scale: Scale, margin: float | None = None) -> tuple[float, float]:
    """Return the bounds of the effects that count as expected: higher, lower, or within a margin of zero effect."""
    if margin is not None:
        return (-margin, margin) if scale == "linear" else (rounded(1 / margin), margin)
    zero = 0.0 if scale == "linear" else 1.0
    if expected == "higher":
        return math.nextafter(zero, math.inf), math.inf
    return -math.inf, math.nextafter(zero, -math.inf)


def describe(runs: pd.DataFrame, metric: Metric, split_correlation: float, prefix: str = "") -> dict[str, Any]:
    """Return n, estimate, low, high and diverged of one side of a row, by name with the prefix.

    There is no interval if a run diverged, since the others are no random sample, or if nothing is random. The interval
    is cut to the range of the metric, which contains every mean, so its coverage stays the same.
    """
    finished = _finished(runs)
    _, estimate, low, high = estimate_mean(finished, metric.scale, split_correlation)
    diverged = len(runs) - len(finished)
    if diverged or not metric.random:
        low = high = math.nan
    low, high = (float(np.clip(limit, *metric.bounds)) for limit in (low, high))
    numbers = {"n": len(runs), "estimate": estimate, "low": low, "high": high, "diverged": diverged}
    return {prefix + name: value for name, value in numbers.items()}


def _finished(runs: pd.DataFrame) -> np.ndarray:
    """Return the values of the runs that finished."""
    values: np.ndarray = runs["value"].to_numpy(float)
    finished: np.ndarray = values[runs["finished"].to_numpy()]
    return finished


def compare_runs(
    variant: pd.DataFrame, baseline: pd.DataFrame, metric: Metric, split_correlation: float = 0.0
) -> EffectTest:
    """Test a variant against its baseline, paired by seed if they have seeds in common.

    Both have one row per seed, which is the index, with the columns `value`, NaN if the run diverged, and `finished`.
    `p_adjusted` and every verdict but "not comparable" are left to `judge`.
    """
    test, variant, baseline = _sides(variant, baseline, metric, split_correlation)
    values, reference = _finished(variant), _finished(baseline)
    problem = "" if _is_finite(values, reference) else "not measured for every run"
    if metric.scale == "log" and not problem:
        values, reference = logarithms(values), logarithms(reference)
        problem = "" if _is_finite(values, reference) else "a value of 0 has no logarithm"
    diverged = test.diverged + test.reference_diverged > 0
    counts = f"diverged: {test.diverged} of {test.n} against {test.reference_diverged} of {test.reference_n}"
    test = replace(test, note=_joined(test.note, problem, counts if diverged else ""))
    if problem:
        return replace(test, verdict="not comparable")
    if not metric.random:
        return replace(test, effect=paired_effect([test.estimate], [test.reference_estimate], metric.scale).estimate)
    test = replace(test, min_p=significance.min_p(test.n, test.reference_n, paired=test.paired))
    if diverged:
        sides = [~side["finished"].to_numpy() for side in (variant, baseline)]
        return replace(test, p=significance.divergence(*sides, paired=test.paired))
    if not test.paired:
        # seeds of two roots split the data independently: they have no split correlation
        _, effect, low, high = significance.unpaired_effect(values, reference, metric.scale)
        p = significance.permutation(values, reference)
        return replace(test, effect=effect, effect_low=low, effect_high=high, p=p)
    pair = variant["value"].to_numpy(float), baseline["value"].to_numpy(float)
    _, effect, low, high = paired_effect(*pair, metric.scale, split_correlation)
    gains = (pair[0] - pair[1]) * (1 if metric.better == "higher" else -1)
    win_rate = float((gains > 0).mean()) if metric.better else np.nan
    test = replace(test, effect=effect, effect_low=low, effect_high=high, win_rate=win_rate)
    if split_correlation and test.n > 1:
        test = replace(test, min_p=0.0)
    return replace(test, p=significance.mean_is_zero(values - reference, split_correlation))


def _sides(
    variant: pd.DataFrame, baseline: pd.DataFrame, metric: Metric, split_correlation: float
) -> tuple[EffectTest, pd.DataFrame, pd.DataFrame]:
    """Return a row with the numbers of both sides alone, and both sides with the seeds in common in the same order."""
    paired, note = True, ""
    if variant.empty or not variant.index.equals(baseline.index):
        seeds, common = max(len(variant), len(baseline)), variant.index.intersection(baseline.index)
        paired, note = len(common) > 0, "no seeds in common: not paired"
        if paired:
            variant, baseline = variant.loc[common], baseline.loc[common]
            note = f"{len(common)} of {seeds} seeds in common" if len(common) < seeds else ""
    equal = paired and all(variant[name].equals(baseline[name]) for name in ("value", "finished"))
    numbers = describe(variant, metric, split_correlation) | describe(baseline, metric, split_correlation, "reference_")
    return EffectTest(paired=paired, identical=equal, note=note, **numbers), variant, baseline


def _is_finite(*samples: np.ndarray) -> bool:
    return all(bool(np.isfinite(sample).all()) for sample in samples)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def judge(family: Sequence[EffectTest], metric: Metric, judging: Judging) -> list[EffectTest]:
    """Add adjusted p, verdicts and the intervals of decided rows to a family."""
    judged = judge_together(family, [metric] * len(family), [judging] * len(family), judging.alpha)
    significant = sum(test.p_adjusted <= judging.alpha for test in judged)
    if not significant:
        return judged
    # Benjamini and Yekutieli: of R rows that p selects among m, the level is 1 - 0.05 R / m; since the last level of
    # Holm's procedure is at most alpha R / m, such an interval excludes zero effect if the verdict is decided
    factor = sum(not math.isnan(test.p) for test in family) / significant
    return [_with_selected(test, metric, factor) if test.verdict in DECIDED else test for test in judged]


def judge_together(
    family: Sequence[EffectTest], metrics: Sequence[Metric], rules: Sequence[Judging], alpha: float
) -> list[EffectTest]:
    """Add adjusted p and verdicts to rows of one family, each with its own metric and margins."""
    values = [test.p for test in family]
    judged = []
    adjusted = zip(significance.holm(values), significance.holm_factors(values), strict=True)
    for test, metric, judging, (p, factor) in zip(family, metrics, rules, adjusted, strict=True):
        if not math.isnan(p):
            test = replace(test, p_adjusted=p, note=_joined(test.note, "identical" if test.identical else ""))
            margin = judging.margins.get(metric.name)
            test = replace(test, verdict=_verdict(test, metric, margin, alpha, factor))
        judged.append(test)
    return judged


def _with_selected(test: EffectTest, metric: Metric, factor: float) -> EffectTest:
    low, high = _widened(test, metric, factor)
    return replace(test, selected_low=low, selected_high=high)


def _widened(test: EffectTest, metric: Metric, factor: float) -> tuple[float, float]:
    """Return the interval of an effect at the level 1 - 0.05 / `factor`; of unpaired runs at least that."""
    # Welch's degrees of freedom are not fewer than those of the smaller sample
    n = min(test.n, test.reference_n)
    widened = widen(Estimate(n, test.effect, test.effect_low, test.effect_high), metric.scale, factor)
    return widened.low, widened.high


def _verdict(test: EffectTest, metric: Metric, margin: float | None, alpha: float, factor: int) -> str:
    significant = test.p_adjusted <= alpha
    if test.diverged or test.reference_diverged:
        if not significant or metric.better is None:
            return "not comparable"
        return "worse" if test.diverged / test.n > test.reference_diverged / test.reference_n else "better"
    if math.isnan(test.effect_low):
        return "undecided"
    interval = test.effect_low, test.effect_high
    within = margin is not None and position(*interval, expected_region("equal", metric.scale, margin)) == "inside"
    if test.identical or within:
        return "equivalent"
    # alpha / factor is the level that p, not adjusted, must reach; an interval never has less than 95 %
    low, high = _widened(test, metric, factor * max(1.0, (1 - CONFIDENCE) / alpha))
    higher, lower = low > metric.zero_effect, high < metric.zero_effect
    if not significant or not (higher or lower):
        return "undecided"
    if metric.better is None:
        return "higher" if higher else "lower"
    return "better" if higher == (metric.better == "higher") else "worse"


def why_underpowered(family: pd.DataFrame, alpha: float) -> str:
    """Explain why no row of a family, with `COLUMNS`, can be decided whatever its values; empty if one can.

    The smallest p of n seeds, multiplied by the size of the family, exceeds alpha.
    """
    tested = family[family["p"].notna()]
    if tested.empty or rounded(len(tested) * tested["min_p"].min()) <= alpha:
        return ""
    n = int(tested["n"].max())
    reason = f"{n} seed{'s' if n > 1 else ''} cannot decide a family of {len(tested)}"
    if tested["paired"].all():
        reason += f": at least {significance.seeds_needed(len(tested), alpha)} are needed"
    return reason
