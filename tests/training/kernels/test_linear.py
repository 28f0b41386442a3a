"""The kernel of linear regression against that of any network, which has one layer then."""

import dataclasses

import numpy as np
import pytest
from samples import config, seeds, values

from pipeline.core.dataset import Dataset, Split
from pipeline.training import engine
from pipeline.training.engine import Examples

LINEAR = {"model.hidden": [], "model.activation": "identity", "loss": "squared_error", "optimizer.learning_rate": 0.01}
SGD = {"name": "sgd", "learning_rate": 0.01, "weight_decay": 0.1}
CHOICES = {
    "plain": {},
    "half": {"loss": "half_squared_error"},
    "momentum": {"optimizer": {**SGD, "momentum": 0.9}},
    "nesterov": {"optimizer": {**SGD, "momentum": 0.9, "nesterov": True}, "penalty": {"l1": 0.1, "l2": 0.1}},
    "adam": {"optimizer": {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.1}},
    "no bias": {"model.bias": False},
    "one feature": {"model.features": 1},
    "single examples": {"training.batch_size": 1},
    "stopping": {"training.early_stopping": {"name": "validation_loss", "fraction": 0.3, "patience": 1}},
}


def weighted_by_one(dataset: Dataset) -> Dataset:
    """Examples that are weighted are left to the kernel of networks."""
    return dataclasses.replace(dataset, weights={"oracle": np.ones(dataset.train.targets.shape)})


@pytest.mark.parametrize("features", [1, 13, 16, 33])
@pytest.mark.parametrize("name", CHOICES)
def test_a_linear_model_is_a_network_of_one_layer(name, features):
    dataset, changes = values(features=features), LINEAR | CHOICES[name]
    linear = engine.train(config(changes), seeds(1)[0], Examples(dataset, "float64"))
    examples = Examples(weighted_by_one(dataset), "float64")
    chosen = config(changes | {"data.importance_weights": {"name": "oracle"}})
    assert not examples.plan(chosen, 0).linear
    network = engine.train(chosen, seeds(1)[0], examples)
    np.testing.assert_allclose(linear.weights[0], network.weights[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(linear.biases[0], network.biases[0], rtol=1e-12, atol=1e-14)
    assert set(linear.curves) == set(network.curves)
    for curve in linear.curves:
        np.testing.assert_allclose(linear.curves[curve], network.curves[curve], rtol=1e-12)
    for key in linear.layers:
        np.testing.assert_allclose(linear.layers[key], network.layers[key], rtol=1e-12)
    assert linear.best_epoch == network.best_epoch


def test_bytes_are_read_as_bytes():
    """A regression on images, whose scale is applied while they are read."""
    raw = np.random.default_rng(0).integers(0, 256, (1, 60, 13)).astype(np.uint8)
    targets = raw.sum(axis=2) / 1000
    split = [Split(raw[:, rows], targets[:, rows]) for rows in (slice(40), slice(40, 60))]
    images = Dataset("regression", 1, *split, factor=1 / 255, offset=-0.5)
    real = [Split(one.inputs / 255 - 0.5, one.targets) for one in split]
    numbers = Dataset("regression", 1, *real)
    one, other = (engine.train(config(LINEAR), seeds(1)[0], Examples(data, "float64")) for data in (images, numbers))
    np.testing.assert_allclose(one.weights[0], other.weights[0], rtol=1e-12)
    np.testing.assert_allclose(one.curves["test_loss"], other.curves["test_loss"], rtol=1e-12)
