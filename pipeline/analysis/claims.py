"""Verdicts on claims: comparisons whose direction was declared before they were run."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.judging import expected_region, position
from pipeline.analysis.statistics import Estimate, Scale, estimate_mean, paired_effect
from pipeline.analysis.summary import by_seed
from pipeline.core.rounding import rounded
from pipeline.project.claims import Claim
from pipeline.project.metrics import METRICS
from pipeline.project.params import Params
from pipeline.project.schema import StudyClaimConfig
from pipeline.project.variants import Study

COLUMNS = ["id", "claim", "where", "metric", "expected", "margin", "n", "effect", "low", "high", "scale", "verdict"]
_VERDICTS = {"inside": "holds", "outside": "fails", "across": "undecided"}


def judge(project: Params, results: Mapping[str, pd.DataFrame], findings: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Judge every claim: one row per claim, `COLUMNS`.

    The effect is a difference or, on a log scale, a ratio: of two variants, paired by seed, or of an estimate to a
    number. A claim `holds` if its 95 % confidence interval lies on the expected side of zero effect (for `equal`:
    within the margin), `fails` if no part of it does, and is `undecided` otherwise, or if a run diverged. A claim about
    something that the project does not have is `not measured`.

    Args:
        results: By study, one row per run.
        findings: By measurement.
    """
    rows = []
    for key, claim in project.claims.items():
        config = claim.config
        if claim.unknown:
            nothing = [0, np.nan, np.nan, np.nan, "linear", "not measured"]
            rows.append([key, config.claim, claim.unknown, "", config.expect, np.nan, *nothing])
            continue
        scale: Scale = "linear"
        if isinstance(config, StudyClaimConfig):
            scale = METRICS[claim.metric].scale
            runs = by_seed(results[claim.source])
            effect, where = _of_study(claim, config.variant, project.studies[claim.source], runs)
        else:
            quantity = findings[claim.source].set_index("quantity").loc[claim.metric]
            differences = (rounded(quantity[name] - config.against) for name in ("estimate", "low", "high"))
            effect = Estimate(int(quantity["n"]), *differences)
            where = f"{quantity['label']} against {config.against:g}"
        verdict = _VERDICTS[position(effect.low, effect.high, expected_region(config.expect, scale, config.margin))]
        margin = np.nan if config.margin is None else config.margin
        rows.append([key, config.claim, where, claim.metric, config.expect, margin, *effect, scale, verdict])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_study(claim: Claim, id: str, study: Study, runs: pd.DataFrame) -> tuple[Estimate, str]:
    """Return the effect of variant `id` that a claim is about, and what it compares in words."""
    metric = METRICS[claim.metric]
    values = runs.pivot(index="seed_index", columns="variant", values=metric.name)
    split_correlation, where = study.split_correlation_of(metric), f"{study.id}: {study.variant(id).name} against "
    if isinstance(claim.against, str):
        effect = paired_effect(values[id], values[claim.against], metric.scale, split_correlation)
        return effect, where + study.variant(claim.against).name
    effects = values[id] - claim.against if metric.scale == "linear" else values[id] / claim.against
    return estimate_mean(effects, metric.scale, split_correlation), where + f"{claim.against:g}"
