"""What other tests of kernels do not see of a vector."""

import numpy as np
from compiled import compiled

NAN, INF = np.nan, np.inf
LEFT = np.array([0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 1e-40, 3.5, 1e30, -7.25, 0.1, 1 / 3, 2.0, -1e-3, NAN])
RIGHT = np.array([-0.0, 1.0, 3.0, NAN, INF, 2.0, 0.5, 1e-3, 3.5, 1e30, 0.3, -0.1, 1e-5, NAN, -1e-3, NAN])


def test_comparisons_with_nan_are_false():
    out = np.empty(16)
    compare = compiled("arithmetic.appliers:compare", *["real*"] * 3)
    compare(LEFT.ctypes.data, RIGHT.ctypes.data, out.ctypes.data)
    assert np.array_equal(out, 1 * (LEFT < RIGHT) + 2 * (LEFT <= RIGHT) + 4 * (LEFT == RIGHT))
