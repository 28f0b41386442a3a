"""Kernels that write what single functions give; `which` is a place in the list above each."""

import numpy as np

from pipeline.arithmetic.draws import counters, next_bits, random_bits
from pipeline.arithmetic.functions import erf, exp, log, normal_quantile, sigmoid, tanh
from pipeline.arithmetic.vector import (
    LANES,
    Matrix,
    absolute,
    kernel,
    lane,
    lanes,
    largest,
    load,
    load_bytes,
    put,
    splat,
    sqrt,
    store,
    total,
    transpose_tile,
    where,
)

FUNCTIONS = ("exp", "log", "tanh", "erf", "sigmoid", "normal_quantile")


@kernel
def apply(which, numbers, out, count):
    """A function of `count` vectors."""
    x, y = Matrix(numbers, np.int64(1), count), Matrix(out, np.int64(1), count)
    for strip in range(count):
        value = load(x, strip, 0)
        if which == 0:
            value = exp(value)
        elif which == 1:
            value = log(value)
        elif which == 2:
            value = tanh(value)
        elif which == 3:
            value = erf(value)
        elif which == 4:
            value = sigmoid(value)
        else:
            value = normal_quantile(value)
        store(y, strip, 0, value)


@kernel
def raw_bits(state, out, count):
    """The next `count` numbers of PCG64."""
    for i in range(count):
        put(out, i, next_bits(state))


@kernel
def philox(first, step, key, out):
    """Philox of 16 counters: a vector of the left words, one of the right ones (int32)."""
    left, right = random_bits(counters(first), step, key)
    for i in range(LANES):
        put(out, i, lane(left, i))
        put(out, LANES + i, lane(right, i))


OPERATIONS = ("add", "subtract", "multiply", "divide", "less", "at most", "equal", "sqrt", "absolute", "lanes")


@kernel
def operate(which, left, right, out):
    """An operation of two vectors; of comparisons 1 where it holds and 0 where not."""
    a, b = load(Matrix(left, np.int64(1), np.int64(1)), 0, 0), load(Matrix(right, np.int64(1), np.int64(1)), 0, 0)
    one, zero = splat(a, 1.0), splat(a, 0.0)
    result = a + b
    if which == 1:
        result = a - b
    elif which == 2:
        result = a * b
    elif which == 3:
        result = a / b
    elif which == 4:
        result = where(a < b, one, zero)
    elif which == 5:
        result = where(a <= b, one, zero)
    elif which == 6:
        result = where(a == b, one, zero)
    elif which == 7:
        result = sqrt(a)
    elif which == 8:
        result = absolute(a)
    elif which == 9:
        result = lanes(a)
    store(Matrix(out, np.int64(1), np.int64(1)), 0, 0, result)


@kernel
def reduce(numbers, out):
    """The sum of 16 numbers and the largest of them."""
    value = load(Matrix(numbers, np.int64(1), np.int64(1)), 0, 0)
    put(out, 0, total(value))
    put(out, 1, largest(value))


@kernel
def transpose(numbers, out):
    """A tile of 16 x 16."""
    transpose_tile(Matrix(numbers, np.int64(16), np.int64(1)), 0, 0, Matrix(out, np.int64(16), np.int64(1)), 0, 0)


@kernel
def from_bytes(address, out):
    """16 bytes as floats."""
    target = Matrix(out, np.int64(1), np.int64(1))
    store(target, 0, 0, load_bytes(load(target, 0, 0), address, 0))
