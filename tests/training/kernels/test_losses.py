import numpy as np
import pytest
from arithmetic.test_products import matrix, strips
from compiled import compiled

from pipeline.training.kernels.arguments import LOSSES

# parity of all losses with torch: test_engine.py
CLASSES = [1, 2, 7, 15, 16, 17, 40, 300]


def loss(name, outputs, targets, *, smoothing=0.0, scale=0.25, weights=None):
    """Sum of the losses, number of correct predictions, and the gradient, (B, C)."""
    rows, classes = outputs.shape
    kernel = compiled(
        "training.kernels.appliers:loss",
        *("int64", "real*", "real*", "int64", "int64", "float64", "float64"),
        *("real*", "int64", "real*", "real*", "real*", "float64*"),
        real=str(outputs.dtype),
    )
    padded, gradient, sums = strips(outputs), np.full_like(strips(outputs), np.nan), np.empty(2)
    # whole vectors, whose ends are not written
    padded_targets, padded_weights, predicted = np.full((3, -(-rows // 16) * 16), np.nan, outputs.dtype)
    padded_targets[:rows], padded_weights[:rows] = targets, 1.0 if weights is None else weights
    space = np.full(16 * (16 * len(padded) + 16), np.nan, outputs.dtype)
    before = padded.copy()
    kernel(
        *(LOSSES.index(name), padded.ctypes.data, padded_targets.ctypes.data, rows, classes, smoothing, scale),
        *(padded_weights.ctypes.data, weights is not None, gradient.ctypes.data),
        *(predicted.ctypes.data, space.ctypes.data, sums.ctypes.data),
    )
    assert np.array_equal(padded, before, equal_nan=True)
    if scale:
        # padding is 0 and stays 0
        assert not gradient.transpose(1, 0, 2).reshape(rows, -1)[:, classes:].any()
    return sums[0], sums[1], matrix(gradient, classes)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 3e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("classes", CLASSES)
def test_cross_entropy_and_its_gradient(classes, smoothing, dtype, tolerance):
    random = np.random.default_rng(classes)
    logits = random.uniform(-9, 9, (13, classes)).astype(dtype)
    labels, weights = random.integers(classes, size=13), random.uniform(0, 3, 13)
    total, right, gradient = loss("cross_entropy", logits, labels, smoothing=smoothing, weights=weights)
    exponentials = np.exp(logits.astype(float))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    # the reported loss has no smoothed labels and weighs no examples
    np.testing.assert_allclose(total, -np.log(shares[np.arange(13), labels]).sum(), rtol=tolerance, atol=1e-12)
    assert right == (logits.argmax(axis=1) == labels).sum()
    targets = np.full((13, classes), smoothing / classes)
    targets[np.arange(13), labels] += 1 - smoothing
    np.testing.assert_allclose(gradient, (shares - targets) * weights[:, None] / 4, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_far_apart(dtype):
    """Losses are torch's: finite where a sum of exponentials alone would overflow, else infinite or NaN."""
    far, inf = dtype(1e30), dtype(np.inf)
    logits = np.array([[far, 0], [0, far], [-inf, 1], [1, -inf], [inf, 0], [np.nan, 0]], dtype)
    for row, value in zip(logits, [0, far, inf, 0, np.nan, np.nan], strict=True):
        total, _, gradient = loss("cross_entropy", row[None], np.zeros(1), scale=1.0)
        np.testing.assert_equal(total, np.float64(value))
        assert np.isnan(gradient).any() == np.isnan(value)


@pytest.mark.parametrize("classes", CLASSES)
def test_of_equal_logits_the_first_class_is_the_answer(classes):
    """Also where they equal those of the padding, 0, and where all are NaN."""
    for value in (0.0, -3.0, np.nan):
        logits = np.full((1, classes), value)
        assert loss("cross_entropy", logits, np.zeros(1))[1] == 1
        assert loss("cross_entropy", logits, np.full(1, classes - 1))[1] == (classes == 1)
    last = np.zeros((1, classes))
    last[0, -1] = 1
    assert loss("cross_entropy", last, np.full(1, classes - 1))[1] == 1
