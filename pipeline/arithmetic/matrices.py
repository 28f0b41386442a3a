"""Products and decompositions of stacks of small float64 matrices, row by row in memory.

Rows that are read as vectors are padded with zeros to whole vectors.
"""

import math

import numpy as np

from pipeline.arithmetic.vector import *

_MAX_SWEEPS = 40


@kernel
def product(left, right, out, matrices, rows, inner, strips):
    """Write the products of (rows, inner) and (inner, 16 strips) matrices: each entry is one sum over `inner`."""
    for _ in range(matrices):
        b, c = Matrix(right, strips, inner), Matrix(out, strips, rows)
        for row in range(rows):
            for strip in range(strips):
                value = splat(load(b, 0, strip), 0.0)
                for k in range(inner):
                    value = fma(load(b, k, strip), get(left, row * inner + k), value)
                store(c, row, strip, value)
        left, right = skip(left, rows * inner), skip(right, inner * strips * LANES)
        out = skip(out, rows * strips * LANES)


@inline
def _row(rows, number, strips):
    return Matrix(skip(rows, number * strips * LANES), np.int64(1), strips)


@inline
def _inner_products(a, b, strips):
    """Return the inner products a a, b b and a b of two rows, over the first strips."""
    aa = bb = ab = splat(load(a, 0, 0), 0.0)
    for strip in range(strips):
        x, y = load(a, strip, 0), load(b, strip, 0)
        aa, bb, ab = fma(x, x, aa), fma(y, y, bb), fma(x, y, ab)
    return total(aa), total(bb), total(ab)


@kernel
def orthogonalize(rows, matrices, count, length, strips, tolerance):
    """Rotate pairs of rows until the first `length` of their strips are orthogonal; the other strips rotate with them.

    Two rows are orthogonal if the size of their cosine is at most `tolerance`.

    Reference: Hestenes (1958), "Inversion of matrices by biorthogonalization"; Demmel and Veselic (1992), "Jacobi's
    method is more accurate than QR".
    """
    for _ in range(matrices):
        for _ in range(_MAX_SWEEPS):
            rotated = False
            for i in range(count - 1):
                for j in range(i + 1, count):
                    a, b = _row(rows, i, strips), _row(rows, j, strips)
                    aa, bb, ab = _inner_products(a, b, length)
                    if abs(ab) > tolerance * (math.sqrt(aa) * math.sqrt(bb)):
                        rotated = True
                        # the smaller of the two angles that make them orthogonal
                        cotangent = (bb - aa) / (2.0 * ab)
                        tangent = 1.0 / (abs(cotangent) + math.sqrt(1.0 + cotangent * cotangent))
                        if cotangent < 0.0:
                            tangent = -tangent
                        cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                        sine = cosine * tangent
                        for strip in range(strips):
                            x, y = load(a, strip, 0), load(b, strip, 0)
                            store(a, strip, 0, cosine * x - sine * y)
                            store(b, strip, 0, sine * x + cosine * y)
            if not rotated:
                break
        rows = skip(rows, count * strips * LANES)
