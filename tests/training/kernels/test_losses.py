import numpy as np
import pytest
from arithmetic.test_products import matrix, strips
from compiled import compiled

from pipeline.training.kernels.arguments import LOSSES

CLASSES = [1, 2, 7, 15, 16, 17, 40, 300]


def loss(name, outputs, targets, *, smoothing=0.0, scale=0.25, weights=None):
    """Sum of the losses, number of right answers, and the gradient, (B, C)."""
    rows, classes = outputs.shape
    kernel = compiled(
        "training.kernels.appliers:loss",
        *("int64", "real*", "real*", "int64", "int64", "float64", "float64"),
        *("real*", "int64", "real*", "real*", "real*", "float64*"),
        real=str(outputs.dtype),
    )
    given, gradient, found = strips(outputs), np.full_like(strips(outputs), np.nan), np.empty(2)
    # whole vectors, whose ends nobody has written
    given_targets, given_weights, predicted = np.full((3, -(-rows // 16) * 16), np.nan, outputs.dtype)
    given_targets[:rows], given_weights[:rows] = targets, 1.0 if weights is None else weights
    room = np.full(16 * (16 * len(given) + 16), np.nan, outputs.dtype)
    before = given.copy()
    kernel(
        *(LOSSES.index(name), given.ctypes.data, given_targets.ctypes.data, rows, classes, smoothing, scale),
        *(given_weights.ctypes.data, weights is not None, gradient.ctypes.data),
        *(predicted.ctypes.data, room.ctypes.data, found.ctypes.data),
    )
    assert np.array_equal(given, before, equal_nan=True)
    if scale:
        # padding is 0 and stays 0
        assert not gradient.transpose(1, 0, 2).reshape(rows, -1)[:, classes:].any()
    return found[0], found[1], matrix(gradient, classes)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("classes", CLASSES)
def test_cross_entropy_and_its_gradient(classes, smoothing, dtype, tolerance):
    random = np.random.default_rng(classes)
    logits = random.uniform(-9, 9, (13, classes)).astype(dtype)
    labels, weights = random.integers(classes, size=13), random.uniform(0, 3, 13)
    found, right, gradient = loss("cross_entropy", logits, labels, smoothing=smoothing, weights=weights)
    shares = softmax(logits.astype(float))
    # what is reported has no smoothed labels and weighs no examples
    np.testing.assert_allclose(found, -np.log(shares[np.arange(13), labels]).sum(), rtol=tolerance, atol=1e-12)
    assert right == (logits.argmax(axis=1) == labels).sum()
    targets = np.full((13, classes), smoothing / classes)
    targets[np.arange(13), labels] += 1 - smoothing
    np.testing.assert_allclose(gradient, (shares - targets) * weights[:, None] / 4, atol=tolerance)


@pytest.mark.parametrize(("name", "factor"), [("squared_error", 1.0), ("half_squared_error", 0.5)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-15)])
def test_squared_errors_and_their_gradients(name, factor, dtype, tolerance):
    random = np.random.default_rng(0)
    outputs, values = random.uniform(-3, 3, (13, 1)).astype(dtype), random.uniform(-3, 3, 13).astype(dtype)
    weights = random.uniform(0, 3, 13)
    residuals = outputs[:, 0].astype(float) - values
    for own in (None, weights):
        found, right, gradient = loss(name, outputs, values, weights=own)
        assert found == pytest.approx(factor * (residuals**2).sum(), rel=tolerance)
        assert right == 0
        expected = 2 * factor * residuals * 0.25 * (1 if own is None else weights)
        np.testing.assert_allclose(gradient[:, 0], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", LOSSES)
def test_without_a_scale_no_gradient_is_computed(name):
    outputs = np.linspace(-1, 1, 5)[:, None]
    with_gradient, without = (loss(name, outputs, np.zeros(5), scale=scale) for scale in (0.5, 0.0))
    assert with_gradient[:2] == without[:2]
    assert not np.array_equal(with_gradient[2], without[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_far_apart(dtype):
    """Losses are torch's: finite where a sum of exponentials alone would overflow, else infinite or NaN."""
    far, inf = dtype(1e30), dtype(np.inf)
    logits = np.array([[far, 0], [0, far], [-inf, 1], [1, -inf], [inf, 0], [np.nan, 0]], dtype)
    expected = [0, far, inf, 0, np.nan, np.nan]
    for row, value in zip(logits, expected, strict=True):
        found, _, gradient = loss("cross_entropy", row[None], np.zeros(1), scale=1.0)
        np.testing.assert_equal(found, np.float64(value))
        assert np.isnan(gradient).any() == np.isnan(value)


@pytest.mark.parametrize("classes", CLASSES)
def test_of_equal_logits_the_first_class_is_the_answer(classes):
    """Also where they are those of the padding, 0, and where nothing is a number."""
    for value in (0.0, -3.0, np.nan):
        logits = np.full((1, classes), value)
        assert loss("cross_entropy", logits, np.zeros(1))[1] == 1
        assert loss("cross_entropy", logits, np.full(1, classes - 1))[1] == (classes == 1)
    last = np.zeros((1, classes))
    last[0, -1] = 1
    assert loss("cross_entropy", last, np.full(1, classes - 1))[1] == 1
