"""Mistakes in one complete config: the line names the key, the value and what is allowed."""

import json

import pytest
from samples import ADAM, config

from pipeline.training.config import RunConfig

DECAY = "studies.weight_decay.base"
# key below `base`, value, and what the line must name besides the key
WRONG = {
    "negative epochs": ("training.epochs", -1, ["found -1", "greater than or equal"]),
    "dropout of another length": ("model.dropout", [0.1], ["found [0.1]", "0 hidden layers"]),
    "unknown initializer": ("model.initialization.weight.name", "xavier", ["found 'xavier'", "xavier_uniform"]),
    "no std": ("model.initialization.weight", {"name": "normal"}, ["weight.std: found nothing"]),
    "nesterov without momentum": ("optimizer.nesterov", True, ["found True", "momentum above 0"]),
    "momentum of adam": ("optimizer", ADAM | {"momentum": 0.9}, ["momentum: found an unknown key", "beta1"]),
    "smoothed numbers": ("label_smoothing", 0.1, ["found 0.1", "regres"]),
    "more examples than there are": ("data.examples", 21, ["found 21", "data set's 20"]),
    "more folds than examples": ("data.validation", {"name": "k_fold", "folds": 21}, ["both sides (there are 20)"]),
    "weights where nothing shifts": ("data.importance_weights.name", "oracle", ["does not shift"]),
    "loss of another task": ("loss", "cross_entropy", ["found", "squared_error"]),
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


def test_without_validation_every_example_is_trained_on():
    assert config().sizes(1, 25) == (25, 0, 0)
