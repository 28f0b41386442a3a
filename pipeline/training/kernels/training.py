"""One run from its first weight to its last metric."""

import numpy as np

from pipeline.arithmetic.draws import permute
from pipeline.arithmetic.products import gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels import linear, network
from pipeline.training.kernels.activations import IDENTITY
from pipeline.training.kernels.arguments import CURVES, ROWS
from pipeline.training.kernels.losses import CROSS_ENTROPY
from pipeline.training.kernels.update import begin_step

_START, _END = 0, 1


@kernel
def evaluate(run, inputs, targets, indices, count, test):
    """Return the sum of the losses and the number of correct predictions; write `predictions` of test examples."""
    if run.linear:
        return linear.loss_of_examples(run, inputs, targets, indices, count), 0.0
    loss, right = 0.0, 0.0
    for first in range(0, count, ROWS):
        x = network.gather(run, inputs, targets, indices, first, min(ROWS, count - first))
        outputs = network.forward(run, x, run.activation, False)
        batch_loss, batch_right = network.loss_of_batch(run, outputs, 0.0, False)
        loss += batch_loss
        right += batch_right
        if run.loss == CROSS_ENTROPY and test:
            for row in range(x.rows):
                put(run.predictions, first + row, np.int64(get(run.predicted, row)))
    return loss, right


@kernel
def write_curves(run, row, running_loss, running_right):
    """Write one row of `curves`: means over the last epoch, taken before each step, and means over each part."""
    curves = skip(run.curves, row * len(CURVES))
    put(curves, 0, running_loss / run.trained_count)
    put(curves, 1, running_right / run.trained_count)
    parts = (
        (run.train_inputs, run.train_targets, run.trained, run.trained_count),
        (run.train_inputs, run.train_targets, run.validation, run.validation_count),
        (run.test_inputs, run.test_targets, run.tested, run.tested_count),
    )
    for number in range(3):
        inputs, targets, indices, count = parts[number]
        if count > 0:
            loss, right = evaluate(run, inputs, targets, indices, count, number == 2)
            put(curves, 2 + 2 * number, loss / count)
            put(curves, 3 + 2 * number, right / count)


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
def measure_layers(run, moment):
    """Measure the layers on the first examples that are trained on, without dropout and penalties.

    Write the standard deviation of each hidden layer's outputs, over examples and units, and the root mean square of
    the gradient with respect to each layer's weights. The layers are visited as in the backward pass.
    """
    rows = min(ROWS, run.trained_count)
    if run.linear:
        gradient = linear.gradient_of_examples(run, run.trained, 0, rows)[0]
        put(run.gradient_rms, moment, np.sqrt(sums(gradient)[1] / run.features))
        return
    x = network.gather(run, run.train_inputs, run.train_targets, run.trained, 0, rows)
    network.loss_of_batch(run, network.forward(run, x, run.activation, False), 1.0 / rows, False)
    for layer in range(run.layers - 1, -1, -1):
        features, units = network.width(run, layer), network.width(run, layer + 1)
        if layer < run.layers - 1:
            sum_, squares = sums(network.units_of(run, layer, run.hidden, rows))
            mean = sum_ / (rows * units)
            variance = squares / (rows * units) - mean * mean
            put(run.activation_sd, moment * (run.layers - 1) + layer, np.sqrt(max(variance, 0.0)))
        if layer > 0:
            network.propagate(run, layer, rows)
        delta, squares = network.units_of(run, layer, run.deltas, rows), 0.0
        for strip in range(delta.strips):
            gradient = Matrix(run.gradient, network.strips(features) * LANES, np.int64(1))
            gradient_by_weights(network.inputs_of(run, layer, x), part(delta, strip, 1), gradient)
            squares += sums(gradient)[1]
        put(run.gradient_rms, moment * run.layers + layer, np.sqrt(squares / (features * units)))


@kernel
def compare_with_affine(run):
    """Write outputs with activations into `outputs`, and outputs without them into `deltas`.

    The examples are those of `measure_layers`.
    """
    x = network.gather(run, run.train_inputs, run.train_targets, run.trained, 0, min(ROWS, run.trained_count))
    outputs = network.forward(run, x, IDENTITY, False)
    affine = network.units_of(run, run.layers - 1, run.deltas, x.rows)
    for strip in range(outputs.strips):
        for row in range(x.rows):
            store(affine, strip, row, load(outputs, strip, row))
    network.forward(run, x, run.activation, False)


@kernel
def copy(run, source, target):
    """Copy all parameters."""
    for i in range(run.parameter_count):
        put(target, i, get(source, i))


@kernel
def train_epoch(run, epoch):
    """Pass once over the examples in a new order; return the sum of losses and the number of correct predictions."""
    permute(run.order_state, run.order, run.trained_count)
    for i in range(run.trained_count):
        put(run.order, i, get(run.trained, get(run.order, i)))
    loss, right = 0.0, 0.0
    for first in range(0, run.trained_count, run.batch_size):
        if read_shared(run.stop):
            break
        rows = min(run.batch_size, run.trained_count - first)
        begin_step(run, epoch)
        if run.linear:
            batch_loss, batch_right = linear.train_on_batch(run, first, rows)
        else:
            batch_loss, batch_right = network.train_on_batch(run, first, rows)
        loss += batch_loss
        right += batch_right
    return loss, right


@kernel
def fit(run):
    """Train and measure one run, whose record `arguments` describes."""
    measure_layers(run, np.int64(_START))
    loss, right, written, best = 0.0, 0.0, 0, np.inf
    for epoch in range(run.epochs):
        loss, right = train_epoch(run, epoch)
        if read_shared(run.stop):
            return
        put(run.progress, 0, epoch + 1)
        row = get(run.evaluations, epoch)
        if row >= 0 and (epoch < run.epochs - 1 or run.patience == 0):
            write_curves(run, row, loss, right)
            written = row + 1
        if run.patience > 0:
            now = evaluate(run, run.train_inputs, run.train_targets, run.stopping, run.stopping_count, False)[0]
            if now < best or epoch == 0:
                best = now if now == now else np.inf  # NaN, after which any number is an improvement
                run.best_epoch = epoch + 1
                copy(run, run.parameters, run.best_parameters)
            elif epoch + 1 - run.best_epoch >= run.patience:
                break
    put(run.progress, 0, run.epochs)
    if run.patience > 0:
        # fill the remaining rows of the curves with the best parameters
        copy(run, run.best_parameters, run.parameters)
        for row in range(written, get(run.evaluations, run.epochs - 1) + 1):
            write_curves(run, row, loss, right)
    measure_layers(run, np.int64(_END))
    if run.layers > 1:
        compare_with_affine(run)
