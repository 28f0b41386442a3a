"""Effects of variants against their baselines: the one table that the page and the commands show."""

from dataclasses import astuple, replace

import numpy as np
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
        is_baseline = variant.id == variant.baseline
        test = by_variant.get(variant.id) or EffectTest(**describe(runs[variant.id], definition, split_correlation))
        rows.append([variant.id, variant.label, variant.block, is_baseline, len(runs[variant.id]), *astuple(test)])
    return pd.DataFrame(rows, columns=EFFECTS)


def outcomes(results: pd.DataFrame, metric: Metric) -> dict[str, pd.DataFrame]:
    """Return for each variant one row per seed: `value`, `finished` and, if the results have it, `data`.

    A value of a validation metric is the mean over the folds of a seed, and counts as finished if every fold finished.
    A metric that does not come from training counts as finished.
    """
    if metric.split == "validation":
        # other columns of validation are averaged in vain
        others = [name for name in results.columns if name.startswith("validation_") and name != metric.name]
        seeds = by_seed(results.drop(columns=others))
    else:
        seeds = results[results["fold"] == 0]
    keys = ["variant", "seed_root", "seed_index"]
    finished = ((seeds["status"] == "finished") | (not metric.trained)).to_numpy()
    if metric.split == "validation":
        diverged = results[(results["fold"] > 0) & (results["status"] == "diverged")].set_index(keys).index
        finished = ~seeds.set_index(keys).index.isin(diverged)
    columns = {"value": seeds[metric.name].to_numpy(), "finished": finished}
    columns |= {"data": seeds["data"].to_numpy()} if "data" in seeds else {}
    roots, indices = (seeds[key].to_numpy() for key in keys[1:])
    numbers, variants = pd.factorize(seeds["variant"])
    order = np.lexsort((indices, roots, numbers))
    order = order[numbers[order] >= 0]  # without rows that name no variant
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []
    # most variants have the same seeds, and an index takes longer than the rest
    indexes: dict[bytes, pd.MultiIndex] = {}
    tables = {}
    for variant, rows in zip(variants, groups, strict=True):
        key = roots[rows].tobytes() + indices[rows].tobytes()
        if key not in indexes:
            indexes[key] = pd.MultiIndex.from_arrays([roots[rows], indices[rows]], names=keys[1:])
        tables[str(variant)] = pd.DataFrame({name: column[rows] for name, column in columns.items()}, indexes[key])
    return tables
