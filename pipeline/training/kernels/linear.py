"""Linear regression, a network without hidden layers and with one output: a step takes 60 nanoseconds.

The weights are one row, (1, D), followed by the bias. Nothing is copied: inputs are read where the data set has them.
"""

import numpy as np

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.losses import regression_loss
from pipeline.training.kernels.network import bias_of, strips
from pipeline.training.kernels.update import update


@inline
def _row(run, array, start):
    return Matrix(skip(array, start), np.int64(1), strips(run.features))


@inline
def _example(run, inputs, index):
    return _row(run, inputs, index * strips(run.features) * LANES)


@inline
def _loss(run, inputs, targets, index):
    """Return loss and slope of one example, each in all lanes; its output is summed over strips first, lanes last."""
    x, weight = _example(run, inputs, index), _row(run, run.parameters, 0)
    output = load(bias_of(run, 0), 0, 0)
    for strip in range(x.strips):
        output = fma(load(x, strip, 0), load(weight, strip, 0), output)
    residual = total(output) - get(targets, index)
    return regression_loss(run.loss, splat(output, residual))


@kernel
def loss_of_examples(run, inputs, targets, indices, count):
    """Return the sum of the losses."""
    loss = 0.0
    for i in range(count):
        loss += np.float64(lane(_loss(run, inputs, targets, get(indices, i))[0], 0))
    return loss


@kernel
def gradient_of_examples(run, indices, first, rows):
    """Compute the gradient of the mean loss of the examples at indices[first], ....

    Return the gradients with respect to the weights, (1, D), in `gradient`, and to the bias, and the sum of losses.
    """
    slopes = run.targets
    loss, scale, by_bias = 0.0, 1.0 / rows, 0.0
    for i in range(rows):
        index = get(indices, first + i)
        value, slope = _loss(run, run.train_inputs, run.train_targets, index)
        loss += np.float64(lane(value, 0))
        put(slopes, i, lane(slope, 0) * scale)
        by_bias += get(slopes, i)
    gradient = _row(run, run.gradient, 0)
    for strip in range(gradient.strips):
        value = splat(load(gradient, strip, 0), 0.0)
        for i in range(rows):
            x = _example(run, run.train_inputs, get(indices, first + i))
            value = fma(load(x, strip, 0), get(slopes, i), value)
        store(gradient, strip, 0, value)
    return gradient, by_bias, loss


@kernel
def train_on_batch(run, first, rows):
    """Take one step on the examples at order[first], ...; return the sum of the losses, and 0 correct predictions."""
    gradient, by_bias, loss = gradient_of_examples(run, run.order, first, rows)
    update(run, 0, gradient, True)
    if run.bias:
        gradient = Matrix(gradient.data, np.int64(1), np.int64(1))
        value = splat(load(gradient, 0, 0), by_bias)
        store(gradient, 0, 0, where(lanes(value) < 1.0, value, 0.0))
        update(run, get(run.bias_offsets, 0), gradient, False)
    return loss, 0.0
