"""Estimates over the seeds: the numbers of `dvc metrics` and `dvc plots`, and the lines of figures."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.analysis.runs import by_seed, samples
from pipeline.analysis.statistics import Scale, estimate_mean, estimate_means
from pipeline.project.variants import Study

_INTERVAL = ["estimate", "low", "high"]


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
    table, values = samples(runs)
    table[_INTERVAL] = estimate_means(values, "log", table["split"].map(split_correlations))
    defined = table.dropna(subset="estimate", ignore_index=True)
    return defined.assign(**{name: defined[name].fillna(defined["estimate"]) for name in ("low", "high")})


def over_seeds(runs: pd.DataFrame, scale: Scale, split_correlation: float = 0.0) -> pd.DataFrame:
    """Compute the mean of the column `value` over the column `seed_index`, with its 95 % interval.

    Returns the other columns and estimate, low, high, without the rows whose estimate is undefined.
    """
    table, values = samples(runs)
    table[_INTERVAL] = estimate_means(values, scale, split_correlation)
    return table.dropna(subset="estimate", ignore_index=True)
