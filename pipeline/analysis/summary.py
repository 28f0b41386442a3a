"""From single runs to one number a variant: what `dvc metrics` and `dvc plots` show."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.analysis.runs import by_seed, samples
from pipeline.analysis.statistics import estimate_mean, estimate_means
from pipeline.project.variants import Study


def metrics(study: Study, results: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """For each variant its metrics: estimate, and for the study's own metric the 95 % interval.

    Taken over the runs that finished; `runs` and `diverged` say how many there are. Nothing undefined is in it.
    """
    found: dict[str, dict[str, Any]] = {}
    seeds = by_seed(results)
    for variant in study.variants:
        runs = seeds[seeds["variant"] == variant.id]
        finished = runs[runs["status"] == "finished"]
        values: dict[str, Any] = {"runs": len(runs), "diverged": len(runs) - len(finished)}
        for metric in study.metrics:
            values_of = (finished if metric.trained else runs)[metric.name]
            estimate = estimate_mean(values_of, metric.scale, study.split_correlation_of(metric))
            parts = {"estimate": estimate.estimate}
            if metric.name == study.metric:
                parts |= {"ci_low": estimate.low, "ci_high": estimate.high}
            defined = {name: value for name, value in parts.items() if pd.notna(value)}
            if defined:
                values[metric.name] = defined
        found[variant.id] = values
    return found


def curves(runs: pd.DataFrame, split_correlations: Mapping[str, float]) -> pd.DataFrame:
    """Loss against epoch: for each variant, split and epoch the geometric mean over seeds and its 95 % interval.

    Args:
        runs: Columns variant, split, epoch, value; one row a run and epoch.
        split_correlations: Of each split, as of `statistics.estimate`.

    Returns:
        Columns variant, split, epoch, estimate, low, high. An epoch at which a run had diverged has no row.
    """
    table, values = samples(runs, ["variant", "split", "epoch"])
    table[["estimate", "low", "high"]] = estimate_means(values, "log", table["split"].map(split_correlations))
    known = table[table["estimate"].notna()].reset_index(drop=True)
    return known.assign(low=known["low"].fillna(known["estimate"]), high=known["high"].fillna(known["estimate"]))


def layers(runs: pd.DataFrame, split_correlation: float = 0.0) -> pd.DataFrame:
    """Size of activations and gradients against depth: the geometric mean over seeds and its 95 % interval.

    Args:
        runs: Columns variant, seed_index, moment, quantity, layer, value; one row a run and layer.
        split_correlation: As of `statistics.estimate`.

    Returns:
        Columns variant, moment, quantity, layer, estimate, low, high. A size that is 0 or not finite in some run has no
        row: it has no place on a log scale.
    """
    table, values = samples(runs, ["variant", "moment", "quantity", "layer"])
    table[["estimate", "low", "high"]] = estimate_means(values, "log", split_correlation)
    return table[table["estimate"].notna()].reset_index(drop=True)
