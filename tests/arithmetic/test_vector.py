import numpy as np
import pytest
from compiled import compiled

NAN, INF = np.nan, np.inf
LEFT = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 1e-40, 3.5, 1e30, -7.25, 0.1, 1 / 3, 2.0, -1e-3, 65504.0]
RIGHT = [-0.0, 1.0, 3.0, NAN, INF, 2.0, 0.5, 1e-3, 3.5, 1e30, 0.3, -0.1, 1e-5, NAN, -1e-3, 1e4]
OF_TWO = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "less": np.less,
    "at_most": np.less_equal,
    "equal": np.equal,
}
OF_ONE = {"square_root": np.sqrt, "size": np.abs, "lane_numbers": lambda a: np.arange(16)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*OF_TWO, *OF_ONE])
@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_an_operation_is_numpy_s_of_every_lane(name, dtype):
    """Both round once; comparisons with NaN are false."""
    left, right, out = np.array(LEFT, dtype), np.array(RIGHT, dtype), np.empty(16, dtype)
    last = ["real*"] if name in OF_TWO else ["int64"]
    operate = compiled(f"arithmetic.appliers:{name}", "real*", "real*", *last, real=np.dtype(dtype).name)
    if name in OF_TWO:
        operate(left.ctypes.data, right.ctypes.data, out.ctypes.data)
        expected = OF_TWO[name](left, right)
    else:
        operate(left.ctypes.data, out.ctypes.data, 1)
        expected = OF_ONE[name](left)
    np.testing.assert_array_equal(out, expected.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sum_joins_halves_with_halves(dtype):
    reduce = compiled("arithmetic.appliers:reduce", "real*", "real*", real=np.dtype(dtype).name)
    for seed in range(100):
        values, out = np.random.default_rng(seed).uniform(-1, 1, 16).astype(dtype), np.empty(2, dtype)
        reduce(values.ctypes.data, out.ctypes.data)
        expected = values
        while len(expected) > 1:
            expected = expected[: len(expected) // 2] + expected[len(expected) // 2 :]
        assert out.tolist() == [expected[0], values.max()]


def test_a_transposed_tile_and_bytes_as_numbers():
    transpose = compiled("arithmetic.appliers:transpose", "real*", "real*")
    values, out = np.arange(256.0).reshape(16, 16), np.empty((16, 16))
    transpose(values.ctypes.data, out.ctypes.data)
    assert np.array_equal(out, values.T)
    raw, out = np.arange(0, 256, 16, dtype=np.uint8), np.empty(16)
    compiled("arithmetic.appliers:from_bytes", "uint64", "real*")(raw.ctypes.data, out.ctypes.data)
    assert np.array_equal(out, raw)
