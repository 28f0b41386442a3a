"""What NumPy does not see of the kernels; the rest is tested in test_arrays.py."""

import numpy as np
import pytest

from pipeline.arithmetic import library


def orthogonalize(rows: np.ndarray) -> np.ndarray:
    """Rotate rows of one vector each."""
    result = rows.copy()
    rotate = library.function("pipeline.arithmetic.matrices:orthogonalize", "float64*", *["int64"] * 4, "float64")
    rotate(result.ctypes.data, 1, len(rows), 1, 1, 1e-15)
    return result


def test_orthogonal_rows_keep_their_bits():
    rows = np.eye(4, 16) * np.array([[3.0], [0.0], [1e-200], [1e200]])
    assert orthogonalize(rows).tolist() == rows.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rotations_end_where_rows_cannot_become_orthogonal(value):
    rows = np.ones((3, 16))
    rows[1, 2] = value
    assert not np.isfinite(orthogonalize(rows)).all()
