"""Linear regression, a network without hidden layers and with one output: a step takes 60 nanoseconds.

Its weights are one row, (1, D), and the bias follows them. Nothing is copied: inputs are read where they lie.
"""

import numpy as np

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.losses import regression_loss
from pipeline.training.kernels.network import bias_of, strips
from pipeline.training.kernels.optimizers import update


@inline
def _row(run, like, array, start):
    return Matrix(pointer(like, array, start), np.int64(1), strips(run.features))


@inline
def _example(run, like, inputs, index):
    return _row(run, like, inputs, index * strips(run.features) * LANES)


@inline
def _loss(run, like, inputs, targets, index):
    """Return loss and slope of one example, each in all lanes: its output is summed over strips first, lanes last."""
    x, weight = _example(run, like, inputs, index), _row(run, like, run.parameters, 0)
    output = load(bias_of(run, like, 0), 0, 0)
    for strip in range(x.strips):
        output = fma(load(x, strip, 0), load(weight, strip, 0), output)
    residual = total(output) - get(pointer(like, targets, 0), index)
    return regression_loss(run.loss, splat(output, residual))


@kernel
def loss_of_examples(run, like, inputs, targets, indices, count):
    """Return the sum of the losses."""
    loss = 0.0
    for i in range(count):
        loss += np.float64(lane(_loss(run, like, inputs, targets, get(integers(indices), i))[0], 0))
    return loss


@kernel
def gradient_of_examples(run, like, indices, first, rows):
    """Return the gradient of the mean loss of the examples at indices[first], ..., and the sum of their losses.

    That by the weights, (1, D), is written into `gradient`; that by the bias is a number.
    """
    slopes = pointer(like, run.targets, 0)
    loss, scale, by_bias = 0.0, 1.0 / rows, 0.0
    for i in range(rows):
        index = get(integers(indices), first + i)
        value, slope = _loss(run, like, run.train_inputs, run.train_targets, index)
        loss += np.float64(lane(value, 0))
        put(slopes, i, lane(slope, 0) * scale)
        by_bias += get(slopes, i)
    gradient = _row(run, like, run.gradient, 0)
    for strip in range(gradient.strips):
        value = splat(load(gradient, strip, 0), 0.0)
        for i in range(rows):
            x = _example(run, like, run.train_inputs, get(integers(indices), first + i))
            value = fma(load(x, strip, 0), get(slopes, i), value)
        store(gradient, strip, 0, value)
    return gradient, by_bias, loss


@kernel
def train_on_examples(run, like, indices, first, rows, rate):
    """Take one step on the examples at indices[first], ...; return the sum of their losses."""
    gradient, by_bias, loss = gradient_of_examples(run, like, indices, first, rows)
    update(run, like, 0, gradient, rate, True)
    if run.bias:
        gradient = Matrix(gradient.data, np.int64(1), np.int64(1))
        value = splat(load(gradient, 0, 0), by_bias)
        store(gradient, 0, 0, where(lanes(value) < 1.0, value, 0.0))
        update(run, like, get(integers(run.bias_offsets), 0), gradient, rate, False)
    return loss
