"""What a trained network looks like, in float64: size of its weights, likeness of its units, distance from affine."""

import numpy as np

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.activations import IDENTITY, activate
from pipeline.training.kernels.network import bias_of, weight_of, width


@kernel
def sums(matrix):
    """Sum and sum of squares of all entries in float64, over rows first and lanes last."""
    sum_ = splat(widen(load(matrix, 0, 0)), 0.0)
    squares = sum_
    for strip in range(matrix.strips):
        for row in range(matrix.rows):
            value = widen(load(matrix, strip, row))
            sum_ = sum_ + value
            squares = squares + value * value
    return total(sum_), total(squares)


@kernel
def _outputs(run, like, x, example, room, activation):
    """The outputs for one example with this activation, (1, C); `room` has place for what each layer gives."""
    h = Matrix(room, np.int64(1), x.strips)
    for strip in range(x.strips):
        store(h, strip, 0, widen(load(x, strip, example)))
    for layer in range(run.layers):
        weight, bias = weight_of(run, like, layer, run.parameters), bias_of(run, like, layer, run.parameters)
        z = Matrix(skip(h.data, h.strips * LANES), np.int64(1), weight.strips)
        for strip in range(weight.strips):
            value = widen(load(bias, strip, 0))
            for k in range(weight.rows):
                value = fma(widen(load(weight, strip, k)), get(h.data, k), value)
            store(z, strip, 0, activate(activation, value)[0] if layer < run.layers - 1 else value)
        h = z
    return h


@kernel
def affine_gap(run, like, x):
    """The largest distance of an output from what the layers give without activation, by the largest output.

    NaN where one of them is not finite.
    """
    distance = largest_output = nothing = 0.0
    for example in range(x.rows):
        outputs = _outputs(run, like, x, example, doubles(run.scratch), run.activation)
        room = skip(outputs.data, outputs.strips * LANES)
        straight = _outputs(run, like, x, example, room, IDENTITY)
        for strip in range(outputs.strips):
            value = load(outputs, strip, 0)
            real = lanes(value) < width(run, run.layers) - LANES * strip
            apart = where(real, value - load(straight, strip, 0), 0.0)
            distance = max(distance, largest(absolute(apart)))
            largest_output = max(largest_output, largest(where(real, absolute(value), 0.0)))
            nothing += total(apart - apart)
    return (distance / largest_output if distance > 0.0 else distance) + nothing


@kernel
def unit_spread(run, like):
    """How much the incoming weights of the first layer's units differ: root mean square of largest less smallest.

    NaN where one of them is not finite.
    """
    weight = weight_of(run, like, 0, run.parameters)
    squares = 0.0
    for row in range(width(run, 0)):
        high = splat(widen(load(weight, 0, row)), -np.inf)
        low, nothing = high, splat(high, 0.0)
        for strip in range(weight.strips):
            value = widen(load(weight, strip, row))
            real = lanes(value) < width(run, 1) - LANES * strip
            high = where(real & (high < value), value, high)
            low = where(real & (low < 0.0 - value), 0.0 - value, low)
            nothing = nothing + where(real, value - value, 0.0)
        spread = largest(high) + largest(low) + total(nothing)
        squares += spread * spread
    return np.sqrt(squares / width(run, 0))


@kernel
def inspect(run, like, x):
    """Write weight_norm, and of networks with hidden layers unit_spread and affine_gap; x are sample inputs, (B, D)."""
    found, squares = doubles(run.inspection), 0.0
    for layer in range(run.layers):
        squares += sums(weight_of(run, like, layer, run.parameters))[1]
    put(found, 0, np.sqrt(squares))
    if run.layers > 1:
        put(found, 1, unit_spread(run, like))
        put(found, 2, affine_gap(run, like, x))
