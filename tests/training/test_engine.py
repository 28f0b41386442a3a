"""Parity of the compiled kernels with torch.nn, torch.optim and autograd in float64, and what a run returns."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from parity import assert_alike
from samples import ADAM, SGD, classes, config, seeds, values
from training.golden import CASES, STARTS, data

from pipeline.core.dataset import Dataset
from pipeline.training import concise, engine
from pipeline.training.engine import Control, Examples, Real, StoppedError, TrainingResult
from pipeline.training.kernels.arguments import ACTIVATIONS, REGRESSION_LOSSES

SEED = seeds(1)[0]
DRAWN = 60


def drawn(number: int) -> tuple[dict, bool, int]:
    """Draw changes of the base config over everything that is allowed, whether the data are classes, and the fold."""
    random = np.random.default_rng([number, 2024])

    def pick(*choices):
        return choices[random.integers(len(choices))]

    classified = bool(random.integers(2))
    hidden = [int(width) for width in random.integers(1, 40, size=random.integers(0, 5))]
    folds = int(random.integers(2, 6))
    validation = pick({"name": "none"}, {"name": "hold_out", "fraction": 0.4}, {"name": "k_fold", "folds": folds})
    weightings = [{"name": "none"}, {"name": "oracle"}, {"name": "estimated", "clip": float(random.uniform(0.5, 3))}]
    # no start in which units or classes are equal: which of two equal outputs is the largest is a matter of rounding
    starts = [STARTS[name] for name in STARTS if name not in ("zeros", "constant")]
    momentum = float(random.uniform(0.01, 0.9))
    moments = {"beta1": float(random.uniform(0, 0.95)), "beta2": float(random.uniform(0, 0.99)), "epsilon": 1e-3}
    optimizers = [
        *({**SGD, "momentum": value} for value in (0.0, momentum)),
        {**SGD, "momentum": momentum, "nesterov": True},
        *({**ADAM, **moments, "name": name} for name in ("adam", "adamw")),
    ]
    schedules = [
        {"name": "constant"},
        {"name": "step", "every": int(random.integers(1, 3)), "gamma": float(random.uniform(0.1, 1))},
        {"name": "cosine", "final": float(random.uniform(0, 1))},
    ]
    stopping = {"name": "validation_loss", "fraction": float(random.uniform(0.2, 0.6)), "patience": 1}
    rates = [float(rate) for rate in random.choice([0.0, 0.1, 0.5, 0.9, 1.0], size=len(hidden))]
    changes = {
        "data.examples": pick("all", int(random.integers(12, 44))),
        "data.validation": validation,
        "data.importance_weights": pick(*weightings) if classified else {"name": "none"},
        "model.features": pick("all", int(random.integers(1, 13))),
        "model.hidden": hidden,
        "model.activation": pick(*ACTIVATIONS),
        "model.bias": bool(random.integers(2)),
        "model.dropout": pick(0.0, float(random.uniform(0, 0.9)), rates),
        "model.initialization": {"weight": pick(*starts), "bias": pick(*list(STARTS.values())[:4])},
        "loss": "cross_entropy" if classified else pick(*REGRESSION_LOSSES),
        "penalty": {"l1": pick(0.0, 0.01), "l2": pick(0.0, 0.1)},
        "label_smoothing": pick(0.0, float(random.uniform(0, 0.9))) if classified else 0.0,
        "optimizer": {
            **pick(*optimizers),
            "learning_rate": float(10 ** random.uniform(-4, -1.5)),
            "weight_decay": pick(0.0, float(10 ** random.uniform(-4, 0))),
        },
        "training": {
            "epochs": int(random.integers(1, 5)),
            "batch_size": int(random.integers(1, 60)),
            "evaluations": int(random.integers(1, 6)),
            "lr_schedule": pick(*schedules),
            "early_stopping": pick({"name": "none"}, stopping),
        },
    }
    fold = int(random.integers(0, {"none": 0, "hold_out": 1, "k_fold": folds}[validation["name"]] + 1))
    return changes, classified, fold


@pytest.mark.parametrize("case", [case for case in CASES if "divergence" not in case])
def test_every_option_is_trained_as_torch_trains_it(case):
    arguments, changes, fold = CASES[case]
    assert_alike(config(changes), data(**arguments), fold=fold)


@pytest.mark.parametrize("number", range(DRAWN))
def test_any_combination_of_options_is_trained_as_torch_trains_it(number):
    changes, classified, fold = drawn(number)
    assert_alike(config(changes), classes() if classified else values(), tolerance=1e-9, fold=fold)


def train(changes: dict, dataset: Dataset | None = None, seed=SEED, real: Real = "float64") -> TrainingResult:
    return engine.train(config(changes), seed, Examples(dataset or classes(), real))


# --- epochs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "evaluations", "expected"),
    [(3, 100, [1, 2, 3]), (10, 5, [2, 4, 6, 8, 10]), (400, 1, [400]), (10, 3, [3, 7, 10]), (1, 1, [1])],
)
def test_evaluations_are_spread_and_the_last_epoch_is_one(epochs, evaluations, expected):
    assert engine.evaluated_epochs(config({"training": {"epochs": epochs, "evaluations": evaluations}})) == expected


def test_the_number_of_evaluations_changes_no_number():
    often, once = (train({"training.evaluations": count}) for count in (3, 1))
    for name, curve in once.curves.items():
        assert curve[-1] == often.curves[name][-1]


def test_epochs_are_counted_also_those_after_an_early_end():
    stopping = {"name": "validation_loss", "fraction": 0.3, "patience": 1}
    changes = {"training": {"epochs": 60, "early_stopping": stopping}, "optimizer.learning_rate": 0.5}
    control = Control()
    result = engine.train(config(changes), SEED, Examples(classes()), control=control)
    assert result.best_epoch < 59
    assert control.epochs[0] == 60


def test_a_training_that_is_stopped_from_another_thread_ends_within_a_second():
    dataset, control = classes(1, features=784, train=3000, test=10), Control()
    endless = config({"model.hidden": [256, 256], "training": {"epochs": 100_000, "batch_size": 256}})
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


# --- results ---------------------------------------------------------------------------------------------------------


def test_the_metrics_of_a_network():
    result = train({"training.lr_schedule": {"name": "cosine", "final": 0.0}})
    metrics = result.metrics()
    assert metrics["loss_gap"] == result.curves["test_loss"][-1] - result.curves["train_loss"][-1]
    assert metrics["accuracy_gap"] == result.curves["train_accuracy"][-1] - result.curves["test_accuracy"][-1]
    deviations, gradients = result.layers["activation_sd", "start"], result.layers["gradient_rms", "start"]
    assert metrics["activation_ratio"] == deviations[1] / deviations[0]
    assert metrics["gradient_ratio"] == gradients[0] / gradients[2]
    assert metrics["best_epoch"] == 3
    assert metrics["affine_gap"] == result.affine_gap > 0
    norm = np.sqrt(sum((weight**2).sum() for weight in result.weights))
    assert metrics["weight_norm"] == pytest.approx(norm, rel=1e-13)
    spread = np.sqrt((np.ptp(result.weights[0], axis=1) ** 2).mean())
    assert metrics["unit_spread"] == pytest.approx(spread, rel=1e-13)


def test_a_dead_network_is_affine_and_its_ratios_are_undefined():
    zeros = {"weight": {"name": "zeros"}, "bias": {"name": "zeros"}}
    metrics = train({"model.initialization": zeros, "model.activation": "relu", "model.bias": False}).metrics()
    assert metrics["affine_gap"] == metrics["weight_norm"] == 0
    assert np.isnan([metrics["activation_ratio"], metrics["gradient_ratio"]]).all()


@pytest.mark.parametrize("implementation", [engine, concise])
def test_a_distance_from_outputs_that_are_all_zero_is_undefined(implementation):
    """Every unit is dead, and without its activation none would be."""
    below = {"weight": {"name": "constant", "value": -1.0}, "bias": {"name": "zeros"}}
    dead = config({"model.activation": "relu", "model.bias": False, "model.initialization": below})
    dataset = classes()
    for split in (dataset.train, dataset.test):
        np.abs(split.inputs, out=split.inputs)
    assert np.isnan(implementation.train(dead, SEED, Examples(dataset)).affine_gap)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_distances_in_a_network_that_diverged_are_undefined(activation):
    diverged = {"model.activation": activation, "optimizer.learning_rate": 1e30}
    metrics = train(diverged, real="float32").metrics()
    assert np.isnan([metrics["affine_gap"], metrics["unit_spread"]]).all()
    assert not np.isfinite(metrics["test_loss"])


def test_every_nan_has_the_same_bits():
    strange = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], np.uint64).view(float)
    assert engine.canonical_nan(strange).tobytes() == np.full(3, np.nan).tobytes()
