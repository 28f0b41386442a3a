"""Losses of a batch: their sum, the number of right answers, and the gradient of their mean by the outputs.

Outputs and gradient are matrices (B, C); labels, values and weights of examples are vectors of 16 after each other. A
new loss is a function here and a line in `network.loss_of_batch`; its name stands in `training/config.py`.
"""

import numpy as np

from pipeline.arithmetic.functions import exp, log
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import LOSSES

CROSS_ENTROPY, SQUARED_ERROR, HALF_SQUARED_ERROR = range(len(LOSSES))


@kernel
def cross_entropy(logits, labels, predicted, classes, smoothing, scale, weights, weighted, gradient, room):
    """Cross-entropy in nats: log(sum exp z) - z of the label. Writes the class of the largest logit of each example.

    The gradient is (softmax(z) - target) * weight * scale. The target is 1 for the label and 0 for the others; with
    label smoothing e it is 1 - e + e / C and e / C. No gradient is written where `scale` is 0.

    16 examples are computed at once: `room` has place for their logits, a vector for each class, and for 16 vectors.

    Reference: Zhang et al., "Dive into Deep Learning", section "Softmax regression"; Szegedy et al. (2016).
    """
    columns = Matrix(room, logits.strips * LANES, np.int64(1))
    tile = Matrix(skip(room, columns.rows * LANES), np.int64(LANES), np.int64(1))
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
        exponentials = own = splat(top, 0.0)
        for k in range(classes):
            z = load(columns, 0, k)
            own = where(label == k, z, own)
            e = exp(z - top)
            exponentials = exponentials + e
            store(columns, 0, k, e)
        # of a sum that is no number the logarithm is anything; the loss shall be NaN
        losses = log(exponentials) - (own - top) + (exponentials - exponentials)
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


@kernel
def squared_error(outputs, values, factor, scale, weights, weighted, gradient):
    """`factor` times the squared error of the one output; the gradient is 2 factor (z - y) * weight * scale."""
    loss = 0.0
    for row in range(outputs.rows):
        z = load(outputs, 0, row)
        residual = z - get(values.data, row)
        loss += np.float64(lane(factor * residual * residual, 0))
        if scale > 0.0:
            share = scale * get(weights.data, row) if weighted else scale
            store(gradient, 0, row, where(lanes(z) < 1.0, 2.0 * factor * residual * share, 0.0))
    return loss, 0.0
