import numpy as np
import pytest
import torch
from compiled import compiled
from torch.nn import functional

from pipeline.training.kernels.arguments import ACTIVATIONS


def values_and_slopes(name: str, z: np.ndarray) -> np.ndarray:
    """Values and slopes of 16 n numbers, (2, 16 n)."""
    name_ = "pipeline.training.kernels.activations:values_and_slopes"
    kernel = compiled(name_, "int64", *["real*"] * 3, "int64", real=str(z.dtype))
    results = np.empty((2, len(z)), z.dtype)
    kernel(ACTIVATIONS.index(name), z.ctypes.data, *(result.ctypes.data for result in results), len(z) // 16)
    return results


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 4e-7), (np.float64, 2e-15)])
def test_value_and_slope_are_those_of_torch(name, dtype, tolerance):
    """Also at 0, where some have a corner, and far out: nothing that is finite becomes NaN, and NaN stays NaN."""
    far = 1e38  # finite in single precision
    numbers = np.concatenate([np.linspace(-30, 30, 16_000), [0, -0.0, far, -far], [np.nan] * 12]).astype(dtype)
    z = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    expected = getattr(functional, name, torch.clone)(z)  # there is no `identity`
    (slopes,) = torch.autograd.grad(expected.sum(), z)
    values, computed_slopes = values_and_slopes(name, numbers)
    allowed = tolerance * np.maximum(1, np.abs(numbers[:-12]))
    assert (np.abs(values - expected.detach().numpy())[:-12] <= allowed).all()
    assert (np.abs(computed_slopes - slopes.numpy())[:-12] <= allowed).all()
    assert np.isnan(values[-12:]).all()
