"""Linear regression, a network without hidden layers and with one output: a step takes 60 nanoseconds.

Its weights are one row, (1, D), and the bias follows them. Nothing is copied: inputs are read where they lie.
"""

import numpy as np

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.losses import HALF_SQUARED_ERROR
from pipeline.training.kernels.network import strips
from pipeline.training.kernels.optimizers import update


@inline
def _row(run, like, inputs, place):
    columns = strips(run.features)
    return Matrix(pointer(like, inputs, place * columns * LANES), np.int64(1), columns)


@inline
def parameters_of(run, like, array):
    """Weights and bias."""
    columns = strips(run.features)
    return (
        Matrix(pointer(like, array, 0), np.int64(1), columns),
        Matrix(pointer(like, array, columns * LANES), np.int64(1), np.int64(1)),
    )


@inline
def _output(x, weight, bias):
    """Sum of x w + b, over strips first and lanes last."""
    out = load(bias, 0, 0)
    for strip in range(x.strips):
        out = fma(load(x, strip, 0), load(weight, strip, 0), out)
    return total(out)


@inline
def _factor(run):
    return 0.5 if run.loss == HALF_SQUARED_ERROR else 1.0


@kernel
def loss_of_examples(run, like, inputs, targets, places, count):
    """Sum of the losses."""
    weight, bias = parameters_of(run, like, run.parameters)
    loss = 0.0
    for i in range(count):
        place = get(integers(places), i)
        residual = _output(_row(run, like, inputs, place), weight, bias) - get(pointer(like, targets, 0), place)
        loss += np.float64(residual * residual)
    return _factor(run) * loss


@kernel
def gradient_of_examples(run, like, places, first, rows):
    """The gradient of the mean loss of the examples at places[first], ..., by weights and bias, and their losses' sum.

    That by the weights, (1, D), is written into `gradient`.
    """
    weight, bias = parameters_of(run, like, run.parameters)
    pushes = pointer(like, run.targets, 0)
    loss, scale, by_bias = 0.0, 2.0 * _factor(run) / rows, 0.0
    for i in range(rows):
        place = get(integers(places), first + i)
        residual = _output(_row(run, like, run.train_inputs, place), weight, bias)
        residual = residual - get(pointer(like, run.train_targets, 0), place)
        loss += np.float64(residual * residual)
        put(pushes, i, residual * scale)
        by_bias += get(pushes, i)
    gradient = Matrix(pointer(like, run.gradient, 0), np.int64(1), weight.strips)
    for strip in range(weight.strips):
        value = splat(load(weight, strip, 0), 0.0)
        for i in range(rows):
            x = _row(run, like, run.train_inputs, get(integers(places), first + i))
            value = fma(load(x, strip, 0), get(pushes, i), value)
        store(gradient, strip, 0, value)
    return gradient, by_bias, _factor(run) * loss


@kernel
def train_on_examples(run, like, places, first, rows, step, bias_step):
    """One step on the examples at places[first], ...; returns the sum of their losses."""
    gradient, by_bias, loss = gradient_of_examples(run, like, places, first, rows)
    weight, bias = parameters_of(run, like, run.parameters)
    first_weight, first_bias = parameters_of(run, like, run.first_moments)
    second_weight, second_bias = parameters_of(run, like, run.second_moments)
    update(run, weight, gradient, first_weight, second_weight, step)
    if run.bias:
        value = splat(load(bias, 0, 0), by_bias)
        gradient = Matrix(gradient.data, np.int64(1), np.int64(1))
        store(gradient, 0, 0, where(lanes(value) < 1.0, value, 0.0))
        update(run, bias, gradient, first_bias, second_bias, bias_step)
    return loss
