"""The claims of claims: each a comparison whose direction was declared before it was run, with what came of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.runs import by_seed
from pipeline.analysis.statistics import Estimate, estimate_mean, paired_effect
from pipeline.core.rounding import rounded
from pipeline.measurements.config import MeasurementConfig
from pipeline.project.metrics import METRICS
from pipeline.project.params import MeasurementClaim, StudyClaim, missing
from pipeline.project.variants import Study

_NOTHING = Estimate(0, np.nan, np.nan, np.nan)
COLUMNS = ["id", "claim", "where", "metric", "expected", "margin", "n", "effect", "low", "high", "scale", "verdict"]


def judge(
    claims: Mapping[str, StudyClaim | MeasurementClaim],
    studies: Mapping[str, Study],
    measurements: Mapping[str, MeasurementConfig],
    results: Mapping[str, pd.DataFrame],
    findings: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """One row for each claim, `COLUMNS`.

    The effect is a difference or, on a log scale, a ratio: of two variants, paired by seed, or of a variant's or a
    measurement's estimate and a number. The verdict is `holds` where the 95 % interval lies wholly on the expected side (for
    `equal`: within the margin), `fails` where it lies wholly on the other, else `undecided`; a run that diverged leaves
    its claim undecided. A claim about what the project does not have is `not measured`.

    Args:
        claims: As declared.
        studies, measurements: By id.
        results: One row a run, by id of the study.
        findings: Of the measurements, as `findings.findings` gives them, by id of the measurement.
    """
    rows = []
    for key, claim in claims.items():
        reason = missing(claim, studies, measurements)
        if reason is not None:
            rows.append([key, claim.claim, reason, "", claim.expected, np.nan, *_NOTHING, "linear", "not measured"])
            continue
        if isinstance(claim, MeasurementClaim):
            found = findings[claim.measurement].set_index("quantity").loc[claim.quantity]
            differences = (rounded(found[name] - claim.against) for name in ("estimate", "low", "high"))
            estimate, scale = Estimate(int(found["n"]), *differences), "linear"
            where, metric = f"{found['label']} against {claim.against:g}", claim.quantity
        else:
            estimate, where = _of_study(claim, studies[claim.study], by_seed(results[claim.study]))
            scale, metric = METRICS[claim.metric].scale, claim.metric
        margin = np.nan if claim.margin is None else claim.margin
        judged = verdict(claim.expected, estimate, claim.margin, scale)
        rows.append([key, claim.claim, where, metric, claim.expected, margin, *estimate, scale, judged])
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_study(claim: StudyClaim, study: Study, results: pd.DataFrame) -> tuple[Estimate, str]:
    runs = {key: group.set_index("seed_index").sort_index()[claim.metric] for key, group in results.groupby("variant")}
    scale, variant = METRICS[claim.metric].scale, study.variant(claim.variant)
    split_correlation = study.split_correlation_of(METRICS[claim.metric])
    words = f"{study.id}: {_full(study, claim.variant)} against "
    if isinstance(claim.against, str):
        return paired_effect(runs[variant.id], runs[claim.against], scale, split_correlation), words + _full(
            study, claim.against
        )
    values = runs[variant.id] - claim.against if scale == "linear" else runs[variant.id] / claim.against
    return estimate_mean(values, scale, split_correlation), words + f"{claim.against:g}"


def _full(study: Study, id: str) -> str:
    variant = study.variant(id)
    return f"{variant.block}, {variant.label}" if variant.block else variant.label


def verdict(expected: str, estimate: Estimate, margin: float | None, scale: str) -> str:
    """`holds`, `fails` or `undecided`.

    >>> verdict("higher", Estimate(10, 0.02, 0.01, 0.03), None, "linear")
    'holds'
    >>> verdict("equal", Estimate(10, 1.02, 0.97, 1.15), 1.1, "log")
    'undecided'
    """
    same = 0.0 if scale == "linear" else 1.0
    low, high = estimate.low, estimate.high
    if np.isnan(low) or np.isnan(high):
        return "undecided"
    if margin is not None:
        least, most = (-margin, margin) if scale == "linear" else (rounded(1 / margin), margin)
        return "holds" if least <= low and high <= most else "fails" if high < least or low > most else "undecided"
    if expected == "higher":
        return "holds" if low > same else "fails" if high <= same else "undecided"
    return "holds" if high < same else "fails" if low >= same else "undecided"
