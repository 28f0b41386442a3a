"""The closed form against its own normal equations, and against training that goes on for long enough."""

import numpy as np
import pytest
import torch
from samples import seeds, setting, values

from pipeline.training import closed_form, loop


def chosen(**changes):
    base = {
        "model.hidden": [],
        "loss": "squared_error",
        "schedule": {"epochs": 3000, "batch_size": 99, "evaluations": 1},
    }
    return setting({**base, **changes})


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
    trained = loop.train([setting_] * 2, seeds(2), dataset, dtype=torch.float64)
    for run, solved in enumerate(closed_form.solve([(setting_, seed, 0) for seed in seeds(2)], dataset)):
        assert trained.final["weight_norm"][run] == pytest.approx(solved["closed_form_weight_norm"], rel=1e-6)
        assert trained.curves["test_loss"][run, -1] == pytest.approx(solved["closed_form_test_loss"], rel=1e-6)


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
    one, other = (chosen(**{"schedule.early_stopping": own}) for own in ({"name": "none"}, early))
    solved = closed_form.solve([(each, seeds(1)[0], 0) for each in (one, other)], values())
    assert solved[0] != solved[1]


def test_with_more_inputs_than_examples_least_squares_has_the_smallest_norm():
    dataset = values(features=60, train=20)
    (found,) = closed_form.solve([(chosen(**{"model.bias": False}), seeds(1)[0], 0)], dataset)
    smallest = np.linalg.pinv(dataset.train.inputs[0]) @ dataset.train.targets[0]
    assert found["closed_form_weight_norm"] == pytest.approx(np.linalg.norm(smallest), rel=1e-9)
