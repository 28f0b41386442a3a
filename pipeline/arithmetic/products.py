"""The three products of a layer: x w + b, and its gradients with respect to x and w.

Every entry of a product is one chain, c = fma(a[k], b[k], c) with k ascending, so how rows, columns and k are cut into
tiles, and how wide the registers are, changes no bit. A tile of the result stays in registers while k runs: 6 or more
rows of one or two vectors, as many as the processor's registers hold.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipeline.arithmetic.library import features
from pipeline.arithmetic.vector import *
from pipeline.arithmetic.vector import I64, address, broadcast, call_llvm, load_vector, store_vector

# rows and strips of a tile: AVX-512 has 32 registers of 16 numbers; AVX2 has 16 of 8, NEON 32 of 4
ROWS, STRIPS = (12, 2) if features().get("avx512f") else (6, 1)
_BLOCK = 12  # strips of k at once, so that what a tile needs of b stays in the first-level cache


def _tile(strips, transposed):
    """Define a function that adds a tile of a b, or a^T b, to c.

    `row` and `strip` are the first of the tile; k runs from `first` to `last`, in strips of a, or in its rows if
    transposed; a fresh tile starts at 0. Rows behind the last row of c repeat it: it is computed several times, and the
    same value is written.
    """

    @intrinsic
    def multiply(typing, c, a, b, row, strip, first, last, fresh):
        def code(context, builder, sig, args):
            row, strip, first, last, fresh = args[3:]
            bottom = builder.sub(builder.extract_value(args[0], 1), I64(1))
            rows = [builder.add(row, I64(i)) for i in range(ROWS)]
            rows = [builder.select(builder.icmp_signed("<", i, bottom), i, bottom) for i in rows]
            columns = [builder.add(strip, I64(j)) for j in range(strips)]
            results = [address(context, builder, c, args[0], j, i) for i in rows for j in columns]
            lefts, step, depth = _left_factors(builder, args[1], rows, first, transposed)
            first_row = builder.mul(first, I64(depth))
            rights = [address(context, builder, b, args[2], j, first_row) for j in columns]
            zero = ir.Constant(results[0].type.pointee, [0.0] * LANES)
            sums = [cgutils.alloca_once_value(builder, zero) for _ in results]  # LLVM keeps them in registers
            with builder.if_then(builder.not_(fresh)):
                for result, sum_ in zip(results, sums, strict=True):
                    builder.store(load_vector(builder, result), sum_)
            with cgutils.for_range(builder, builder.sub(last, first)) as loop:
                starts = [builder.gep(left, [builder.mul(loop.index, step)]) for left in lefts]
                for i in range(depth):
                    k = builder.add(builder.mul(loop.index, I64(depth)), I64(i))
                    factors = [load_vector(builder, builder.gep(right, [k])) for right in rights]
                    for number, start in enumerate(starts):
                        value = broadcast(builder, builder.load(builder.gep(start, [I64(i)])))
                        for factor, sum_ in zip(factors, sums[number * strips :], strict=False):
                            builder.store(call_llvm(builder, "fma", [value, factor, builder.load(sum_)]), sum_)
            for result, sum_ in zip(results, sums, strict=True):
                store_vector(builder, builder.load(sum_), result)
            return context.get_dummy_value()

        return types.none(c, a, b, *[types.int64] * 4, types.boolean), code

    return multiply


def _left_factors(builder, a, rows, first, transposed):
    """Emit for each row of a product the address of its first factor.

    Returns also the distance to the next factors, and how many follow each other there: all lanes of a strip of a or,
    if transposed, one number of a row of a.
    """
    data, height, _ = cgutils.unpack_tuple(builder, a)

    def element(strip, row, lane):
        index = builder.mul(builder.add(builder.mul(strip, height), row), I64(LANES))
        return builder.gep(data, [builder.add(index, lane)])

    if transposed:
        split = [(builder.ashr(row, I64(4)), builder.and_(row, I64(LANES - 1))) for row in rows]
        return [element(strip, first, lane) for strip, lane in split], I64(LANES), 1
    return [element(first, row, I64(0)) for row in rows], builder.mul(height, I64(LANES)), LANES


def _product(transposed):
    """Define a function that adds a b, or a^T b, to c, for k from `first` to `last`; if fresh, c starts at 0."""
    add_wide, add = _tile(STRIPS, transposed), _tile(1, transposed)

    @inline
    def add_product(c, a, b, first, last, fresh):
        wide = c.strips // STRIPS * STRIPS
        for strip in range(0, wide, STRIPS):
            for row in range(0, c.rows, ROWS):
                add_wide(c, a, b, row, strip, first, last, fresh)
        for strip in range(wide, c.strips):
            for row in range(0, c.rows, ROWS):
                add(c, a, b, row, strip, first, last, fresh)

    return add_product


_add_product, _add_transposed_product = _product(False), _product(True)


@kernel
def _multiply(a, b, c, fresh):
    """Compute c = a b if fresh, else c += a b: (B, K), (K, H), (B, H)."""
    for first in range(0, a.strips, _BLOCK):
        _add_product(c, a, b, first, min(first + _BLOCK, a.strips), fresh and first == 0)


@kernel
def affine(x, w, b, z):
    """Compute z = x w + b: (B, D), (D, H), (1, H) -> (B, H)."""
    for strip in range(z.strips):
        bias = load(b, strip, 0)
        for row in range(z.rows):
            store(z, strip, row, bias)
    _multiply(x, w, z, False)


@kernel
def gradient_by_inputs(delta, w, transposed, out):
    """Compute out = delta w^T: (B, H), (D, H) -> (B, D); `transposed` is room for w^T."""
    for strip in range(w.strips):
        for row in range(0, w.rows, LANES):
            transpose_tile(w, strip, row, transposed, row // LANES, strip * LANES)
    _multiply(delta, transposed, out, True)


@kernel
def gradient_by_weights(x, delta, out):
    """Compute out = x^T delta: (B, D), (B, H) -> (D, H)."""
    _add_transposed_product(out, x, delta, 0, x.rows, True)
