"""exp, log, tanh, erf and the normal quantile of vectors, from + - * / sqrt and fma alone: the same bits everywhere.

All but the quantile work in float32 and float64. `python tests/arithmetic/fit.py` prints the coefficients, and
tests/arithmetic/test_functions.py bounds the errors in units of the last place.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.arithmetic.vector import *
from pipeline.arithmetic.vector import call_llvm

_LN2 = 0.6931471805599453  # written out: math.log is the C library's


def polynomial(single, double):
    """Define a polynomial of a vector by Horner's rule with fma; coefficients from the highest power, by type."""

    @intrinsic
    def evaluate(typing, x):
        def code(context, builder, sig, args):
            coefficients = single if x.element == types.float32 else double
            value, *terms = (ir.Constant(args[0].type, [coefficient] * LANES) for coefficient in coefficients)
            for term in terms:
                value = call_llvm(builder, "fma", [value, args[0], term])
            return value

        return x(x), code

    return evaluate


def constant(single, double):
    """Define a number that depends on the type of a vector's elements."""
    result = types.int64 if isinstance(single, int) else types.float64

    @intrinsic
    def choose(typing, x):
        value = single if x.element == types.float32 else double
        return result(x), lambda context, builder, sig, args: context.get_constant(result, value)

    return choose


_mantissa = constant(23, 52)  # number of its bits
_bias = constant(127, 1023)  # of the exponent
_exponent_of_root_half = constant(0x3F3504F3, 0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)
_sign = constant(-(2**31), -(2**63))  # the sign bit
_rounder = constant(1.5 * 2.0**23, 1.5 * 2.0**52)  # adding it rounds to a whole number
_rounder_bits = constant(0x4B400000, 0x4338000000000000)
# ln 2 in two parts: the first has so few bits that a product with an exponent is exact
_ln2_high = constant(0.693359375, 6.93147180369123816490e-01)
_ln2_low = constant(_LN2 - 0.693359375, 1.90821492927058770002e-10)
_min_exponent = constant(-104.0, -746.0)  # exp is 0 below
_max_exponent = constant(89.0, 710.0)  # and infinite above
_end_of_erf = constant(4.0, 6.0)  # erf rounds to 1 above

# fmt: off
_exp_series = polynomial(
    (0.001392637612298131, 0.008363333530724049, 0.04166655242443085, 0.16666576266288757, 0.5),
    (2.091488256348507e-09, 2.5105490906986696e-08, 2.7557273171941026e-07, 2.7557254740405416e-06,
     2.4801587325920163e-05, 0.00019841269875342141, 0.0013888888888883642, 0.008333333333325985,
     0.04166666666666667, 0.1666666666666667, 0.5),
)
_log_series = polynomial(
    (0.23331613838672638, 0.28550779819488525, 0.4000012278556824, 0.6666666865348816),
    (0.13088034850927555, 0.13268638369266825, 0.15386244737621665, 0.18181795547521137, 0.22222222392581045,
     0.28571428570799784, 0.40000000000000885, 0.6666666666666666),
)
_tanh_series = polynomial(
    (-0.006096299737691879, 0.02099689468741417, -0.053850848227739334, 0.1333276927471161, -0.333333283662796),
    (6.484104982405479e-06, -3.119892666773488e-05, 9.256923588512033e-05, -0.0002375896885211701,
     0.0005896603606552671, -0.0014557753532096296, 0.0035921217436959856, -0.008863235102653483,
     0.02186948851898143, -0.05396825396789636, 0.13333333333333042, -0.3333333333333333),
)
_erf_series = polynomial(
    (7.875545998103917e-05, -0.0008016773499548435, 0.0051890779286623, -0.02685420773923397, 0.11283594369888306,
     -0.3761262595653534, 0.12837916612625122),
    (-4.230752371395568e-12, 8.708924139629652e-11, -1.2164526639984767e-09, 1.4792395844508021e-08,
     -1.636464160371183e-07, 1.6462045402872722e-06, -1.4925647565679572e-05, 0.00012055332902828877,
     -0.0008548327021933529, 0.00522397762542328, -0.02686617064512984, 0.1128379167095512, -0.37612638903183754,
     0.1283791670955126),
)
_erfc_series = polynomial(
    (-0.8314419388771057, 1.8575373888015747, -1.1852558851242065, -0.3133353590965271, 0.32316523790359497,
     0.5550989508628845, 0.5650831460952759, -3.4083241189364344e-05),
    (-31.13666068330137, 97.80256102740148, 69.79410745526745, -941.1367613877919, 2479.615096341874,
     -3797.4815942592218, 3967.7287649412083, -2989.0717925024173, 1650.4940638271974, -664.6834066017425,
     194.42761124038827, -44.909989431263945, 10.401923969812218, -1.435369043959076, -0.5561978088671296,
     -0.2952398851402244, 0.28295306947127546, 0.5641504801460315, 0.5641906935008032, -1.4776889059921354e-08),
)
# fmt: on


@inline
def exp(x):
    """Compute e^x as 2^n times a polynomial of the rest; 0 or infinity beyond the range, NaN of NaN."""
    x = where(x < _min_exponent(x), _min_exponent(x), x)
    x = where(x > _max_exponent(x), _max_exponent(x), x)
    shifted = fma(x, 1 / _LN2, splat(x, _rounder(x)))
    n = shifted - _rounder(x)
    rest = fma(n, -_ln2_low(x), fma(n, -_ln2_high(x), x))
    series = fma(_exp_series(rest), rest * rest, rest) + 1.0
    # in two steps: 2^n alone may leave the range
    exponent = bits(shifted) - _rounder_bits(x)
    half = exponent >> 1
    return series * of_bits((half + _bias(x)) << _mantissa(x)) * of_bits((exponent - half + _bias(x)) << _mantissa(x))


@inline
def log(x):
    """Compute the natural logarithm of positive normal numbers."""
    exponent = (bits(x) - _exponent_of_root_half(x)) >> _mantissa(x)
    f = of_bits(bits(x) - (exponent << _mantissa(x))) - 1.0  # the mantissa, from sqrt(1/2) to sqrt(2), less 1
    n = to_float(exponent)
    s = f / (f + 2.0)
    series = _log_series(s * s) * (s * s)
    half_square = 0.5 * f * f
    return fma(n, _ln2_high(x), f - (half_square - fma(s, half_square + series, n * _ln2_low(x))))


@inline
def tanh(x):
    """Compute the hyperbolic tangent."""
    square, size = x * x, absolute(x)
    small = fma(_tanh_series(square) * square, x, x)
    large = 1.0 - 2.0 / (exp(size + size) + 1.0)
    return where(size < 0.625, small, with_sign(large, x))


@inline
def erf(x):
    """Compute the error function."""
    size = absolute(x)
    small = fma(_erf_series(x * x), x, x)
    bounded = where(size > _end_of_erf(x), _end_of_erf(x), size)
    large = 1.0 - exp(-1.0 * bounded * bounded) * _erfc_series(1.0 / (1.0 + bounded))
    return where(size < 1.0, small, with_sign(large, x))


@inline
def sigmoid(x):
    """Compute 1 / (1 + e^-x)."""
    return 1.0 / (1.0 + exp(-1.0 * x))


@inline
def with_sign(size, x):
    """Give a positive number the sign of x."""
    return of_bits(bits(size) | (bits(x) & _sign(x)))


def _ppnd16(*coefficients):
    """Define a part of PPND16: Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution"."""
    return polynomial(coefficients, coefficients)


# fmt: off
_middle = _ppnd16(
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0)
_below_middle = _ppnd16(
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0)
_side = _ppnd16(
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
    3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0)
_below_side = _ppnd16(
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0)
_tail = _ppnd16(
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
    2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0)
_below_tail = _ppnd16(
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0)
# fmt: on


@inline
def normal_quantile(p):
    """Compute the standard normal quantile of p, 0 < p < 1, in float64."""
    q = p - 0.5
    square = 0.180625 - q * q
    middle = q * _middle(square) / _below_middle(square)
    r = sqrt(-1.0 * log(where(q < 0.0, p, 1.0 - p)))
    side = _side(r - 1.6) / _below_side(r - 1.6)
    tail = _tail(r - 5.0) / _below_tail(r - 5.0)
    return where(absolute(q) <= 0.425, middle, with_sign(where(r <= 5.0, side, tail), q))


@kernel
def replace_by_exp_or_log(values, vectors, which):
    """Replace float64 numbers, in whole vectors, by their exp (`which` is 0) or log (1)."""
    numbers = Matrix(values, np.int64(1), vectors)
    for i in range(vectors):
        x = load(numbers, i, 0)
        store(numbers, i, 0, log(x) if which else exp(x))
