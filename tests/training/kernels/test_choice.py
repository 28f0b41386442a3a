import numpy as np
import pytest
from compiled import compiled


@pytest.mark.parametrize(("number", "expected"), [(0, 4.0), (1, 12.0), (2, 3.0)])
def test_the_function_with_a_number_is_called(number, expected):
    result = np.empty(1)
    kernel = compiled("training.kernels.appliers:choice", "int64", "float64", "float64", "float64*")
    kernel(number, 6.0, 2.0, result.ctypes.data)
    assert result == [expected]
