import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis import summary
from pipeline.project import params


@pytest.fixture
def study(params_file):
    return params.load(path=params_file()).studies["weight_decay"]


def results(**columns) -> pd.DataFrame:
    base = {"variant": ["weight_decay_0"] * 3 + ["weight_decay_3"] * 3, "status": ["finished"] * 6}
    base |= {"seed_index": [0, 1, 2] * 2, "fold": [0] * 6, "weight_norm": [3.0] * 6}
    base |= {name: [1.0, 2.0, 4.0, 0.1, 0.1, 0.1] for name in ("train_loss_running", "train_loss", "test_loss")}
    constant = {
        name: [2.0] * 6 for name in ("loss_gap", "parameters", "closed_form_test_loss", "closed_form_weight_norm")
    }
    return pd.DataFrame({**base, **constant, **columns})


def test_validation_metrics_are_averaged_over_the_folds_of_a_seed():
    rows = [
        ("a", 0, 0, np.nan, 1.0),
        ("a", 0, 1, 2.0, 8.0),
        ("a", 0, 2, 4.0, 8.0),
        ("a", 1, 0, np.nan, 3.0),
        ("a", 1, 1, np.nan, np.nan),
        ("a", 1, 2, 5.0, 8.0),
    ]
    runs = pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "validation_loss", "test_loss"])
    seeds = summary.by_seed(runs)
    assert list(seeds.columns) == list(runs.columns)
    assert seeds[["fold", "test_loss"]].to_numpy().tolist() == [[0, 1.0], [0, 3.0]]
    # a fold that diverged leaves no mean
    np.testing.assert_array_equal(seeds["validation_loss"], [3.0, np.nan])


def test_the_metric_of_the_study_is_estimated_by_variant(study):
    assert summary.metrics(study, results()) == pytest.approx({"weight_decay_0": 2.0, "weight_decay_3": 0.1})


@pytest.mark.parametrize("first", [[np.nan, 2.0, 8.0], [np.nan] * 3, [0.0, 2.0, 8.0], [np.inf, 2.0, 8.0]])
def test_a_variant_with_a_run_that_diverged_or_an_undefined_estimate_is_left_out(first, study):
    """The runs that finished are no random sample, and a number alone could not say that it is theirs."""
    statuses = ["finished" if np.isfinite(loss) else "diverged" for loss in first] + ["finished"] * 3
    runs = results(status=statuses, test_loss=[*first, 1.0, 2.0, 4.0])
    assert summary.metrics(study, runs) == pytest.approx({"weight_decay_3": 2.0})
    runs = results(status=statuses, test_loss=[*first, 1.0, 2.0, np.nan])
    assert summary.metrics(study, runs) == {}


def test_a_metric_without_a_better_direction_is_averaged_on_its_scale(params_file):
    changes = {"studies.weight_decay.metric": "loss_gap"}
    study = params.load(path=params_file(changes)).studies["weight_decay"]
    gaps = [-1.0, 0.0, 4.0, 2.0, 2.0, 2.0]
    assert summary.metrics(study, results(loss_gap=gaps)) == pytest.approx(
        {"weight_decay_0": 1.0, "weight_decay_3": 2.0}
    )


def test_a_curve_is_the_geometric_mean_over_seeds_and_ends_if_a_run_diverges():
    rows = [
        ("weight_decay_0", split, epoch, value)
        for split in ("train", "test")
        for epoch, pair in ((1, (1.0, 4.0)), (2, (0.5, np.nan)), (3, (0.5, 0.0)))
        for value in pair
    ]
    runs = pd.DataFrame(rows, columns=["variant", "split", "epoch", "value"])
    table = summary.curves(runs, {"train": 0.0, "test": 0.5})
    assert table[["split", "epoch", "estimate"]].to_numpy().tolist() == [["train", 1, 2.0], ["test", 1, 2.0]]
    train, test = np.log(table["high"] / table["low"])
    assert test / train == pytest.approx(np.sqrt((1 / 2 + 0.5) / (1 / 2)))
    # of a single seed the band has no width
    row = summary.curves(runs[:1], {"train": 0.0}).iloc[0]
    assert row[["estimate", "low", "high"]].tolist() == [1.0, 1.0, 1.0]


def test_other_columns_are_summarised_over_seeds():
    rows = [("a", seed, layer, value) for layer, pair in ((1, (1, 4)), (2, (0, 4))) for seed, value in enumerate(pair)]
    runs = pd.DataFrame(rows, columns=["variant", "seed_index", "layer", "value"])
    interval = stats.ttest_1samp([1, 4], 0).confidence_interval(0.95)
    rows = summary.over_seeds(runs, "linear").to_numpy().tolist()
    assert rows[0] == ["a", 1, 2.5, pytest.approx(interval.low), pytest.approx(interval.high)]
    assert rows[1][:3] == ["a", 2, 2.0]
    # a value of 0 has no logarithm
    assert summary.over_seeds(runs, "log")[["layer", "estimate"]].to_numpy().tolist() == [[1, 2.0]]
    assert summary.over_seeds(runs[:0], "log").empty
