"""One run from its first weight to its last metric."""

import numpy as np

from pipeline.arithmetic.draws import permute
from pipeline.arithmetic.products import gradient_by_weights
from pipeline.arithmetic.vector import *
from pipeline.training.kernels import linear
from pipeline.training.kernels.activations import IDENTITY
from pipeline.training.kernels.arguments import CURVES, ROWS
from pipeline.training.kernels.losses import CROSS_ENTROPY
from pipeline.training.kernels.network import (
    forward,
    gather,
    inputs_of,
    loss_of_batch,
    propagate,
    strips,
    train_on_batch,
    units_of,
    width,
)
from pipeline.training.kernels.optimizers import Step

_START, _END = 0, 1


@inline
def batch(run, like, rows):
    """Room for the inputs of a batch, (B, D)."""
    return Matrix(pointer(like, run.x, 0), rows, strips(run.features))


@kernel
def evaluate(run, like, inputs, targets, places, count):
    """Sum of the losses and number of right answers over the examples at these places, nothing dropped."""
    if run.linear:
        return linear.loss_of_examples(run, like, inputs, targets, places, count), 0.0
    loss, right = 0.0, 0.0
    for first in range(0, count, ROWS):
        x = batch(run, like, min(ROWS, count - first))
        gather(run, like, inputs, targets, places, first, x)
        outputs = forward(run, like, x, -1, run.activation)
        own_loss, own_right = loss_of_batch(run, like, outputs, 0.0, False)
        loss += own_loss
        right += own_right
    return loss, right


@kernel
def record(run, like, place, running_loss, running_right):
    """Write one row of the curves: means over what was just trained on, and over each part of the data."""
    curves = doubles(run.curves)
    start = place * len(CURVES)
    put(curves, start, running_loss / run.trained_count)
    put(curves, start + 1, running_right / run.trained_count)
    parts = (
        (run.train_inputs, run.train_targets, run.trained, run.trained_count),
        (run.train_inputs, run.train_targets, run.validation, run.validation_count),
        (run.test_inputs, run.test_targets, run.tested, run.tested_count),
    )
    for number in range(3):
        inputs, targets, places, count = parts[number]
        if count > 0:
            loss, right = evaluate(run, like, inputs, targets, places, count)
            put(curves, start + 2 + 2 * number, loss / count)
            put(curves, start + 3 + 2 * number, right / count)


@kernel
def predict(run, like):
    """Write the class of the largest output for every test example."""
    predictions = integers(run.predictions)
    for first in range(0, run.tested_count, ROWS):
        x = batch(run, like, min(ROWS, run.tested_count - first))
        gather(run, like, run.test_inputs, run.test_targets, run.tested, first, x)
        loss_of_batch(run, like, forward(run, like, x, -1, run.activation), 0.0, False)
        for row in range(x.rows):
            put(predictions, first + row, np.int64(get(pointer(like, run.predicted, 0), row)))


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
def measure_layers(run, like, moment):
    """On the first examples trained on: the standard deviation of each hidden layer, over examples and units, and the
    root mean square of the gradient of each weight. Nothing is dropped and nothing penalised.
    """
    rows = min(ROWS, run.trained_count)
    rms = doubles(run.gradient_rms)
    if run.linear:
        gradient = linear.gradient_of_examples(run, like, run.trained, 0, rows)[0]
        put(rms, moment, np.sqrt(sums(gradient)[1] / run.features))
        return
    x = batch(run, like, rows)
    gather(run, like, run.train_inputs, run.train_targets, run.trained, 0, x)
    loss_of_batch(run, like, forward(run, like, x, -1, run.activation), 1.0 / rows, False)
    for layer in range(run.layers - 1, -1, -1):
        units = width(run, layer + 1)
        if layer < run.layers - 1:
            sum_, squares = sums(units_of(run, like, layer, run.hidden, rows))
            mean = sum_ / (rows * units)
            variance = squares / (rows * units) - mean * mean
            put(doubles(run.activation_sd), moment * (run.layers - 1) + layer, np.sqrt(max(variance, 0.0)))
        if layer > 0:
            propagate(run, like, layer, rows)
        delta, squares = units_of(run, like, layer, run.deltas, rows), 0.0
        for strip in range(delta.strips):
            gradient = Matrix(pointer(like, run.gradient, 0), strips(width(run, layer)) * LANES, np.int64(1))
            gradient_by_weights(inputs_of(run, like, layer, x), part(delta, strip, 1), gradient)
            squares += sums(gradient)[1]
        put(rms, moment * run.layers + layer, np.sqrt(squares / (width(run, layer) * units)))


@kernel
def measure_affine_gap(run, like):
    """On the same examples: the largest distance of an output from what the layers give without activation, by the
    largest output. NaN where one of them is not finite, or the largest output is 0.
    """
    x = batch(run, like, min(ROWS, run.trained_count))
    gather(run, like, run.train_inputs, run.train_targets, run.trained, 0, x)
    outputs = forward(run, like, x, -1, IDENTITY)
    straight = units_of(run, like, run.layers - 1, run.deltas, x.rows)
    for strip in range(outputs.strips):
        for row in range(x.rows):
            store(straight, strip, row, load(outputs, strip, row))
    forward(run, like, x, -1, run.activation)
    distance = size = nothing = splat(load(outputs, 0, 0), 0.0)
    for strip in range(outputs.strips):
        for row in range(x.rows):
            value = load(outputs, strip, row)
            difference = value - load(straight, strip, row)
            distance = where(distance < absolute(difference), absolute(difference), distance)
            size = where(size < absolute(value), absolute(value), size)
            nothing = nothing + (difference - difference)
    gap = np.float64(largest(distance))
    gap = gap / largest(size) if gap > 0.0 else gap
    put(doubles(run.affine_gap), 0, gap + (gap - gap) + total(nothing))


@kernel
def copy(run, like, source, target):
    """Copy all parameters."""
    a, b = pointer(like, source, 0), pointer(like, target, 0)
    for i in range(run.parameter_count):
        put(b, i, get(a, i))


@inline
def steps(run, rate, power1, power2):
    """The next step of the weights and of the biases, for beta1^t and beta2^t."""
    bias_correction1, bias_correction2 = 1.0 - power1, 1.0 - power2
    shrink = 1.0 - rate * run.decoupled_decay
    weights = Step(rate, run.decay, run.l1, shrink, bias_correction1, bias_correction2)
    return weights, Step(rate, 0.0, 0.0, 1.0, bias_correction1, bias_correction2)


@kernel
def train_epoch(run, like, epoch, number, power1, power2):
    """One pass over the examples in a new order. Returns the sums of losses and right answers, and the state."""
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
        power1, power2 = power1 * run.beta1, power2 * run.beta2
        step, bias_step = steps(run, rate, power1, power2)
        if run.linear:
            loss += linear.train_on_examples(run, like, run.order, first, rows, step, bias_step)
        else:
            x = batch(run, like, rows)
            gather(run, like, run.train_inputs, run.train_targets, run.order, first, x)
            own_loss, own_right = train_on_batch(run, like, x, number, step, bias_step)
            loss += own_loss
            right += own_right
        number += 1
    return loss, right, number, power1, power2


@kernel
def train(run, like):
    """Train one run and measure it. `run` is the record of `arguments`, `like` a pointer of the type of the floats."""
    epochs, progress = run.epochs, integers(run.progress)
    measure_layers(run, like, np.int64(_START))
    number, power1, power2 = 0, 1.0, 1.0
    best, best_epoch = np.inf, 0
    loss, right, recorded = 0.0, 0.0, 0
    for epoch in range(epochs):
        loss, right, number, power1, power2 = train_epoch(run, like, epoch, number, power1, power2)
        if read_shared(integers(run.stop)):
            return
        put(progress, 0, epoch + 1)
        place = get(integers(run.evaluations), epoch)
        if place >= 0 and (epoch < epochs - 1 or run.patience == 0):
            record(run, like, place, loss, right)
            recorded = place + 1
        if run.patience > 0:
            now = evaluate(run, like, run.train_inputs, run.train_targets, run.stopping, run.stopping_count)[0]
            if now < best or epoch == 0:
                best = now if now == now else np.inf
                best_epoch = epoch + 1
                copy(run, like, run.parameters, run.best_parameters)
            elif epoch + 1 - best_epoch >= run.patience:
                break
    put(progress, 0, epochs)
    if run.patience > 0:
        # after the last epoch that was trained, and at the end, the best parameters are what there is
        copy(run, like, run.best_parameters, run.parameters)
        for place in range(recorded, get(integers(run.evaluations), epochs - 1) + 1):
            record(run, like, place, loss, right)
    put(doubles(run.best_epoch), 0, best_epoch if run.patience > 0 else epochs)
    measure_layers(run, like, np.int64(_END))
    if run.layers > 1:
        measure_affine_gap(run, like)
    if run.loss == CROSS_ENTROPY:
        predict(run, like)
