"""Parity: the compiled kernels against torch.nn, torch.optim and autograd, in float64, over every choice."""

import time
import typing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from parity import assert_alike
from samples import classes, config, seeds, values
from sklearn.linear_model import LinearRegression, Ridge

from pipeline.core.dataset import Dataset, Split
from pipeline.core.rounding import rounded
from pipeline.training import concise, engine
from pipeline.training.config import ActivationName, RunConfig, WeightInitializer
from pipeline.training.engine import Control, Examples, Real, StoppedError, TrainingResult

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
    "whole batch": {"training.batch_size": 1000},
    "single examples": {"training.batch_size": 1, "training.epochs": 1},
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
    "step schedule": {"training.lr_schedule": {"name": "step", "every": 2, "gamma": 0.3}, "training.epochs": 5},
    "cosine schedule": {"training.lr_schedule": {"name": "cosine", "final": 0.1}, "training.epochs": 5},
    "cosine schedule to nothing": {
        "training.lr_schedule": {"name": "cosine", "final": 0.0},
        "training.epochs": 4,
        "optimizer": {**ADAM, "name": "adamw", "weight_decay": 0.3},
    },
    "label smoothing": {"label_smoothing": 0.1},
    "label smoothing and example weights": {"label_smoothing": 0.9, "data.importance_weights": {"name": "oracle"}},
    "early stopping, never": {"training.early_stopping": STOPPING, "training.epochs": 4},
    "early stopping, soon": {
        "training": {"epochs": 30, "batch_size": 5, "evaluations": 7},
        "training.early_stopping": {**STOPPING, "patience": 1},
        "optimizer.learning_rate": 0.7,
    },
    "few examples": {"data.examples": 23},
    "true example weights": {"data.importance_weights": {"name": "oracle"}},
    "clipped example weights": {"data.importance_weights": {"name": "estimated", "clip": 1.5}},
}
FOLDS = {
    "hold-out": ({"data.validation": {"name": "hold_out", "fraction": 0.3}}, 1),
    "first fold": ({"data.validation": {"name": "k_fold", "folds": 3}}, 1),
    "last fold": ({"data.validation": {"name": "k_fold", "folds": 3}}, 3),
    "fold of few, weighted": (
        {
            "data.validation": {"name": "k_fold", "folds": 2},
            "data.examples": 21,
            "data.importance_weights": {"name": "oracle"},
        },
        2,
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_classification_is_that_of_torch(name):
    assert_alike(config(CHOICES[name]), classes())


@pytest.mark.parametrize("name", FOLDS)
def test_a_fold_is_that_of_torch(name):
    changes, fold = FOLDS[name]
    assert_alike(config(changes), classes(), fold=fold)


def test_a_hundred_steps_in_float64_differ_by_less_than_1e_10():
    """The promise of the two implementations: same start, same batches, every weight."""
    changes = {"training": {"epochs": 34, "batch_size": 17, "evaluations": 1}, "model.activation": "relu"}
    assert 34 * -(-classes().train.examples // 17) >= 100
    assert_alike(config(changes), classes(), tolerance=1e-10)


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error"])
@pytest.mark.parametrize(
    "name",
    ["activation relu", "l1 penalty", "few examples", "no bias", "weight decay", "linear", "dropout", "some features"],
)
def test_regression_is_that_of_torch(name, loss):
    changes = {"loss": loss, "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.5}
    assert_alike(config({**changes, **CHOICES[name]}), values())


def test_every_choice_of_the_settings_is_among_these():
    def literals(field) -> set[str]:
        return set(typing.get_args(field.annotation))

    tried = [config(changes) for changes in CHOICES.values()]
    assert {one.model.activation for one in tried} == set(ACTIVATIONS)
    names = {model.model_fields["name"].annotation for model in typing.get_args(WeightInitializer.__origin__)}
    assert {one["name"] for one in INITIALIZERS} == {typing.get_args(name)[0] for name in names}
    losses = literals(RunConfig.model_fields["loss"])
    assert losses == {"cross_entropy", "squared_error", "half_squared_error"}


@pytest.mark.parametrize(("name", "early"), [("early stopping, never", False), ("early stopping, soon", True)])
def test_the_two_kinds_of_early_stopping_are_what_they_are_called(name, early):
    chosen = config(CHOICES[name])
    best = [train(chosen, classes(), seed).best_epoch for seed in seeds(3)]
    assert all((epoch < chosen.training.epochs - chosen.training.early_stopping.patience) == early for epoch in best)


SEED = seeds(1)[0]


def train(chosen, dataset, seed=SEED, real="float64"):
    return engine.train(chosen, seed, Examples(dataset, real))


# --- oracles that need no torch --------------------------------------------------------------------------------------


def linear(changes):
    base = {
        "model.hidden": [],
        "model.activation": "identity",
        "loss": "squared_error",
        "training": {"epochs": 3000, "batch_size": 1000, "evaluations": 1},
    }
    return config({**base, **changes})


@pytest.mark.parametrize("seed", seeds(2))
def test_full_batch_descent_reaches_least_squares(seed):
    dataset = values(features=4)
    found = train(linear({}), dataset, seed)
    solution = LinearRegression().fit(dataset.train.inputs[seed.index], dataset.train.targets[seed.index])
    np.testing.assert_allclose(found.weights[0][:, 0], solution.coef_, rtol=1e-8)
    np.testing.assert_allclose(found.biases[0][0], solution.intercept_, rtol=1e-7)


@pytest.mark.parametrize("seed", seeds(2))
def test_full_batch_descent_with_weight_decay_reaches_ridge(seed):
    """Loss |Xw - y|^2 / 2n + lambda |w|^2 / 2 is ridge with alpha = n lambda; the intercept is not penalised."""
    dataset = values(features=4)
    found = train(linear({"loss": "half_squared_error", "optimizer.weight_decay": 0.7}), dataset, seed)
    ridge = Ridge(alpha=0.7 * dataset.train.examples)
    ridge.fit(dataset.train.inputs[seed.index], dataset.train.targets[seed.index])
    np.testing.assert_allclose(found.weights[0][:, 0], ridge.coef_, rtol=1e-8)
    np.testing.assert_allclose(found.biases[0][0], ridge.intercept_, rtol=1e-7)


def test_weight_decay_alone_shrinks_weights_by_its_closed_form():
    """Without signal in the inputs, w_t = w_0 (1 - eta lambda)^t."""
    nothing = Split(np.zeros((1, 20, 30)), np.zeros((1, 20)))
    dataset = Dataset("regression", 1, nothing, nothing)
    chosen = linear(
        {
            "optimizer": {"name": "sgd", "learning_rate": 0.003, "momentum": 0.0, "weight_decay": 3.0},
            "training": {"epochs": 100, "batch_size": 5, "evaluations": 1},
            "model.initialization.weight": {"name": "normal", "std": 1.0},
        }
    )
    free = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"weight_decay": 0.0})})
    shrunk, whole = (train(one, dataset).metrics()["weight_norm"] for one in (chosen, free))
    assert shrunk == pytest.approx(whole * (1 - 0.003 * 3) ** 400, rel=1e-9)


def test_reported_losses_contain_no_penalty():
    dataset = values()
    found = train(linear({"optimizer.weight_decay": 5.0, "training.epochs": 1}), dataset)
    outputs = dataset.test.inputs[0] @ found.weights[0] + found.biases[0]
    loss = float(np.mean((outputs[:, 0] - dataset.test.targets[0]) ** 2))
    assert found.curves["test_loss"][-1] == pytest.approx(loss, rel=1e-12)


def test_the_running_loss_is_the_mean_over_the_batches_as_they_were_trained():
    dataset = values(train=40)
    chosen = linear({"training": {"epochs": 1, "batch_size": 40, "evaluations": 1}})
    found = train(chosen, dataset)
    still = chosen.model_copy(update={"optimizer": chosen.optimizer.model_copy(update={"learning_rate": 1e-300})})
    # one batch an epoch: its loss is the loss before the only update
    at_the_start = train(still, dataset).curves["train_loss"]
    np.testing.assert_allclose(found.curves["train_loss_running"], at_the_start, rtol=1e-12)
    assert (found.curves["train_loss"] < found.curves["train_loss_running"]).all()


def test_single_precision_is_as_close_to_double_as_torch():
    """Largest relative error of the final losses, over all activations."""
    chosen = [config({"model.activation": name, "training.epochs": 5}) for name in ACTIVATIONS]
    for one in chosen:
        single, double = (train(one, classes(), real=real).curves["test_loss"][-1] for real in ("float32", "float64"))
        assert single == pytest.approx(double, rel=3e-5)


# --- the schedule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "evaluations", "expected"),
    [(3, 100, [1, 2, 3]), (10, 5, [2, 4, 6, 8, 10]), (400, 1, [400]), (10, 3, [3, 7, 10]), (1, 1, [1])],
)
def test_evaluations_are_spread_and_the_last_epoch_is_one(epochs, evaluations, expected):
    chosen = config({"training": {"epochs": epochs, "batch_size": 1, "evaluations": evaluations}})
    assert engine.evaluated_epochs(chosen) == expected


def test_how_often_is_evaluated_changes_no_number():
    often, once = (train(config({"training.evaluations": count}), classes()) for count in (3, 1))
    for name, curve in once.curves.items():
        assert curve[-1] == often.curves[name][-1]


def test_a_training_that_is_stopped_ends_and_leaves_nothing():
    control = Control.of_one_run()
    control.stop[0] = True
    with pytest.raises(StoppedError):
        engine.train(config(), seeds(1)[0], Examples(classes()), control=control)
    assert control.epochs[0] == 0


def test_a_training_counts_its_epochs():
    control = Control.of_one_run()
    engine.train(config(), seeds(1)[0], Examples(classes()), control=control)
    assert control.epochs[0] == config().training.epochs


def test_a_run_that_diverges_is_not_finite():
    wild = linear({"optimizer.learning_rate": 1e6, "training.epochs": 20, "training.batch_size": 17})
    metrics = train(wild, values(), real="float32").metrics()
    assert not np.isfinite(metrics["test_loss"])


# --- what is handed out ----------------------------------------------------------------------------------------------


def test_a_training_that_is_stopped_from_another_thread_ends_within_a_second():
    dataset, control = classes(1, features=784, train=3000, test=10), Control.of_one_run()
    endless = config({"model.hidden": [256, 256], "training": {"epochs": 100_000, "batch_size": 256, "evaluations": 1}})
    with ThreadPoolExecutor() as pool:
        running = pool.submit(engine.train, endless, SEED, Examples(dataset), control=control)
        while not control.epochs[0]:
            time.sleep(0.01)
        control.stop[0] = True
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            running.result()
    assert time.monotonic() - begun < 1
    assert 0 < control.epochs[0] < 100_000


def test_the_metrics_of_a_run():
    chosen = config({"training.early_stopping": STOPPING})
    found = train(chosen, classes())
    metrics = found.metrics()
    assert metrics["loss_gap"] == found.curves["test_loss"][-1] - found.curves["train_loss"][-1]
    assert metrics["accuracy_gap"] == found.curves["train_accuracy"][-1] - found.curves["test_accuracy"][-1]
    deviations, gradients = found.layers["activation_sd", "start"], found.layers["gradient_rms", "start"]
    assert metrics["activation_ratio"] == deviations[1] / deviations[0]
    assert metrics["gradient_ratio"] == gradients[0] / gradients[2]
    assert metrics["best_epoch"] == found.best_epoch
    assert metrics["affine_gap"] == found.affine_gap


def test_a_regression_has_no_accuracy_and_no_classes():
    found = train(linear({"training.epochs": 1}), values())
    assert set(found.curves) == {"train_loss_running", "train_loss", "test_loss"}
    assert found.predictions.size == 0
    assert not {"accuracy_gap", "activation_ratio", "gradient_ratio"} & set(found.metrics())


def test_runs_of_one_setting_and_fold_share_a_plan_and_runs_of_one_seed_their_examples():
    examples, chosen = Examples(classes()), config(FOLDS["first fold"][0])
    assert examples.plan(chosen, 1) is examples.plan(chosen, 1)
    assert examples.plan(chosen, 1) is not examples.plan(chosen, 2)
    assert examples.inputs("train", 1, 13) is examples.inputs("train", 1, 13)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.examples": 45}, r"trained=45, .* of 44 examples"),
        ({"data.examples": 1, "training.early_stopping": {**STOPPING, "fraction": 0.9}}, "trained=0"),
        ({"model.features": 14}, "found 14 features, allowed: at most the data set's 13"),
        ({"loss": "squared_error"}, "found the loss squared_error, but the data set's task is classification"),
    ],
)
def test_a_setting_that_does_not_fit_the_data_set_is_refused(changes, message):
    """The kernels, which check nothing, never see it."""
    with pytest.raises(ValueError, match=message):
        train(config(changes), classes())


def test_a_data_set_that_is_none_is_refused():
    dataset = classes()
    dataset.test.targets[1, 2] = 7
    with pytest.raises(ValueError, match="test: found labels from 0 to 7, allowed: 0 to 6"):
        Examples(dataset)


@pytest.mark.parametrize("name", ["step schedule", "cosine schedule"])
def test_learning_rates_have_twelve_digits(name):
    """The last digits of a power and of a cosine belong to the C library."""
    chosen = config(CHOICES[name] | {"optimizer.learning_rate": 1.0, "training.epochs": 50})
    rates = Examples(classes()).plan(chosen, 0).arrays["learning_rates"]
    assert [rounded(rate) for rate in rates] == rates.tolist()
    exact = [chosen.training.lr_schedule.factor(epoch, 50) for epoch in range(1, 51)]
    np.testing.assert_allclose(rates, exact, rtol=1e-11)


def test_every_nan_has_the_same_bits():
    strange = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], np.uint64).view(float)
    assert engine.one_nan(strange).tobytes() == np.full(3, np.nan).tobytes()


# --- what a trained network looks like --------------------------------------------------------------------------------

FORMULAS = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "identity": lambda z: z}


def trained(changes: dict, dataset: Dataset | None = None, real: Real = "float64") -> TrainingResult:
    return engine.train(config(changes), seeds(1)[0], Examples(dataset or classes(), real))


def affine_gap(outcome: TrainingResult, activation: str, inputs: np.ndarray) -> float:
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
    outcome = trained({"model.activation": activation, "model.hidden": hidden, "optimizer.learning_rate": 0.3})
    weights = outcome.weights
    metrics = outcome.metrics()
    assert metrics["weight_norm"] == pytest.approx(np.sqrt(sum((w**2).sum() for w in weights)), rel=1e-13)
    spread = np.sqrt(((weights[0].max(axis=1) - weights[0].min(axis=1)) ** 2).mean())
    assert metrics["unit_spread"] == pytest.approx(spread, rel=1e-13)
    expected = affine_gap(outcome, activation, classes().train.inputs[0])
    assert metrics["affine_gap"] == pytest.approx(expected, rel=1e-9, abs=1e-14)
    assert (expected < 1e-13) == (activation == "identity")


def test_a_linear_model_has_a_norm_and_nothing_else():
    outcome = trained({"model.hidden": [], "loss": "squared_error", "optimizer.learning_rate": 0.01}, values())
    metrics = outcome.metrics()
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(outcome.weights[0]), rel=1e-14)
    assert not {"unit_spread", "affine_gap"} & set(metrics)


def test_units_that_start_alike_stay_alike_without_dropout():
    equal = {"model.initialization": {"weight": {"name": "constant", "value": 0.1}, "bias": {"name": "zeros"}}}
    assert trained(equal).metrics()["unit_spread"] == 0
    assert trained(equal | {"model.dropout": 0.5}).metrics()["unit_spread"] > 0


def test_a_dead_network_is_affine_and_its_ratios_are_undefined():
    dead = {
        "model.initialization": {"weight": {"name": "zeros"}, "bias": {"name": "zeros"}},
        "model.activation": "relu",
    }
    dead |= {"model.bias": False, "model.hidden": [4, 4]}
    metrics = trained(dead).metrics()
    assert metrics["affine_gap"] == metrics["weight_norm"] == 0
    assert np.isnan(metrics["activation_ratio"])
    assert np.isnan(metrics["gradient_ratio"])


@pytest.mark.parametrize("implementation", [engine, concise])
def test_a_distance_from_outputs_that_are_all_zero_is_undefined(implementation):
    """Every unit is dead, and without its activation none would be."""
    below = {"weight": {"name": "constant", "value": -1.0}, "bias": {"name": "zeros"}}
    dead = config({"model.activation": "relu", "model.bias": False, "model.initialization": below})
    drawn = classes()
    for split in (drawn.train, drawn.test):
        np.abs(split.inputs, out=split.inputs)
    assert np.isnan(implementation.train(dead, seeds(1)[0], Examples(drawn)).affine_gap)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_nothing_is_said_of_a_network_that_diverged(activation):
    """Neither that it is affine nor that its units are far apart."""
    outcome = trained({"model.activation": activation, "optimizer.learning_rate": 1e30}, real="float32")
    metrics = outcome.metrics()
    assert np.isnan([metrics["affine_gap"], metrics["unit_spread"]]).all()
