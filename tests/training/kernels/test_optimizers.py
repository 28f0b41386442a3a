import numpy as np
import pytest
from compiled import compiled

N = 64
NUMBERS = {
    "rate": 0.1,
    "momentum": 0.0,
    "nesterov": 0.0,
    "beta1": 0.9,
    "beta2": 0.99,
    "epsilon": 1e-3,
    "bias_correction1": 0.1,
    "bias_correction2": 0.01,
    "decay": 0.0,
    "l1": 0.0,
    "shrink": 1.0,
}


def start() -> list[np.ndarray]:
    """Weights, gradients, first and second moments."""
    random = np.random.default_rng(0)
    arrays = [random.uniform(-1, 1, N) for _ in range(3)] + [random.uniform(0, 1, N)]
    arrays[0][:5] = 0, -0.0, 1e-300, -1e-300, 0
    return arrays


def step(which: int, **numbers: float) -> list[np.ndarray]:
    arrays = start()
    kernel = compiled("training.kernels.appliers:optimizer", "int64", *["real*"] * 4, "int64", "float64*")
    given = np.array(list({**NUMBERS, **numbers}.values()))
    kernel(which, *(one.ctypes.data for one in arrays), N // 16, given.ctypes.data)
    return arrays


@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("decay", [0.0, 0.2])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, 0.0), (0.7, 0.0), (0.7, 1.0)])
def test_gradient_descent(momentum, nesterov, decay, l1):
    w, gradient, velocity, _ = start()
    gradient = gradient + decay * w + l1 * np.sign(w)
    direction = gradient
    if momentum:
        velocity = momentum * velocity + gradient
        direction = gradient + momentum * velocity if nesterov else velocity
    found = step(0, momentum=momentum, nesterov=nesterov, decay=decay, l1=l1)
    np.testing.assert_allclose(found[0], w - 0.1 * direction, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(found[2], velocity, rtol=1e-14, atol=1e-16)
    assert np.array_equal(found[3], start()[3])


@pytest.mark.parametrize("shrink", [1.0, 0.97])
@pytest.mark.parametrize(("decay", "l1"), [(0.0, 0.0), (0.2, 0.03)])
def test_adaptive_moments(decay, l1, shrink):
    w, gradient, mean, square = start()
    gradient = gradient + decay * w + l1 * np.sign(w)
    mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
    expected = shrink * w - 0.1 * (mean / 0.1) / (np.sqrt(square / 0.01) + 1e-3)
    found = step(1, decay=decay, l1=l1, shrink=shrink)
    for own, other in zip((found[0], found[2], found[3]), (expected, mean, square), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_and_a_gradient_of_zero_stay_where_they_are(which):
    """So does the padding."""
    kernel = compiled("training.kernels.appliers:optimizer", "int64", *["real*"] * 4, "int64", "float64*")
    given = np.array(list({**NUMBERS, "momentum": 0.5, "decay": 0.3, "l1": 0.1, "shrink": 0.9}.values()))
    arrays = [np.zeros(16) for _ in range(4)]
    kernel(which, *(one.ctypes.data for one in arrays), 1, given.ctypes.data)
    assert not np.concatenate(arrays).any()
