"""From runs to one row a variant and seed: the seed is what is repeated, folds are parts of it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def by_seed(results: pd.DataFrame) -> pd.DataFrame:
    """The runs that train on all examples, with the mean of their folds in the columns about validation.

    Args:
        results: One row a run, as `artifacts.read_results` gives them.

    Returns:
        One row a variant and seed, the columns of `results` in their order. A validation metric is undefined (NaN)
        where one of the folds diverged.
    """
    columns = [name for name in results.columns if name.startswith("validation_")]
    whole, folds = results[results["fold"] == 0], results[results["fold"] > 0]
    if not columns:
        return whole.reset_index(drop=True)
    keys = ["variant", "seed_index"]
    means = folds.groupby(keys)[columns].agg(lambda values: values.mean(skipna=False))
    return whole.drop(columns=columns).join(means, on=keys)[list(results.columns)].reset_index(drop=True)


def samples(runs: pd.DataFrame, keys: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Groups of runs and the values of each over its n seeds: `keys`, one row for each of S groups, and (S, n).

    Args:
        runs: `keys` and value, one row for each seed in every group.
        keys: At least two columns.
    """
    groups = runs.groupby(list(keys), sort=False, observed=True)
    table = pd.DataFrame(list(groups.size().index), columns=list(keys))
    order = np.argsort(groups.ngroup().to_numpy(), kind="stable")
    return table, runs["value"].to_numpy(float)[order].reshape(len(table), -1 if len(table) else 0)
