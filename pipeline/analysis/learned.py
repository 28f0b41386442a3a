"""What linear models learned: each weight over the seeds."""

import pandas as pd

from pipeline.analysis.runs import samples
from pipeline.analysis.statistics import centres


def weights(runs: pd.DataFrame, resplit: float = 0.0) -> pd.DataFrame:
    """The mean of every weight over the seeds and its 95 % interval.

    Args:
        runs: Columns variant, seed_index, place, value; one row a run and weight.
        resplit: As of `statistics.centre`.

    Returns:
        Columns variant, place, centre, low, high.
    """
    table, values = samples(runs, ["variant", "place"])
    table[["centre", "low", "high"]] = centres(values, "linear", resplit)
    return table
