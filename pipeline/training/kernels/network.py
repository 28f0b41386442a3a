"""A multilayer perceptron: forward pass, loss, backward pass and update, in the order of the textbook.

`run` is the record of `arguments`; `like` is a pointer of the type that all floats have. Layers are counted from 0.
"""

import numpy as np

from pipeline.arithmetic.draws import counters, random_bits
from pipeline.arithmetic.products import STRIPS, affine, gradient_by_inputs, gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.activations import activate
from pipeline.training.kernels.arguments import LEVELS
from pipeline.training.kernels.losses import CROSS_ENTROPY, SQUARED_ERROR, cross_entropy, squared_error
from pipeline.training.kernels.optimizers import update

# --- where the numbers of a layer lie --------------------------------------------------------------------------------


@inline
def width(run, layer):
    """Inputs of a layer; of the number behind the last layer, the outputs."""
    return get(integers(run.widths), layer)


@inline
def strips(columns):
    """Strips of 16 that hold so many columns."""
    return (columns + LANES - 1) // LANES


@inline
def weight_of(run, like, layer, array):
    """The weights of a layer, (D, H), in an array that is laid out like the parameters."""
    start = pointer(like, array, get(integers(run.weight_offsets), layer))
    return Matrix(start, strips(width(run, layer)) * LANES, strips(width(run, layer + 1)))


@inline
def bias_of(run, like, layer, array):
    """The biases of a layer, (1, H)."""
    start = pointer(like, array, get(integers(run.bias_offsets), layer))
    return Matrix(start, np.int64(1), strips(width(run, layer + 1)))


@inline
def units_of(run, like, layer, array, rows):
    """One number for each example of a batch and unit of a layer, (B, H)."""
    start = pointer(like, array, get(integers(run.output_offsets), layer))
    return Matrix(start, rows, strips(width(run, layer + 1)))


@inline
def of_examples(like, array, rows):
    """One number for each example of a batch: vectors of 16 after each other."""
    return Matrix(pointer(like, array, 0), np.int64(1), strips(rows))


# --- a batch ---------------------------------------------------------------------------------------------------------


@kernel
def gather(run, like, inputs, targets, places, first, x):
    """Copy the examples at places[first], ... into x, (B, D), scaled, and their targets into `targets`."""
    row_length = strips(run.features) * LANES
    for strip in range(x.strips):
        for row in range(x.rows):
            place = get(integers(places), first + row) * row_length + strip * LANES
            if run.bytes:
                value = load_bytes(load(x, strip, row), inputs, place)
            else:
                value = load(Matrix(pointer(like, inputs, place), np.int64(1), np.int64(1)), 0, 0)
            value = value * run.factor + run.offset
            if (strip + 1) * LANES > run.features:
                value = where(lanes(value) < run.features - LANES * strip, value, 0.0)
            store(x, strip, row, value)
    for row in range(x.rows):
        place = get(integers(places), first + row)
        put(pointer(like, run.targets, 0), row, get(pointer(like, targets, 0), place))
        if run.weighted and inputs == run.train_inputs:
            put(pointer(like, run.weights, 0), row, get(pointer(like, run.example_weights, 0), place))


@kernel
def loss_of_batch(run, like, outputs, scale, trained):
    """Sum of the losses, number of right answers; and `deltas` of the last layer, where a scale is given.

    The loss that is trained has smoothed labels and weighs the examples.
    """
    gradient = units_of(run, like, run.layers - 1, run.deltas, outputs.rows)
    targets, weights = of_examples(like, run.targets, outputs.rows), of_examples(like, run.weights, outputs.rows)
    weighted, factor = trained and run.weighted != 0, 1.0 if run.loss == SQUARED_ERROR else 0.5
    if run.loss == CROSS_ENTROPY:
        predicted, room = of_examples(like, run.predicted, outputs.rows), pointer(like, run.room, 0)
        smoothing, classes = run.label_smoothing if trained else 0.0, width(run, run.layers)
        return cross_entropy(outputs, targets, predicted, classes, smoothing, scale, weights, weighted, gradient, room)
    return squared_error(outputs, targets, factor, scale, weights, weighted, gradient)


# --- forward ---------------------------------------------------------------------------------------------------------


@kernel
def activate_layer(z, h, activation, columns):
    """H = f(z); z becomes the slope f'(z). Columns of padding stay 0."""
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
def write_mask(mask, room, rows, columns, threshold, key, step):
    """What `drop_units` multiplies by, (B, H): 0 or 1 / (1 - rate)."""
    h, slope = Matrix(mask, rows, columns), Matrix(room, rows, columns)
    fill(h, 1.0)
    fill(slope, 1.0)
    drop_units(h, slope, threshold, key, step)


@kernel
def forward(run, like, x, step, activation):
    """The outputs (B, C) of inputs (B, D). Units are dropped in training, that is, from step 0 on.

    `hidden` then holds what each hidden layer gives, `outputs` the slopes of its activation.
    """
    inputs = x
    for layer in range(run.layers):
        z = units_of(run, like, layer, run.outputs, x.rows)
        affine(inputs, weight_of(run, like, layer, run.parameters), bias_of(run, like, layer, run.parameters), z)
        if layer < run.layers - 1:
            h = units_of(run, like, layer, run.hidden, x.rows)
            activate_layer(z, h, activation, width(run, layer + 1))
            threshold = get(integers(run.thresholds), layer)
            if step >= 0 and threshold > 0:
                drop_units(h, z, threshold, get(integers(run.mask_keys), layer), step)
            inputs = h
    return units_of(run, like, run.layers - 1, run.outputs, x.rows)


# --- backward and update ---------------------------------------------------------------------------------------------


@kernel
def _multiply_by_slope(delta, slope):
    for strip in range(delta.strips):
        for row in range(delta.rows):
            store(delta, strip, row, load(delta, strip, row) * load(slope, strip, row))


@kernel
def inputs_of(run, like, layer, x):
    """What a layer saw in the last forward pass, (B, D)."""
    return x if layer == 0 else units_of(run, like, layer - 1, run.hidden, x.rows)


@kernel
def propagate(run, like, layer, rows):
    """From the gradient by the outputs of a layer (`deltas`) to that by the outputs of the layer before, (B, H)."""
    delta = units_of(run, like, layer, run.deltas, rows)
    before = units_of(run, like, layer - 1, run.deltas, rows)
    weight = weight_of(run, like, layer, run.parameters)
    transposed = Matrix(pointer(like, run.room, 0), delta.strips * LANES, before.strips)
    gradient_by_inputs(delta, weight, transposed, before)
    _multiply_by_slope(before, units_of(run, like, layer - 1, run.outputs, rows))


@kernel
def sum_of_rows(delta, out):
    """The gradient by a bias: (B, H) -> (1, H)."""
    for strip in range(delta.strips):
        value = splat(load(delta, strip, 0), 0.0)
        for row in range(delta.rows):
            value = value + load(delta, strip, row)
        store(out, strip, 0, value)


@kernel
def update_layer(run, like, layer, x, step, bias_step):
    """The gradients of a layer and one step against them, a few strips of units at a time so that they stay cached."""
    delta = units_of(run, like, layer, run.deltas, x.rows)
    inputs = inputs_of(run, like, layer, x)
    weight, first, second = (
        weight_of(run, like, layer, run.parameters),
        weight_of(run, like, layer, run.first_moments),
        weight_of(run, like, layer, run.second_moments),
    )
    for strip in range(0, delta.strips, STRIPS):
        count = min(STRIPS, delta.strips - strip)
        gradient = Matrix(pointer(like, run.gradient, 0), weight.rows, count)
        gradient_by_weights(inputs, part(delta, strip, count), gradient)
        update(run, part(weight, strip, count), gradient, part(first, strip, count), part(second, strip, count), step)
    if run.bias:
        gradient = Matrix(pointer(like, run.gradient, 0), np.int64(1), delta.strips)
        sum_of_rows(delta, gradient)
        update(
            run,
            bias_of(run, like, layer, run.parameters),
            gradient,
            bias_of(run, like, layer, run.first_moments),
            bias_of(run, like, layer, run.second_moments),
            bias_step,
        )


@kernel
def train_on_batch(run, like, x, number, step, bias_step):
    """Forward pass, loss, backward pass, update. Returns the sum of the losses and the number of right answers."""
    outputs = forward(run, like, x, number, run.activation)
    loss, right = loss_of_batch(run, like, outputs, 1.0 / x.rows, True)
    for layer in range(run.layers - 1, -1, -1):
        if layer > 0:
            propagate(run, like, layer, x.rows)
        update_layer(run, like, layer, x, step, bias_step)
    return loss, right
