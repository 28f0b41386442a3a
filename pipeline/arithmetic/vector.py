"""A vector of 16 numbers and a matrix of such vectors: what the kernels are written with.

Every operation rounds once and element by element, as IEEE 754 says, so its bits are the same on every processor; LLVM
lays a vector into as many registers as the processor needs (16 float32: one of AVX-512, two of AVX2, four of NEON). No
operation carries a fast-math flag, and `fma` is the only one that multiplies and adds in one rounding.

A kernel gets memory as addresses and checks nothing: whoever calls it has checked the shapes
(`pipeline.training.engine`).
"""

import operator
from typing import NamedTuple

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

# what kernels are written with
__all__ = [
    *(
        "LANES",
        "Matrix",
        "absolute",
        "bits",
        "doubles",
        "fill",
        "fma",
        "get",
        "inline",
        "integers",
        "kernel",
    ),
    *("lane", "lanes", "largest", "load", "load_bytes", "of_bits", "part", "pointer", "put", "read_shared", "skip"),
    *("splat", "sqrt", "store", "to_float", "total", "transpose_tile", "where", "widen", "words"),
]

LANES = 16
_I32, _I64 = ir.IntType(32), ir.IntType(64)

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


class Matrix(NamedTuple):
    """Rows of 16-column strips: element (i, k) lies in vector (k // 16) * rows + i, lane k % 16.

    Columns are padded with zeros to whole strips.
    """

    data: object  # address of the first element, typed
    rows: int
    strips: int


# --- arithmetic ------------------------------------------------------------------------------------------------------


def _common(*arguments):
    """The vector type among arguments that are vectors and scalars; None if there is none or there are two."""
    vectors = {argument for argument in arguments if isinstance(argument, Vector)}
    others = [argument for argument in arguments if not isinstance(argument, Vector | types.Number)]
    return vectors.pop() if len(vectors) == 1 and not others else None


def _splat(builder, scalar, lanes=LANES):
    kind = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, _I32(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes))


def _as_vector(context, builder, kind, vector, value):
    """A vector as it is; a scalar, rounded to the element type, in every lane."""
    if isinstance(kind, Vector):
        return value
    return _splat(builder, context.cast(builder, value, kind, vector.element))


def _operator(symbol, floating, integer):
    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, arguments, keywords):
            vector = _common(*arguments)
            return signature(vector, *arguments) if vector else None

    def lower(context, builder, sig, arguments):
        values = [
            _as_vector(context, builder, kind, sig.return_type, value)
            for kind, value in zip(sig.args, arguments, strict=True)
        ]
        instruction = integer if isinstance(sig.return_type.element, types.Integer | types.Boolean) else floating
        return getattr(builder, instruction)(*values)

    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(symbol, *pair)(lower)


def _comparison(symbol, text):
    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, arguments, keywords):
            vector = _common(*arguments)
            return signature(Vector(types.boolean), *arguments) if vector else None

    def lower(context, builder, sig, arguments):
        vector = _common(*sig.args)
        values = [
            _as_vector(context, builder, kind, vector, value) for kind, value in zip(sig.args, arguments, strict=True)
        ]
        compare = builder.icmp_signed if isinstance(vector.element, types.Integer) else builder.fcmp_ordered
        return compare(text, *values)

    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(symbol, *pair)(lower)


for _symbol, _names in {
    operator.add: ("fadd", "add"),
    operator.sub: ("fsub", "sub"),
    operator.mul: ("fmul", "mul"),
    operator.truediv: ("fdiv", None),
    operator.and_: (None, "and_"),
    operator.or_: (None, "or_"),
    operator.xor: (None, "xor"),
    operator.lshift: (None, "shl"),
    operator.rshift: (None, "ashr"),
}.items():
    _operator(_symbol, *_names)
# false where one side is NaN
for _symbol, _text in {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
}.items():
    _comparison(_symbol, _text)


def _llvm(builder, name, values):
    kind = values[0].type
    element = f"v{LANES}f{32 if kind.element == ir.FloatType() else 64}"
    function = ir.FunctionType(kind, [kind] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.{element}"), values)


@intrinsic
def fma(typing, a, b, c):
    """A * b + c, rounded once."""
    vector = _common(a, b, c)

    def code(context, builder, sig, arguments):
        pairs = zip(sig.args, arguments, strict=True)
        return _llvm(builder, "fma", [_as_vector(context, builder, kind, vector, value) for kind, value in pairs])

    return vector(a, b, c), code


@intrinsic
def sqrt(typing, a):
    """The square root, rounded correctly."""
    return a(a), lambda context, builder, sig, arguments: _llvm(builder, "sqrt", arguments)


@intrinsic
def where(typing, mask, yes, no):
    """For each lane `yes` where the mask holds, else `no`."""
    vector = _common(yes, no)

    def code(context, builder, sig, arguments):
        values = [
            _as_vector(context, builder, kind, vector, v) for kind, v in zip(sig.args[1:], arguments[1:], strict=True)
        ]
        return builder.select(arguments[0], *values)

    return vector(mask, yes, no), code


@intrinsic
def splat(typing, like, scalar):
    """A scalar in every lane of a vector like `like`."""

    def code(context, builder, sig, arguments):
        return _as_vector(context, builder, sig.args[1], like, arguments[1])

    return like(like, scalar), code


_INTEGERS = {types.float32: types.int32, types.float64: types.int64}
_FLOATS = {integer: floating for floating, integer in _INTEGERS.items()}


def _bitcast(table, name):
    @intrinsic
    def cast(typing, a):
        result = Vector(table[a.element])
        return result(a), lambda context, builder, sig, args: builder.bitcast(args[0], context.get_value_type(result))

    return cast


bits = _bitcast(_INTEGERS, "bits")  # the integers with the bits of the floats
of_bits = _bitcast(_FLOATS, "of_bits")


@intrinsic
def to_float(typing, a):
    """Integers as floats of the same width."""
    result = Vector(_FLOATS[a.element])
    return result(a), lambda context, builder, sig, args: builder.sitofp(args[0], context.get_value_type(result))


@intrinsic
def widen(typing, a):
    """As float64, which is exact."""
    result = Vector(types.float64)

    def code(context, builder, sig, args):
        return args[0] if a == result else builder.fpext(args[0], context.get_value_type(result))

    return result(a), code


@intrinsic
def lanes(typing, like):
    """0, 1, ..., 15 in the type of `like`."""
    kind = ir.IntType if isinstance(like.element, types.Integer) else None

    def code(context, builder, sig, args):
        vector = context.get_value_type(like)
        return ir.Constant(vector, list(range(LANES)) if kind else [float(lane) for lane in range(LANES)])

    return like(like), code


def _fold(builder, vector, join):
    """Halves joined with halves, until one lane is left: one order for all processors."""
    while vector.type.count > 1:
        half = vector.type.count // 2
        parts = [ir.Constant(ir.VectorType(_I32, half), list(range(first, first + half))) for first in (0, half)]
        vector = join(builder, *(builder.shuffle_vector(vector, vector, part) for part in parts))
    return builder.extract_element(vector, _I32(0))


@intrinsic
def total(typing, a):
    """The sum of all lanes."""
    return a.element(a), lambda context, builder, sig, args: _fold(builder, args[0], lambda b, x, y: b.fadd(x, y))


@intrinsic
def largest(typing, a):
    """The largest lane; of lanes with NaN, any of them."""

    def join(builder, low, high):
        return builder.select(builder.fcmp_ordered("<", low, high), high, low)

    return a.element(a), lambda context, builder, sig, args: _fold(builder, args[0], join)


@intrinsic
def lane(typing, a, index):
    """One element."""

    def code(context, builder, sig, args):
        return builder.extract_element(args[0], builder.trunc(args[1], _I32))

    return a.element(a, types.intp), code


@inline
def absolute(x):
    """|x|."""
    return where(x < 0.0, 0.0 - x, x)


# --- memory ----------------------------------------------------------------------------------------------------------


@intrinsic
def pointer(typing, like, address, offset):
    """The element at a number of elements behind an address, of the type that `like` points to."""

    def code(context, builder, sig, args):
        base = builder.inttoptr(args[1], context.get_value_type(sig.return_type))
        return builder.gep(base, [args[2]])

    return like(like, types.uint64, types.int64), code


@intrinsic
def skip(typing, start, count):
    """The element that lies `count` elements behind `start`."""
    return start(start, types.int64), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def get(typing, start, index):
    """One element."""
    result = start.dtype

    def code(context, builder, sig, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return result(start, types.int64), code


@intrinsic
def put(typing, start, index, value):
    """Write one element, rounded to its type."""

    def code(context, builder, sig, args):
        rounded = context.cast(builder, args[2], sig.args[2], start.dtype)
        builder.store(rounded, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.none(start, types.int64, value), code


def _place(context, builder, matrix, value, strip, row):
    """The address of one vector of a matrix."""
    data, rows, _ = cgutils.unpack_tuple(builder, value)
    index = builder.mul(builder.add(builder.mul(strip, rows), row), _I64(LANES))
    vector = context.get_value_type(Vector(matrix[0].dtype))
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _align(vector):
    return 4 if vector.element == ir.FloatType() else 8


@intrinsic
def load(typing, matrix, strip, row):
    """One vector of a matrix."""
    result = Vector(matrix[0].dtype)

    def code(context, builder, sig, args):
        place = _place(context, builder, matrix, *args)
        return builder.load(place, align=_align(place.type.pointee))

    return result(matrix, types.int64, types.int64), code


@intrinsic
def store(typing, matrix, strip, row, value):
    """Write one vector of a matrix."""

    def code(context, builder, sig, args):
        place = _place(context, builder, matrix, *args[:3])
        builder.store(args[3], place, align=_align(place.type.pointee))
        return context.get_dummy_value()

    return types.none(matrix, types.int64, types.int64, value), code


@intrinsic
def load_bytes(typing, like, address, offset):
    """16 unsigned bytes as floats like `like`."""

    def code(context, builder, sig, args):
        kind = ir.VectorType(ir.IntType(8), LANES)
        start = builder.inttoptr(builder.add(args[1], args[2]), kind.as_pointer())
        return builder.uitofp(builder.load(start, align=1), context.get_value_type(like))

    return like(like, types.uint64, types.int64), code


@inline
def part(matrix, strip, count):
    """Some strips of a matrix."""
    return Matrix(skip(matrix.data, strip * matrix.rows * LANES), matrix.rows, count)


@kernel
def fill(matrix, value):
    """Set every number of a matrix."""
    for strip in range(matrix.strips):
        for row in range(matrix.rows):
            store(matrix, strip, row, splat(load(matrix, strip, row), value))


@intrinsic
def transpose_tile(typing, source, strip, row, target, target_strip, target_row):
    """The 16 rows from `row` of one strip become the 16 columns of a strip of the target."""

    def code(context, builder, sig, args):
        first = _place(context, builder, source, *args[:3])
        last = _place(context, builder, target, *args[3:])
        rows = [builder.load(builder.gep(first, [_I32(i)]), align=_align(first.type.pointee)) for i in range(LANES)]
        step = LANES // 2
        while step:
            mixed = list(rows)
            for i in (i for i in range(LANES) if not i & step):
                low = [lane if not lane & step else LANES + (lane ^ step) for lane in range(LANES)]
                high = [lane ^ step if not lane & step else LANES + lane for lane in range(LANES)]
                for place, order in ((i, low), (i | step, high)):
                    mask = ir.Constant(ir.VectorType(_I32, LANES), order)
                    mixed[place] = builder.shuffle_vector(rows[i], rows[i | step], mask)
            rows, step = mixed, step // 2
        for i, value in enumerate(rows):
            builder.store(value, builder.gep(last, [_I32(i)]), align=_align(last.type.pointee))
        return context.get_dummy_value()

    return types.none(source, *[types.int64] * 2, target, *[types.int64] * 2), code


def _typed(element):
    result = types.CPointer(element)

    @intrinsic
    def at(typing, address):
        def code(context, builder, sig, args):
            return builder.inttoptr(args[0], context.get_value_type(result))

        return result(types.uint64), code

    return at


integers, doubles, words = _typed(types.int64), _typed(types.float64), _typed(types.uint64)  # the numbers at an address


@intrinsic
def read_shared(typing, start):
    """One integer that another thread may write."""

    def code(context, builder, sig, args):
        return builder.load_atomic(args[0], "monotonic", 8)

    return types.int64(start), code
