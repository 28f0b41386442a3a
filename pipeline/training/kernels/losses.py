"""Losses of a batch: their sum, the number of correct predictions, and the gradient of their mean.

Outputs and gradient are matrices (B, C); labels, values and weights of examples are consecutive vectors of 16.

The loss of a regression is a function of a vector of residuals r = z - y that returns loss and slope by r. A new one is
a function here and a line in `arguments.REGRESSION_LOSSES`.
"""

import numpy as np

from pipeline.arithmetic.functions import exp, log
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import LOSSES, REGRESSION_LOSSES
from pipeline.training.kernels.choice import choose

CROSS_ENTROPY = LOSSES.index("cross_entropy")


@kernel
def cross_entropy(logits, labels, predicted, classes, smoothing, scale, weights, weighted, gradient, workspace):
    """Compute the cross-entropy in nats, log(sum exp z) - z of the label; write the class of the largest logit.

    The gradient is (softmax(z) - target) * weight * scale. The target is 1 for the label and 0 for the others; with
    label smoothing e it is 1 - e + e / C and e / C. If `scale` is 0, no gradient is written.

    16 examples are computed at once: `workspace` holds their logits, one vector per class, and 16 more vectors.

    Reference: Zhang et al., "Dive into Deep Learning", section "Softmax regression"; Szegedy et al. (2016).
    """
    columns = Matrix(workspace, logits.strips * LANES, np.int64(1))
    tile = Matrix(skip(workspace, columns.rows * LANES), np.int64(LANES), np.int64(1))
    loss, right = 0.0, 0.0
    for first in range(0, logits.rows, LANES):
        count = min(LANES, logits.rows - first)
        for strip in range(logits.strips):
            for i in range(count):
                store(tile, 0, i, load(logits, strip, first + i))
            transpose_tile(tile, 0, 0, columns, 0, strip * LANES)
        top = load(columns, 0, 0)
        best = splat(top, 0.0)
        for k in range(1, classes):
            z = load(columns, 0, k)
            best = where(top < z, splat(top, k), best)
            top = where(top < z, z, top)
        label = load(labels, first // LANES, 0)
        exponentials = of_label = splat(top, 0.0)
        for k in range(classes):
            z = load(columns, 0, k)
            of_label = where(label == k, z, of_label)
            e = exp(z - top)
            exponentials = exponentials + e
            store(columns, 0, k, e)
        # `log` of a sum that is not finite may return anything; the loss must be NaN then
        losses = log(exponentials) - (of_label - top) + (exponentials - exponentials)
        loss += total(widen(where(lanes(losses) < count, losses, 0.0)))
        right += total(where((lanes(label) < count) & (best == label), splat(label, 1.0), 0.0))
        store(predicted, first // LANES, 0, best)
        if scale > 0.0:
            factor = splat(label, scale)
            if weighted:
                factor = factor * load(weights, first // LANES, 0)
            spread = smoothing / classes
            for k in range(classes):
                target = where(label == k, splat(label, 1.0 - smoothing + spread), spread)
                store(columns, 0, k, (load(columns, 0, k) / exponentials - target) * factor)
            for k in range(classes, columns.rows):
                store(columns, 0, k, splat(label, 0.0))
            for strip in range(logits.strips):
                transpose_tile(columns, 0, strip * LANES, tile, 0, 0)
                for i in range(count):
                    store(gradient, strip, first + i, load(tile, 0, i))
    return loss, right


@inline
def squared_error(residual):
    """r^2."""
    return residual * residual, 2.0 * residual


@inline
def half_squared_error(residual):
    """r^2 / 2."""
    return 0.5 * residual * residual, residual


_choice = choose([globals()[name] for name in REGRESSION_LOSSES])


@inline
def regression_loss(loss, residual):
    """Return loss and slope of the loss with this number in `LOSSES`."""
    return _choice(loss - 1, residual)


@kernel
def loss_of_values(loss, outputs, values, scale, weights, weighted, gradient):
    """Return the sum of the losses of the one output, and write slope * weight * scale unless `scale` is 0."""
    sum_ = 0.0
    for row in range(outputs.rows):
        residual = load(outputs, 0, row) - get(values.data, row)
        value, slope = regression_loss(loss, residual)
        sum_ += np.float64(lane(value, 0))
        if scale > 0.0:
            share = scale * get(weights.data, row) if weighted else scale
            store(gradient, 0, row, where(lanes(slope) < 1.0, slope * share, 0.0))
    return sum_
