"""Losses of a batch: their sum, the number of right answers, and the gradient of their mean by the outputs.

Outputs and gradient are matrices (B, C). A new loss is a function here and a line in `loss_and_gradient`; its name
stands in `project/settings/training.py`.
"""

import numpy as np

from pipeline.arithmetic.functions import exp, log
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import LOSSES

CROSS_ENTROPY, SQUARED_ERROR, HALF_SQUARED_ERROR = range(len(LOSSES))


@inline
def class_of_largest(logits, row, top):
    """The first class whose logit is the largest."""
    for strip in range(logits.strips):
        value = load(logits, strip, row)
        own = -largest(where(value == top, 0.0 - lanes(value), -16.0))
        if own < 16.0:
            return strip * 16 + np.int64(own)
    return np.int64(0)  # of NaN


@inline
def largest_logit(logits, row, classes):
    """The largest logit of one example."""
    top = splat(load(logits, 0, row), -np.inf)
    for strip in range(logits.strips):
        value = load(logits, strip, row)
        value = where(lanes(value) < classes - 16.0 * strip, value, -np.inf)
        top = where(top < value, value, top)
    return largest(top)


@kernel
def cross_entropy(logits, labels, classes, smoothing, scale, weights, weighted, gradient):
    """Cross-entropy in nats: log(sum exp z) - z of the label.

    The gradient is (softmax(z) - target) * weight * scale. The target is 1 for the label and 0 for the others; with
    label smoothing e it is 1 - e + e / C and e / C. No gradient is written where `scale` is 0.

    Reference: Zhang et al., "Dive into Deep Learning", section "Softmax regression"; Szegedy et al. (2016).
    """
    loss, right = 0.0, 0
    for row in range(logits.rows):
        label = get(labels, row)
        top = largest_logit(logits, row, classes)
        first = load(logits, 0, row)
        exponentials = splat(first, 0.0)
        for strip in range(logits.strips):
            z = load(logits, strip, row)
            e = where(lanes(z) < classes - 16.0 * strip, exp(z - top), 0.0)
            exponentials = exponentials + e
            store(gradient, strip, row, e)
        sum_ = total(exponentials)
        logarithm = lane(log(splat(first, sum_)), 0)
        # of a sum that is no number the logarithm is anything; the loss shall be NaN
        loss += np.float64(logarithm - (element(logits, row, label) - top)) + np.float64(sum_ - sum_)
        right += class_of_largest(logits, row, top) == label
        if scale > 0.0:
            factor = scale * get(weights, row) if weighted else scale
            spread = smoothing / classes
            for strip in range(logits.strips):
                e = load(gradient, strip, row)
                column = lanes(e) + 16.0 * strip
                target = where(column == label, splat(e, 1.0 - smoothing + spread), spread)
                difference = (e / sum_ - target) * factor
                store(gradient, strip, row, where(column < classes, difference, 0.0))
    return loss, right


@kernel
def squared_error(outputs, values, factor, scale, weights, weighted, gradient):
    """`factor` times the squared error of the one output; the gradient is 2 factor (z - y) * weight * scale."""
    loss = 0.0
    for row in range(outputs.rows):
        z = load(outputs, 0, row)
        residual = z - get(values, row)
        loss += np.float64(lane(factor * residual * residual, 0))
        if scale > 0.0:
            share = scale * get(weights, row) if weighted else scale
            store(gradient, 0, row, where(lanes(z) < 1.0, 2.0 * factor * residual * share, 0.0))
    return loss, 0


@inline
def loss_and_gradient(loss, outputs, labels, values, classes, smoothing, scale, weights, weighted, gradient):
    """The loss with this number, the place of its name in `LOSSES`."""
    if loss == CROSS_ENTROPY:
        return cross_entropy(outputs, labels, classes, smoothing, scale, weights, weighted, gradient)
    factor = 1.0 if loss == SQUARED_ERROR else 0.5
    return squared_error(outputs, values, factor, scale, weights, weighted, gradient)
