from collections.abc import Callable

import numpy as np
import pytest
from compiled import compiled
from scipy import stats
from scipy.special import expit

from pipeline.training.kernels.arguments import ACTIVATIONS

Function = Callable[[np.ndarray], np.ndarray]


# value and slope, by other means than the kernels'
FORMULAS: dict[str, tuple[Function, Function]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "gelu": (lambda z: z * stats.norm.cdf(z), lambda z: stats.norm.cdf(z) + z * stats.norm.pdf(z)),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z))),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "identity": (lambda z: z, np.ones_like),
}


def activation(name: str, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes of 16 n numbers."""
    kernel = compiled("training.kernels.appliers:activation", "int64", *["real*"] * 3, "int64", real=str(numbers.dtype))
    values, slopes = np.empty_like(numbers), np.empty_like(numbers)
    addresses = (one.ctypes.data for one in (numbers, values, slopes))
    kernel(ACTIVATIONS.index(name), *addresses, len(numbers) // 16)
    return values, slopes


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 4e-7), (np.float64, 1e-15)])
def test_value_and_slope_are_those_of_the_formula(name, dtype, tolerance):
    numbers = np.linspace(-30, 30, 16_000).astype(dtype)
    value, slope = FORMULAS[name]
    for found, formula in zip(activation(name, numbers), (value, slope), strict=True):
        exact = formula(numbers.astype(float))
        assert (np.abs(found - exact) <= tolerance * np.maximum(1, np.abs(numbers))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_is_that_of_the_value(name):
    numbers = np.random.default_rng(0).uniform(-5, 5, 1600)
    step = 1e-6
    ahead, behind = (activation(name, numbers + sign * step)[0] for sign in (1, -1))
    np.testing.assert_allclose(activation(name, numbers)[1], (ahead - behind) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_and_numbers_far_out(dtype):
    """At 0 the slopes are torch's; nothing that is finite becomes NaN."""
    far = np.finfo(dtype).max / 4
    numbers = np.array([0, -0.0, far, -far] + [np.nan] * 12, dtype)
    expected = {
        "relu": ([0, 0, far, 0], [0, 0, 1, 0]),
        "leaky_relu": ([0, 0, far, dtype(-0.01) * dtype(far)], [0.01, 0.01, 1, 0.01]),
        "elu": ([0, 0, far, -1], [1, 1, 1, 0]),
        "gelu": ([0, 0, far, 0], [0.5, 0.5, 1, 0]),
        "silu": ([0, 0, far, 0], [0.5, 0.5, 1, 0]),
        "sigmoid": ([0.5, 0.5, 1, 0], [0.25, 0.25, 0, 0]),
        "tanh": ([0, 0, 1, -1], [1, 1, 0, 0]),
        "identity": ([0, 0, far, -far], [1, 1, 1, 1]),
    }
    for name in ACTIVATIONS:
        values, slopes = activation(name, numbers)
        np.testing.assert_array_equal(values[:4], np.array(expected[name][0], dtype), err_msg=name)
        np.testing.assert_array_equal(slopes[:4], np.array(expected[name][1], dtype), err_msg=name)
        assert np.isnan(values[4:]).all(), name


def test_every_activation_is_tested():
    assert tuple(FORMULAS) == ACTIVATIONS
