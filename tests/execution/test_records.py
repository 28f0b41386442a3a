import numpy as np
import pytest
from samples import classes, seeds, setting, values

from pipeline.execution import records
from pipeline.execution.records import Record
from pipeline.training import concise, loop


def equal(one: Record, other: Record) -> bool:
    """The same, NaN included."""
    return one.to_bytes() == other.to_bytes()


def linear(**changes):
    return setting({"model.hidden": [], "loss": "squared_error", "model.activation": "identity", **changes})


def test_a_record_holds_what_its_own_run_left():
    jobs = [(setting({"optimizer.learning_rate": rate}), seed, 0) for rate in (0.1, 0.2) for seed in seeds(2)]
    found = records.train(jobs, classes(2), "cpu")
    outcome = loop.train([job[0] for job in jobs], [job[1] for job in jobs], classes(2))
    for place, record in enumerate(found):
        assert record.metrics == {name: each[place] for name, each in outcome.metrics().items()}
        assert record.curves["test"].tolist() == outcome.curves["test_loss"][place].tolist()
        assert record.layers["gradient_rms", "end"].tolist() == outcome.layers["gradient_rms", "end"][place].tolist()
        assert record.predictions.tolist() == outcome.predictions[place].tolist()
        assert record.finite
        assert record.weights.size == 0


def test_the_weights_of_small_linear_models_are_kept_and_their_closed_form():
    job = (linear(), seeds(1)[0], 0)
    (found,) = records.train([job], values(1), "cpu")
    outcome = loop.train([job[0]], [job[1]], values(1))
    assert found.weights.tolist() == [*outcome.weights[0][0, :, 0], *outcome.biases[0][0]]
    assert {"closed_form_test_loss", "closed_form_weight_norm"} <= set(found.metrics)
    (large,) = records.train([job], values(1, features=1001), "cpu")
    assert large.weights.size == 0


def test_concise_runs_are_trained_one_by_one():
    jobs = [(setting({"implementation": "concise"}), seed, 0) for seed in seeds(2)]
    found = records.train(jobs, classes(2), "cpu")
    for record, job in zip(found, jobs, strict=True):
        alone = concise.train(*job[:2], classes(2)).metrics()
        assert record.metrics == {name: each[0] for name, each in alone.items()}


@pytest.mark.parametrize("kind", ["network", "linear", "diverged", "fold"])
def test_bytes_and_back(kind):
    make, job = {
        "network": (classes, (setting(), seeds(1)[0], 0)),
        "linear": (values, (linear(), seeds(1)[0], 0)),
        "diverged": (values, (linear(**{"optimizer.learning_rate": 1e6, "schedule.epochs": 20}), seeds(1)[0], 0)),
        "fold": (classes, (setting({"data.validation": {"name": "k_fold", "folds": 2}}), seeds(1)[0], 1)),
    }[kind]
    (record,) = records.train([job], make(1), "cpu")
    content = record.to_bytes()
    back = Record.from_bytes(content)
    assert back.to_bytes() == content
    assert back.finite == (kind != "diverged")
    assert ("validation_loss" in back.metrics) == (kind == "fold")
    assert {key: each.dtype for key, each in back.curves.items()} == {"train": np.float64, "test": np.float64}
    assert back.curves.keys() == record.curves.keys()
    assert all(np.array_equal(back.curves[key], record.curves[key], equal_nan=True) for key in record.curves)
    assert back.layers.keys() == record.layers.keys()
    assert back.metrics.keys() == record.metrics.keys()


def test_other_bytes_are_refused():
    with pytest.raises((ValueError, KeyError)):
        Record.from_bytes(b"something else")
