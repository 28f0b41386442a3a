"""The largest error of each function in units of the last place, against mpmath and NumPy in higher precision."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from compiled import compiled
from scipy import special

# range of ordinary results; the largest errors there, rounded up: of all float32, and of any float64 that was tried;
# where the error is largest in float64; the same function by NumPy, SciPy and mpmath
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "exp": ((-87.3, 88.7), 1.08, 1.0, (-708, 709), np.exp, mpmath.exp),
    "log": ((1.2e-38, 3.4e38), 0.84, 0.82, (0.7, 1.4), np.log, mpmath.log),
    "tanh": ((-20, 20), 1.34, 1.3, (0.6, 0.7), np.tanh, mpmath.tanh),
    "erf": ((-10, 10), 1.32, 1.9, (1, 1.02), special.erf, mpmath.erf),
    "sigmoid": ((-87, 30), 2.49, 2.5, (-37, -36), special.expit, lambda x: 1 / (1 + mpmath.exp(-x))),
}
NAN, INF = np.nan, np.inf


def apply(name: str, numbers: np.ndarray) -> np.ndarray:
    """Apply a compiled function to any number of numbers."""
    function = compiled(f"arithmetic.appliers:{name}", "real*", "real*", "int64", real=str(numbers.dtype))
    padded = np.ones(-(-len(numbers) // 16) * 16, numbers.dtype)
    padded[: len(numbers)] = numbers
    out = np.empty_like(padded)
    function(padded.ctypes.data, out.ctypes.data, len(padded) // 16)
    return out[: len(numbers)]


def ulps(results: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return distances in units of the last place of the exact result (longdouble)."""
    rounded = exact.astype(results.dtype)
    return np.abs(results - exact) / np.spacing(np.abs(rounded)).astype(np.longdouble)


def by_mpmath(function: Callable[[mpmath.mpf], mpmath.mpf], numbers: np.ndarray) -> np.ndarray:
    """Compute with 40 digits, as longdouble."""
    with mpmath.workdps(40):
        return np.array([np.longdouble(mpmath.nstr(function(mpmath.mpf(float(x))), 25)) for x in numbers])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_single_precision_over_all_exponents(name):
    """Every 101st float32 by its bits; all of them, which takes a minute, have the errors that are listed above."""
    (low, high), bound, *_, reference, _ = FUNCTIONS[name]
    worst, step = 0.0, 101
    for first in range(0, 2**32, 2**22 * step):
        numbers = np.arange(first, min(first + 2**22 * step, 2**32), step, dtype=np.uint32).view(np.float32)
        numbers = numbers[(numbers > low) & (numbers < high)]
        exact = reference(numbers.astype(np.float64))
        last_digit = np.spacing(np.abs(exact.astype(np.float32)))
        worst = max(worst, np.abs((apply(name, numbers) - exact) / last_digit).max(initial=0))
    assert bound - 0.1 < worst <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
def test_double_precision_against_mpmath(name):
    *_, bound, worst, _, reference = FUNCTIONS[name]
    random = np.random.default_rng(2)
    small = 10 ** random.uniform(-300, 1, 3000)
    parts = [random.uniform(*worst, 7000), small, small if name == "log" else -small, random.uniform(0.5, 10, 3000)]
    numbers = np.concatenate(parts)
    assert ulps(apply(name, numbers), by_mpmath(reference, numbers)).max() <= bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    largest, smallest = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    numbers = np.array([0.0, -0.0, largest, -largest, 1e4, -1e4, INF, -INF, NAN], dtype)
    expected = {
        "exp": [1, 1, INF, 0, INF, 0, INF, 0, NAN],
        "tanh": [0, 0, 1, -1, 1, -1, 1, -1, NAN],
        "erf": [0, 0, 1, -1, 1, -1, 1, -1, NAN],
        "sigmoid": [0.5, 0.5, 1, 0, 1, 0, 1, 0, NAN],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(apply(name, numbers), np.array(values, dtype), err_msg=name)
    denormal = np.array([smallest, -smallest, 7 * smallest], dtype)
    np.testing.assert_array_equal(apply("tanh", denormal), denormal)
    # 2 / sqrt(pi) times a denormal number is rounded to one
    assert (np.abs(apply("erf", denormal) - denormal * 2 / np.sqrt(np.pi)) <= smallest).all()
    edges = np.array([1, np.finfo(dtype).tiny, largest, 2, 0.5], dtype)
    assert ulps(apply("log", edges), np.log(edges.astype(np.longdouble))).max() <= 1


@pytest.mark.parametrize(
    ("dtype", "last", "first"), [(np.float32, 88.72283, -103.97), (np.float64, 709.78271, -745.13)]
)
def test_exp_overflows_and_underflows_where_it_must(dtype, last, first):
    """`last` is the last with a finite power; `first` is the first above 0. Small powers are denormal numbers."""
    powers = apply("exp", np.array([last, last + 1e-3, first, first - 0.1], dtype))
    assert np.isfinite(powers[0])
    assert powers[1:].tolist() == [INF, np.finfo(dtype).smallest_subnormal, 0]
    denormal = np.linspace(first, np.log(float(np.finfo(dtype).tiny)), 1001).astype(dtype)
    assert ulps(apply("exp", denormal), np.exp(denormal.astype(np.longdouble))).max() <= 1.5


def test_normal_quantile():
    """Every branch, and the whole range of what is drawn: from 2^-53 to 1 - 2^-53."""

    def exactly(p: mpmath.mpf) -> mpmath.mpf:
        """One step of Newton's method from SciPy's quantile."""
        start = mpmath.mpf(float(special.ndtri(float(p))))
        return start - (mpmath.ncdf(start) - p) / mpmath.npdf(start)

    random = np.random.default_rng(4)
    parts = [random.uniform(0, 1, 3000), 2.0 ** -random.uniform(1, 53, 1500), 1 - 2.0 ** -random.uniform(1, 53, 1500)]
    edges = [0.075, 0.925, 2.0**-53, 1 - 2.0**-53, np.exp(-25.0), 0.5 + 2**-53, 0.5 - 2**-53]
    p = np.concatenate([*parts, edges])
    exact = by_mpmath(exactly, p)
    # near the median, where a quantile is near 0, the error is that of 1 - p
    assert (np.abs(apply("normal_quantile", p) - exact) <= 8e-16 * np.abs(exact)).all()
    assert apply("normal_quantile", np.array([0.5]))[0] == 0
    np.testing.assert_array_equal(apply("normal_quantile", 1 - p[:3000]), -apply("normal_quantile", p[:3000]))
