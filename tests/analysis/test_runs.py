import numpy as np
import pandas as pd

from pipeline.analysis.runs import by_seed, samples


def test_validation_metrics_are_averaged_over_the_folds_of_a_seed():
    rows = [
        ("a", 0, 0, "finished", np.nan, 1.0),
        ("a", 0, 1, "finished", 2.0, 8.0),
        ("a", 0, 2, "finished", 4.0, 8.0),
        ("a", 1, 0, "finished", np.nan, 3.0),
        ("a", 1, 1, "diverged", np.nan, np.nan),
        ("a", 1, 2, "finished", 5.0, 8.0),
    ]
    results = pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "status", "validation_loss", "test_loss"])
    seeds = by_seed(results)
    assert list(seeds.columns) == list(results.columns)
    assert seeds[["fold", "test_loss"]].to_numpy().tolist() == [[0, 1.0], [0, 3.0]]
    # a fold that diverged leaves no mean
    np.testing.assert_array_equal(seeds["validation_loss"], [3.0, np.nan])
    without = results.drop(columns="validation_loss").query("fold == 0").reset_index(drop=True)
    assert by_seed(without).equals(without)


def test_samples_are_the_values_of_each_group_in_the_order_of_its_seeds():
    rows = [("b", seed, epoch, 10 * seed + epoch) for seed in (0, 1, 2) for epoch in (1, 0)]
    rows += [("a", seed, 0, -seed) for seed in (0, 1, 2)]
    runs = pd.DataFrame(rows, columns=["variant", "seed_index", "epoch", "value"])
    table, values = samples(runs)
    assert table.to_numpy().tolist() == [["b", 1], ["b", 0], ["a", 0]]
    assert values.tolist() == [[1, 11, 21], [0, 10, 20], [0, -1, -2]]
    table, values = samples(runs[:0])
    assert (list(table.columns), len(table), values.shape) == (["variant", "epoch"], 0, (0, 0))
