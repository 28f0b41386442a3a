"""One training again in plain NumPy, float64: an oracle that shares nothing with the kernels but their draws."""

import itertools

import numpy as np
import pytest
from samples import classes, config, seeds

from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.draws import masks, orders
from pipeline.training.engine import Examples
from pipeline.training.initializers import initial

MOMENTUM, DECAY, RATES = 0.8, 0.05, [0.2, 0.5]


def softmax(z: np.ndarray) -> np.ndarray:
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def by_numpy(chosen: RunConfig, seed: Seed, dataset: Dataset) -> tuple[list[np.ndarray], list[np.ndarray], list[float]]:
    """Weights, biases and running losses, with tanh, dropout, softmax, and SGD with momentum and weight decay."""
    shape = [dataset.features, *chosen.model.hidden, dataset.outputs]
    start = [
        initial(chosen.model.initialization, seed, layer, *pair) for layer, pair in enumerate(itertools.pairwise(shape))
    ]
    weights, biases = [weight for weight, _ in start], [bias for _, bias in start]
    velocities = [[np.zeros_like(one) for one in several] for several in (weights, biases)]
    drop = [masks(seed, layer, rate, shape[layer + 1]) for layer, rate in enumerate(RATES)]
    inputs, labels = dataset.train.inputs[seed.index], dataset.train.targets[seed.index]
    size, rate, losses = chosen.training.batch_size, chosen.optimizer.learning_rate, []
    for order in orders(seed, len(inputs), chosen.training.epochs):
        loss = 0.0
        for first in range(0, len(order), size):
            batch = order[first : first + size]
            h, slopes = [inputs[batch]], []
            for layer in range(2):
                mask = drop[layer](len(batch))
                activated = np.tanh(h[-1] @ weights[layer] + biases[layer])
                h.append(activated * mask)
                slopes.append((1 - activated**2) * mask)
            shares = softmax(h[-1] @ weights[2] + biases[2])
            loss -= np.log(shares[np.arange(len(batch)), labels[batch]]).sum()
            delta = (shares - np.eye(shape[-1])[labels[batch]]) / len(batch)
            for layer in (2, 1, 0):
                gradients = h[layer].T @ delta + DECAY * weights[layer], delta.sum(axis=0)
                if layer:
                    delta = delta @ weights[layer].T * slopes[layer - 1]
                for parameters, velocity, gradient in zip((weights, biases), velocities, gradients, strict=True):
                    velocity[layer] = MOMENTUM * velocity[layer] + gradient
                    parameters[layer] = parameters[layer] - rate * velocity[layer]
        losses.append(loss / len(order))
    return weights, biases, losses


@pytest.mark.parametrize("seed", seeds(2))
@pytest.mark.parametrize("widths", [[33, 20], [1, 16]])
def test_a_training_is_that_of_plain_numpy(widths, seed):
    chosen = config(
        {
            "model.hidden": widths,
            "model.dropout": RATES,
            "optimizer.momentum": MOMENTUM,
            "optimizer.weight_decay": DECAY,
            "training": {"epochs": 5, "batch_size": 17, "evaluations": 5},
        }
    )
    found = engine.train(chosen, seed, Examples(classes(), "float64"))
    weights, biases, losses = by_numpy(chosen, seed, classes())
    for own, other in zip(found.weights + found.biases, weights + biases, strict=True):
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.curves["train_loss_running"], losses, rtol=1e-13)
    h = classes().test.inputs[seed.index]
    for layer in range(2):
        h = np.tanh(h @ weights[layer] + biases[layer])
    assert found.predictions.tolist() == (h @ weights[2] + biases[2]).argmax(axis=1).tolist()


def test_the_padding_of_weights_and_biases_stays_zero():
    """Whatever the activation of 0 is; read from the kernels' own memory."""
    for activation in ("sigmoid", "elu"):
        changes = {"model.hidden": [17, 1], "model.activation": activation, "model.dropout": 0.5}
        changes |= {"optimizer": {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.1}, "penalty.l1": 0.01}
        examples = Examples(classes(), "float64")
        run = engine._Run(examples.plan(config(changes), 0), seeds(1)[0], engine.Control.of_one_run())
        engine._kernel("float64")(run.address, 0)
        outcome = run.outcome()
        numbers = sum(np.count_nonzero(one) for one in (*outcome.weights, *outcome.biases))
        for name in ("parameters", "first_moments", "second_moments"):
            assert np.count_nonzero(run._arrays[name]) == numbers == 13 * 17 + 17 * 1 + 1 * 7 + 17 + 1 + 7


def test_a_layer_is_propagated_through_before_it_is_updated():
    """One step of the first layer alone, against a step in which the last layer does not move."""
    changes = {"model.hidden": [20], "training": {"epochs": 1, "batch_size": 44, "evaluations": 1}}
    small, large = (
        engine.train(config(changes | {"optimizer.learning_rate": rate}), seeds(1)[0], Examples(classes(), "float64"))
        for rate in (1e-6, 1.0)
    )
    start = initial(config(changes).model.initialization, seeds(1)[0], 0, 13, 20)[0]
    np.testing.assert_allclose((small.weights[0] - start) * 1e6, large.weights[0] - start, atol=1e-8)
