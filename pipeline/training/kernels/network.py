"""A multilayer perceptron: forward pass, loss, backward pass and update, in the order of the textbook.

`run` is the record of `arguments`; `like` is a pointer whose type is that of all floats. Layers are counted from 0.
"""

import numpy as np

from pipeline.arithmetic.draws import counters, random_bits
from pipeline.arithmetic.products import STRIPS, affine, gradient_by_inputs, gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.activations import activate
from pipeline.training.kernels.arguments import LEVELS
from pipeline.training.kernels.losses import CROSS_ENTROPY, cross_entropy, loss_of_values
from pipeline.training.kernels.optimizers import update


@inline
def width(run, layer):
    """Number of inputs of a layer; `layers` stands for the outputs of the network."""
    return get(integers(run.widths), layer)


@inline
def strips(columns):
    """Number of strips of 16 that hold these columns."""
    return (columns + LANES - 1) // LANES


@inline
def weight_of(run, like, layer):
    """The weights of a layer, (D, H)."""
    start = pointer(like, run.parameters, get(integers(run.weight_offsets), layer))
    return Matrix(start, strips(width(run, layer)) * LANES, strips(width(run, layer + 1)))


@inline
def bias_of(run, like, layer):
    """The biases of a layer, (1, H)."""
    start = pointer(like, run.parameters, get(integers(run.bias_offsets), layer))
    return Matrix(start, np.int64(1), strips(width(run, layer + 1)))


@inline
def units_of(run, like, layer, array, rows):
    """One number per example of a batch and unit of a layer, (B, H)."""
    start = pointer(like, array, get(integers(run.output_offsets), layer))
    return Matrix(start, rows, strips(width(run, layer + 1)))


@inline
def of_examples(like, array, rows):
    """One number per example of a batch, in consecutive vectors of 16."""
    return Matrix(pointer(like, array, 0), np.int64(1), strips(rows))


@kernel
def gather(run, like, inputs, targets, indices, first, rows):
    """Copy a batch, the examples at indices[first], ..., with their targets. Return the inputs, (B, D), scaled."""
    x = Matrix(pointer(like, run.x, 0), rows, strips(run.features))
    row_length = x.strips * LANES
    for strip in range(x.strips):
        for row in range(x.rows):
            start = get(integers(indices), first + row) * row_length + strip * LANES
            if run.bytes:
                value = load_bytes(load(x, strip, row), inputs, start)
            else:
                value = load(Matrix(pointer(like, inputs, start), np.int64(1), np.int64(1)), 0, 0)
            value = value * run.factor + run.offset
            if (strip + 1) * LANES > run.features:
                value = where(lanes(value) < run.features - LANES * strip, value, 0.0)
            store(x, strip, row, value)
    for row in range(x.rows):
        index = get(integers(indices), first + row)
        put(pointer(like, run.targets, 0), row, get(pointer(like, targets, 0), index))
        if run.weighted and inputs == run.train_inputs:
            put(pointer(like, run.weights, 0), row, get(pointer(like, run.example_weights, 0), index))
    return x


@kernel
def loss_of_batch(run, like, outputs, scale, training):
    """Return the sum of the losses and the number of right answers; write `deltas` of the last layer if `scale` > 0.

    The loss in training has smoothed labels and weighs the examples.
    """
    gradient = units_of(run, like, run.layers - 1, run.deltas, outputs.rows)
    targets, weights = of_examples(like, run.targets, outputs.rows), of_examples(like, run.weights, outputs.rows)
    weighted = training and run.weighted != 0
    if run.loss == CROSS_ENTROPY:
        predicted, workspace = of_examples(like, run.predicted, outputs.rows), pointer(like, run.workspace, 0)
        smoothing, classes = run.label_smoothing if training else 0.0, width(run, run.layers)
        return cross_entropy(
            outputs, targets, predicted, classes, smoothing, scale, weights, weighted, gradient, workspace
        )
    return loss_of_values(run.loss, outputs, targets, scale, weights, weighted, gradient), 0.0


@kernel
def activate_layer(z, h, activation, columns):
    """Write f(z) into h and the slope f'(z) into z. Columns of padding stay 0."""
    for strip in range(z.strips):
        for row in range(z.rows):
            value, slope = activate(activation, load(z, strip, row))
            if (strip + 1) * LANES > columns:
                value = where(lanes(value) < columns - LANES * strip, value, 0.0)
            store(h, strip, row, value)
            store(z, strip, row, slope)


@inline
def _drop(h, slope, strip, row, draws, threshold, scale):
    if row < h.rows:
        kept = draws >= threshold
        store(h, strip, row, where(kept, load(h, strip, row) * scale, 0.0))
        store(slope, strip, row, where(kept, load(slope, strip, row) * scale, 0.0))


@kernel
def drop_units(h, slope, threshold, key, step):
    """Drop each unit whose 16-bit draw is below the threshold; scale the others by 1 / (1 - rate)."""
    scale = LEVELS / (LEVELS - threshold) if threshold < LEVELS else 0.0
    units = h.strips * LANES
    for strip in range(h.strips):
        for row in range(0, h.rows, 4):
            left, right = random_bits(counters(row // 4 * units + strip * LANES), step, key)
            _drop(h, slope, strip, row, left & 65535, threshold, scale)
            _drop(h, slope, strip, row + 1, (left >> 16) & 65535, threshold, scale)
            _drop(h, slope, strip, row + 2, right & 65535, threshold, scale)
            _drop(h, slope, strip, row + 3, (right >> 16) & 65535, threshold, scale)


@kernel
def write_mask(mask, workspace, rows, columns, threshold, key, step):
    """Write the factors of `drop_units`, (B, H): 0 or 1 / (1 - rate)."""
    h, slope = Matrix(mask, rows, columns), Matrix(workspace, rows, columns)
    fill(h, 1.0)
    fill(slope, 1.0)
    drop_units(h, slope, threshold, key, step)


@kernel
def forward(run, like, x, step, activation):
    """Return the outputs (B, C) of inputs (B, D). Units are dropped in training only, where `step` is at least 0.

    `hidden` then holds the outputs of each hidden layer, `outputs` the slopes of its activation.
    """
    inputs = x
    for layer in range(run.layers):
        z = units_of(run, like, layer, run.outputs, x.rows)
        affine(inputs, weight_of(run, like, layer), bias_of(run, like, layer), z)
        if layer < run.layers - 1:
            h = units_of(run, like, layer, run.hidden, x.rows)
            activate_layer(z, h, activation, width(run, layer + 1))
            threshold = get(integers(run.thresholds), layer)
            if step >= 0 and threshold > 0:
                drop_units(h, z, threshold, get(integers(run.mask_keys), layer), step)
            inputs = h
    return units_of(run, like, run.layers - 1, run.outputs, x.rows)


@kernel
def inputs_of(run, like, layer, x):
    """Inputs of a layer in the last forward pass, (B, D)."""
    return x if layer == 0 else units_of(run, like, layer - 1, run.hidden, x.rows)


@kernel
def propagate(run, like, layer, rows):
    """Compute `deltas` of the layer before, the gradient by its outputs before activation, (B, H), from a layer's."""
    delta = units_of(run, like, layer, run.deltas, rows)
    before = units_of(run, like, layer - 1, run.deltas, rows)
    weight = weight_of(run, like, layer)
    transposed = Matrix(pointer(like, run.workspace, 0), delta.strips * LANES, before.strips)
    gradient_by_inputs(delta, weight, transposed, before)
    slope = units_of(run, like, layer - 1, run.outputs, rows)
    for strip in range(before.strips):
        for row in range(rows):
            store(before, strip, row, load(before, strip, row) * load(slope, strip, row))


@kernel
def update_layer(run, like, layer, x, rate):
    """Compute the gradients of a layer and take one step, a few strips of units at a time so that they stay cached."""
    delta, inputs = units_of(run, like, layer, run.deltas, x.rows), inputs_of(run, like, layer, x)
    start, rows = get(integers(run.weight_offsets), layer), strips(width(run, layer)) * LANES
    for strip in range(0, delta.strips, STRIPS):
        units = part(delta, strip, min(STRIPS, delta.strips - strip))
        gradient = Matrix(pointer(like, run.gradient, 0), rows, units.strips)
        gradient_by_weights(inputs, units, gradient)
        update(run, like, start + strip * rows * LANES, gradient, rate, True)
    if run.bias:
        gradient = Matrix(pointer(like, run.gradient, 0), np.int64(1), delta.strips)
        for strip in range(delta.strips):
            value = splat(load(delta, strip, 0), 0.0)
            for row in range(x.rows):
                value = value + load(delta, strip, row)
            store(gradient, strip, 0, value)
        update(run, like, get(integers(run.bias_offsets), layer), gradient, rate, False)


@kernel
def train_on_batch(run, like, x, number, rate):
    """Forward pass, loss, backward pass, update. Return the sum of the losses and the number of right answers."""
    outputs = forward(run, like, x, number, run.activation)
    loss, right = loss_of_batch(run, like, outputs, 1.0 / x.rows, True)
    for layer in range(run.layers - 1, -1, -1):
        if layer > 0:
            propagate(run, like, layer, x.rows)
        update_layer(run, like, layer, x, rate)
    return loss, right
