"""Verdicts on claims: comparisons whose direction was declared before they were run.

One rule: a claim about a pair and a metric that its study judges is decided by the study's verdict. All other claims of
a study, or of a measurement, are one family: their p are adjusted by Holm's procedure. A claim holds if its adjusted p
is at most alpha and its interval lies on the expected side, and fails if the interval then lies on the other side.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import outcomes
from pipeline.analysis.judging import DECIDED, expected_region, position
from pipeline.analysis.significance import holm, holm_factors, mean_is_zero
from pipeline.analysis.statistics import CONFIDENCE, Estimate, Scale, estimate_mean, logarithms, paired_effect, widen
from pipeline.core.rounding import rounded
from pipeline.measurements.base import MeasurementClaimConfig
from pipeline.project.claims import Claim
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params
from pipeline.project.schema import StudyClaimConfig
from pipeline.project.variants import Study


@dataclass(frozen=True)
class _Row:
    """A judged claim; its fields are the columns of the table, `COLUMNS`. Undefined numbers are NaN."""

    id: str
    source: str  # study or measurement
    claim: str
    where: str  # what is compared, in words
    metric: str
    expected: str
    margin: float
    n: int = 0  # number of seeds or repetitions; 0 if nothing is random
    effect: float = math.nan  # a difference or ratio; of a trend the mean rank correlation with the order
    low: float = math.nan
    high: float = math.nan
    scale: str = "linear"  # linear, log, or rank for a trend
    p: float = math.nan  # adjusted for its family
    rule: str = ""  # what decides: verdict, family or value
    family: int = 0  # number of tests that p is adjusted for
    verdict: str = "not measured"  # holds, fails, undecided or not measured
    note: str = ""


COLUMNS = list(_Row.__annotations__)


class _Steps(NamedTuple):
    """The steps between neighbours that go against a claim about a trend."""

    p: float = math.nan  # the smallest p of such a step, 1 without one; undefined without a trend
    reason: str = ""  # that step in words
    effect: Estimate = Estimate(0, math.nan, math.nan, math.nan)  # of that step, logarithms on a log scale
    factor: int = 1  # that its p was multiplied by
    others: str = ""  # all of them in words
    small: str = ""  # why the whole change does not matter


def judge(
    project: Params,
    results: Mapping[str, pd.DataFrame],
    findings: Mapping[str, pd.DataFrame],
    verdicts: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Judge every claim: one row per claim, `COLUMNS`.

    The effect is a difference or, on a log scale, a ratio: of two variants, paired by seed, or of an estimate to a
    number. A claim of a trend is about the rank correlation of the metric with the order of its variants (`trend`). A
    claim is undecided if a run diverged, unless the study has a verdict on it. A claim about something that the project
    does not have is not measured.

    Args:
        results: By study, one row per run.
        findings: By measurement.
        verdicts: By study, `comparison.effects` judged by its own metric.
    """
    alpha = project.judging.alpha
    rows: dict[str, _Row] = {}
    for source, claims in itertools.groupby(project.claims.items(), lambda item: item[1].source):
        family: dict[str, _Row] = {}
        contrary: dict[str, _Steps] = {}
        for id, claim in claims:
            config = claim.config
            margin = math.nan if config.margin is None else config.margin
            row = _Row(id, source, config.claim, claim.unknown, claim.metric, config.expect, margin)
            if claim.unknown:
                rows[id] = row
            elif isinstance(config, MeasurementClaimConfig):
                family[id] = _of_measurement(row, config, findings[source].set_index("quantity").loc[claim.metric])
            elif claim.judged:
                study = project.studies[source]
                margin = project.judging_of(study).margins.get(claim.metric, math.nan)
                row = replace(row, margin=margin if config.expect == "equal" else math.nan)
                rows[id] = _by_verdict(row, claim, study, verdicts[source].set_index("variant"))
            else:
                study = project.studies[source]
                largest = project.judging_of(study).margins.get(claim.metric)
                family[id], contrary[id] = _of_study(row, claim, study, results[source], largest)
        p_values = [row.p for row in family.values()] + [steps.p for steps in contrary.values()]
        tests = [(id, "claim") for id in family] + [(id, "steps") for id in contrary]
        adjusted = dict(zip(tests, zip(holm(p_values), holm_factors(p_values), strict=True), strict=True))
        for id, row in family.items():
            if row.rule == "family":
                p, factor = adjusted[id, "claim"]
                row = replace(row, p=p, family=sum(not math.isnan(p) for p in p_values))
                row = _decided(row, alpha, factor)
            rows[id] = _by_steps(row, contrary[id], *adjusted[id, "steps"], alpha) if id in contrary else row
    return pd.DataFrame([vars(rows[id]) for id in project.claims], columns=COLUMNS)


def _decided(row: _Row, alpha: float, factor: int = 1) -> _Row:
    """Add the verdict to a row with adjusted p; `factor` is the number that Holm's procedure multiplied p by.

    An interval on one side must lie there at the same adjusted level. p of equality is that of an interval already.
    """
    scale: Scale = "log" if row.scale == "log" else "linear"
    region = expected_region(row.expected, scale, None if math.isnan(row.margin) else row.margin)
    low, high = row.low, row.high
    if math.isnan(row.margin) and not math.isnan(row.p):
        level = factor * max(1.0, (1 - CONFIDENCE) / alpha)
        _, _, low, high = widen(Estimate(row.n, row.effect, low, high), scale, level)
    where = position(low, high, region)
    no_effect = row.low == row.high == (1.0 if scale == "log" else 0.0)
    if row.n and not row.p <= alpha and not no_effect:
        where = "across"
    return replace(row, verdict={"inside": "holds", "outside": "fails", "across": "undecided"}[where])


def _by_steps(row: _Row, steps: _Steps, p: float, factor: int, alpha: float) -> _Row:
    """Let a claim about a trend fail if the whole change does not matter, or if a step goes the other way."""
    if steps.small:
        return replace(row, verdict="fails", note=steps.small)
    interval = widen(steps.effect, "linear", steps.factor * factor * max(1.0, (1 - CONFIDENCE) / alpha))
    if p <= alpha and (interval.low > 0 or interval.high < 0):
        return replace(row, verdict="fails", note=f"{steps.reason}, p = {p:.2g}")
    return replace(row, note=f"not significant: {steps.others}") if row.verdict == "holds" and steps.others else row


# --- claims that the study judges ------------------------------------------------------------------------------------


def _by_verdict(row: _Row, claim: Claim, study: Study, verdicts: pd.DataFrame) -> _Row:
    """Return a claim as its study judges it: the same numbers, in the direction of the claim."""
    test, metric = verdicts.loc[claim.judged], METRICS[claim.metric]
    assert isinstance(claim.config, StudyClaimConfig)
    reverse = claim.config.variant != claim.judged
    effect, low, high = test["effect"], test["effect_low"], test["effect_high"]
    if reverse:
        invert = (lambda value: rounded(1 / value)) if metric.scale == "log" else (lambda value: -value)
        effect, low, high = invert(effect), invert(high), invert(low)
    verdict = str(test["verdict"])
    direction = verdict
    if verdict in ("better", "worse"):
        direction = "higher" if (verdict == "better") == (metric.better == "higher") else "lower"
    if reverse and direction in ("higher", "lower"):
        direction = "lower" if direction == "higher" else "higher"
    expected = "equivalent" if row.expected == "equal" else row.expected
    outcome = "holds" if direction == expected else "fails"
    if verdict not in (*DECIDED, "equivalent"):
        outcome = "undecided"
    first, second = (study.variant(id).name for id in (str(claim.config.variant), str(claim.against)))
    words = "" if verdict == outcome else f"{second}: {verdict}" if reverse else verdict
    return replace(
        row,
        where=f"{first} against {second}",
        n=int(test["n"]),
        effect=effect,
        low=low,
        high=high,
        scale=metric.scale,
        p=test["p_adjusted"],
        rule="verdict",
        family=int(verdicts["p_adjusted"].notna().sum()),
        verdict=outcome,
        note="; ".join(filter(None, (words, str(test["note"])))),
    )


# --- other claims of a study -----------------------------------------------------------------------------------------


def _of_study(
    row: _Row, claim: Claim, study: Study, results: pd.DataFrame, margin: float | None
) -> tuple[_Row, _Steps]:
    """Return a claim with its effect and its p, and the steps against a trend; no p is adjusted yet.

    Args:
        margin: Margin of the metric; smaller steps of a trend do not count.
    """
    config, metric = claim.config, METRICS[claim.metric]
    assert isinstance(config, StudyClaimConfig)
    split_correlation = study.split_correlation_of(metric)
    runs = outcomes(results, metric)
    ids = list(config.trend or filter(None, (config.variant, claim.against if isinstance(claim.against, str) else "")))
    n = len(runs[ids[0]])
    names = [study.variant(id).name for id in ids]
    diverged = sum(int((~runs[id]["finished"]).sum()) for id in ids)
    note = f"diverged: {diverged} of {n * len(ids)} runs" if diverged else ""
    samples = [runs[id]["value"].to_numpy(float) for id in ids]
    finite = all(np.isfinite(logarithms(sample) if metric.scale == "log" else sample).all() for sample in samples)
    if not diverged and not finite:
        measured = all(np.isfinite(sample).all() for sample in samples)
        note = "a value of 0 has no logarithm" if measured else "not measured for every run"
    row = replace(row, n=n, rule="family", note=note)
    nothing = _Steps()
    if config.trend is not None:
        row = replace(row, where=", ".join(names), scale="rank")
        return (row, nothing) if note else _trend(row, samples, names, metric, split_correlation, margin)
    against = claim.against
    if isinstance(against, str):
        where = f"{names[0]} against {names[1]}"
    else:
        value = "" if note else f" ({estimate_mean(samples[0], metric.scale).estimate:.3g})"
        where = f"{names[0]}{value} against {against:g}"
    row = replace(row, where=where, scale=metric.scale)
    if note:
        return row, nothing
    if isinstance(against, str):
        effect = paired_effect(samples[0], samples[1], metric.scale, split_correlation)
        other = samples[1]
    else:
        effects = samples[0] - against if metric.scale == "linear" else samples[0] / against
        effect, other = estimate_mean(effects, metric.scale, split_correlation), np.full(n, float(against))
    differences = samples[0] - other
    if metric.scale == "log":
        differences = logarithms(samples[0]) - logarithms(other)
    low, high = effect.low, effect.high
    if not isinstance(against, str) and metric.scale == "linear":
        # the interval of the mean, cut to the range of the metric, less the number
        lowest, highest = (rounded(bound - against) for bound in metric.bounds)
        low, high = float(np.clip(low, lowest, highest)), float(np.clip(high, lowest, highest))
    row = replace(row, effect=effect.estimate, low=low, high=high)
    if math.isnan(effect.low):
        return row, nothing
    if config.margin is None:
        return replace(row, p=mean_is_zero(differences, split_correlation)), nothing
    largest = float(logarithms(config.margin)) if metric.scale == "log" else config.margin
    return replace(row, p=_p_of_margin(estimate_mean(differences, "linear", split_correlation), largest)), nothing


def _p_of_margin(effect: Estimate, margin: float) -> float:
    """Return the smallest level whose t interval lies wholly within, or wholly outside, of -margin to margin."""
    from scipy import special, stats

    half_width = (effect.high - effect.low) / 2
    distance = abs(margin - abs(effect.estimate))  # to the nearest bound
    if half_width == 0:
        return 0.0
    quantile = special.stdtrit(effect.n - 1, (1 + CONFIDENCE) / 2)
    return rounded(2 * stats.t.sf(distance / half_width * quantile, effect.n - 1))


def trend(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Compute for each of n seeds Spearman's rank correlation of k values with their order: k samples (n,) -> (n,).

    Their mean is Page's statistic L on the scale from -1 to 1. Ties have their mean rank; it is 0 if all are equal.

    Reference: E. B. Page (1963), "Ordered hypotheses for multiple treatments", J. Amer. Statist. Assoc. 58:216.

    >>> trend([np.array([1.0, 3.0]), np.array([2.0, 2.0]), np.array([5.0, 1.0])])
    array([ 1., -1.])
    """
    from scipy import stats

    ranks = stats.rankdata(np.stack(samples, axis=1), axis=1)
    order = np.arange(len(samples)) - (len(samples) - 1) / 2
    centred = ranks - (len(samples) + 1) / 2
    norms = np.sqrt(np.square(order).sum() * np.square(centred).sum(axis=1))
    products = (centred * order).sum(axis=1)
    return np.array([rounded(value) for value in np.divide(products, norms, out=np.zeros(len(ranks)), where=norms > 0)])


def _trend(
    row: _Row,
    samples: Sequence[np.ndarray],
    names: Sequence[str],
    metric: Metric,
    split_correlation: float,
    margin: float | None,
) -> tuple[_Row, _Steps]:
    """Return a claim about a trend with its correlation and p, and the steps that go the other way.

    The p of the steps are adjusted among themselves. If the smallest is small, the metric has no such trend. A step
    whose interval lies within the margin does not matter, and nor does a trend whose whole change does not.
    """
    levels = [logarithms(sample) for sample in samples] if metric.scale == "log" else samples
    if not np.isfinite(levels).all():
        return row, _Steps()
    correlations = trend(samples)
    effect = estimate_mean(correlations, "linear", split_correlation)
    row = replace(row, effect=effect.estimate, low=max(effect.low, -1.0), high=min(effect.high, 1.0))
    row = replace(row, p=mean_is_zero(correlations, split_correlation))
    largest = 0.0 if margin is None else float(logarithms(margin)) if metric.scale == "log" else margin
    whole = estimate_mean(levels[-1] - levels[0], "linear", split_correlation)
    if -largest <= whole.low and whole.high <= largest and any(correlations):
        change = _change(f"from {names[0]} to {names[-1]}", whole.estimate, metric)
        return row, _Steps(1.0, small=f"equivalent: {change}")
    steps = [after - before for before, after in itertools.pairwise(levels)]
    p_values = [mean_is_zero(step, split_correlation) for step in steps]
    contrary, others = _Steps(1.0), []
    tests = zip(steps, holm(p_values), holm_factors(p_values), itertools.pairwise(names), strict=True)
    for step, p, factor, (before, after) in tests:
        effect = estimate_mean(step, "linear", split_correlation)
        is_contrary = effect.estimate < 0 if row.expected == "higher" else effect.estimate > 0
        if is_contrary and not (-largest <= effect.low and effect.high <= largest):
            others.append(_change(f"from {before} to {after}", effect.estimate, metric))
            if p < contrary.p:
                contrary = _Steps(p, others[-1], effect, factor)
    # that no step goes the other way is one more test
    return row, contrary._replace(others="; ".join(others))


def _change(where: str, change: float, metric: Metric) -> str:
    """Return a change in words; `change` is a logarithm on a log scale."""
    verb = f"{where} it {'rises' if change > 0 else 'falls'}"
    if metric.scale == "log":
        return f"{verb} (× {math.exp(change):.3g})"
    return f"{verb} by {abs(100 * change):.2f} points" if metric.unit == "fraction" else f"{verb} by {abs(change):.3g}"


# --- claims about a measurement --------------------------------------------------------------------------------------


def _of_measurement(row: _Row, config: MeasurementClaimConfig, quantity: pd.Series) -> _Row:
    """Return a claim about a quantity with its difference to the number and its p, not adjusted yet."""
    from scipy import stats

    where = f"{quantity['label']} ({quantity['estimate']:.3g}) against {config.against:g}"
    row = replace(row, where=where, rule="family", n=int(quantity["n"]))
    difference = rounded(quantity["estimate"] - config.against)
    if not row.n:
        # computed, not sampled
        row = replace(row, effect=difference, low=difference, high=difference, rule="value")
        return replace(_decided(row, alpha=0.0), low=math.nan, high=math.nan)
    low, high = (rounded(quantity[name] - config.against) for name in ("low", "high"))
    row = replace(row, effect=difference, low=low, high=high)
    bounds = [0.0] if config.margin is None else [-config.margin, config.margin]
    bound = min(bounds, key=lambda bound: abs(difference - bound))
    if quantity["share"]:
        hits = round(quantity["estimate"] * row.n)
        # no share lies beyond 0 and 1, so a bound there needs no test
        inside = config.margin is not None and abs(difference) <= config.margin
        shares = [config.against + tested for tested in (bounds if inside else [bound])]
        p = max((stats.binomtest(hits, row.n, share).pvalue for share in shares if 0 <= share <= 1), default=0.0)
    else:
        error = quantity["sd"] / math.sqrt(row.n)
        p = 2 * stats.t.sf(abs(difference - bound) / error, row.n - 1) if error else float(difference == bound)
    return replace(row, p=rounded(float(p)))
