from typing import Any

import numpy as np
import pytest
from samples import ADAM, classes, config, seeds
from training.golden import digest

from pipeline.core.dataset import Dataset
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Examples, TrainingResult

SEED = seeds(1)[0]
STEP = {"name": "step"}


def train(chosen: RunConfig, dataset: Dataset | None = None, seed=SEED) -> TrainingResult:
    return engine.train(chosen, seed, Examples(dataset or classes(), "float64"))


def stopping(patience: int, epochs: int = 60, **changes) -> RunConfig:
    early = {"name": "validation_loss", "fraction": 0.3, "patience": patience}
    training = {"epochs": epochs, "batch_size": 5, "evaluations": epochs, "early_stopping": early}
    return config({"training": training, "optimizer.learning_rate": 0.5, **changes})


@pytest.mark.parametrize("seed", seeds(3))
def test_the_result_is_that_of_a_training_that_ends_with_the_best_epoch(seed):
    """On the same examples in the same order."""
    early = train(stopping(2), seed=seed)
    assert 1 <= early.best_epoch < 58
    exact = train(stopping(99, early.best_epoch), seed=seed)
    assert exact.best_epoch == early.best_epoch
    for left, right in zip([*early.weights, early.predictions], [*exact.weights, exact.predictions], strict=True):
        assert np.array_equal(left, right)
    for name in ("train_loss", "test_loss", "test_accuracy"):
        assert early.curves[name][-1] == exact.curves[name][-1]


def test_a_run_that_diverges_at_once_keeps_its_first_epoch():
    wild = stopping(2, **{"optimizer.learning_rate": 1e30, "model.activation": "relu"})
    result = engine.train(wild, SEED, Examples(classes()))
    assert result.best_epoch == 1
    assert not np.isfinite(result.curves["train_loss"][-1])


# key, off value, a value near it
FACTORS: dict[str, tuple[str, Any, Any]] = {
    "dropout": ("model.dropout", [0.0, 0.0], [0.0, 0.01]),
    "weight decay": ("optimizer.weight_decay", 0.0, 1e-3),
    "decoupled weight decay": ("optimizer", ADAM | {"name": "adamw"}, ADAM | {"name": "adamw", "weight_decay": 0.1}),
    "l1 penalty": ("penalty.l1", 0.0, 1e-3),
    "l2 penalty": ("penalty.l2", 0.0, 1e-3),
    "momentum": ("optimizer.momentum", 0.0, 1e-3),
    "label smoothing": ("label_smoothing", 0.0, 1e-3),
    "features": ("model.features", 13, 12),
    "examples": ("data.examples", 44, 43),
    "validation": ("data.validation", {"name": "hold_out", "fraction": 0.5}, None),
    "step": ("training.lr_schedule", STEP | {"every": 9, "gamma": 0.1}, STEP | {"every": 1, "gamma": 0.99}),
    "cosine": ("training.lr_schedule", {"name": "cosine", "final": 1.0}, {"name": "cosine", "final": 0.9}),
    "whole batch": ("training.batch_size", 44, 43),
}
BASES: dict[str, dict] = {"decoupled weight decay": {"optimizer": ADAM}, "whole batch": {"training.batch_size": 1000}}


@pytest.mark.parametrize("name", FACTORS)
def test_a_factor_at_its_off_value_leaves_every_bit_as_it_was(name):
    key, off, on = FACTORS[name]
    base = BASES.get(name, {})
    without = digest(train(config(base)))
    assert digest(train(config(base | {key: off}))) == without
    assert on is None or digest(train(config(base | {key: on}))) != without
