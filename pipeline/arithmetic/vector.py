"""A vector of 16 numbers and a matrix of such vectors: the language of the kernels.

Every operation rounds once and element by element, as IEEE 754 says, so its bits are the same on every processor; LLVM
splits a vector into as many registers as the processor needs (16 float32: one of AVX-512, two of AVX2, four of NEON).
No operation carries a fast-math flag, and `fma` is the only one that multiplies and adds in one rounding.

Kernels get memory as addresses and check nothing: whoever calls them sizes the arrays.
"""

import operator
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from pipeline.arithmetic.arrays import LANES

# what kernels import with *; the rest serves other intrinsics
__all__ = [
    "LANES", "Matrix", "absolute", "bits", "fma", "get", "inline", "kernel", "lane", "lanes", "load", "load_bytes",
    "of_bits", "part", "put", "read_shared", "skip", "splat", "sqrt", "store", "to_float", "total", "transpose_tile",
    "where", "widen",
]  # fmt: skip

I32, I64 = ir.IntType(32), ir.IntType(64)

# every function of a kernel: IEEE division, no bounds checks, merged into its caller
kernel = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
inline = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


class Vector(types.Type):
    """16 elements of one scalar type."""

    def __init__(self, element: types.Type) -> None:
        self.element = element
        super().__init__(name=f"{element}x{LANES}")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        scalar = ir.IntType(1) if vector.element == types.boolean else manager.lookup(vector.element).get_value_type()
        super().__init__(manager, vector, ir.VectorType(scalar, LANES))


class Record(types.Record):
    """A record of numbers and addresses of 8 bytes each; numba's own has no addresses."""

    def __init__(self, fields: dict[str, types.Type]) -> None:
        places = [(name, {"type": field, "offset": 8 * i}) for i, (name, field) in enumerate(fields.items())]
        super().__init__(places, 8 * len(places), aligned=True)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype((np.void, self.size))


register_model(Record)(models.RecordModel)


class Matrix(NamedTuple):
    """Rows of 16-column strips: element (i, k) lies in vector (k // 16) * rows + i, lane k % 16.

    Columns are padded with zeros to whole strips.
    """

    data: object  # address of the first element, typed
    rows: int
    strips: int


# --- arithmetic ------------------------------------------------------------------------------------------------------


def _common(*arguments):
    """Return the vector type among arguments that are vectors and scalars; None if there is none or there are two."""
    vectors = {argument for argument in arguments if isinstance(argument, Vector)}
    others = [argument for argument in arguments if not isinstance(argument, Vector | types.Number)]
    return vectors.pop() if len(vectors) == 1 and not others else None


def broadcast(builder, scalar):
    """Emit a vector with a scalar in every lane."""
    vector = ir.VectorType(scalar.type, LANES)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, I32(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))


def _vectors(context, builder, vector, argument_types, values):
    """Emit arguments as vectors: scalars are rounded to the element type and broadcast."""
    return [
        value if isinstance(type_, Vector) else broadcast(builder, context.cast(builder, value, type_, vector.element))
        for type_, value in zip(argument_types, values, strict=True)
    ]


def _overload(symbol, result, floating, integer):
    """Define a Python operator for two vectors, or for a vector and a scalar."""

    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, arguments, keywords):
            vector = _common(*arguments)
            return signature(result(vector), *arguments) if vector else None

    def lower(context, builder, sig, arguments):
        vector = _common(*sig.args)
        emit = integer if isinstance(vector.element, types.Integer | types.Boolean) else floating
        return emit(builder, *_vectors(context, builder, vector, sig.args, arguments))

    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(symbol, *pair)(lower)


def _overload_comparison(symbol, text):
    """Define a comparison; it is false if one side is NaN."""
    _overload(
        symbol,
        lambda vector: Vector(types.boolean),
        lambda builder, a, b: builder.fcmp_ordered(text, a, b),
        lambda builder, a, b: builder.icmp_signed(text, a, b),
    )


for _symbol, _floating, _integer in (
    (operator.add, ir.IRBuilder.fadd, ir.IRBuilder.add),
    (operator.sub, ir.IRBuilder.fsub, ir.IRBuilder.sub),
    (operator.mul, ir.IRBuilder.fmul, ir.IRBuilder.mul),
    (operator.truediv, ir.IRBuilder.fdiv, None),
    (operator.and_, None, ir.IRBuilder.and_),
    (operator.or_, None, ir.IRBuilder.or_),
    (operator.xor, None, ir.IRBuilder.xor),
    (operator.lshift, None, ir.IRBuilder.shl),
    (operator.rshift, None, ir.IRBuilder.ashr),
):
    _overload(_symbol, lambda vector: vector, _floating, _integer)
_overload_comparison(operator.lt, "<")
_overload_comparison(operator.le, "<=")
_overload_comparison(operator.gt, ">")
_overload_comparison(operator.ge, ">=")
_overload_comparison(operator.eq, "==")


def call_llvm(builder, name, vectors):
    """Emit one of LLVM's own functions of vectors."""
    vector = vectors[0].type
    element = f"v{LANES}f{32 if vector.element == ir.FloatType() else 64}"
    function = ir.FunctionType(vector, [vector] * len(vectors))
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{element}"), vectors)


@intrinsic
def fma(typing, a, b, c):
    """Return a * b + c, rounded once."""
    vector = _common(a, b, c)

    def code(context, builder, sig, arguments):
        return call_llvm(builder, "fma", _vectors(context, builder, vector, sig.args, arguments))

    return vector(a, b, c), code


@intrinsic
def where(typing, mask, yes, no):
    """Choose for each lane `yes` if the mask holds, else `no`."""
    vector = _common(yes, no)

    def code(context, builder, sig, arguments):
        return builder.select(arguments[0], *_vectors(context, builder, vector, sig.args[1:], arguments[1:]))

    return vector(mask, yes, no), code


@intrinsic
def splat(typing, like, scalar):
    """Return a vector like `like` with a scalar in every lane."""

    def code(context, builder, sig, arguments):
        return _vectors(context, builder, like, sig.args[1:], arguments[1:])[0]

    return like(like, scalar), code


@intrinsic
def lane(typing, a, index):
    """Return one element."""

    def code(context, builder, sig, args):
        return builder.extract_element(args[0], builder.trunc(args[1], I32))

    return a.element(a, types.intp), code


def _elementwise(emit, element=lambda element: element):
    """Define a function of one vector: `element` maps element types, `emit(builder, vector, type)` emits the code."""

    @intrinsic
    def function(typing, a):
        result = Vector(element(a.element))
        return result(a), lambda context, builder, sig, args: emit(builder, args[0], context.get_value_type(result))

    return function


_INTEGERS = {types.float32: types.int32, types.float64: types.int64}
_FLOATS = {integer: floating for floating, integer in _INTEGERS.items()}

sqrt = _elementwise(lambda builder, a, vector: call_llvm(builder, "sqrt", [a]))  # rounded correctly
lanes = _elementwise(lambda builder, a, vector: ir.Constant(vector, [float(i) for i in range(LANES)]))  # 0, 1, ..., 15
bits = _elementwise(ir.IRBuilder.bitcast, _INTEGERS.get)  # the integers with the bits of the floats
of_bits = _elementwise(ir.IRBuilder.bitcast, _FLOATS.get)
to_float = _elementwise(ir.IRBuilder.sitofp, _FLOATS.get)  # integers as floats of the same width
widen = _elementwise(ir.IRBuilder.fpext, lambda element: types.float64)


@intrinsic
def total(typing, a):
    """Add halves of a vector to halves until one number is left, the same order on every processor."""

    def code(context, builder, sig, args):
        (vector,) = args
        while half := vector.type.count // 2:
            parts = [ir.Constant(ir.VectorType(I32, half), list(range(i, i + half))) for i in (0, half)]
            vector = builder.fadd(*(builder.shuffle_vector(vector, vector, part) for part in parts))
        return builder.extract_element(vector, I32(0))

    return a.element(a), code


@inline
def absolute(x):
    """Return |x|."""
    return where(x < 0.0, 0.0 - x, x)


# --- memory ----------------------------------------------------------------------------------------------------------


@intrinsic
def skip(typing, start, count):
    """Point to the element `count` elements behind `start`."""
    return start(start, types.int64), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def get(typing, start, index):
    """Read one element."""

    def code(context, builder, sig, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return start.dtype(start, types.int64), code


@intrinsic
def put(typing, start, index, value):
    """Write one element, rounded to its type."""

    def code(context, builder, sig, args):
        rounded = context.cast(builder, args[2], sig.args[2], start.dtype)
        builder.store(rounded, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.none(start, types.int64, value), code


@intrinsic
def read_shared(typing, start):
    """Read one integer that another thread may write."""

    def code(context, builder, sig, args):
        return builder.load_atomic(args[0], "monotonic", 8)

    return types.int64(start), code


def address(context, builder, matrix, value, strip, row):
    """Emit the address of one vector of a matrix, whose type is `matrix`."""
    data, rows, _ = cgutils.unpack_tuple(builder, value)
    index = builder.mul(builder.add(builder.mul(strip, rows), row), I64(LANES))
    vector = context.get_value_type(Vector(matrix[0].dtype))
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def load_vector(builder, start):
    """Emit a load of a vector of floats, which begins at any of them."""
    return builder.load(start, align=4)


def store_vector(builder, vector, start):
    """Emit a store of a vector of floats, which begins at any of them."""
    builder.store(vector, start, align=4)


@intrinsic
def load(typing, matrix, strip, row):
    """Read one vector of a matrix."""

    def code(context, builder, sig, args):
        return load_vector(builder, address(context, builder, matrix, *args))

    return Vector(matrix[0].dtype)(matrix, types.int64, types.int64), code


@intrinsic
def store(typing, matrix, strip, row, value):
    """Write one vector of a matrix."""

    def code(context, builder, sig, args):
        store_vector(builder, args[3], address(context, builder, matrix, *args[:3]))
        return context.get_dummy_value()

    return types.none(matrix, types.int64, types.int64, value), code


@intrinsic
def load_bytes(typing, start, offset):
    """Read 16 unsigned bytes, `offset` bytes behind `start`, as floats of the type that it points to."""
    result = Vector(start.dtype)

    def code(context, builder, sig, args):
        first = builder.gep(builder.bitcast(args[0], ir.IntType(8).as_pointer()), [args[1]])
        vector = ir.VectorType(ir.IntType(8), LANES)
        return builder.uitofp(
            builder.load(builder.bitcast(first, vector.as_pointer()), align=1), context.get_value_type(result)
        )

    return result(start, types.int64), code


@inline
def part(matrix, strip, count):
    """Return `count` strips of a matrix, from `strip` on."""
    return Matrix(skip(matrix.data, strip * matrix.rows * LANES), matrix.rows, count)


@intrinsic
def transpose_tile(typing, source, strip, row, target, target_strip, target_row):
    """Write the 16 rows from `row` of one strip as the 16 columns of a strip of the target."""

    def code(context, builder, sig, args):
        first = address(context, builder, source, *args[:3])
        target_first = address(context, builder, target, *args[3:])
        rows = [load_vector(builder, builder.gep(first, [I32(i)])) for i in range(LANES)]
        # exchange the off-diagonal blocks of 8 x 8, then of 4 x 4, 2 x 2 and 1 x 1
        step = LANES // 2
        while step:
            exchanged = list(rows)
            for i in (i for i in range(LANES) if not i & step):
                low = [lane if not lane & step else LANES + (lane ^ step) for lane in range(LANES)]
                high = [lane ^ step if not lane & step else LANES + lane for lane in range(LANES)]
                for j, order in ((i, low), (i | step, high)):
                    mask = ir.Constant(ir.VectorType(I32, LANES), order)
                    exchanged[j] = builder.shuffle_vector(rows[i], rows[i | step], mask)
            rows, step = exchanged, step // 2
        for i, value in enumerate(rows):
            store_vector(builder, value, builder.gep(target_first, [I32(i)]))
        return context.get_dummy_value()

    return types.none(source, *[types.int64] * 2, target, *[types.int64] * 2), code
