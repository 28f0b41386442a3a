"""Mistakes in one complete config: the line names the key, the value and what is allowed."""

import json

import pytest
from samples import ADAM, config

from pipeline.training.config import RunConfig

DECAY, STOPPING = "studies.weight_decay.base", {"name": "validation_loss", "patience": 3}
# key below `base`, value, and what the line must name besides the key
WRONG = {
    "negative epochs": ("training.epochs", -1, ["found -1", "greater than or equal"]),
    "dropout above 1": ("model.dropout", 1.5, ["found 1.5", "equal to 1"]),
    "dropout of another length": ("model.dropout", [0.1], ["found [0.1]", "0 hidden layers"]),
    "unknown initializer": ("model.initialization.weight.name", "xavier", ["found 'xavier'", "xavier_uniform"]),
    "no std": ("model.initialization.weight", {"name": "normal"}, ["weight.std: found nothing"]),
    "nesterov without momentum": ("optimizer.nesterov", True, ["found True", "momentum above 0"]),
    "unknown optimizer": ("optimizer", ADAM | {"name": "adan"}, ["found 'adan'", "adam", "adamw"]),
    "momentum of adam": ("optimizer", ADAM | {"momentum": 0.9}, ["momentum: found an unknown key", "beta1"]),
    "moments that never fade": ("optimizer", ADAM | {"beta2": 1.0}, ["optimizer.beta2: found 1.0"]),
    "unknown schedule": ("training.lr_schedule.name", "linear", ["found 'linear'", "constant", "step", "cosine"]),
    "a step that raises": ("training.lr_schedule", {"name": "step", "every": 2, "gamma": 1.5}, ["gamma: found 1.5"]),
    "patience without a fraction": ("training.early_stopping", STOPPING, ["fraction: found nothing"]),
    "nothing to stop by": ("training.early_stopping", STOPPING | {"fraction": 0.001}, ["examples on both sides"]),
    "smoothed numbers": ("label_smoothing", 0.1, ["found 0.1", "regres"]),
    "labels of nothing but smoothing": ("label_smoothing", 1.0, ["found 1.0", "less than 1"]),
    "more examples than there are": ("data.examples", 21, ["found 21", "data set's 20"]),
    "more folds than examples": ("data.validation", {"name": "k_fold", "folds": 21}, ["both sides (there are 20)"]),
    "one fold": ("data.validation", {"name": "k_fold", "folds": 1}, ["folds: found 1"]),
    "hold-out of nothing": ("data.validation", {"name": "hold_out", "fraction": 0.01}, ["both sides"]),
    "weights where nothing shifts": ("data.importance_weights.name", "oracle", ["linear does not shift"]),
    "estimate without clip": ("data.importance_weights", {"name": "estimated"}, ["clip: found nothing"]),
    "negative penalty": ("penalty.l1", -1, ["found -1"]),
    "loss of another task": ("loss", "cross_entropy", ["found", "squared_error"]),
    "more features than there are": ("model.features", 31, ["found 31", "30"]),
    "no features": ("model.features", 0, ["found 0"]),
    "features in words": ("model.features", "some", ["found 'some'", "'all'"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_key(case, refused):
    key, value, words = WRONG[case]
    lines = refused({f"{DECAY}.{key}": value})
    assert any(all(word in line for word in [f"{DECAY}.{key.split('.')[0]}", *words]) for line in lines), lines


def test_no_field_has_a_default():
    """What is not written in params.yaml is an error."""
    assert '"default"' not in json.dumps(RunConfig.model_json_schema())


@pytest.mark.parametrize(
    ("validation", "held_out", "validated", "split_correlation"),
    [
        ({"name": "none"}, 0, 0.0, 0.0),
        ({"name": "hold_out", "fraction": 0.25}, 6, 0.25, 1 / 3),
        ({"name": "k_fold", "folds": 5}, 5, 1.0, 5 / 4),
    ],
)
def test_what_validation_leaves_out_of_25_examples(validation, held_out, validated, split_correlation):
    chosen = config({"data.validation": validation})
    assert chosen.sizes(1, 25) == (25 - held_out, held_out, 0)
    assert chosen.data.validation.validated == validated
    assert chosen.data.validation.split_correlation == pytest.approx(split_correlation)
