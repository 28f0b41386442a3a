"""What linear models learned: each weight over the seeds."""

import pandas as pd

from pipeline.analysis.runs import samples
from pipeline.analysis.statistics import estimate_means


def weights(runs: pd.DataFrame, split_correlation: float = 0.0) -> pd.DataFrame:
    """The mean of every weight over the seeds and its 95 % interval.

    Args:
        runs: Columns variant, seed_index, place, value; one row a run and weight.
        split_correlation: As of `statistics.estimate`.

    Returns:
        Columns variant, place, estimate, low, high.
    """
    table, values = samples(runs, ["variant", "place"])
    table[["estimate", "low", "high"]] = estimate_means(values, "linear", split_correlation)
    return table
