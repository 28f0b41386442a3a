"""Runs grouped by seed, and estimates over the seeds for `dvc metrics`, `dvc plots` and the lines of figures.

The seed is the unit of replication; folds are parts of it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.statistics import Scale, estimate_mean, estimate_means
from pipeline.project.metrics import METRICS
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


def metrics(study: Study, results: pd.DataFrame) -> dict[str, float]:
    """Return the estimate of the metric that the study is judged by, by variant.

    A variant is left out if its estimate is undefined: a run diverged, which `dvc metrics` cannot show, or a loss is 0.
    """
    seeds = by_seed(results)
    samples = {variant.id: seeds[study.metric][seeds["variant"] == variant.id] for variant in study.variants}
    scale = METRICS[study.metric].scale
    estimates = {id: estimate_mean(sample, scale).estimate for id, sample in samples.items()}
    return {id: estimate for id, estimate in estimates.items() if pd.notna(estimate)}


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
