"""Kernels that give one product, activation, loss or step of an optimizer."""

from typing import NamedTuple

import numpy as np

from pipeline.arithmetic.products import affine, gradient_by_inputs, gradient_by_weights
from pipeline.arithmetic.vector import Matrix, kernel, load, put, store
from pipeline.training.kernels.activations import activate
from pipeline.training.kernels.losses import CROSS_ENTROPY, SQUARED_ERROR, cross_entropy, squared_error
from pipeline.training.kernels.optimizers import Step, update


@kernel
def product(which, x, w, b, z, room, rows, before, after):
    """Of matrices x (rows, before), w (before, after), b (1, after), z (rows, after), all in strips of 16 columns.

    0: z = x w + b; 1: x = z w^T with room for w^T; 2: w = x^T z.
    """
    inputs, outputs = Matrix(x, rows, before), Matrix(z, rows, after)
    weight = Matrix(w, before * 16, after)
    if which == 0:
        affine(inputs, weight, Matrix(b, np.int64(1), after), outputs)
    elif which == 1:
        gradient_by_inputs(outputs, weight, Matrix(room, after * 16, before), inputs)
    else:
        gradient_by_weights(inputs, outputs, weight)


@kernel
def activation(which, numbers, values, slopes, count):
    """Values and slopes of `count` vectors."""
    z = Matrix(numbers, np.int64(1), count)
    for strip in range(count):
        value, slope = activate(which, load(z, strip, 0))
        store(Matrix(values, np.int64(1), count), strip, 0, value)
        store(Matrix(slopes, np.int64(1), count), strip, 0, slope)


@kernel
def loss(which, outputs, targets, rows, classes, smoothing, scale, weights, weighted, gradient, predicted, room, found):
    """Sum of the losses and number of right answers of a batch, and the gradient."""
    strips, blocks = (classes + 15) // 16, (rows + 15) // 16
    z, g = Matrix(outputs, rows, strips), Matrix(gradient, rows, strips)
    t, w = Matrix(targets, np.int64(1), blocks), Matrix(weights, np.int64(1), blocks)
    if which == CROSS_ENTROPY:
        best = Matrix(predicted, np.int64(1), blocks)
        total, right = cross_entropy(z, t, best, classes, smoothing, scale, w, weighted != 0, g, room)
    else:
        factor = 1.0 if which == SQUARED_ERROR else 0.5
        total, right = squared_error(z, t, factor, scale, w, weighted != 0, g)
    put(found, 0, total)
    put(found, 1, right)


class Numbers(NamedTuple):
    """What the record of a run has of an optimizer."""

    optimizer: int
    momentum: float
    nesterov: int
    beta1: float
    beta2: float
    epsilon: float


@kernel
def optimizer(which, w, gradient, first, second, count, numbers):
    """One step of `count` vectors; `numbers`: rate, `Numbers` from momentum on, corrections, decay, l1 and shrink."""
    nesterov = np.int64(numbers[2] > 0.0)
    run = Numbers(which, numbers[1], nesterov, numbers[3], numbers[4], numbers[5])
    row = np.int64(1)
    update(
        run,
        Matrix(w, row, count),
        Matrix(gradient, row, count),
        Matrix(first, row, count),
        Matrix(second, row, count),
        Step(numbers[0], numbers[8], numbers[9], numbers[10], numbers[6], numbers[7]),
    )
