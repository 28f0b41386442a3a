"""Kernels that write what single functions of `vector`, `functions` and `draws` return."""
# ruff: noqa: F403, F405

import numpy as np

from pipeline.arithmetic import functions
from pipeline.arithmetic.draws import next_bits, random_bits
from pipeline.arithmetic.vector import *


def _of_one(function):
    """Define a kernel that applies a function to `count` vectors."""

    @kernel
    def apply(numbers, out, count):
        for i in range(count):
            value = function(load(Matrix(numbers, np.int64(1), count), i, 0))
            store(Matrix(out, np.int64(1), count), i, 0, value)

    return apply


exp, log, tanh, erf, sigmoid, normal_quantile = map(
    _of_one,
    (functions.exp, functions.log, functions.tanh, functions.erf, functions.sigmoid, functions.normal_quantile),
)


@kernel
def raw_bits(state, out, count):
    """Write the next `count` numbers of PCG64."""
    for i in range(count):
        put(out, i, next_bits(state))


@kernel
def philox(first, step, key, out):
    """Write Philox of 16 counters: a vector of the left words, one of the right ones (int32)."""
    left, right = random_bits(first, step, key)
    for i in range(LANES):
        put(out, i, lane(left, i))
        put(out, LANES + i, lane(right, i))


@kernel
def compare(left, right, out):
    """Write for each of 16 pairs the sum of 1 if left < right, 2 if left <= right, and 4 if they are equal."""
    row = np.int64(1)
    a, b = load(Matrix(left, row, row), 0, 0), load(Matrix(right, row, row), 0, 0)
    result = where(a < b, splat(a, 1.0), 0.0) + where(a <= b, splat(a, 2.0), 0.0) + where(a == b, splat(a, 4.0), 0.0)
    store(Matrix(out, row, row), 0, 0, result)
