"""Optimizers: one step of some parameters from their gradient, as `torch.optim` computes it.

A new one is a function here and a line in `update`; its configs stand in `training/config.py`.
"""

from typing import NamedTuple

from pipeline.arithmetic.vector import *

SGD, ADAM = 0, 1


class Step(NamedTuple):
    """The numbers of one step of the weights, or of the biases, which neither decay nor penalties touch.

    `shrink` is 1 - rate * decay where weight decay is decoupled (AdamW), else 1; the corrections are 1 - beta^t.
    """

    rate: float
    decay: float
    l1: float
    shrink: float
    bias_correction1: float
    bias_correction2: float


@inline
def sgd_momentum(w, gradient, velocity, rate, momentum, nesterov):
    """The velocity is momentum * velocity + gradient; Nesterov looks ahead by one more momentum."""
    velocity = momentum * velocity + gradient
    direction = gradient + momentum * velocity if nesterov else velocity
    return w - rate * direction, velocity


@inline
def adam(w, gradient, mean, square, step, beta1, beta2, epsilon):
    """Adam, and with a shrunk w AdamW. Reference: Kingma and Ba (2015); Loshchilov and Hutter (2019)."""
    mean = beta1 * mean + (1.0 - beta1) * gradient
    square = beta2 * square + (1.0 - beta2) * gradient * gradient
    divisor = sqrt(square / step.bias_correction2) + epsilon
    return w - step.rate / step.bias_correction1 * mean / divisor, mean, square


@kernel
def update(run, w, gradient, first, second, step):
    """Take one step; matrices of one shape, `first` and `second` the moments of an optimizer that has them.

    The gradient of weight decay and of the l2 penalty is decay * w, that of the l1 penalty l1 * sign(w).
    """
    optimizer, momentum, nesterov = run.optimizer, run.momentum, run.nesterov
    beta1, beta2, epsilon = run.beta1, run.beta2, run.epsilon
    for strip in range(w.strips):
        for row in range(w.rows):
            value = load(w, strip, row)
            g = fma(value, step.decay, load(gradient, strip, row))
            if step.l1 > 0.0:
                g = g + where(value > 0.0, splat(g, step.l1), where(value < 0.0, splat(g, -step.l1), 0.0))
            if optimizer == SGD and momentum == 0.0:
                value = value - step.rate * g
            elif optimizer == SGD:
                value, velocity = sgd_momentum(value, g, load(first, strip, row), step.rate, momentum, nesterov)
                store(first, strip, row, velocity)
            else:
                mean, square = load(first, strip, row), load(second, strip, row)
                value, mean, square = adam(value * step.shrink, g, mean, square, step, beta1, beta2, epsilon)
                store(first, strip, row, mean)
                store(second, strip, row, square)
            store(w, strip, row, value)
