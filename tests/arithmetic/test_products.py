"""Every entry of a product is one chain of fma whose order is written."""

import numpy as np
import pytest
from compiled import compiled

# rows and columns at the edges of strips (16) and tiles (6 and 12 rows, one or two strips)
SHAPES = [
    (rows, before, after)
    for rows in (1, 5, 6, 7, 12, 13, 24, 25)
    for before, after in ((1, 1), (15, 17), (16, 16), (17, 33), (33, 1), (48, 32), (200, 40), (400, 16))
]


def strips(matrix: np.ndarray) -> np.ndarray:
    """(rows, columns) as (strips, rows, 16), padded with zeros."""
    rows, columns = matrix.shape
    padded = np.zeros((rows, -(-columns // 16) * 16), matrix.dtype)
    padded[:, :columns] = matrix
    return np.ascontiguousarray(padded.reshape(rows, -1, 16).transpose(1, 0, 2))


def matrix(strips_: np.ndarray, columns: int) -> np.ndarray:
    return strips_.transpose(1, 0, 2).reshape(strips_.shape[1], -1)[:, :columns]


def multiply(which: int, x: np.ndarray, w: np.ndarray, b: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return what the kernel writes: z of 0, x of 1, w of 2."""
    kernel = compiled("training.kernels.appliers:product", "int64", *["real*"] * 5, *["int64"] * 3, real=str(x.dtype))
    tall = np.zeros((-(-len(w) // 16) * 16, w.shape[1]), w.dtype)
    tall[: len(w)] = w
    arrays = [strips(x), strips(tall), strips(b), strips(z)]
    room = np.full(arrays[1].size, np.nan, x.dtype)
    arrays[(3, 0, 1)[which]][:] = np.nan
    kernel(which, *(array.ctypes.data for array in (*arrays, room)), len(x), len(arrays[0]), len(arrays[1]))
    x_, w_, _, z_ = arrays
    return (matrix(z_, z.shape[1]), matrix(x_, x.shape[1]), matrix(w_, w.shape[1])[: len(w)])[which]


def sample(rows: int, before: int, after: int) -> list[np.ndarray]:
    random = np.random.default_rng([rows, before, after])
    return [random.uniform(-1, 1, shape) for shape in ((rows, before), (before, after), (1, after), (rows, after))]


def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c of float32, rounded once. In float64 the product is exact; the sum is rounded to odd before the last
    rounding (Boldo and Melquiond, 2008).
    """
    product, c = a.astype(np.float64) * b, c.astype(np.float64)
    total = product + c
    back = total - product
    error = (product - (total - back)) + (c - back)
    odd = total.view(np.int64) & 1 == 1
    towards = np.where(error > 0, np.inf, -np.inf)
    return np.where((error != 0) & ~odd, np.nextafter(total, towards), total).astype(np.float32)


def chain(left: np.ndarray, right: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Every entry: c = fma(a[k], b[k], c), k ascending; (B, K), (K, H) -> (B, H)."""
    result = start
    for k in range(left.shape[1]):
        result = fma(left[:, k : k + 1], right[k], result)
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_an_entry_is_one_chain_of_fma_with_k_ascending(shape):
    x, w, b, z = (array.astype(np.float32) for array in sample(*shape))
    nothing = np.zeros((1, 1), np.float32)
    assert np.array_equal(multiply(0, x, w, b, z), chain(x, w, b.repeat(len(x), 0)))
    assert np.array_equal(multiply(1, x, w, b, z), chain(z, w.T, nothing))
    assert np.array_equal(multiply(2, x, w, b, z), chain(x.T, z, nothing))


def test_the_chain_differs_from_other_orders():
    """Else the test above would prove nothing."""
    x, w, b, z = (array.astype(np.float32) for array in sample(13, 200, 40))
    result = multiply(0, x, w, b, z)
    assert not np.array_equal(result, chain(x[:, ::-1], w[::-1], b.repeat(13, 0)))
    assert not np.array_equal(result, x @ w + b)
