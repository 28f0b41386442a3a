"""Choosing a variant by validation, and the cost of the choice on the test set.

Reference: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", section 7.10, for the
one-standard-error rule.
"""

import math

import numpy as np
import pandas as pd

from pipeline.analysis.statistics import estimate_mean
from pipeline.analysis.summary import by_seed
from pipeline.core.rounding import rounded
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

RULES = {"lowest": "best score", "one_standard_error": "simplest within one standard error of it"}


def choices(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """Choose a variant by validation for each block, seed and rule.

    `lowest` takes the best mean over the folds, `one_standard_error` the simplest variant whose mean is within one
    standard error of it, which needs two folds. A variant with a diverged fold is never chosen.

    Returns:
        Columns block, seed_index, rule, variant, cost: the factor (of a loss) or difference (of an accuracy) by which
        the chosen variant is worse on the test set than the best variant of the seed.
    """
    sign = -1 if study.score == "accuracy" else 1
    grouped = results[results["fold"] > 0].groupby(["seed_index", "variant"])[f"validation_{study.score}"]
    means = (sign * grouped.agg(lambda values: rounded(values.mean(skipna=False)))).unstack("variant")
    errors = grouped.agg(lambda values: values.sem()).unstack("variant")
    tests = (sign * by_seed(results).set_index(["seed_index", "variant"])[f"test_{study.score}"]).unstack("variant")
    rows = []
    for block in study.blocks:
        ids = [variant.id for variant in study.variants if variant.block == block and len(variant.folds) > 1]
        for seed in means.index:
            mean, test = means.loc[seed, ids], tests.loc[seed, ids]
            if mean.isna().all():
                continue
            chosen = {"lowest": mean.idxmin()}
            limit = rounded(mean.min() + errors.loc[seed, mean.idxmin()])
            if np.isfinite(limit):
                near = mean.index[mean <= limit]
                chosen["one_standard_error"] = near[0] if study.simplest_first else near[-1]
            for rule, variant in chosen.items():
                # a ratio to a loss of 0 is undefined, and so is the estimate of the costs
                with np.errstate(divide="ignore", invalid="ignore"):
                    cost = test[variant] - test.min() if study.score == "accuracy" else test[variant] / test.min()
                rows.append((block, seed, rule, variant, cost))
    return pd.DataFrame(rows, columns=["block", "seed_index", "rule", "variant", "cost"])


def costs(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """Estimate the cost of each rule: columns block, rule, n, estimate, low, high, and `chosen`, in words.

    A cost is at least that of the best variant: the interval is cut there.
    """
    metric, rows = METRICS[f"test_{study.score}"], []
    for (block, rule), group in chosen.groupby(["block", "rule"], sort=False):
        counts = group["variant"].value_counts()
        names = ", ".join(
            f"{variant.label} ({counts[variant.id]})" for variant in study.variants if variant.id in counts
        )
        n, estimate, low, high = estimate_mean(group["cost"], metric.scale, study.split_correlation_of(metric))
        low = low if math.isnan(low) else max(low, metric.zero_effect)
        rows.append((block, rule, n, estimate, low, high, names))
    return pd.DataFrame(rows, columns=["block", "rule", "n", "estimate", "low", "high", "chosen"])
