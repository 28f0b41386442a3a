"""Variants against their baselines: the one place where effects are computed, for the page and the commands alike."""

import pandas as pd

from pipeline.analysis.runs import by_seed
from pipeline.analysis.statistics import centre, paired_effect
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

COLUMNS = [
    "variant",
    "label",
    "block",
    "runs",
    "diverged",
    "centre",
    "low",
    "high",
    "is_baseline",
    "effect",
    "effect_low",
    "effect_high",
]


def effects(study: Study, results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """For each variant its centre and its effect against the baseline of its block, paired by seed.

    Args:
        study: Says which variant is compared with which.
        results: One row a run, as `artifacts.read_results` gives them.
        metric: Name of the metric.

    Returns:
        One row a variant, `COLUMNS`. Centres are taken over the runs that finished; an effect is undefined (NaN) where
        a run of either side diverged, because to leave that run out would flatter the side that lost it.
    """
    scale = METRICS[metric].scale
    seeds = by_seed(results)
    runs = {key: group.set_index("seed_index").sort_index() for key, group in seeds.groupby("variant")}
    rows = []
    for variant in study.variants:
        ours, theirs = runs[variant.id], runs[variant.baseline]
        diverged = int((ours["status"] != "finished").sum())
        counted = ours[ours["status"] == "finished"] if METRICS[metric].trained else ours
        middle = centre(counted[metric], scale)
        effect = paired_effect(ours[metric], theirs.loc[ours.index, metric], scale)
        is_baseline = variant.id == variant.baseline
        rows.append(
            [variant.id, variant.label, variant.block, len(ours), diverged, *middle[1:], is_baseline, *effect[1:]]
        )
    return pd.DataFrame(rows, columns=COLUMNS)
