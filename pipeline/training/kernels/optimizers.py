"""One step of the parameters against their gradient: weight decay, penalties, and the step of the run's optimizer."""

from typing import NamedTuple

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import HYPER
from pipeline.training.kernels.choice import choose
from pipeline.training.optimizers import OPTIMIZERS

_take_step = choose([optimizer.step() for optimizer in OPTIMIZERS])


class Numbers(NamedTuple):
    """What an optimizer computes its step with: learning rate, hyperparameters, and their t-th powers in step t."""

    rate: float
    hyper: tuple
    powers: tuple


@inline
def _four(start):
    return get(start, 0), get(start, 1), get(start, 2), get(start, 3)


@inline
def begin_step(run):
    """Multiply each power by its hyperparameter once more."""
    hyper, powers = doubles(run.hyper), doubles(run.powers)
    for i in range(HYPER):
        power = get(powers, i) * get(hyper, i)
        # beside 1, nothing is left of it; products with denormal numbers are slow
        put(powers, i, power if power > 1e-30 else 0.0)


@kernel
def update(run, like, start, gradient, rate, of_weights):
    """Take one step of the parameters that begin at `start` and lie as their gradient does.

    The gradient of weight decay and of the l2 penalty is decay * w, that of the l1 penalty l1 * sign(w); decoupled
    decay shrinks w before the step. Biases neither decay nor are penalised.
    """
    rows, strips = gradient.rows, gradient.strips
    w = Matrix(pointer(like, run.parameters, start), rows, strips)
    first = Matrix(pointer(like, run.first_moments, start), rows, strips)
    second = Matrix(pointer(like, run.second_moments, start), rows, strips)
    decay, l1 = (run.decay, run.l1) if of_weights else (0.0, 0.0)
    shrink = 1.0 - rate * run.decoupled_decay if of_weights else 1.0
    numbers = Numbers(rate, _four(doubles(run.hyper)), _four(doubles(run.powers)))
    for strip in range(strips):
        for row in range(rows):
            value = load(w, strip, row)
            g = fma(value, decay, load(gradient, strip, row))
            if l1 > 0.0:
                g = g + where(value > 0.0, splat(g, l1), where(value < 0.0, splat(g, -l1), 0.0))
            value = _take_step(run.optimizer, value * shrink, g, first, second, strip, row, numbers)
            store(w, strip, row, value)
