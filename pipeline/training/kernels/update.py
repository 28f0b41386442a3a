"""One step of the parameters against their gradient: weight decay, penalties, and the step of the run's optimizer."""

from typing import NamedTuple

from pipeline.arithmetic.vector import *
from pipeline.training.kernels.choice import choose
from pipeline.training.optimizers import HYPER, OPTIMIZERS

_take_step = choose([optimizer.step() for optimizer in OPTIMIZERS])


class Numbers(NamedTuple):
    """What the step of an optimizer reads: its learning rate, its hyperparameters and, in step t, their t-th powers."""

    rate: float
    hyper: tuple
    powers: tuple


def _reader(count):
    """Define a function that reads `count` numbers from an address as a tuple."""
    if count == 1:
        return inline(lambda start: (get(start, 0),))
    before = _reader(count - 1)
    return inline(lambda start: (*before(start), get(start, count - 1)))


_read = _reader(HYPER)


@inline
def begin_step(run, epoch):
    """Set what the updates of one step share: its number, counted from 1, its learning rate, and the powers."""
    run.step += 1
    run.rate = get(run.learning_rates, epoch)
    hyper, powers = run.hyper, run.powers
    for i in range(HYPER):
        power = get(powers, i) * get(hyper, i)
        # below 1e-30, 1 - power rounds to 1, and arithmetic on the denormal numbers that follow is slow
        put(powers, i, power if power > 1e-30 else 0.0)


@kernel
def update(run, start, gradient, of_weights):
    """Take one step of the parameters that begin at `start` and have the layout of their gradient.

    The gradient of weight decay and of the l2 penalty is decay * w, that of the l1 penalty l1 * sign(w); decoupled
    decay shrinks w before the step. Biases are neither decayed nor penalised.
    """
    rows, strips = gradient.rows, gradient.strips
    w = Matrix(skip(run.parameters, start), rows, strips)
    first = Matrix(skip(run.first_moments, start), rows, strips)
    second = Matrix(skip(run.second_moments, start), rows, strips)
    decay, l1 = (run.decay, run.l1) if of_weights else (0.0, 0.0)
    shrink = 1.0 - run.rate * run.decoupled_decay if of_weights else 1.0
    numbers = Numbers(run.rate, _read(run.hyper), _read(run.powers))
    for strip in range(strips):
        for row in range(rows):
            value = load(w, strip, row)
            g = fma(value, decay, load(gradient, strip, row))
            if l1 > 0.0:
                g = g + where(value > 0.0, splat(g, l1), where(value < 0.0, splat(g, -l1), 0.0))
            value = _take_step(run.optimizer, value * shrink, g, first, second, strip, row, numbers)
            store(w, strip, row, value)
