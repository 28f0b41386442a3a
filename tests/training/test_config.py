"""Mistakes in one complete config."""

import pytest

DECAY = "studies.weight_decay"
WRONG = {
    # changes, what the one line must name
    "negative epochs": ({f"{DECAY}.base.training.epochs": -1}, ["training.epochs: found -1", "greater than or equal"]),
    "dropout above 1": ({f"{DECAY}.base.model.dropout": 1.5}, [f"{DECAY}.base.model.dropout: found 1.5", "equal to 1"]),
    "dropout list": (
        {"studies.activation.base.model.dropout": [0.1, 1.5]},
        ["studies.activation.base.model.dropout.1: found 1.5"],
    ),
    "dropout of another length": (
        {"studies.activation.base.model.dropout": [0.1]},
        ["studies.activation.base.model.dropout: found [0.1]", "2 hidden layers"],
    ),
    "unknown initializer": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "xavier"}},
        ["initialization.weight.name: found 'xavier'", "xavier_uniform"],
    ),
    "initializer without std": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "normal"}},
        ["initialization.weight.std: found nothing"],
    ),
    "nesterov without momentum": (
        {f"{DECAY}.base.optimizer.nesterov": True},
        [f"{DECAY}.base.optimizer.nesterov: found True", "momentum above 0"],
    ),
    "unknown optimizer": ({f"{DECAY}.base.optimizer.name": "adan"}, ["optimizer.name: found 'adan'", "adam", "adamw"]),
    "momentum of adam": (
        {f"{DECAY}.base.optimizer": {"name": "adam", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}},
        [f"{DECAY}.base.optimizer.momentum: found an unknown key", "beta1"],
    ),
    "moments that never fade": (
        {f"{DECAY}.base.optimizer": {"name": "adam", "learning_rate": 0.1, "beta2": 1.0, "weight_decay": 0.0}},
        [f"{DECAY}.base.optimizer.beta2: found 1.0"],
    ),
    "unknown schedule": (
        {f"{DECAY}.base.training.lr_schedule": {"name": "linear"}},
        ["training.lr_schedule.name: found 'linear'", "constant", "step", "cosine"],
    ),
    "a step that raises": (
        {f"{DECAY}.base.training.lr_schedule": {"name": "step", "every": 2, "gamma": 1.5}},
        [f"{DECAY}.base.training.lr_schedule.gamma: found 1.5"],
    ),
    "patience without a fraction": (
        {f"{DECAY}.base.training.early_stopping": {"name": "validation_loss", "patience": 3}},
        [f"{DECAY}.base.training.early_stopping.fraction: found nothing"],
    ),
    "nothing to stop by": (
        {f"{DECAY}.base.training.early_stopping": {"name": "validation_loss", "patience": 3, "fraction": 0.001}},
        [f"{DECAY}.base.training.early_stopping: found", "examples on both sides"],
    ),
    "smoothed numbers": (
        {f"{DECAY}.base.label_smoothing": 0.1},
        [f"{DECAY}.base.label_smoothing: found 0.1", "regres"],
    ),
    "labels of nothing but smoothing": (
        {"studies.activation.base.label_smoothing": 1.0},
        ["studies.activation.base.label_smoothing: found 1.0", "less than 1"],
    ),
    "more examples than there are": (
        {f"{DECAY}.base.data.examples": 21},
        ["base.data.examples: found 21", "data set's 20"],
    ),
    "more images than there are": (
        {"studies.activation.base.data.examples": 1438},
        ["studies.activation.base.data.examples: found 1438", "1437"],
    ),
    "more folds than examples": (
        {f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 21}},
        [f"{DECAY}.base.data.validation: found", "both sides (20 to be had)"],
    ),
    "one fold": ({f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 1}}, ["data.validation.folds: found 1"]),
    "hold-out of nothing": (
        {f"{DECAY}.base.data.validation": {"name": "hold_out", "fraction": 0.01}},
        [f"{DECAY}.base.data.validation: found", "both sides"],
    ),
    "correction where nothing shifts": (
        {f"{DECAY}.base.data.importance_weights": {"name": "oracle"}},
        [f"{DECAY}.base.data.importance_weights: found 'oracle'", "linear does not shift"],
    ),
    "estimate without clip": (
        {f"{DECAY}.base.data.importance_weights": {"name": "estimated"}},
        ["data.importance_weights.clip: found nothing"],
    ),
    "negative penalty": ({f"{DECAY}.base.penalty.l1": -1}, [f"{DECAY}.base.penalty.l1: found -1"]),
    "loss of another task": ({f"{DECAY}.base.loss": "cross_entropy"}, [f"{DECAY}.base.loss: found", "squared_error"]),
    "more features than there are": ({f"{DECAY}.base.model.features": 31}, ["model.features: found 31", "30"]),
    "no features": ({f"{DECAY}.base.model.features": 0}, ["model.features: found 0"]),
    "features in words": ({f"{DECAY}.base.model.features": "some"}, ["model.features: found 'some'", "'all'"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines
