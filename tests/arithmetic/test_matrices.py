"""The kernels themselves; what NumPy sees of them is tested in test_arrays.py."""

import numpy as np
import pytest

from pipeline.arithmetic import library


def orthogonalize(rows: np.ndarray, length: int, tolerance: float = 1e-15) -> np.ndarray:
    """Rows of whole vectors, of which the first `length` numbers become orthogonal."""
    result = rows.copy()
    rotate = library.function("pipeline.arithmetic.matrices:orthogonalize", "float64*", *["int64"] * 4, "float64")
    rotate(result.ctypes.data, 1, len(rows), length // 16, rows.shape[1] // 16, tolerance)
    return result


def test_what_follows_the_rows_is_rotated_along():
    rows = np.concatenate([np.random.default_rng(0).standard_normal((5, 32)), np.eye(5, 16)], axis=1)
    found = orthogonalize(rows, 32)
    rotation = found[:, 32:37]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(5), atol=1e-14)
    np.testing.assert_allclose(rotation @ rows[:, :32], found[:, :32], atol=1e-14)


def test_orthogonal_rows_keep_their_bits():
    rows = np.eye(4, 16) * np.array([[3.0], [0.0], [1e-200], [1e200]])
    assert orthogonalize(rows, 16).tolist() == rows.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_it_ends_where_there_is_nothing_to_find(value):
    rows = np.ones((3, 16))
    rows[1, 2] = value
    assert not np.isfinite(orthogonalize(rows, 16)).all()


def test_products_are_written_whole():
    """Of padding too, so that no memory is read that nothing has written."""
    multiply = library.function("pipeline.arithmetic.matrices:product", *["float64*"] * 3, *["int64"] * 4)
    left, right, out = np.full((2, 3), 2.0), np.zeros((3, 16)), np.full((2, 16), np.nan)
    right[:, 0] = 1
    multiply(left.ctypes.data, right.ctypes.data, out.ctypes.data, 1, 2, 3, 1)
    assert out.tolist() == [[6.0] + [0.0] * 15] * 2
