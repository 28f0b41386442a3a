import numpy as np
import pandas as pd

from pipeline.analysis.runs import by_seed, samples


def results() -> pd.DataFrame:
    rows = [
        ("a", 0, 0, "finished", np.nan, 1.0),
        ("a", 0, 1, "finished", 2.0, 8.0),
        ("a", 0, 2, "finished", 4.0, 8.0),
        ("a", 1, 0, "finished", np.nan, 3.0),
        ("a", 1, 1, "diverged", np.nan, np.nan),
        ("a", 1, 2, "finished", 5.0, 8.0),
    ]
    return pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "status", "validation_loss", "test_loss"])


def test_a_seed_has_the_whole_run_and_the_mean_of_its_folds():
    found = by_seed(results())
    assert list(found.columns) == list(results().columns)
    assert found["fold"].tolist() == [0, 0]
    assert found["test_loss"].tolist() == [1.0, 3.0]
    assert found["validation_loss"].tolist()[0] == 3.0


def test_a_fold_that_diverged_leaves_no_mean():
    assert np.isnan(by_seed(results())["validation_loss"].tolist()[1])


def test_without_validation_nothing_changes():
    plain = results().drop(columns="validation_loss").query("fold == 0").reset_index(drop=True)
    assert by_seed(plain).equals(plain)


def test_samples_are_the_values_of_each_group_in_the_order_of_its_seeds():
    rows = [("b", seed, place, 10 * seed + place) for seed in (0, 1, 2) for place in (1, 0)]
    rows += [("a", seed, 0, -seed) for seed in (0, 1, 2)]
    table, values = samples(pd.DataFrame(rows, columns=["variant", "seed", "place", "value"]), ["variant", "place"])
    assert table.to_numpy().tolist() == [["b", 1], ["b", 0], ["a", 0]]
    assert values.tolist() == [[1, 11, 21], [0, 10, 20], [0, -1, -2]]
    table, values = samples(pd.DataFrame(columns=["variant", "place", "value"]), ["variant", "place"])
    assert (len(table), values.shape) == (0, (0, 0))
