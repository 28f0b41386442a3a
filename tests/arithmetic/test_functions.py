"""The largest error of each function in units of the last place, against mpmath and NumPy in higher precision."""

from collections.abc import Callable, Iterator

import mpmath
import numpy as np
import pytest
from arithmetic.appliers import FUNCTIONS
from compiled import compiled
from scipy import special

# where a result is an ordinary number
RANGES = {"exp": (-87.3, 88.7), "log": (1.2e-38, 3.4e38), "tanh": (-20, 20), "erf": (-10, 10), "sigmoid": (-87, 30)}
# the largest errors there, rounded up: of all float32, and of any float64 that was tried
ULPS = {"exp": (1.08, 1.0), "log": (0.84, 0.82), "tanh": (1.34, 1.3), "erf": (1.32, 1.9), "sigmoid": (2.49, 2.5)}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan]
NAN, INF = np.nan, np.inf


def apply(name: str, numbers: np.ndarray) -> np.ndarray:
    """The compiled function of any number of numbers."""
    real = str(numbers.dtype)
    function = compiled("arithmetic.appliers:apply", "int64", "real*", "real*", "int64", real=real)
    padded = np.ones(-(-len(numbers) // 16) * 16, numbers.dtype)
    padded[: len(numbers)] = numbers
    out = np.empty_like(padded)
    function(FUNCTIONS.index(name), padded.ctypes.data, out.ctypes.data, len(padded) // 16)
    return out[: len(numbers)]


def ulps(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Distances in units of the last place of the exact result (longdouble), as the type of `found` has it."""
    rounded = exact.astype(found.dtype)
    return np.abs(found - exact) / np.spacing(np.abs(rounded)).astype(np.longdouble)


def patterns(low: float, high: float, step: int = 101) -> Iterator[np.ndarray]:
    """Every 101st of all float32 between two numbers, by their bits."""
    for first in range(0, 2**32, 2**22 * step):
        numbers = np.arange(first, min(first + 2**22 * step, 2**32), step, dtype=np.uint32).view(np.float32)
        yield numbers[(numbers > low) & (numbers < high)]


REFERENCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "erf": special.erf,
    "sigmoid": special.expit,
}


@pytest.mark.parametrize("name", RANGES)
def test_single_precision_over_all_exponents(name):
    """With step 1, for which there is a minute's time, the errors are those of `ULPS`."""
    worst = 0.0
    for numbers in patterns(*RANGES[name]):
        exact = REFERENCES[name](numbers.astype(np.float64))
        last_place = np.spacing(np.abs(exact.astype(np.float32)))
        worst = max(worst, np.abs((apply(name, numbers) - exact) / last_place).max(initial=0))
    assert ULPS[name][0] - 0.1 < worst <= ULPS[name][0]


MPMATH = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "tanh": mpmath.tanh,
    "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}


def exactly(name: str, numbers: np.ndarray) -> np.ndarray:
    """By mpmath with 40 digits, as longdouble."""
    with mpmath.workdps(40):
        return np.array([np.longdouble(mpmath.nstr(MPMATH[name](mpmath.mpf(float(x))), 25)) for x in numbers])


@pytest.mark.parametrize("name", RANGES)
def test_double_precision_against_mpmath(name):
    random = np.random.default_rng(2)
    worst = {"exp": (-708, 709), "log": (0.7, 1.4), "tanh": (0.6, 0.7), "erf": (1, 1.02), "sigmoid": (-37, -36)}[name]
    small = 10 ** random.uniform(-300, 1, 3000)
    parts = [random.uniform(*worst, 7000), small, small if name == "log" else -small, random.uniform(0.5, 10, 3000)]
    numbers = np.concatenate(parts)
    assert ulps(apply(name, numbers), exactly(name, numbers)).max() <= ULPS[name][1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    numbers = np.array(SPECIAL, dtype)
    expected = {
        "exp": [1, 1, INF, 0, NAN],
        "tanh": [0, 0, 1, -1, NAN],
        "erf": [0, 0, 1, -1, NAN],
        "sigmoid": [0.5, 0.5, 1, 0, NAN],
    }
    for name, values in expected.items():
        found = apply(name, numbers)
        np.testing.assert_array_equal(found, np.array(values, dtype), err_msg=name)
        assert (np.signbit(found) == np.signbit(values))[2:4].all(), name  # not of 0: tanh(-0) is 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_smallest_and_the_largest_numbers(dtype):
    info = np.finfo(dtype)
    tiny, least, most = info.tiny, info.smallest_subnormal, info.max
    small = np.array([least, -least, 7 * least, tiny, -tiny, tiny - least], dtype)
    np.testing.assert_array_equal(apply("exp", small), 1)
    np.testing.assert_array_equal(apply("tanh", small), small)
    np.testing.assert_array_equal(apply("sigmoid", small), 0.5)
    # 2 / sqrt(pi) of a denormal number is rounded to one
    assert (np.abs(apply("erf", small) - small * 2 / np.sqrt(np.pi)) <= least).all()
    large = np.array([most, -most, 1e4, -1e4], dtype)
    np.testing.assert_array_equal(apply("exp", large), [INF, 0, INF, 0])
    np.testing.assert_array_equal(apply("tanh", large), [1, -1, 1, -1])
    np.testing.assert_array_equal(apply("erf", large), [1, -1, 1, -1])
    np.testing.assert_array_equal(apply("sigmoid", large), [1, 0, 1, 0])
    edges = np.array([1, tiny, most, 2, 0.5, 1 + info.eps, 1 - info.epsneg], dtype)
    assert apply("log", edges)[0] == 0
    assert ulps(apply("log", edges), np.log(edges.astype(np.longdouble))).max() <= 1


@pytest.mark.parametrize(
    ("dtype", "last", "first"), [(np.float32, 88.72283, -103.97), (np.float64, 709.78271, -745.13)]
)
def test_exp_overflows_and_underflows_where_it_must(dtype, last, first):
    """`last` is still a number and what follows is not; `first` is the first above 0. Between are denormal numbers."""
    found = apply("exp", np.array([last, last + 1e-3, first, first - 0.1], dtype))
    assert np.isfinite(found[0])
    assert found[1] == INF
    assert found[2] == np.finfo(dtype).smallest_subnormal
    assert found[3] == 0
    denormal = np.linspace(first, np.log(float(np.finfo(dtype).tiny)), 1001).astype(dtype)
    # their last place is that of the smallest number, and 2^n is multiplied in two steps
    assert ulps(apply("exp", denormal), np.exp(denormal.astype(np.longdouble))).max() <= 1.5


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_not_out_of_order_by_more_than_their_errors(name, dtype):
    low, high = {"log": (0.1, 10)}.get(name, (-8, 8))
    numbers = np.sort(np.random.default_rng(3).uniform(low, high, 100_000).astype(dtype))
    found = apply(name, numbers)
    steps = np.diff(found) / np.spacing(np.maximum(np.abs(found[1:]), np.finfo(dtype).tiny))
    assert steps.min() >= -2 * np.ceil(max(ULPS[name]))


def quantile(p: float) -> np.longdouble:
    """By one step of Newton's method with 40 digits from SciPy's."""
    with mpmath.workdps(40):
        start = mpmath.mpf(float(special.ndtri(p)))
        step = (mpmath.ncdf(start) - mpmath.mpf(p)) / mpmath.npdf(start)
        return np.longdouble(mpmath.nstr(start - step, 25))


def test_normal_quantile():
    """Every branch, and the whole range of what is drawn: from 2^-53 to 1 - 2^-53."""
    random = np.random.default_rng(4)
    parts = [random.uniform(0, 1, 3000), 2.0 ** -random.uniform(1, 53, 1500), 1 - 2.0 ** -random.uniform(1, 53, 1500)]
    edges = [0.075, 0.925, 2.0**-53, 1 - 2.0**-53, np.exp(-25.0), 0.5 + 2**-53, 0.5 - 2**-53]
    p = np.concatenate([*parts, edges])
    exact = np.array([quantile(float(one)) for one in p])
    found = apply("normal_quantile", p)
    # near the median, where a quantile is near 0, the error is that of 1 - p
    assert (np.abs(found - exact) <= 8e-16 * np.abs(exact)).all()
    assert apply("normal_quantile", np.array([0.5]))[0] == 0
    np.testing.assert_array_equal(apply("normal_quantile", 1 - p[:3000]), -apply("normal_quantile", p[:3000]))
