"""Choosing a variant by validation, and what the choice costs on the test set.

Reference: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", section 7.10, for the
one-standard-error rule.
"""

import numpy as np
import pandas as pd

from pipeline.analysis.runs import by_seed
from pipeline.analysis.statistics import estimate_mean
from pipeline.core.rounding import rounded
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study

RULES = {"lowest": "best in validation", "one_standard_error": "simplest within one standard error of it"}


def choices(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """For each block, seed and rule the variant that validation chooses.

    Args:
        study: Says which of its variants are the simplest.
        results: One row a run.

    Returns:
        Columns block, seed_index, rule, variant, cost: by what factor (of a loss) or difference (of an accuracy) the
        chosen variant is worse on the test set than the best one of the seed. `lowest` takes the best mean over the
        folds; `one_standard_error` the simplest variant whose mean is within one standard error of it, where there
        are at least two folds. A variant of which a fold diverged is never chosen.
    """
    kind = "accuracy" if study.metric.endswith("accuracy") else "loss"
    sign = -1 if kind == "accuracy" else 1
    folds = results[results["fold"] > 0]
    grouped = folds.groupby(["seed_index", "variant"])[f"validation_{kind}"]
    means = (sign * grouped.agg(lambda values: rounded(values.mean(skipna=False)))).unstack("variant")
    errors = grouped.agg(lambda values: values.sem()).unstack("variant")
    tests = (sign * by_seed(results).set_index(["seed_index", "variant"])[f"test_{kind}"]).unstack("variant")
    rows = []
    for block in dict.fromkeys(variant.block for variant in study.variants):
        names = [variant.id for variant in study.variants if variant.block == block and len(variant.folds) > 1]
        for seed in means.index:
            mean, test = means.loc[seed, names], tests.loc[seed, names]
            if mean.isna().all():
                continue
            chosen = {"lowest": mean.idxmin()}
            limit = rounded(mean.min() + errors.loc[seed, mean.idxmin()])
            if np.isfinite(limit):
                near = mean.index[mean <= limit]
                chosen["one_standard_error"] = near[0] if study.simplest_first else near[-1]
            for rule, variant in chosen.items():
                with np.errstate(divide="ignore", invalid="ignore"):
                    # a ratio to a loss of 0 is undefined, and so then is the estimate of the costs
                    cost = test[variant] - test.min() if kind == "accuracy" else test[variant] / test.min()
                rows.append((block, seed, rule, variant, cost))
    return pd.DataFrame(rows, columns=["block", "seed_index", "rule", "variant", "cost"])


def costs(study: Study, chosen: pd.DataFrame) -> pd.DataFrame:
    """What each rule costs on the test set: columns block, rule, n, estimate, low, high, and `chosen`, in words."""
    scale = METRICS[study.metric].scale
    rows = []
    for (block, rule), group in chosen.groupby(["block", "rule"], sort=False):
        counts = group["variant"].value_counts()
        labels = {variant.id: variant.label for variant in study.variants}
        words = ", ".join(f"{label} ({counts[key]})" for key, label in labels.items() if key in counts)
        rows.append((block, rule, *estimate_mean(group["cost"], scale, study.split_correlations["test"]), words))
    return pd.DataFrame(rows, columns=["block", "rule", "n", "estimate", "low", "high", "chosen"])
