import numpy as np
import pytest
from samples import classes, config, seeds, values

from pipeline.execution import results
from pipeline.execution.results import RunResult, RunSpec
from pipeline.training import concise, engine
from pipeline.training.engine import Examples


def spec(changes=None, fold=0) -> RunSpec:
    return RunSpec(config(changes), seeds(1)[0], fold)


def linear(**changes):
    return spec({"model.hidden": [], "loss": "squared_error", "model.activation": "identity", **changes})


@pytest.mark.parametrize(("implementation", "module"), [("scratch", engine), ("concise", concise)])
def test_a_result_holds_what_its_run_left(implementation, module):
    own, examples = spec({"implementation": implementation}), Examples(classes(2))
    found, outcome = results.train(own, examples), module.train(*own[:2], examples)
    assert found.metrics == outcome.metrics()
    assert found.curves["test"].tolist() == outcome.curves["test_loss"].tolist()
    assert found.layers["gradient_rms", "end"].tolist() == outcome.layers["gradient_rms", "end"].tolist()
    assert found.predictions.tolist() == outcome.predictions.tolist()
    assert found.finite
    assert found.weights.size == 0


def test_the_weights_of_small_linear_models_are_kept():
    found = results.train(linear(), Examples(values(1)))
    outcome = engine.train(*linear()[:2], Examples(values(1)))
    assert found.weights.tolist() == [*outcome.weights[0][:, 0], *outcome.biases[0]]
    assert results.train(linear(), Examples(values(1, features=1001))).weights.size == 0


@pytest.mark.parametrize("kind", ["network", "linear", "diverged", "fold"])
def test_bytes_and_back(kind):
    make, own = {
        "network": (classes, spec()),
        "linear": (values, linear()),
        "diverged": (values, linear(**{"optimizer.learning_rate": 1e6, "training.epochs": 20})),
        "fold": (classes, spec({"data.validation": {"name": "k_fold", "folds": 2}}, fold=1)),
    }[kind]
    result = results.train(own, Examples(make(1)))
    content = result.to_bytes()
    back = RunResult.from_bytes(content)
    assert back.to_bytes() == content
    assert back.finite == (kind != "diverged")
    assert ("validation_loss" in back.metrics) == (kind == "fold")
    assert back.curves.keys() == result.curves.keys()
    assert all(np.array_equal(back.curves[key], result.curves[key], equal_nan=True) for key in result.curves)
    assert back.layers.keys() == result.layers.keys()
    assert back.metrics.keys() == result.metrics.keys()
