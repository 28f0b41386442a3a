import numpy as np
import pytest
from samples import classes, seeds, setting, values

from pipeline.project.dataset import Dataset
from pipeline.training import engine
from pipeline.training.engine import Examples, Outcome, Real

FORMULAS = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "identity": lambda z: z}


def train(changes: dict, dataset: Dataset | None = None, real: Real = "float64") -> Outcome:
    return engine.train(setting(changes), seeds(1)[0], Examples(dataset or classes(), real))


def affine_gap(outcome: Outcome, activation: str, inputs: np.ndarray) -> float:
    """The largest distance of an output from that without activation, by the largest output."""

    def outputs(function) -> np.ndarray:
        h = inputs
        for layer, (weight, bias) in enumerate(zip(outcome.weights, outcome.biases, strict=True)):
            h = h @ weight + bias
            h = function(h) if layer < len(outcome.weights) - 1 else h
        return h

    real = outputs(FORMULAS[activation])
    return np.abs(real - outputs(FORMULAS["identity"])).max() / np.abs(real).max()


@pytest.mark.parametrize("hidden", [[33, 20], [1], [15, 16, 17, 3], [40]])
@pytest.mark.parametrize("activation", FORMULAS)
def test_the_summary_of_a_network(activation, hidden):
    outcome = train({"model.activation": activation, "model.hidden": hidden, "optimizer.learning_rate": 0.3})
    weights = outcome.weights
    metrics = outcome.metrics()
    assert metrics["weight_norm"] == pytest.approx(np.sqrt(sum((w**2).sum() for w in weights)), rel=1e-13)
    spread = np.sqrt(((weights[0].max(axis=1) - weights[0].min(axis=1)) ** 2).mean())
    assert metrics["unit_spread"] == pytest.approx(spread, rel=1e-13)
    expected = affine_gap(outcome, activation, classes().train.inputs[0])
    assert metrics["affine_gap"] == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert (expected < 1e-13) == (activation == "identity")


def test_a_linear_model_has_a_norm_and_nothing_else():
    outcome = train({"model.hidden": [], "loss": "squared_error", "optimizer.learning_rate": 0.01}, values())
    metrics = outcome.metrics()
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(outcome.weights[0]), rel=1e-14)
    assert not {"unit_spread", "affine_gap"} & set(metrics)


def test_units_that_start_alike_stay_alike_without_dropout():
    equal = {"model.initialization": {"weight": {"name": "constant", "value": 0.1}, "bias": {"name": "zeros"}}}
    assert train(equal).metrics()["unit_spread"] == 0
    assert train(equal | {"model.dropout": 0.5}).metrics()["unit_spread"] > 0


def test_a_dead_network_is_affine_and_its_ratios_are_undefined():
    dead = {
        "model.initialization": {"weight": {"name": "zeros"}, "bias": {"name": "zeros"}},
        "model.activation": "relu",
    }
    dead |= {"model.bias": False, "model.hidden": [4, 4]}
    metrics = train(dead).metrics()
    assert metrics["affine_gap"] == metrics["weight_norm"] == 0
    assert np.isnan(metrics["activation_ratio"])
    assert np.isnan(metrics["gradient_ratio"])


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_nothing_is_said_of_a_network_that_diverged(activation):
    """Neither that it is affine nor that its units are far apart."""
    outcome = train({"model.activation": activation, "optimizer.learning_rate": 1e30}, real="float32")
    metrics = outcome.metrics()
    assert np.isnan([metrics["affine_gap"], metrics["unit_spread"]]).all()
