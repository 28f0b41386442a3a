import numpy as np
import pytest
from samples import ADAM, classes, config, seeds

from pipeline.training import engine
from pipeline.training.draws import masks, orders
from pipeline.training.engine import Control, Examples
from pipeline.training.initializers import initial

SEED = seeds(1)[0]


@pytest.mark.parametrize("activation", ["sigmoid", "elu"])
def test_the_padding_of_weights_and_biases_stays_zero(activation):
    """Read from the kernels' own memory; sigmoid(0) is not 0."""
    adamw = ADAM | {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.1}
    changes = {"model.hidden": [17, 1], "model.activation": activation, "model.dropout": 0.5, "optimizer": adamw}
    examples = Examples(classes(), "float64")
    run = engine._Run(examples.plan(config(changes | {"penalty.l1": 0.01}), 0), SEED, Control())
    engine._kernel("float64")(run.address, 0)
    for name in ("parameters", "first_moments", "second_moments"):
        assert np.count_nonzero(run.arrays[name]) == 13 * 17 + 17 * 1 + 1 * 7 + 17 + 1 + 7


def test_a_step_by_hand():
    """One step on all examples in NumPy: dropout, backpropagation through weights not yet updated, weight decay."""
    dataset = classes()
    training = {"epochs": 1, "batch_size": 44, "evaluations": 1}
    chosen = config({"model.hidden": [20], "model.dropout": 0.3, "optimizer.weight_decay": 0.2, "training": training})
    result = engine.train(chosen, SEED, Examples(dataset, "float64"))
    (w1, b1), (w2, b2) = (initial(chosen.model.initialization, SEED, *layer) for layer in ((0, 13, 20), (1, 20, 7)))
    order = next(orders(SEED, 44, 1))
    x, labels, mask = dataset.train.inputs[0][order], dataset.train.targets[0][order], masks(SEED, 0, 0.3, 20)(44)
    h = np.tanh(x @ w1 + b1)
    z = (h * mask) @ w2 + b2
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    delta2 = (shares - np.eye(7)[labels]) / 44
    delta1 = delta2 @ w2.T * mask * (1 - h**2)
    expected = [w1 - 0.1 * (x.T @ delta1 + 0.2 * w1), w2 - 0.1 * ((h * mask).T @ delta2 + 0.2 * w2)]
    for left, right in zip(result.weights, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-14)
    np.testing.assert_allclose(result.biases[1], b2 - 0.1 * delta2.sum(axis=0), rtol=0, atol=1e-14)
