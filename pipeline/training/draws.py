"""Random choices during training: the order of the examples and the units that are dropped.

Both depend on the seed: variants with the same seed see the same order and, if their layers have the same widths, the
same masks. A higher rate drops the units of a lower one, and more.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import LANES, padded_size, pcg64_state
from pipeline.core.seeding import Seed, generator
from pipeline.training.kernels.arguments import LEVELS


def orders(seed: Seed, examples: int, epochs: int) -> Iterator[np.ndarray]:
    """Yield a permutation of the examples for every epoch, (N,) int64, as the kernels draw it."""
    state = pcg64_state(generator(seed, "order"))
    permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
    for _ in range(epochs):
        order = np.empty(examples, np.int64)
        permute(state.ctypes.data, order.ctypes.data, examples)
        yield order


def threshold(rate: float) -> int:
    """Return the number that the 16-bit draw of a dropped unit is below."""
    return round(rate * LEVELS)


def mask_key(seed: Seed, layer: int) -> int:
    """Return the key of the masks of one hidden layer, 32 bits."""
    return int(generator(seed, "dropout", layer).integers(2**32))


def masks(seed: Seed, layer: int, rate: float, width: int) -> Callable[[int], np.ndarray]:
    """Return a function that draws the next mask of a hidden layer: B to (B, H) float64, 0 or 1 / (1 - rate)."""
    write = library.function("pipeline.training.kernels.network:write_mask", "float64*", "float64*", *["int64"] * 5)
    key, strips, steps = mask_key(seed, layer), padded_size(width) // LANES, itertools.count()

    def draw(rows: int) -> np.ndarray:
        mask, slopes = np.ones((2, strips, rows, LANES))
        write(mask.ctypes.data, slopes.ctypes.data, rows, strips, threshold(rate), key, next(steps))
        return np.ascontiguousarray(mask.transpose(1, 0, 2).reshape(rows, -1)[:, :width])

    return draw
