"""Parity: the stacked engine against torch.nn, torch.optim and autograd, in float64, over every choice."""

import typing

import numpy as np
import pytest
import torch
from samples import classes, seeds, setting, values
from sklearn.linear_model import LinearRegression, Ridge

from pipeline.project.dataset import Dataset, Split
from pipeline.project.settings.training import ActivationName, Setting, WeightInitializer
from pipeline.training import loop

from parity import assert_alike  # isort: skip

INITIALIZERS = [
    {"name": "zeros"},
    {"name": "constant", "value": 0.1},
    {"name": "normal", "std": 0.5},
    {"name": "uniform", "bound": 0.5},
    {"name": "xavier_uniform"},
    {"name": "xavier_normal", "gain": 2.0},
    {"name": "kaiming_uniform"},
    {"name": "kaiming_normal"},
    {"name": "torch_linear"},
]
ACTIVATIONS = typing.get_args(ActivationName)
SGD = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0}
ADAM = {"name": "adam", "learning_rate": 0.03, "weight_decay": 0.0}
STOPPING = {"name": "validation_loss", "fraction": 0.3, "patience": 3}
CHOICES = {
    **{f"activation {name}": {"model.activation": name} for name in ACTIVATIONS},
    **{f"start {i['name']}": {"model.initialization.weight": i} for i in INITIALIZERS},
    **{f"bias {i['name']}": {"model.initialization.bias": i} for i in INITIALIZERS[:4]},
    "no bias": {"model.bias": False},
    "momentum": {"optimizer.momentum": 0.9},
    "weight decay": {"optimizer.weight_decay": 0.1},
    "momentum and weight decay": {"optimizer.momentum": 0.9, "optimizer.weight_decay": 0.1},
    "high learning rate": {"optimizer.learning_rate": 1.0},
    "linear": {"model.hidden": []},
    "one hidden unit": {"model.hidden": [1]},
    "deep": {"model.hidden": [5, 17, 33, 16, 3]},
    "some features": {"model.features": 5},
    "one feature": {"model.features": 1},
    "whole batch": {"schedule.batch_size": 1000},
    "single examples": {"schedule.batch_size": 1, "schedule.epochs": 1},
    "dropout": {"model.dropout": [0.2, 0.5]},
    "dropout everywhere": {"model.dropout": 1.0},
    "dropout below": {"model.dropout": [0.0, 0.5]},
    "l2 penalty": {"penalty.l2": 0.1},
    "l1 penalty": {"penalty.l1": 0.01},
    "both penalties, weight decay and momentum": {
        "penalty": {"l1": 0.01, "l2": 0.1},
        "optimizer.weight_decay": 0.05,
        "optimizer.momentum": 0.5,
    },
    "nesterov": {"optimizer": {**SGD, "momentum": 0.9, "nesterov": True}, "penalty": {"l1": 0.01, "l2": 0.1}},
    "adam": {"optimizer": ADAM},
    "adam, its moments": {
        "optimizer": {**ADAM, "beta1": 0.5, "beta2": 0.7, "epsilon": 1e-3, "weight_decay": 0.1},
        "penalty": {"l1": 0.01, "l2": 0.1},
    },
    "adamw": {"optimizer": {**ADAM, "name": "adamw", "weight_decay": 0.3}, "penalty.l2": 0.1},
    "adam without bias": {"optimizer": ADAM, "model.bias": False},
    "step schedule": {"schedule.learning_rate": {"name": "step", "every": 2, "gamma": 0.3}, "schedule.epochs": 5},
    "cosine schedule": {"schedule.learning_rate": {"name": "cosine", "final": 0.1}, "schedule.epochs": 5},
    "cosine schedule to nothing": {
        "schedule.learning_rate": {"name": "cosine", "final": 0.0},
        "schedule.epochs": 4,
        "optimizer": {**ADAM, "name": "adamw", "weight_decay": 0.3},
    },
    "label smoothing": {"label_smoothing": 0.1},
    "label smoothing and example weights": {"label_smoothing": 0.9, "data.correction": {"name": "oracle"}},
    "early stopping, never": {"schedule.early_stopping": STOPPING, "schedule.epochs": 4},
    "early stopping, soon": {
        "schedule": {"epochs": 30, "batch_size": 5, "evaluations": 7},
        "schedule.early_stopping": {**STOPPING, "patience": 1},
        "optimizer.learning_rate": 0.7,
    },
    "few examples": {"data.examples": 23},
    "true example weights": {"data.correction": {"name": "oracle"}},
    "clipped example weights": {"data.correction": {"name": "estimated", "clip": 1.5}},
}
FOLDS = {
    "hold-out": ({"data.validation": {"name": "hold_out", "fraction": 0.3}}, 1),
    "first fold": ({"data.validation": {"name": "k_fold", "folds": 3}}, 1),
    "last fold": ({"data.validation": {"name": "k_fold", "folds": 3}}, 3),
    "fold of few, weighted": (
        {
            "data.validation": {"name": "k_fold", "folds": 2},
            "data.examples": 21,
            "data.correction": {"name": "oracle"},
        },
        2,
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_classification_is_that_of_torch(name):
    assert_alike(setting(CHOICES[name]), classes())


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_is_that_of_torch(name):
    changes, fold = FOLDS[name]
    assert_alike(setting(changes), classes(), fold=fold)


def test_a_hundred_steps_in_float64_differ_by_less_than_1e_10():
    """The promise of the two implementations: same start, same batches, every weight."""
    changes = {"schedule": {"epochs": 34, "batch_size": 17, "evaluations": 1}, "model.activation": "relu"}
    assert 34 * -(-classes().train.examples // 17) >= 100
    assert_alike(setting(changes), classes(), tolerance=1e-10)


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error"])
@pytest.mark.parametrize(
    "name",
    ["activation relu", "l1 penalty", "few examples", "no bias", "weight decay", "linear", "dropout", "some features"],
)
def test_regression_is_that_of_torch(name, loss):
    changes = {"loss": loss, "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.5}
    assert_alike(setting({**changes, **CHOICES[name]}), values())


def test_every_choice_of_the_settings_is_among_these():
    def literals(field) -> set[str]:
        return set(typing.get_args(field.annotation))

    tried = [setting(changes) for changes in CHOICES.values()]
    assert {one.model.activation for one in tried} == set(ACTIVATIONS)
    names = {model.model_fields["name"].annotation for model in typing.get_args(WeightInitializer.__origin__)}
    assert {one["name"] for one in INITIALIZERS} == {typing.get_args(name)[0] for name in names}
    losses = literals(Setting.model_fields["loss"])
    assert losses == {"cross_entropy", "squared_error", "half_squared_error"}


@pytest.mark.parametrize(("name", "early"), [("early stopping, never", False), ("early stopping, soon", True)])
def test_the_two_kinds_of_early_stopping_are_what_they_are_called(name, early):
    chosen = setting(CHOICES[name])
    kept = loop.train([chosen] * 3, seeds(3), classes()).final["kept_epoch"]
    assert ((kept < chosen.schedule.epochs - chosen.schedule.early_stopping.patience).all()) == early


# --- oracles that need no torch --------------------------------------------------------------------------------------


def linear(changes):
    base = {
        "model.hidden": [],
        "model.activation": "identity",
        "loss": "squared_error",
        "schedule": {"epochs": 3000, "batch_size": 1000, "evaluations": 1},
    }
    return setting({**base, **changes})


def test_full_batch_descent_reaches_least_squares():
    dataset = values(features=4)
    found = loop.train([linear({})] * 2, seeds(2), dataset, dtype=torch.float64)
    for run in range(2):
        solution = LinearRegression().fit(dataset.train.inputs[run], dataset.train.targets[run])
        np.testing.assert_allclose(found.weights[0][run, :, 0], solution.coef_, rtol=1e-8)
        np.testing.assert_allclose(found.biases[0][run, 0], solution.intercept_, rtol=1e-7)


def test_full_batch_descent_with_weight_decay_reaches_ridge():
    """Loss |Xw - y|^2 / 2n + lambda |w|^2 / 2 is ridge with alpha = n lambda; the intercept is not penalised."""
    dataset = values(features=4)
    chosen = linear({"loss": "half_squared_error", "optimizer.weight_decay": 0.7})
    found = loop.train([chosen] * 2, seeds(2), dataset, dtype=torch.float64)
    for run in range(2):
        ridge = Ridge(alpha=0.7 * dataset.train.examples).fit(dataset.train.inputs[run], dataset.train.targets[run])
        np.testing.assert_allclose(found.weights[0][run, :, 0], ridge.coef_, rtol=1e-8)
        np.testing.assert_allclose(found.biases[0][run, 0], ridge.intercept_, rtol=1e-7)


def test_weight_decay_alone_shrinks_weights_by_its_closed_form():
    """Without signal in the inputs, w_t = w_0 (1 - eta lambda)^t."""
    nothing = Split(np.zeros((2, 20, 30)), np.zeros((2, 20)))
    dataset = Dataset("regression", 1, nothing, nothing)
    chosen = linear(
        {
            "optimizer": {"name": "sgd", "learning_rate": 0.003, "momentum": 0.0, "weight_decay": 3.0},
            "schedule": {"epochs": 100, "batch_size": 5, "evaluations": 1},
            "model.initialization.weight": {"name": "normal", "std": 1.0},
        }
    )
    free = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"weight_decay": 0.0})})
    found = loop.train([chosen, free], [seeds(1)[0]] * 2, dataset, dtype=torch.float64)
    assert found.final["weight_norm"][0] == pytest.approx(
        found.final["weight_norm"][1] * (1 - 0.003 * 3) ** 400, rel=1e-9
    )


def test_reported_losses_contain_no_penalty():
    dataset = values()
    chosen = linear({"optimizer.weight_decay": 5.0, "schedule.epochs": 1})
    found = loop.train([chosen] * 2, seeds(2), dataset, dtype=torch.float64)
    for run in range(2):
        outputs = dataset.test.inputs[run] @ found.weights[0][run] + found.biases[0][run]
        loss = float(np.mean((outputs[:, 0] - dataset.test.targets[run]) ** 2))
        assert found.curves["test_loss"][run, -1] == pytest.approx(loss, rel=1e-12)


def test_the_running_loss_is_the_mean_over_the_batches_as_they_were_trained():
    dataset = values(train=40)
    chosen = linear({"schedule": {"epochs": 1, "batch_size": 40, "evaluations": 1}})
    found = loop.train([chosen] * 2, seeds(2), dataset, dtype=torch.float64)
    still = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"learning_rate": 1e-300})})
    before = loop.train([still] * 2, seeds(2), dataset, dtype=torch.float64)
    # one batch an epoch: its loss is the loss before the only update
    np.testing.assert_allclose(found.curves["train_loss_running"], before.curves["train_loss"], rtol=1e-12)
    assert (found.curves["train_loss"] < found.curves["train_loss_running"]).all()


# --- the schedule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "evaluations", "expected"),
    [(3, 100, [1, 2, 3]), (10, 5, [2, 4, 6, 8, 10]), (400, 1, [400]), (10, 3, [3, 7, 10]), (1, 1, [1])],
)
def test_evaluations_are_spread_and_the_last_epoch_is_one(epochs, evaluations, expected):
    chosen = setting({"schedule": {"epochs": epochs, "batch_size": 1, "evaluations": evaluations}})
    assert loop.evaluated_epochs(chosen) == expected


def test_how_often_is_evaluated_changes_no_number():
    dataset = classes()
    often, once = (loop.train([setting({"schedule.evaluations": count})] * 2, seeds(2), dataset) for count in (3, 1))
    for name, curve in once.curves.items():
        np.testing.assert_array_equal(curve[:, -1], often.curves[name][:, -1])


def test_progress_counts_run_epochs():
    ticks: list[int] = []
    loop.train([setting()], seeds(1), classes(), progress=ticks.append)
    loop.train([setting()] * 3, seeds(3), classes(), progress=ticks.append)
    assert ticks == [1, 1, 1, 3, 3, 3]


def test_settings_of_two_programs_are_not_stacked():
    with pytest.raises(ValueError, match="several programs"):
        loop.train([setting(), setting({"model.hidden": [4, 4]})], seeds(2), classes())


def test_runs_that_diverge_leave_the_others_unharmed():
    dataset = values()
    wild = linear({"optimizer.learning_rate": 1e6, "schedule.epochs": 20, "schedule.batch_size": 17})
    tame = linear({"schedule.epochs": 20, "schedule.batch_size": 17})
    together = loop.train([wild, tame, wild], [seeds(1)[0]] * 3, dataset)
    alone = loop.train([tame], seeds(1), dataset)
    assert not np.isfinite(together.metrics()["test_loss"][[0, 2]]).any()
    assert together.metrics()["test_loss"][1] == alone.metrics()["test_loss"][0]
