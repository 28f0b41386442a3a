import numpy as np
import pytest
from samples import classes, config, seeds, values

from pipeline.execution.results import RunResult, RunSpec, run_one
from pipeline.training.engine import Examples

LINEAR = {"model.hidden": [], "loss": "squared_error", "model.activation": "identity"}
RUNS = {
    "network": (classes, {}, 0),
    "linear": (values, LINEAR, 0),
    "diverged": (values, {**LINEAR, "optimizer.learning_rate": 1e6, "training.epochs": 20}, 0),
    "fold": (classes, {"data.validation": {"name": "k_fold", "folds": 2}}, 1),
}


@pytest.mark.parametrize("name", RUNS)
def test_bytes_and_back(name):
    make, changes, fold = RUNS[name]
    result = run_one(RunSpec(config(changes), seeds(1)[0], fold), Examples(make(1)))
    content = result.to_bytes()
    restored = RunResult.from_bytes(content)
    assert restored.to_bytes() == content
    assert restored.diverged == (name == "diverged")
    assert ("validation_loss" in restored.metrics) == (name == "fold")
    assert restored.layers.keys() == result.layers.keys()
    assert all(np.array_equal(restored.curves[key], result.curves[key], equal_nan=True) for key in result.curves)
    assert restored.predictions.dtype == result.predictions.dtype
