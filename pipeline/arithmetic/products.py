"""The three products of a layer: x w + b, its gradient by x, and its gradient by w.

Every entry of a product is one chain, c = fma(a[k], b[k], c) with k ascending, so how rows, columns and k are cut into
tiles, and how wide the registers are, changes no bit. A tile of the result stays in registers while k runs: 6 or more
rows of one or two vectors, as many as the processor's registers hold.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipeline.arithmetic.library import wide_registers
from pipeline.arithmetic.vector import LANES, Vector, _align, _llvm, _splat, kernel, load, store, transpose_tile

# rows and strips of a tile: AVX-512 has 32 registers of 16 numbers; AVX2 has 16 of 8, NEON 32 of 4
ROWS, STRIPS = (12, 2) if wide_registers() else (6, 1)
_BLOCK = 12  # strips of k at once: what a tile needs of b then stays in the first cache
_I64 = ir.IntType(64)


def _tile(rows, strips, transposed):
    """An intrinsic that adds to a tile of c the product of rows of a (or of columns, where `transposed`) and b.

    (c, a, b, row, strip, first, last, fresh): the tile of c whose first row and strip these are, k from `first` to
    `last` - in strips of a, or rows where it is transposed; a fresh tile starts at 0. Rows behind the last row of c are
    the last one once more, which is computed several times and written with one value.
    """

    @intrinsic
    def multiply(typing, c, a, b, row, strip, first, last, fresh):
        vector = Vector(c[0].dtype)

        def code(context, builder, sig, args):
            kind, align = context.get_value_type(vector), _align(vector)
            (c_data, c_rows, _), (a_data, a_rows, _), (b_data, b_rows, _) = (
                cgutils.unpack_tuple(builder, value) for value in args[:3]
            )
            row, strip, first, last, fresh = args[3:]

            def number(value):
                return ir.Constant(_I64, value)

            def offset(strip, height, row):
                return builder.mul(builder.add(builder.mul(strip, height), row), number(LANES))

            def vectors(start, place):
                return builder.bitcast(builder.gep(start, [place]), kind.as_pointer())

            bound = builder.sub(c_rows, number(1))
            own = [builder.add(row, number(i)) for i in range(rows)]
            own = [builder.select(builder.icmp_signed("<", i, bound), i, bound) for i in own]
            across = [builder.add(strip, number(j)) for j in range(strips)]
            results = [[vectors(c_data, offset(j, c_rows, i)) for j in across] for i in own]
            if transposed:
                strips_of_a = [builder.ashr(i, number(4)) for i in own]
                lanes_of_a = [builder.and_(i, number(LANES - 1)) for i in own]
                starts = [
                    builder.gep(a_data, [builder.add(offset(s, a_rows, first), lane)])
                    for s, lane in zip(strips_of_a, lanes_of_a, strict=True)
                ]
                unrolled, step, b_first = 1, number(LANES), first
            else:
                starts = [builder.gep(a_data, [offset(first, a_rows, i)]) for i in own]
                unrolled, step = LANES, builder.mul(a_rows, number(LANES))
                b_first = builder.mul(first, number(LANES))
            rights = [vectors(b_data, offset(j, b_rows, b_first)) for j in across]

            before = builder.block
            head = builder.append_basic_block("head")
            body = builder.append_basic_block("body")
            after = builder.append_basic_block("after")
            reading = builder.append_basic_block("reading")
            builder.cbranch(fresh, head, reading)
            builder.position_at_end(reading)
            read = [[builder.load(place, align=align) for place in line] for line in results]
            builder.branch(head)
            builder.position_at_end(head)
            k = builder.phi(_I64)
            k.add_incoming(first, before)
            k.add_incoming(first, reading)
            sums = [[builder.phi(kind) for _ in across] for _ in own]
            zero = ir.Constant(kind, [0.0] * LANES)
            for line, values in zip(sums, read, strict=True):
                for phi, value in zip(line, values, strict=True):
                    phi.add_incoming(zero, before)
                    phi.add_incoming(value, reading)
            builder.cbranch(builder.icmp_signed("<", k, last), body, after)
            builder.position_at_end(body)
            done = builder.sub(k, first)
            left = [builder.gep(start, [builder.mul(done, step)]) for start in starts]
            now = [list(line) for line in sums]
            for i in range(unrolled):
                at = builder.add(builder.mul(done, number(unrolled)), number(i))
                factors = [builder.load(builder.gep(start, [at]), align=align) for start in rights]
                for line, start in zip(now, left, strict=True):
                    value = _splat(builder, builder.load(builder.gep(start, [number(i)])))
                    line[:] = [_llvm(builder, "fma", [value, f, c]) for f, c in zip(factors, line, strict=True)]
            k.add_incoming(builder.add(k, number(1)), body)
            for line, values in zip(sums, now, strict=True):
                for phi, value in zip(line, values, strict=True):
                    phi.add_incoming(value, body)
            builder.branch(head)
            builder.position_at_end(after)
            for line, places in zip(sums, results, strict=True):
                for value, place in zip(line, places, strict=True):
                    builder.store(value, place, align=align)
            return context.get_dummy_value()

        return types.none(c, a, b, *[types.int64] * 4, types.boolean), code

    return multiply


_add_rows_wide, _add_rows = _tile(ROWS, STRIPS, False), _tile(ROWS, 1, False)
_add_columns_wide, _add_columns = _tile(ROWS, STRIPS, True), _tile(ROWS, 1, True)


@kernel
def _multiply(a, b, c, fresh):
    """C = a b, or c += a b where it is not fresh: (B, K), (K, H), (B, H)."""
    for first in range(0, a.strips, _BLOCK):
        last = min(first + _BLOCK, a.strips)
        start = fresh and first == 0
        strip = 0
        while strip < c.strips:
            if strip + STRIPS <= c.strips:
                for row in range(0, c.rows, ROWS):
                    _add_rows_wide(c, a, b, row, strip, first, last, start)
                strip += STRIPS
            else:
                for row in range(0, c.rows, ROWS):
                    _add_rows(c, a, b, row, strip, first, last, start)
                strip += 1


@kernel
def affine(x, w, b, z):
    """Z = x w + b: (B, D), (D, H), (1, H) -> (B, H)."""
    for strip in range(z.strips):
        bias = load(b, strip, 0)
        for row in range(z.rows):
            store(z, strip, row, bias)
    _multiply(x, w, z, False)


@kernel
def gradient_by_inputs(delta, w, transposed, out):
    """Out = delta w^T: (B, H), (D, H) -> (B, D); `transposed` has room for w^T."""
    for strip in range(w.strips):
        for row in range(0, w.rows, LANES):
            transpose_tile(w, strip, row, transposed, row // LANES, strip * LANES)
    _multiply(delta, transposed, out, True)


@kernel
def gradient_by_weights(x, delta, out):
    """Out = x^T delta: (B, D), (B, H) -> (D, H)."""
    strip = 0
    while strip < out.strips:
        if strip + STRIPS <= out.strips:
            for row in range(0, out.rows, ROWS):
                _add_columns_wide(out, x, delta, row, strip, 0, x.rows, True)
            strip += STRIPS
        else:
            for row in range(0, out.rows, ROWS):
                _add_columns(out, x, delta, row, strip, 0, x.rows, True)
            strip += 1
