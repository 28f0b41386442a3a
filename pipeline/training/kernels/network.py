"""A multilayer perceptron: forward pass, loss, backward pass and update, in textbook order.

`run` is the record of `arguments`, and a name such as `deltas` is that of an array in it. Layers are counted from 0.
"""

import numpy as np

from pipeline.arithmetic.draws import random_bits
from pipeline.arithmetic.products import STRIPS, affine, gradient_by_inputs, gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.activations import activate
from pipeline.training.kernels.arguments import LEVELS
from pipeline.training.kernels.losses import CROSS_ENTROPY, cross_entropy, loss_of_values
from pipeline.training.kernels.update import update


@inline
def width(run, layer):
    """Number of inputs of a layer; that of the layer `run.layers` is the number of outputs of the network."""
    return get(run.widths, layer)


@inline
def strips(columns):
    """Number of strips of 16 that hold these columns."""
    return (columns + LANES - 1) // LANES


@inline
def weight_of(run, layer):
    """The weights of a layer, (D, H)."""
    start = skip(run.parameters, get(run.weight_offsets, layer))
    return Matrix(start, strips(width(run, layer)) * LANES, strips(width(run, layer + 1)))


@inline
def bias_of(run, layer):
    """The biases of a layer, (1, H)."""
    start = skip(run.parameters, get(run.bias_offsets, layer))
    return Matrix(start, np.int64(1), strips(width(run, layer + 1)))


@inline
def units_of(run, layer, array, rows):
    """One number per example of a batch and unit of a layer, (B, H)."""
    start = skip(array, get(run.output_offsets, layer))
    return Matrix(start, rows, strips(width(run, layer + 1)))


@inline
def of_examples(array, rows):
    """One number per example of a batch, in consecutive vectors of 16."""
    return Matrix(array, np.int64(1), strips(rows))


@kernel
def gather(run, inputs, targets, indices, first, rows):
    """Copy the examples at indices[first], ...: inputs into `x`, scaled, (B, D), targets into `targets`. Return `x`."""
    x = Matrix(run.x, rows, strips(run.features))
    row_length = x.strips * LANES
    for strip in range(x.strips):
        for row in range(x.rows):
            start = get(indices, first + row) * row_length + strip * LANES
            if run.bytes:
                value = load_bytes(inputs, start)
            else:
                value = load(Matrix(skip(inputs, start), np.int64(1), np.int64(1)), 0, 0)
            value = value * run.factor + run.offset
            if (strip + 1) * LANES > run.features:
                value = where(lanes(value) < run.features - LANES * strip, value, 0.0)
            store(x, strip, row, value)
    for row in range(x.rows):
        put(run.targets, row, get(targets, get(indices, first + row)))
    return x


@kernel
def loss_of_batch(run, outputs, scale, training):
    """Return the sum of the losses and the number of correct predictions.

    If `scale` is above 0, write the gradient with respect to the outputs, times `scale`, into `deltas`. In training,
    labels are smoothed and examples weighted.
    """
    gradient = units_of(run, run.layers - 1, run.deltas, outputs.rows)
    targets, weights = of_examples(run.targets, outputs.rows), of_examples(run.weights, outputs.rows)
    weighted = training and run.weighted != 0
    if run.loss == CROSS_ENTROPY:
        predicted, classes = of_examples(run.predicted, outputs.rows), width(run, run.layers)
        smoothing = run.label_smoothing if training else 0.0
        return cross_entropy(
            outputs, targets, predicted, classes, smoothing, scale, weights, weighted, gradient, run.workspace
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
    """Drop each unit whose 16-bit draw is below the threshold; scale the others by 1 / (1 - rate).

    Two random words hold the draws of four examples.
    """
    scale = LEVELS / (LEVELS - threshold) if threshold < LEVELS else 0.0
    units = h.strips * LANES
    for strip in range(h.strips):
        for row in range(0, h.rows, 4):
            left, right = random_bits(row // 4 * units + strip * LANES, step, key)
            _drop(h, slope, strip, row, left & 65535, threshold, scale)
            _drop(h, slope, strip, row + 1, (left >> 16) & 65535, threshold, scale)
            _drop(h, slope, strip, row + 2, right & 65535, threshold, scale)
            _drop(h, slope, strip, row + 3, (right >> 16) & 65535, threshold, scale)


@kernel
def write_mask(h, slope, rows, strips, threshold, key, step):
    """Turn matrices of ones, (B, H), into dropout masks with the factors 0 and 1 / (1 - rate)."""
    drop_units(Matrix(h, rows, strips), Matrix(slope, rows, strips), threshold, key, step)


@kernel
def forward(run, x, activation, training):
    """Compute the outputs (B, C) of inputs (B, D); in training, units are dropped.

    For the backward pass, each hidden layer leaves its outputs in `hidden`, and the slopes of its activation in
    `outputs`, where they replace the inputs of the activation.
    """
    inputs = x
    for layer in range(run.layers):
        z = units_of(run, layer, run.outputs, x.rows)
        affine(inputs, weight_of(run, layer), bias_of(run, layer), z)
        if layer < run.layers - 1:
            h = units_of(run, layer, run.hidden, x.rows)
            activate_layer(z, h, activation, width(run, layer + 1))
            threshold = get(run.thresholds, layer)
            if training and threshold > 0:
                drop_units(h, z, threshold, get(run.mask_keys, layer), run.step - 1)
            inputs = h
    return units_of(run, run.layers - 1, run.outputs, x.rows)


@kernel
def inputs_of(run, layer, x):
    """The inputs of a layer in the last forward pass, (B, D)."""
    return x if layer == 0 else units_of(run, layer - 1, run.hidden, x.rows)


@kernel
def propagate(run, layer, rows):
    """Compute the deltas of the previous layer: the gradient with respect to the inputs of its activation, (B, H)."""
    delta = units_of(run, layer, run.deltas, rows)
    before = units_of(run, layer - 1, run.deltas, rows)
    transposed = Matrix(run.workspace, delta.strips * LANES, before.strips)
    gradient_by_inputs(delta, weight_of(run, layer), transposed, before)
    slope = units_of(run, layer - 1, run.outputs, rows)
    for strip in range(before.strips):
        for row in range(rows):
            store(before, strip, row, load(before, strip, row) * load(slope, strip, row))


@kernel
def update_layer(run, layer, x):
    """Compute the gradients of a layer and take one step."""
    delta, inputs = units_of(run, layer, run.deltas, x.rows), inputs_of(run, layer, x)
    start, rows = get(run.weight_offsets, layer), strips(width(run, layer)) * LANES
    # one tile of the product at a time, so that its gradient stays cached until the update
    for strip in range(0, delta.strips, STRIPS):
        units = part(delta, strip, min(STRIPS, delta.strips - strip))
        gradient = Matrix(run.gradient, rows, units.strips)
        gradient_by_weights(inputs, units, gradient)
        update(run, start + strip * rows * LANES, gradient, True)
    if run.bias:
        gradient = Matrix(run.gradient, np.int64(1), delta.strips)
        for strip in range(delta.strips):
            value = splat(load(delta, strip, 0), 0.0)
            for row in range(x.rows):
                value = value + load(delta, strip, row)
            store(gradient, strip, 0, value)
        update(run, get(run.bias_offsets, layer), gradient, False)


@kernel
def train_on_batch(run, first, rows):
    """Take one step on the examples at order[first], ...; return what `loss_of_batch` returns."""
    x = gather(run, run.train_inputs, run.train_targets, run.order, first, rows)
    if run.weighted:
        for row in range(rows):
            put(run.weights, row, get(run.example_weights, get(run.order, first + row)))
    outputs = forward(run, x, run.activation, True)
    loss, right = loss_of_batch(run, outputs, 1.0 / x.rows, True)
    for layer in range(run.layers - 1, -1, -1):
        if layer > 0:
            propagate(run, layer, x.rows)
        update_layer(run, layer, x)
    return loss, right
