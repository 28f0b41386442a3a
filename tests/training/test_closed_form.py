"""The closed form against scikit-learn, and against training that goes on for long enough."""

import numpy as np
import pytest
from samples import ADAM, config, seeds, values
from sklearn.linear_model import LinearRegression, Ridge

from pipeline.core.dataset import Dataset
from pipeline.training import closed_form, engine
from pipeline.training.engine import Examples

LINEAR = {"model.hidden": [], "loss": "squared_error", "training": {"epochs": 3000, "batch_size": 99, "evaluations": 1}}
CASES = {
    "squared error": {},
    "half": {"loss": "half_squared_error"},
    "weight decay": {"optimizer.weight_decay": 0.3},
    "penalty, half": {"penalty.l2": 0.3, "loss": "half_squared_error"},
    "both": {"penalty.l2": 0.2, "optimizer.weight_decay": 0.3},
    "no bias": {"model.bias": False, "penalty.l2": 0.1},
    "some features": {"model.features": 3},
    "few examples": {"data.examples": 30},
    "fold": {"data.validation": {"name": "k_fold", "folds": 2}},
}


def solve(changes: dict, dataset: Dataset | None = None, fold: int = 0) -> list[float]:
    """Test loss and norm for the first seed."""
    (solution,) = closed_form.solve([(config(LINEAR | changes), seeds(1)[0], fold)], dataset or values())
    return [solution["closed_form_test_loss"], solution["closed_form_weight_norm"]]


@pytest.mark.parametrize("case", CASES)
def test_training_arrives_at_the_closed_form(case):
    dataset, fold = values(features=4), 2 if case == "fold" else 0
    run = engine.train(config(LINEAR | CASES[case]), seeds(1)[0], Examples(dataset, "float64"), fold=fold)
    numbers = [run.metrics()[name] for name in ("test_loss", "weight_norm")]
    assert numbers == pytest.approx(solve(CASES[case], dataset, fold), rel=1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(44, 13), (20, 60), (30, 30), (200, 1)])
@pytest.mark.parametrize("penalty", [0.0, 1e-18, 1e-6, 0.3, 1e6])
def test_it_is_the_solution_of_scikit_learn(bias, shape, penalty):
    """With more inputs than examples, least squares has the smallest norm."""
    examples, features = shape
    dataset = values(features=features, train=examples)
    chosen = config(LINEAR | {"model.bias": bias, "optimizer.weight_decay": penalty})
    for seed_index, solution in enumerate(closed_form.solve([(chosen, seed, 0) for seed in seeds(3)], dataset)):
        # the other solvers of ridge regression square the inputs, and lose digits
        ridge = Ridge(examples * penalty / 2, fit_intercept=bias, solver="svd")
        model = ridge if penalty > 1e-9 else LinearRegression(fit_intercept=bias)
        model.fit(dataset.train.inputs[seed_index], dataset.train.targets[seed_index])
        residuals = model.predict(dataset.test.inputs[seed_index]) - dataset.test.targets[seed_index]
        assert solution["closed_form_test_loss"] == pytest.approx(np.mean(np.square(residuals)), rel=1e-9)
        assert solution["closed_form_weight_norm"] == pytest.approx(np.linalg.norm(model.coef_), rel=1e-9)


def test_directions_that_the_examples_hardly_have_are_left_out_as_by_scikit_learn():
    dataset = values()
    dataset.train.inputs[..., 5] = dataset.train.inputs[..., 4] + 1e-9 * dataset.train.inputs[..., 5]
    model = LinearRegression().fit(dataset.train.inputs[0], dataset.train.targets[0])
    assert solve({}, dataset)[1] == pytest.approx(np.linalg.norm(model.coef_), rel=1e-9)


def test_a_run_beside_others_has_the_bits_that_it_has_alone():
    configs = [config(LINEAR | changes) for changes in [*CASES.values(), {"optimizer.weight_decay": 0.7}]]
    specs = [(chosen, seed, 0) for chosen in configs for seed in seeds(3)]
    assert closed_form.solve(specs, values()) == [closed_form.solve([spec], values())[0] for spec in specs]


def test_l1_penalty_and_decoupled_weight_decay_have_no_closed_form():
    adamw = ADAM | {"name": "adamw"}
    for changes in ({"penalty.l1": 0.1}, {"optimizer": adamw | {"weight_decay": 0.1}}):
        assert np.isnan(solve(changes)).all()
    assert np.isfinite(solve({"optimizer": adamw})).all()
