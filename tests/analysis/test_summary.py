import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis import summary
from pipeline.project import params


@pytest.fixture
def study(params_file):
    return params.load(path=params_file()).studies["weight_decay"]


_REST = {name: [2.0] * 6 for name in ("loss_gap", "parameters", "closed_form_test_loss", "closed_form_weight_norm")}


def results(**columns) -> pd.DataFrame:
    base = {"variant": ["weight_decay_0"] * 3 + ["weight_decay_3"] * 3, "status": ["finished"] * 6}
    base |= {"seed_index": [0, 1, 2] * 2, "fold": [0] * 6}
    numbers = {name: [1.0, 2.0, 4.0, 0.1, 0.1, 0.1] for name in ("train_loss_running", "train_loss", "test_loss")}
    return pd.DataFrame({**base, **numbers, "weight_norm": [3.0] * 6, **_REST, **columns})


def test_the_judged_metric_has_an_interval_the_others_a_centre(study):
    found = summary.metrics(study, results())
    assert list(found) == ["weight_decay_0", "weight_decay_3"]
    one = found["weight_decay_0"]
    assert (one["runs"], one["diverged"]) == (3, 0)
    assert one["test_loss"]["estimate"] == pytest.approx(2.0)
    interval = stats.ttest_1samp(np.log([1, 2, 4]), 0).confidence_interval(0.95)
    assert one["test_loss"]["ci_low"] == pytest.approx(np.exp(interval.low))
    assert one["test_loss"]["ci_high"] == pytest.approx(np.exp(interval.high))
    assert list(one["train_loss"]) == ["estimate"]


def test_diverged_runs_are_counted_and_nothing_undefined_is_written(study):
    statuses = ["diverged", "finished", "finished", "diverged", "diverged", "diverged"]
    found = summary.metrics(study, results(status=statuses, test_loss=[np.nan, 2.0, 8.0, np.nan, np.nan, np.nan]))
    assert found["weight_decay_0"]["diverged"] == 1
    assert found["weight_decay_0"]["test_loss"]["estimate"] == pytest.approx(4.0)
    kept = ("parameters", "closed_form_test_loss", "closed_form_weight_norm")  # not of training
    assert found["weight_decay_3"] == {"runs": 3, "diverged": 3} | {
        name: {"estimate": pytest.approx(2)} for name in kept
    }


def test_a_curve_is_the_geometric_mean_over_seeds_and_ends_where_a_run_diverges():
    runs = pd.DataFrame(
        [
            ("weight_decay_0", split, epoch, value)
            for split in ("train", "test")
            for epoch, pair in ((1, (1.0, 4.0)), (2, (0.5, np.nan)), (3, (0.5, 0.0)))
            for value in pair
        ],
        columns=["variant", "split", "epoch", "value"],
    )
    found = summary.curves(runs, {"train": 0.0, "test": 0.5})
    assert found[["split", "epoch", "estimate"]].to_numpy().tolist() == [["train", 1, 2.0], ["test", 1, 2.0]]
    train, test = np.log(found["high"] / found["low"])
    assert test / train == pytest.approx(np.sqrt((1 / 2 + 0.5) / (1 / 2)))
    assert (found["low"] < 2).all()
    assert (found["low"] > 0).all()


def test_the_curve_of_a_single_seed_has_a_band_without_width():
    runs = pd.DataFrame([("weight_decay_0", "test", 1, 3.0)], columns=["variant", "split", "epoch", "value"])
    assert summary.curves(runs, {"test": 0.0}).iloc[0][["estimate", "low", "high"]].tolist() == pytest.approx(
        [3.0, 3.0, 3.0]
    )


def test_layers_are_summarised_over_seeds_layer_by_layer():
    keys = ["variant", "seed_index", "moment", "quantity", "layer", "value"]
    values = {1: (1, 4), 2: (0, 4)}
    rows = [("a", seed, "start", "gradient_rms", layer, values[layer][seed]) for layer in values for seed in (0, 1)]
    runs = pd.DataFrame(rows, columns=keys)
    (row,) = summary.layers(runs).itertuples()
    assert (row.variant, row.moment, row.quantity, row.layer) == ("a", "start", "gradient_rms", 1)
    assert row.estimate == pytest.approx(2.0)
