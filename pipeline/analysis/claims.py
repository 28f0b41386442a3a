"""Verdicts on claims: comparisons whose direction was declared before they were run."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.judging import expected_region, position
from pipeline.analysis.runs import by_seed
from pipeline.analysis.statistics import Estimate, Scale, estimate_mean, paired_effect
from pipeline.core.rounding import rounded
from pipeline.measurements import MeasurementConfig
from pipeline.project.metrics import METRICS
from pipeline.project.params import MeasurementClaim, StudyClaim, missing
from pipeline.project.variants import Study

COLUMNS = ["id", "claim", "where", "metric", "expected", "margin", "n", "effect", "low", "high", "scale", "verdict"]
_VERDICTS = {"inside": "holds", "outside": "fails", "across": "undecided"}


def judge(
    claims: Mapping[str, StudyClaim | MeasurementClaim],
    studies: Mapping[str, Study],
    measurements: Mapping[str, MeasurementConfig],
    results: Mapping[str, pd.DataFrame],
    findings: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Judge every claim: one row per claim, `COLUMNS`.

    The effect is a difference or, on a log scale, a ratio: of two variants, paired by seed, or of an estimate to a
    number. A claim `holds` if its 95 % confidence interval lies on the expected side of zero effect (for `equal`:
    within the margin), `fails` if no part of it does, and is `undecided` otherwise, or if a run diverged. A claim about
    something that the project does not have is `not measured`.

    Args:
        claims, studies, measurements, results, findings: By id; `results` have one row per run.
    """
    rows = []
    for key, claim in claims.items():
        reason = missing(claim, studies, measurements)
        if reason is not None:
            nothing = [0, np.nan, np.nan, np.nan, "linear", "not measured"]
            rows.append([key, claim.claim, reason, "", claim.expected, np.nan, *nothing])
            continue
        scale: Scale = "linear"
        if isinstance(claim, MeasurementClaim):
            metric, quantity = claim.quantity, findings[claim.measurement].set_index("quantity").loc[claim.quantity]
            differences = (rounded(quantity[name] - claim.against) for name in ("estimate", "low", "high"))
            effect, where = Estimate(int(quantity["n"]), *differences), f"{quantity['label']} against {claim.against:g}"
        else:
            metric, scale = claim.metric, METRICS[claim.metric].scale
            effect, where = _of_study(claim, studies[claim.study], by_seed(results[claim.study]))
        verdict = _VERDICTS[position(effect.low, effect.high, expected_region(claim.expected, scale, claim.margin))]
        margin = np.nan if claim.margin is None else claim.margin
        rows.append([key, claim.claim, where, metric, claim.expected, margin, *effect, scale, verdict])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_study(claim: StudyClaim, study: Study, results: pd.DataFrame) -> tuple[Estimate, str]:
    """Return the effect that a claim is about, and what it compares in words."""
    runs = {key: group.set_index("seed_index").sort_index()[claim.metric] for key, group in results.groupby("variant")}
    metric, variant = METRICS[claim.metric], runs[claim.variant]
    split_correlation, where = study.split_correlation_of(metric), f"{study.id}: {_name(study, claim.variant)} against "
    if isinstance(claim.against, str):
        effect = paired_effect(variant, runs[claim.against], metric.scale, split_correlation)
        return effect, where + _name(study, claim.against)
    values = variant - claim.against if metric.scale == "linear" else variant / claim.against
    return estimate_mean(values, metric.scale, split_correlation), where + f"{claim.against:g}"


def _name(study: Study, id: str) -> str:
    variant = study.variant(id)
    return f"{variant.block}, {variant.label}" if variant.block else variant.label
