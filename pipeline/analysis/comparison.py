"""Effects of variants against their baselines: the one table that the page and the commands show."""

from dataclasses import astuple, replace

import pandas as pd

from pipeline.analysis.judging import COLUMNS, EffectTest, compare_runs, describe, judge
from pipeline.analysis.summary import by_seed
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study

EFFECTS = ["variant", "label", "block", "is_baseline", "runs", *COLUMNS]


def effects(study: Study, results: pd.DataFrame, metric: str, judging: Judging | None = None) -> pd.DataFrame:
    """Estimate every variant of a study and its effect against the baseline of its block, paired by seed.

    Args:
        results: One row per run.
        judging: Error rate and margins; without them there are no verdicts.

    Returns:
        One row per variant, `EFFECTS`. Estimates use the runs that finished. An effect is undefined if a run of either
        side diverged: leaving that run out would flatter its side. A baseline has an estimate only.
    """
    definition = METRICS[metric]
    runs, split_correlation = outcomes(results, definition), study.split_correlation_of(definition)
    compared = [variant for variant in study.variants if variant.id != variant.baseline]
    tests = [
        compare_runs(runs[variant.id], runs[variant.baseline], definition, split_correlation) for variant in compared
    ]
    tests = judge(tests, definition, judging) if judging else [replace(test, verdict="") for test in tests]
    by_variant = {variant.id: test for variant, test in zip(compared, tests, strict=True)}
    rows = []
    for variant in study.variants:
        alone = EffectTest(**describe(runs[variant.id], definition, split_correlation))
        is_baseline = variant.id == variant.baseline
        columns = [variant.id, variant.label, variant.block, is_baseline, len(runs[variant.id])]
        rows.append([*columns, *astuple(by_variant.get(variant.id, alone))])
    return pd.DataFrame(rows, columns=EFFECTS)


def outcomes(results: pd.DataFrame, metric: Metric) -> dict[str, pd.DataFrame]:
    """Return for each variant one row per seed: `value`, `finished` and, if the results have it, `data`.

    A value of a validation metric is the mean over the folds of a seed, and counts as finished if every fold finished.
    A metric that does not come from training counts as finished.
    """
    seeds = by_seed(results)
    keys = ["variant", "seed_root", "seed_index"]
    finished = (seeds["status"] == "finished") | (not metric.trained)
    if metric.split == "validation":
        diverged = results[(results["fold"] > 0) & (results["status"] == "diverged")].set_index(keys).index
        finished = ~seeds.set_index(keys).index.isin(diverged)
    seeds = seeds.assign(value=seeds[metric.name], finished=finished)
    columns = ["value", "finished"] + (["data"] if "data" in seeds else [])
    return {
        str(variant): runs.set_index(["seed_root", "seed_index"]).sort_index()[columns]
        for variant, runs in seeds.groupby("variant", sort=False)
    }
