"""Runs grouped by seed: the seed is the unit of replication, folds are parts of it."""

import numpy as np
import pandas as pd


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


def samples(runs: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Group runs by all columns except `value` and `seed_index`: the S groups and their values over n seeds, (S, n)."""
    keys = [name for name in runs.columns if name not in ("value", "seed_index")]
    groups = runs.groupby(keys, sort=False, observed=True)
    table = pd.DataFrame(list(groups.size().index), columns=keys)
    order = np.argsort(groups.ngroup().to_numpy(), kind="stable")
    return table, runs["value"].to_numpy(float)[order].reshape(len(table), -1 if len(table) else 0)
