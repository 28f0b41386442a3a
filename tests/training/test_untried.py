"""Config that nobody chose, drawn at random over what `params.yaml` allows and trained by both implementations."""

import typing

import numpy as np
import pytest
from parity import assert_alike
from samples import classes, config, values

from pipeline.training.config import ActivationName

COUNT = 60


def drawn(number: int) -> tuple[dict, bool, int]:
    """Changes to the base config, whether the data are classes, and the fold."""
    random = np.random.default_rng([number, 2024])

    def pick(*choices):
        return choices[random.integers(len(choices))]

    classified = bool(random.integers(2))
    hidden = [int(width) for width in random.integers(1, 40, size=random.integers(0, 5))]
    folds = int(random.integers(2, 6))
    validation = pick({"name": "none"}, {"name": "hold_out", "fraction": 0.4}, {"name": "k_fold", "folds": folds})
    corrections = [{"name": "none"}, {"name": "oracle"}, {"name": "estimated", "clip": float(random.uniform(0.5, 3))}]
    weights = [
        {"name": "normal", "std": float(random.uniform(0.01, 0.5))},
        {"name": "uniform", "bound": float(random.uniform(0.01, 0.5))},
        {"name": "xavier_normal", "gain": float(random.uniform(0.5, 1.5))},
        # none whose units or classes start alike: which of two equal outputs is the largest is a matter of rounding
        *({"name": name} for name in ("xavier_uniform", "kaiming_uniform", "kaiming_normal", "torch_linear")),
    ]
    momentum = float(random.uniform(0.01, 0.9))
    moments = {"beta1": float(random.uniform(0, 0.95)), "beta2": float(random.uniform(0, 0.99)), "epsilon": 1e-3}
    optimizers = [
        *({"name": "sgd", "momentum": own} for own in (0.0, momentum)),
        {"name": "sgd", "momentum": momentum, "nesterov": True},
        *({"name": name, **moments} for name in ("adam", "adamw")),
    ]
    rates_of_epochs = [
        {"name": "constant"},
        {"name": "step", "every": int(random.integers(1, 3)), "gamma": float(random.uniform(0.1, 1))},
        {"name": "cosine", "final": float(random.uniform(0, 1))},
    ]
    stopping = {"name": "validation_loss", "fraction": float(random.uniform(0.2, 0.6)), "patience": 1}
    rates = [float(rate) for rate in random.choice([0.0, 0.1, 0.5, 0.9, 1.0], size=len(hidden))]
    changes = {
        "data.examples": pick("all", int(random.integers(12, 44))),
        "data.validation": validation,
        "data.importance_weights": pick(*corrections) if classified else {"name": "none"},
        "model.features": pick("all", int(random.integers(1, 13))),
        "model.hidden": hidden,
        "model.activation": pick(*typing.get_args(ActivationName)),
        "model.bias": bool(random.integers(2)),
        "model.dropout": pick(0.0, float(random.uniform(0, 0.9)), rates),
        "model.initialization": {"weight": pick(*weights), "bias": pick({"name": "zeros"}, *weights[:2])},
        "loss": "cross_entropy" if classified else pick("squared_error", "half_squared_error"),
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
            "lr_schedule": pick(*rates_of_epochs),
            "early_stopping": pick({"name": "none"}, stopping),
        },
    }
    fold = int(random.integers(0, {"none": 0, "hold_out": 1, "k_fold": folds}[validation["name"]] + 1))
    return changes, classified, fold


@pytest.mark.parametrize("number", range(COUNT))
def test_any_setting_is_trained_as_torch_trains_it(number):
    changes, classified, fold = drawn(number)
    assert_alike(config(changes), classes() if classified else values(), tolerance=1e-9, fold=fold)


def test_the_drawn_settings_reach_every_choice():
    tried = [drawn(number)[0] for number in range(COUNT)]
    assert {one["model.activation"] for one in tried} == set(typing.get_args(ActivationName))
    assert {one["data.validation"]["name"] for one in tried} == {"none", "hold_out", "k_fold"}
    assert {one["data.importance_weights"]["name"] for one in tried} == {"none", "oracle", "estimated"}
    assert len({len(one["model.hidden"]) for one in tried}) == 5
    assert {one["optimizer"]["name"] for one in tried} == {"sgd", "adam", "adamw"}
    assert {one["training"]["lr_schedule"]["name"] for one in tried} == {"constant", "step", "cosine"}
    assert {one["training"]["early_stopping"]["name"] for one in tried} == {"none", "validation_loss"}
    assert {one["loss"] for one in tried} == {"cross_entropy", "squared_error", "half_squared_error"}
