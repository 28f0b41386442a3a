"""One run from its first weight to its last metric."""

import numpy as np

from pipeline.arithmetic.draws import permute
from pipeline.arithmetic.products import gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels import linear, network
from pipeline.training.kernels.activations import IDENTITY
from pipeline.training.kernels.arguments import CURVES, ROWS
from pipeline.training.kernels.losses import CROSS_ENTROPY
from pipeline.training.kernels.optimizers import begin_step

_START, _END = 0, 1


@kernel
def evaluate(run, like, inputs, targets, indices, count):
    """Return the sum of the losses and the number of right answers of these examples; write predictions of the test."""
    if run.linear:
        return linear.loss_of_examples(run, like, inputs, targets, indices, count), 0.0
    loss, right = 0.0, 0.0
    for first in range(0, count, ROWS):
        x = network.gather(run, like, inputs, targets, indices, first, min(ROWS, count - first))
        outputs = network.forward(run, like, x, -1, run.activation)
        batch_loss, batch_right = network.loss_of_batch(run, like, outputs, 0.0, False)
        loss += batch_loss
        right += batch_right
        if run.loss == CROSS_ENTROPY and inputs == run.test_inputs:
            for row in range(x.rows):
                predicted = get(pointer(like, run.predicted, 0), row)
                put(integers(run.predictions), first + row, np.int64(predicted))
    return loss, right


@kernel
def write_curves(run, like, row, running_loss, running_right):
    """Write one row of the curves: running means over the last epoch, and means over each part of the data."""
    curves = doubles(run.curves)
    start = row * len(CURVES)
    put(curves, start, running_loss / run.trained_count)
    put(curves, start + 1, running_right / run.trained_count)
    parts = (
        (run.train_inputs, run.train_targets, run.trained, run.trained_count),
        (run.train_inputs, run.train_targets, run.validation, run.validation_count),
        (run.test_inputs, run.test_targets, run.tested, run.tested_count),
    )
    for number in range(3):
        inputs, targets, indices, count = parts[number]
        if count > 0:
            loss, right = evaluate(run, like, inputs, targets, indices, count)
            put(curves, start + 2 + 2 * number, loss / count)
            put(curves, start + 3 + 2 * number, right / count)


@kernel
def sums(matrix):
    """Return the sum and the sum of squares of all entries in float64, over rows first and lanes last."""
    sum_ = splat(widen(load(matrix, 0, 0)), 0.0)
    squares = sum_
    for strip in range(matrix.strips):
        for row in range(matrix.rows):
            value = widen(load(matrix, strip, row))
            sum_ = sum_ + value
            squares = squares + value * value
    return total(sum_), total(squares)


@kernel
def measure_layers(run, like, moment):
    """Measure the layers on the first examples trained on, without dropout and penalties.

    Write the standard deviation of each hidden layer, over examples and units, and the root mean square of the gradient
    of each weight.
    """
    rows = min(ROWS, run.trained_count)
    rms = doubles(run.gradient_rms)
    if run.linear:
        gradient = linear.gradient_of_examples(run, like, run.trained, 0, rows)[0]
        put(rms, moment, np.sqrt(sums(gradient)[1] / run.features))
        return
    x = network.gather(run, like, run.train_inputs, run.train_targets, run.trained, 0, rows)
    network.loss_of_batch(run, like, network.forward(run, like, x, -1, run.activation), 1.0 / rows, False)
    for layer in range(run.layers - 1, -1, -1):
        features, units = network.width(run, layer), network.width(run, layer + 1)
        if layer < run.layers - 1:
            sum_, squares = sums(network.units_of(run, like, layer, run.hidden, rows))
            mean = sum_ / (rows * units)
            variance = squares / (rows * units) - mean * mean
            put(doubles(run.activation_sd), moment * (run.layers - 1) + layer, np.sqrt(max(variance, 0.0)))
        if layer > 0:
            network.propagate(run, like, layer, rows)
        delta, squares = network.units_of(run, like, layer, run.deltas, rows), 0.0
        for strip in range(delta.strips):
            gradient = Matrix(pointer(like, run.gradient, 0), network.strips(features) * LANES, np.int64(1))
            gradient_by_weights(network.inputs_of(run, like, layer, x), part(delta, strip, 1), gradient)
            squares += sums(gradient)[1]
        put(rms, moment * run.layers + layer, np.sqrt(squares / (features * units)))


@kernel
def measure_affine_gap(run, like):
    """Write the largest distance of an output from the one without activations, relative to the largest output.

    NaN if an output is not finite or the largest one is 0. The examples are those of `measure_layers`.
    """
    x = network.gather(run, like, run.train_inputs, run.train_targets, run.trained, 0, min(ROWS, run.trained_count))
    outputs = network.forward(run, like, x, -1, IDENTITY)
    affine = network.units_of(run, like, run.layers - 1, run.deltas, x.rows)
    for strip in range(outputs.strips):
        for row in range(x.rows):
            store(affine, strip, row, load(outputs, strip, row))
    network.forward(run, like, x, -1, run.activation)
    distance = size = not_finite = splat(load(outputs, 0, 0), 0.0)
    for strip in range(outputs.strips):
        for row in range(x.rows):
            value = load(outputs, strip, row)
            difference = value - load(affine, strip, row)
            distance = where(distance < absolute(difference), absolute(difference), distance)
            size = where(size < absolute(value), absolute(value), size)
            not_finite = not_finite + (difference - difference)  # 0, or NaN
    gap = np.float64(largest(distance))
    gap = gap / largest(size) if gap > 0.0 else gap
    put(doubles(run.affine_gap), 0, gap + (gap - gap) + total(not_finite))


@kernel
def copy(run, like, source, target):
    """Copy all parameters."""
    a, b = pointer(like, source, 0), pointer(like, target, 0)
    for i in range(run.parameter_count):
        put(b, i, get(a, i))


@kernel
def train_epoch(run, like, epoch, number):
    """Pass once over the examples in a new order.

    Return the sums of losses and right answers, and the number of the next step.
    """
    order = integers(run.order)
    permute(words(run.order_state), order, run.trained_count)
    for i in range(run.trained_count):
        put(order, i, get(integers(run.trained), get(order, i)))
    rate = get(doubles(run.learning_rates), epoch)
    loss, right = 0.0, 0.0
    for first in range(0, run.trained_count, run.batch_size):
        if read_shared(integers(run.stop)):
            break
        rows = min(run.batch_size, run.trained_count - first)
        begin_step(run)
        if run.linear:
            loss += linear.train_on_examples(run, like, run.order, first, rows, rate)
        else:
            x = network.gather(run, like, run.train_inputs, run.train_targets, run.order, first, rows)
            batch_loss, batch_right = network.train_on_batch(run, like, x, number, rate)
            loss += batch_loss
            right += batch_right
        number += 1
    return loss, right, number


@kernel
def fit(run, like):
    """Train and measure one run. `run` is the record of `arguments`, `like` a pointer whose type is that of floats."""
    epochs = run.epochs
    measure_layers(run, like, np.int64(_START))
    number, best, best_epoch = 0, np.inf, 0
    loss, right, written = 0.0, 0.0, 0
    for epoch in range(epochs):
        loss, right, number = train_epoch(run, like, epoch, number)
        if read_shared(integers(run.stop)):
            return
        put(integers(run.progress), 0, epoch + 1)
        row = get(integers(run.evaluations), epoch)
        if row >= 0 and (epoch < epochs - 1 or run.patience == 0):
            write_curves(run, like, row, loss, right)
            written = row + 1
        if run.patience > 0:
            now = evaluate(run, like, run.train_inputs, run.train_targets, run.stopping, run.stopping_count)[0]
            if now < best or epoch == 0:
                best = now if now == now else np.inf
                best_epoch = epoch + 1
                copy(run, like, run.parameters, run.best_parameters)
            elif epoch + 1 - best_epoch >= run.patience:
                break
    put(integers(run.progress), 0, epochs)
    if run.patience > 0:
        # curves go on with the best parameters after the last epoch that was trained, and end with them
        copy(run, like, run.best_parameters, run.parameters)
        for row in range(written, get(integers(run.evaluations), epochs - 1) + 1):
            write_curves(run, like, row, loss, right)
    put(doubles(run.best_epoch), 0, best_epoch if run.patience > 0 else epochs)
    measure_layers(run, like, np.int64(_END))
    if run.layers > 1:
        measure_affine_gap(run, like)
