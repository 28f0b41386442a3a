import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis import learned


def test_a_weight_is_averaged_over_seeds_place_by_place():
    values = {("a", 0): [1.0, 2.0, 6.0], ("a", 1): [0.0, 0.0, 0.0], ("b", 0): [-1.0, 1.0, 0.0]}
    rows = [(variant, seed, place, value) for (variant, place), own in values.items() for seed, value in enumerate(own)]
    found = learned.weights(pd.DataFrame(rows, columns=["variant", "seed_index", "place", "value"]))
    assert found[["variant", "place", "estimate"]].to_numpy().tolist() == [["a", 0, 3.0], ["a", 1, 0.0], ["b", 0, 0.0]]
    interval = stats.ttest_1samp([1.0, 2.0, 6.0], 0).confidence_interval(0.95)
    assert found.loc[0, ["low", "high"]].tolist() == pytest.approx([interval.low, interval.high])


def test_without_weights_there_is_no_row():
    assert learned.weights(pd.DataFrame(columns=["variant", "seed_index", "place", "value"])).empty
