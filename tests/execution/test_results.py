import numpy as np
import pytest
from samples import classes, config, seeds, values

from pipeline.execution.results import RunResult, RunSpec, run_one
from pipeline.training import concise, engine
from pipeline.training.engine import Examples


def spec(changes=None, fold=0) -> RunSpec:
    return RunSpec(config(changes), seeds(1)[0], fold)


def linear(**changes) -> RunSpec:
    return spec({"model.hidden": [], "loss": "squared_error", "model.activation": "identity", **changes})


@pytest.mark.parametrize(("implementation", "module"), [("scratch", engine), ("concise", concise)])
def test_a_result_holds_the_numbers_of_its_implementation(implementation, module):
    run, examples = spec({"implementation": implementation}), Examples(classes(2))
    result, trained = run_one(run, examples), module.train(run.config, run.seed, examples)
    assert result.metrics == trained.metrics()
    assert result.curves["test"].tolist() == trained.curves["test_loss"].tolist()
    assert result.layers["gradient_rms", "end"].tolist() == trained.layers["gradient_rms", "end"].tolist()
    assert result.predictions.tolist() == trained.predictions.tolist()
    assert result.finite
    assert result.weights.size == 0


def test_the_weights_of_small_linear_models_are_kept():
    result = run_one(linear(), Examples(values(1)))
    trained = engine.train(linear().config, linear().seed, Examples(values(1)))
    assert result.weights.tolist() == [*trained.weights[0][:, 0], *trained.biases[0]]
    assert run_one(linear(), Examples(values(1, features=1001))).weights.size == 0


RUNS = {
    "network": (classes, spec()),
    "linear": (values, linear()),
    "diverged": (values, linear(**{"optimizer.learning_rate": 1e6, "training.epochs": 20})),
    "fold": (classes, spec({"data.validation": {"name": "k_fold", "folds": 2}}, fold=1)),
}


@pytest.mark.parametrize("name", RUNS)
def test_bytes_and_back(name):
    make, run = RUNS[name]
    result = run_one(run, Examples(make(1)))
    content = result.to_bytes()
    restored = RunResult.from_bytes(content)
    assert restored.to_bytes() == content
    assert restored.finite == (name != "diverged")
    assert restored.metrics.keys() == result.metrics.keys()
    assert ("validation_loss" in restored.metrics) == (name == "fold")
    for field in ("curves", "layers"):
        before, after = getattr(result, field), getattr(restored, field)
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[key], after[key], equal_nan=True) for key in before)
    for field in ("weights", "predictions"):
        before, after = getattr(result, field), getattr(restored, field)
        assert (before.dtype, before.tolist()) == (after.dtype, after.tolist()) or name == "diverged"
