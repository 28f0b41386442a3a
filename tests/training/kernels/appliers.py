"""Kernels that compute one product, loss, choice or some steps of an optimizer."""

import numpy as np

from pipeline.arithmetic.products import affine, gradient_by_inputs, gradient_by_weights
from pipeline.arithmetic.vector import Matrix, inline, kernel, put
from pipeline.training.kernels.choice import choose
from pipeline.training.kernels.losses import CROSS_ENTROPY, cross_entropy, loss_of_values


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
def loss(which, outputs, targets, rows, classes, smoothing, scale, weights, weighted, gradient, predicted, space, sums):
    """Compute the sum of the losses and the number of correct predictions of a batch, and the gradient."""
    strips, blocks = (classes + 15) // 16, (rows + 15) // 16
    z, g = Matrix(outputs, rows, strips), Matrix(gradient, rows, strips)
    t, w = Matrix(targets, np.int64(1), blocks), Matrix(weights, np.int64(1), blocks)
    if which == CROSS_ENTROPY:
        best = Matrix(predicted, np.int64(1), blocks)
        total, right = cross_entropy(z, t, best, classes, smoothing, scale, w, weighted != 0, g, space)
    else:
        total, right = loss_of_values(which, z, t, scale, w, weighted != 0, g), 0.0
    put(sums, 0, total)
    put(sums, 1, right)


_choice = choose([inline(lambda x, y: x - y), inline(lambda x, y: x * y), inline(lambda x, y: x / y)])


@kernel
def choice(number, x, y, result):
    """Write the result of one of three functions."""
    put(result, 0, _choice(number, x, y))
