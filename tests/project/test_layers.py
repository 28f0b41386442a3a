"""Layers of a config are laid over each other, and a mistake is named in the layer where it stands."""

import pytest
from samples import ADAM, BASE, laid_over

from pipeline.core.errors import UserError
from pipeline.data.base import Facts
from pipeline.project.layers import Layer, merge, resolve

IMAGES = Facts("classification", 10, 64, 1437, 360, images=True)


def resolved(*overrides, data=IMAGES):
    layers = [Layer("params.yaml: base", BASE)]
    layers += [Layer(f"params.yaml: {where}", override) for where, override in zip("abc", overrides, strict=False)]
    return resolve(layers, data)


def test_a_layer_changes_what_it_has_and_a_choice_replaces_all_of_the_choice_below():
    layers = [{"optimizer": {"learning_rate": 0.5}, "model": {"bias": False}}, {"optimizer": {"learning_rate": 0.2}}]
    expected = laid_over(BASE, {"optimizer.learning_rate": 0.2, "model.bias": False})
    assert merge([Layer("", values) for values in (BASE, *layers)]) == expected
    config = resolved(*layers, {"optimizer": ADAM})
    assert config.optimizer.model_dump() == ADAM
    assert config.model.bias is False


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            [{"model": {"depth": 3}}],
            "a.model.depth: not in the base, which has a value for every key: features, hidden",
        ),
        ([{"optimizer": {**ADAM, "momentum": 1}}], "a.optimizer.momentum: found an unknown key, allowed: one of name"),
        ([{"optimizer": {**ADAM, "momentum": 1}}], "(in a sweep, `-S '~a.optimizer.momentum'` removes it)"),
        ([{"optimizer": {"name": "adam"}}], "a.optimizer.beta1: found nothing, allowed: every field written out"),
        ([{"optimizer": {"name": "adam"}}], "(in a sweep, `-S '+a.optimizer.beta1=VALUE'` adds it)"),
        # in the layer that has the value
        ([{"model": {"bias": 3}}, {"loss": "cross_entropy"}], "a.model.bias: found 3, allowed: boolean"),
        ([{"model": {"bias": 3}}, {"model": {"bias": 4}}], "b.model.bias: found 4, allowed: boolean"),
        (
            [{"model": {"hidden": [8]}}, {"model": {"dropout": [0.1, 2.0]}}],
            "b.model.dropout.1: found 2.0, allowed: less",
        ),
        ([{"optimizer": {"learning_rate": {"x": 1}}}], "a.optimizer.learning_rate: found {'x': 1}, allowed: number"),
    ],
)
def test_a_mistake_is_named_where_it_stands(overrides, line):
    with pytest.raises(UserError) as caught:
        resolved(*overrides)
    assert any(f"params.yaml: {line}" in found or found.endswith(line) for found in str(caught.value).splitlines())


def test_all_that_does_not_fit_the_data_set_is_named_at_once():
    data = {
        "examples": 9,
        "validation": {"name": "hold_out", "fraction": 0.01},
        "importance_weights": {"name": "oracle"},
    }
    stopping = {"name": "validation_loss", "fraction": 0.01, "patience": 1}
    override = {"data": data, "training": {"early_stopping": stopping}, "label_smoothing": 0.1}
    with pytest.raises(UserError) as caught:
        resolved(override, {"model": {"features": 6}}, data=Facts("regression", 1, 5, 8, 8))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "base.loss",
        "b.model.features",
        "a.data.examples",
        "a.data.validation",
        "a.training.early_stopping",
        "a.label_smoothing",
        "a.data.importance_weights",
    ]
