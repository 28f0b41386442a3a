"""Runs grouped by seed, and estimates over the seeds for `dvc metrics`, `dvc plots` and the lines of figures.

The seed is the unit of replication; folds are parts of it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.statistics import Scale, estimate_mean, estimate_means
from pipeline.project.variants import Study

_INTERVAL = ["estimate", "low", "high"]


def by_seed(results: pd.DataFrame) -> pd.DataFrame:
    """Return the runs on all examples, one per variant and seed, with validation metrics averaged over the folds.

    The mean is undefined (NaN) if a fold diverged. Columns keep their order.
    """
    columns = [name for name in results.columns if name.startswith("validation_")]
    whole, folds = results[results["fold"] == 0], results[results["fold"] > 0]
    if columns:
        keys = ["variant", "seed_index"]
        means = folds.groupby(keys)[columns].agg(lambda values: values.mean(skipna=False))
        whole = whole.drop(columns=columns).join(means, on=keys)[list(results.columns)]
    return whole.reset_index(drop=True)


def metrics(study: Study, results: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return for each variant the estimates of its metrics, and for the study's own metric the 95 % interval.

    Estimates use the runs that finished; `runs` and `diverged` count them. Undefined numbers are left out.
    """
    variants: dict[str, dict[str, Any]] = {}
    seeds = by_seed(results)
    for variant in study.variants:
        runs = seeds[seeds["variant"] == variant.id]
        finished = runs[runs["status"] == "finished"]
        values: dict[str, Any] = {"runs": len(runs), "diverged": len(runs) - len(finished)}
        for metric in study.metrics:
            sample = (finished if metric.trained else runs)[metric.name]
            _, estimate, low, high = estimate_mean(sample, metric.scale, study.split_correlation_of(metric))
            numbers = {"estimate": estimate}
            if metric.name == study.metric:
                numbers |= {"ci_low": low, "ci_high": high}
            defined = {name: value for name, value in numbers.items() if pd.notna(value)}
            if defined:
                values[metric.name] = defined
        variants[variant.id] = values
    return variants


def curves(runs: pd.DataFrame, split_correlations: Mapping[str, float]) -> pd.DataFrame:
    """Compute the geometric mean of the loss over the runs of each variant, split and epoch, with its 95 % interval.

    Returns columns variant, split, epoch, estimate, low, high, without the epochs by which a run had diverged.
    """
    table, values = _samples(runs)
    table[_INTERVAL] = estimate_means(values, "log", table["split"].map(split_correlations))
    defined = table.dropna(subset="estimate", ignore_index=True)
    # the interval of a single seed is undefined, and its band has no width
    return defined.assign(**{name: defined[name].fillna(defined["estimate"]) for name in ("low", "high")})


def over_seeds(runs: pd.DataFrame, scale: Scale, split_correlation: float = 0.0) -> pd.DataFrame:
    """Compute the mean of the column `value` over the column `seed_index`, with its 95 % interval.

    Returns the other columns and estimate, low, high, without the rows whose estimate is undefined.
    """
    table, values = _samples(runs)
    table[_INTERVAL] = estimate_means(values, scale, split_correlation)
    return table.dropna(subset="estimate", ignore_index=True)


def _samples(runs: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Group runs by all columns except `value` and `seed_index`: the S groups and their values over n seeds, (S, n)."""
    keys = [name for name in runs.columns if name not in ("value", "seed_index")]
    groups = runs.groupby(keys, sort=False, observed=True)
    table = pd.DataFrame(list(groups.size().index), columns=keys)
    order = np.argsort(groups.ngroup().to_numpy(), kind="stable")
    return table, runs["value"].to_numpy(float)[order].reshape(len(table), -1 if len(table) else 0)
