import functools
import itertools

import numpy as np
import pytest
from samples import classes, config, seeds, values

from pipeline.core.dataset import Dataset
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Examples, TrainingResult
from pipeline.training.subsets import subset

SEED = seeds(1)[0]


def train(chosen: RunConfig, dataset: Dataset | None = None, seed=SEED, fold: int = 0) -> TrainingResult:
    return engine.train(chosen, seed, Examples(dataset or classes(), "float64"), fold=fold)


def outputs(outcome: TrainingResult, inputs: np.ndarray) -> list[np.ndarray]:
    """What each layer gives, tanh between them."""
    layers = [inputs]
    for layer, (weight, bias) in enumerate(zip(outcome.weights, outcome.biases, strict=True)):
        z = layers[-1] @ weight + bias
        layers.append(np.tanh(z) if layer < len(outcome.weights) - 1 else z)
    return layers[1:]


def cross_entropy(z: np.ndarray, labels: np.ndarray) -> float:
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).mean())


# --- early stopping --------------------------------------------------------------------------------------------------


def stopping(patience: int, epochs: int = 60, **changes) -> RunConfig:
    early = {"name": "validation_loss", "fraction": 0.3, "patience": patience}
    training = {"epochs": epochs, "batch_size": 5, "evaluations": epochs, "early_stopping": early}
    return config({"training": training, "optimizer.learning_rate": 0.5, **changes})


@functools.cache
def stopped(patience: int, seed_index: int) -> TrainingResult:
    return train(stopping(patience), seed=seeds(3)[seed_index])


@pytest.mark.parametrize("seed", range(3))
def test_the_end_is_that_of_a_training_of_as_many_epochs(seed):
    """What is kept is what a training gives that ends there by itself, on the same examples in the same order."""
    kept = stopped(2, seed).best_epoch
    assert 1 <= kept < 58
    exact = train(stopping(99, kept), seed=seeds(3)[seed])
    assert exact.best_epoch == kept
    for own, other in zip(stopped(2, seed).weights, exact.weights, strict=True):
        assert np.array_equal(own, other)
    for name in ("train_loss", "test_loss", "test_accuracy"):
        assert stopped(2, seed).curves[name][-1] == exact.curves[name][-1]
    assert np.array_equal(stopped(2, seed).predictions, exact.predictions)


@pytest.mark.parametrize("seed", range(3))
def test_curves_are_level_after_the_end_and_as_trained_before_it(seed):
    early, late = stopped(2, seed), stopped(99, seed)
    last = early.best_epoch + 2
    for name, curve in early.curves.items():
        assert np.array_equal(curve[: last - 1], late.curves[name][: last - 1])
        assert len(set(curve[last:])) == 1
    assert early.curves["test_loss"][-1] == early.curves["test_loss"][early.best_epoch - 1]
    # of what was trained last, not of what is kept
    assert early.curves["train_loss_running"][-1] == late.curves["train_loss_running"][last - 1]


@pytest.mark.parametrize("seed", range(3))
def test_the_epoch_that_is_kept_is_that_of_the_lowest_loss_of_what_was_set_aside(seed):
    aside = subset(stopping(99), seeds(3)[seed], 0, 44).stopping
    inputs, labels = classes().train.inputs[seed, aside], classes().train.targets[seed, aside]

    def kept(epochs: int) -> tuple[int, float]:
        outcome = train(stopping(99, epochs, **{"optimizer.learning_rate": 0.1}), seed=seeds(3)[seed])
        return outcome.best_epoch, cross_entropy(outputs(outcome, inputs)[-1], labels)

    found = [kept(epochs) for epochs in range(1, 30)]
    for (before, loss_before), (after, loss_after) in itertools.pairwise(found):
        # one epoch more: it is the new best one, or the same as before is kept
        assert loss_after < loss_before if after > before else loss_after == loss_before
    assert [epoch for number, (epoch, _) in enumerate(found, start=1) if epoch == number][-1] == found[-1][0] > 1


def test_examples_that_are_set_aside_are_not_trained_on():
    """Nothing but the epoch that is kept depends on them."""
    dataset = values()
    chosen = stopping(99, 4, **{"loss": "squared_error", "model.hidden": [], "optimizer.learning_rate": 0.01})
    plain = train(chosen, dataset)
    dataset.train.targets[0, subset(chosen, SEED, 0, 44).stopping] += 1e-3
    moved = train(chosen, dataset)
    assert plain.best_epoch == moved.best_epoch
    assert np.array_equal(plain.weights[0], moved.weights[0])


def test_a_run_that_diverges_at_once_keeps_its_first_epoch():
    wild = stopping(2, **{"optimizer.learning_rate": 1e30, "model.activation": "relu"})
    outcome = engine.train(wild, SEED, Examples(classes()))
    assert outcome.best_epoch == 1
    assert not np.isfinite(outcome.curves["train_loss"][-1])


def test_every_epoch_is_counted_also_those_that_are_not_trained():
    control = engine.Control.of_one_run()
    engine.train(stopping(1), SEED, Examples(classes()), control=control)
    assert control.epochs[0] == 60


# --- what is measured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("examples", [30, 256, 257, 700])
def test_curves_are_means_over_all_examples(examples):
    """However many are evaluated at once."""
    dataset = classes(1, train=examples, test=examples + 13)
    outcome = train(config({"training.batch_size": 64, "model.dropout": 0.5}), dataset)
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        z = outputs(outcome, split.inputs[0])[-1]
        assert outcome.curves[f"{name}_loss"][-1] == pytest.approx(cross_entropy(z, split.targets[0]), rel=1e-12)
        right = (z.argmax(axis=1) == split.targets[0]).mean()
        assert outcome.curves[f"{name}_accuracy"][-1] == pytest.approx(right, rel=1e-15)
    assert np.array_equal(outcome.predictions, outputs(outcome, dataset.test.inputs[0])[-1].argmax(axis=1))


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_validation_set_may_be_larger_than_what_is_trained_on(share):
    dataset = classes(1, train=300, test=3)
    chosen = config({"data.validation": {"name": "hold_out", "fraction": share}})
    outcome = train(chosen, dataset, fold=1)
    held = subset(chosen, SEED, 1, 300).validation
    assert len(held) == 300 * share
    z = outputs(outcome, dataset.train.inputs[0, held])[-1]
    expected = cross_entropy(z, dataset.train.targets[0, held])
    assert outcome.curves["validation_loss"][-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("examples", [44, 300])
def test_layers_are_measured_on_the_first_examples_with_nothing_dropped(examples):
    dataset = classes(1, train=examples)
    outcome = train(config({"model.dropout": 0.5, "penalty.l2": 1.0, "label_smoothing": 0.5}), dataset)
    inputs, labels = dataset.train.inputs[0, :256], dataset.train.targets[0, :256]
    first, second, z = outputs(outcome, inputs)
    np.testing.assert_allclose(outcome.layers["activation_sd", "end"], [first.std(), second.std()], rtol=1e-10)
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    delta, gradients = (shares - np.eye(7)[labels]) / len(inputs), []
    for layer, h in ((2, second), (1, first), (0, inputs)):
        gradients.insert(0, h.T @ delta)
        delta = delta @ outcome.weights[layer].T * (1 - h**2)
    rms = [np.sqrt((gradient**2).mean()) for gradient in gradients]
    np.testing.assert_allclose(outcome.layers["gradient_rms", "end"], rms, rtol=1e-10)


def test_the_gradient_of_a_linear_model_by_hand():
    """d (wx - y)^2 / dw = 2 (wx - y) x, for one example x = (3, 4), y = 1 and w = (0.5, 0.5)."""
    dataset = values(1, features=2, train=1, test=1)
    dataset.train.inputs[:], dataset.train.targets[:] = [3, 4], 1
    changes = {"model.hidden": [], "model.bias": False, "loss": "squared_error"}
    chosen = config(changes | {"model.initialization.weight": {"name": "constant", "value": 0.5}})
    assert train(chosen, dataset).layers["gradient_rms", "start"].tolist() == [2 * 2.5 * 12.5**0.5]


# --- factors ---------------------------------------------------------------------------------------------------------

OFF = {
    "dropout": {"model.dropout": [0.0, 0.0]},
    "weight decay": {"optimizer.weight_decay": 0.0},
    "l1 penalty": {"penalty.l1": 0.0},
    "l2 penalty": {"penalty.l2": 0.0},
    "momentum": {"optimizer.momentum": 0.0},
    "label smoothing": {"label_smoothing": 0.0},
    "all features": {"model.features": 13},
    "all examples": {"data.examples": 44},
    "validation": {"data.validation": {"name": "hold_out", "fraction": 0.5}},
    "step schedule": {"training.lr_schedule": {"name": "step", "every": 9, "gamma": 0.1}},
    "cosine schedule": {"training.lr_schedule": {"name": "cosine", "final": 1.0}},
    "whole batch": {"training.batch_size": 44},
}
ON = {
    "dropout": {"model.dropout": [0.0, 0.01]},
    "weight decay": {"optimizer.weight_decay": 1e-3},
    "l1 penalty": {"penalty.l1": 1e-3},
    "l2 penalty": {"penalty.l2": 1e-3},
    "momentum": {"optimizer.momentum": 1e-3},
    "label smoothing": {"label_smoothing": 1e-3},
    "all features": {"model.features": 12},
    "all examples": {"data.examples": 43},
    "validation": {},
    "step schedule": {"training.lr_schedule": {"name": "step", "every": 1, "gamma": 0.99}},
    "cosine schedule": {"training.lr_schedule": {"name": "cosine", "final": 0.9}},
    "whole batch": {"training.batch_size": 43},
}


def numbers(outcome: TrainingResult) -> list[bytes]:
    parts = (*outcome.weights, *outcome.biases, *outcome.curves.values(), *outcome.layers.values(), outcome.predictions)
    return [part.tobytes() for part in parts]


@pytest.mark.parametrize("name", OFF)
def test_a_factor_at_its_off_value_leaves_every_bit_as_it_was(name):
    base = {"training.batch_size": 1000} if name == "whole batch" else {}
    plain = numbers(train(config(base)))
    assert numbers(train(config(base | OFF[name]))) == plain
    if ON[name]:
        assert numbers(train(config(base | ON[name]))) != plain


def test_adamw_is_adam_where_no_weight_decays():
    def train_with(name: str, decay: float) -> list[bytes]:
        return numbers(train(config({"optimizer": {"name": name, "learning_rate": 0.1, "weight_decay": decay}})))

    assert train_with("adamw", 0.0) == train_with("adam", 0.0)
    assert train_with("adamw", 0.1) != train_with("adam", 0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"model.dropout": 1.0},
        {"model.dropout": 1.0, "optimizer": {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}},
    ],
)
def test_with_every_unit_dropped_nothing_but_the_last_bias_learns(changes):
    outcome = train(config(changes))
    start = train(config({"optimizer.learning_rate": 1e-30}))
    for own, other in zip((*outcome.weights, *outcome.biases[:-1]), (*start.weights, *start.biases[:-1]), strict=True):
        assert np.array_equal(own, other)
    assert not np.array_equal(outcome.biases[-1], start.biases[-1])
