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
FAR = 1e38  # finite in single precision
EXTREMES = {  # value and slope at 0, -0, FAR, -FAR; at 0 the slopes are torch's
    "relu": ([0, 0, FAR, 0], [0, 0, 1, 0]),
    "leaky_relu": ([0, 0, FAR, -0.01 * FAR], [0.01, 0.01, 1, 0.01]),
    "elu": ([0, 0, FAR, -1], [1, 1, 1, 0]),
    "gelu": ([0, 0, FAR, 0], [0.5, 0.5, 1, 0]),
    "silu": ([0, 0, FAR, 0], [0.5, 0.5, 1, 0]),
    "sigmoid": ([0.5, 0.5, 1, 0], [0.25, 0.25, 0, 0]),
    "tanh": ([0, 0, 1, -1], [1, 1, 0, 0]),
    "identity": ([0, 0, FAR, -FAR], [1, 1, 1, 1]),
}


def values_and_slopes(name: str, z: np.ndarray) -> np.ndarray:
    """Values and slopes of 16 n numbers, (2, 16 n)."""
    name_ = "pipeline.training.kernels.activations:values_and_slopes"
    kernel = compiled(name_, "int64", *["real*"] * 3, "int64", real=str(z.dtype))
    results = np.empty((2, len(z)), z.dtype)
    kernel(ACTIVATIONS.index(name), z.ctypes.data, *(result.ctypes.data for result in results), len(z) // 16)
    return results


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 4e-7), (np.float64, 1e-15)])
def test_value_and_slope_are_those_of_the_formula(name, dtype, tolerance):
    z = np.linspace(-30, 30, 16_000).astype(dtype)
    for result, formula in zip(values_and_slopes(name, z), FORMULAS[name], strict=True):
        assert (np.abs(result - formula(z.astype(float))) <= tolerance * np.maximum(1, np.abs(z))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_and_numbers_far_out(dtype, name):
    """Nothing that is finite becomes NaN, and NaN stays NaN."""
    z = np.array([0, -0.0, FAR, -FAR] + [np.nan] * 12, dtype)
    values, slopes = values_and_slopes(name, z)
    np.testing.assert_allclose(values[:4], EXTREMES[name][0], rtol=1e-7)
    np.testing.assert_allclose(slopes[:4], EXTREMES[name][1], rtol=1e-7)
    assert np.isnan(values[4:]).all()
