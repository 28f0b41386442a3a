"""Random numbers from the state of a NumPy generator: permutations, normal numbers, and bits by counter.

PCG64 equals NumPy's to the bit. Permutations and normal numbers do not: NumPy's permutations cost twice as much, and
its normal numbers call the C library, whose last bits differ between systems.

References: O'Neill (2014), "PCG"; Lemire (2019), "Fast random integer generation in an interval"; Salmon et al. (2011),
"Parallel random numbers: as easy as 1, 2, 3" (Philox).
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.arithmetic.functions import normal_quantile
from pipeline.arithmetic.vector import *
from pipeline.arithmetic.vector import Vector, broadcast

_MULTIPLIER_HIGH, _MULTIPLIER_LOW = np.uint64(2549297995355413924), np.uint64(4865540595714422341)


@intrinsic
def _high_product(typing, a, b):
    """Return the upper 64 bits of the product of two unsigned numbers."""

    def code(context, builder, sig, args):
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(value, wide) for value in args))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


@inline
def next_bits(state):
    """Return the next 64 bits; `state` points to the upper and lower half of state and increment, (4,) uint64."""
    high, low = get(state, 0), get(state, 1)
    high = _high_product(low, _MULTIPLIER_LOW) + high * _MULTIPLIER_LOW + low * _MULTIPLIER_HIGH
    low = low * _MULTIPLIER_LOW
    sum_low = low + get(state, 3)
    high = high + get(state, 2) + np.uint64(sum_low < low)
    put(state, 0, high)
    put(state, 1, sum_low)
    rotation = high >> np.uint64(58)
    mixed = high ^ sum_low
    return (mixed >> rotation) | (mixed << ((np.uint64(64) - rotation) & np.uint64(63)))


@kernel
def permute(state, order, count):
    """Write a random order of 0 .. count - 1, fewer than 2^31: Fisher and Yates's method with Lemire's draws."""
    mask = np.uint64(0xFFFFFFFF)
    for i in range(count):
        put(order, i, i)
    word, has_half = np.uint64(0), False  # each word gives two draws of 32 bits
    for i in range(count - 1, 0, -1):
        bound = np.uint64(i + 1)
        while True:
            if has_half:
                draw, has_half = word >> np.uint64(32), False
            else:
                word, has_half = next_bits(state), True
                draw = word & mask
            product = draw * bound
            # accept with a probability that makes all indices equally frequent
            if (product & mask) >= bound or (product & mask) >= (np.uint64(2**32) - bound) % bound:
                break
        j = np.int64(product >> np.uint64(32))
        last = get(order, i)
        put(order, i, get(order, j))
        put(order, j, last)


@kernel
def normals(state, out, count):
    """Write `count` standard normal numbers, float64, each from 52 bits; `out` has room for whole vectors."""
    numbers = Matrix(out, np.int64(1), np.int64(0))
    for first in range(0, count, LANES):
        for i in range(first, first + LANES):
            # in the middle of one of 2^52 intervals, so that neither 0 nor 1 is drawn
            put(out, i, (np.float64(next_bits(state) >> np.uint64(12)) + 0.5) * 2.0**-52)
        store(numbers, first // LANES, 0, normal_quantile(load(numbers, first // LANES, 0)))


@intrinsic
def _multiply(typing, a):
    """Return the upper and lower 32 bits of the products of unsigned lanes with Philox's multiplier."""

    def code(context, builder, sig, args):
        # even and odd lanes are the lower and upper halves of 64 bits, so that nothing moves between lanes
        wide = ir.VectorType(ir.IntType(64), LANES // 2)
        lower, shift, multiplier = (ir.Constant(wide, [n] * (LANES // 2)) for n in (2**32 - 1, 32, 0xD256D193))
        pairs = builder.bitcast(args[0], wide)
        even = builder.mul(builder.and_(pairs, lower), multiplier)
        odd = builder.mul(builder.lshr(pairs, shift), multiplier)
        high = builder.or_(builder.lshr(even, shift), builder.and_(odd, builder.not_(lower)))
        low = builder.or_(builder.and_(even, lower), builder.shl(odd, shift))
        halves = [builder.bitcast(half, args[0].type) for half in (high, low)]
        return context.make_tuple(builder, sig.return_type, halves)

    return types.UniTuple(a, 2)(a), code


@intrinsic
def _counters(typing, first):
    """Return first, first + 1, ..., first + 15 as 32-bit integers."""

    def code(context, builder, sig, args):
        start = broadcast(builder, builder.trunc(args[0], ir.IntType(32)))
        return builder.add(start, ir.Constant(start.type, list(range(LANES))))

    return Vector(types.int32)(types.int64), code


@inline
def random_bits(first, step, key):
    """Return 64 random bits of each counter first, ..., first + 15 as two vectors of 32: Philox 2x32, 10 rounds."""
    left = _counters(first)
    right = splat(left, step)
    for _ in range(10):
        high, low = _multiply(left)
        left, right = high ^ key ^ right, low
        key = key + 0x9E3779B9
    return left, right
