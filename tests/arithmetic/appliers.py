"""Kernels that write what single functions of `vector`, `functions` and `draws` return."""
# ruff: noqa: F403, F405

import operator

import numpy as np

from pipeline.arithmetic import functions
from pipeline.arithmetic.draws import counters, next_bits, random_bits
from pipeline.arithmetic.vector import *


def _of_one(function):
    """Define a kernel that applies a function to `count` vectors."""

    @kernel
    def apply(numbers, out, count):
        for i in range(count):
            value = function(load(Matrix(numbers, np.int64(1), count), i, 0))
            store(Matrix(out, np.int64(1), count), i, 0, value)

    return apply


def _of_two(function, compares):
    """Define a kernel that applies an operator to two vectors; a comparison writes 1 where it holds, else 0."""

    @kernel
    def apply(left, right, out):
        row = np.int64(1)
        a, b = load(Matrix(left, row, row), 0, 0), load(Matrix(right, row, row), 0, 0)
        result = where(function(a, b), splat(a, 1.0), 0.0) if compares else function(a, b)
        store(Matrix(out, row, row), 0, 0, result)

    return apply


exp, log, tanh, erf, sigmoid, normal_quantile = map(
    _of_one,
    (functions.exp, functions.log, functions.tanh, functions.erf, functions.sigmoid, functions.normal_quantile),
)
square_root, size, lane_numbers = map(_of_one, (sqrt, absolute, lanes))
add, subtract, multiply, divide = (
    _of_two(symbol, False) for symbol in (operator.add, operator.sub, operator.mul, operator.truediv)
)
less, at_most, equal = (_of_two(symbol, True) for symbol in (operator.lt, operator.le, operator.eq))


@kernel
def raw_bits(state, out, count):
    """Write the next `count` numbers of PCG64."""
    for i in range(count):
        put(out, i, next_bits(state))


@kernel
def philox(first, step, key, out):
    """Write Philox of 16 counters: a vector of the left words, one of the right ones (int32)."""
    left, right = random_bits(counters(first), step, key)
    for i in range(LANES):
        put(out, i, lane(left, i))
        put(out, LANES + i, lane(right, i))


@kernel
def reduce(numbers, out):
    """Write the sum of 16 numbers and the largest of them."""
    value = load(Matrix(numbers, np.int64(1), np.int64(1)), 0, 0)
    put(out, 0, total(value))
    put(out, 1, largest(value))


@kernel
def transpose(numbers, out):
    """Transpose a tile of 16 x 16."""
    transpose_tile(Matrix(numbers, np.int64(16), np.int64(1)), 0, 0, Matrix(out, np.int64(16), np.int64(1)), 0, 0)


@kernel
def from_bytes(address, out):
    """Write 16 bytes as floats."""
    target = Matrix(out, np.int64(1), np.int64(1))
    store(target, 0, 0, load_bytes(load(target, 0, 0), address, 0))
