"""The closed form against its own normal equations, and against training that goes on for long enough."""

import numpy as np
import pytest
from samples import config, seeds, values
from sklearn.linear_model import LinearRegression, Ridge

from pipeline.training import closed_form, engine
from pipeline.training.engine import Examples


def chosen(**changes):
    base = {
        "model.hidden": [],
        "loss": "squared_error",
        "training": {"epochs": 3000, "batch_size": 99, "evaluations": 1},
    }
    return config({**base, **changes})


CASES = {
    "squared error": {},
    "half": {"loss": "half_squared_error"},
    "weight decay": {"optimizer.weight_decay": 0.3},
    "penalty, half": {"penalty.l2": 0.3, "loss": "half_squared_error"},
    "both": {"penalty.l2": 0.2, "optimizer.weight_decay": 0.3},
    "no bias": {"model.bias": False, "penalty.l2": 0.1},
    "some features": {"model.features": 3},
    "few examples": {"data.examples": 30},
}


@pytest.mark.parametrize("case", CASES)
def test_training_arrives_at_the_closed_form(case):
    setting_ = chosen(**CASES[case])
    dataset = values(features=4)
    examples = Examples(dataset, "float64")
    for seed in seeds(2):
        trained = engine.train(setting_, seed, examples).metrics()
        (solved,) = closed_form.solve([(setting_, seed, 0)], dataset)
        assert trained["weight_norm"] == pytest.approx(solved["closed_form_weight_norm"], rel=1e-6)
        assert trained["test_loss"] == pytest.approx(solved["closed_form_test_loss"], rel=1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(44, 13), (20, 60), (30, 30), (200, 1)])
@pytest.mark.parametrize("penalty", [0.0, 1e-18, 1e-6, 0.3, 1e6])
def test_it_is_the_solution_of_scikit_learn(bias, shape, penalty):
    examples, features = shape
    dataset = values(features=features, train=examples)
    setting_ = chosen(**{"model.bias": bias, "optimizer.weight_decay": penalty})
    for seed_index, solved in enumerate(closed_form.solve([(setting_, seed, 0) for seed in seeds(3)], dataset)):
        alpha = examples * penalty / 2
        # the other solvers of ridge regression square the inputs, and lose digits
        ridge, least_squares = Ridge(alpha, fit_intercept=bias, solver="svd"), LinearRegression(fit_intercept=bias)
        model = (ridge if penalty > 1e-9 else least_squares).fit(
            dataset.train.inputs[seed_index], dataset.train.targets[seed_index]
        )
        residuals = model.predict(dataset.test.inputs[seed_index]) - dataset.test.targets[seed_index]
        assert solved["closed_form_test_loss"] == pytest.approx(np.mean(np.square(residuals)), rel=1e-9)
        assert solved["closed_form_weight_norm"] == pytest.approx(np.linalg.norm(model.coef_), rel=1e-9)


def test_directions_that_the_examples_hardly_have_are_left_out_as_by_scikit_learn():
    dataset = values()
    dataset.train.inputs[..., 5] = dataset.train.inputs[..., 4] + 1e-9 * dataset.train.inputs[..., 5]
    model = LinearRegression().fit(dataset.train.inputs[0], dataset.train.targets[0])
    (solved,) = closed_form.solve([(chosen(), seeds(1)[0], 0)], dataset)
    assert solved["closed_form_weight_norm"] == pytest.approx(np.linalg.norm(model.coef_), rel=1e-9)


def test_a_job_beside_others_has_the_bits_that_it_has_alone():
    dataset = values()
    configs = [chosen(**CASES[case]) for case in CASES] + [chosen(**{"optimizer.weight_decay": 0.7})]
    jobs = [(each, seed, 0) for each in configs for seed in seeds(3)]
    assert closed_form.solve(jobs, dataset) == [closed_form.solve([job], dataset)[0] for job in jobs]


def test_a_fold_is_solved_on_its_own_examples():
    setting_ = chosen(**{"data.validation": {"name": "k_fold", "folds": 2}})
    solved = closed_form.solve([(setting_, seeds(1)[0], fold) for fold in (0, 1, 2)], values())
    assert len({each["closed_form_weight_norm"] for each in solved}) == 3


def test_an_l1_penalty_has_no_closed_form():
    (found,) = closed_form.solve([(chosen(**{"penalty.l1": 0.1}), seeds(1)[0], 0)], values())
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize(("decay", "known"), [(0.0, True), (0.1, False)])
def test_decoupled_weight_decay_has_no_closed_form(decay, known):
    adamw = {"name": "adamw", "learning_rate": 0.1, "weight_decay": decay}
    (found,) = closed_form.solve([(chosen(optimizer=adamw), seeds(1)[0], 0)], values())
    assert np.isfinite(list(found.values())).all() == known


def test_what_a_run_is_stopped_by_is_no_part_of_its_solution():
    early = {"name": "validation_loss", "fraction": 0.3, "patience": 2}
    one, other = (chosen(**{"training.early_stopping": own}) for own in ({"name": "none"}, early))
    solved = closed_form.solve([(each, seeds(1)[0], 0) for each in (one, other)], values())
    assert solved[0] != solved[1]


def test_with_more_inputs_than_examples_least_squares_has_the_smallest_norm():
    dataset = values(features=60, train=20)
    (found,) = closed_form.solve([(chosen(**{"model.bias": False}), seeds(1)[0], 0)], dataset)
    smallest = np.linalg.pinv(dataset.train.inputs[0]) @ dataset.train.targets[0]
    assert found["closed_form_weight_norm"] == pytest.approx(np.linalg.norm(smallest), rel=1e-9)
