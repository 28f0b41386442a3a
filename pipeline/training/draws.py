"""What chance decides while a run trains: the order of its examples and the units that are dropped.

Both follow from the run's own seed, so variants with one seed see the same order and, where widths allow, the same
masks: a higher rate drops what a lower one drops, and more.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state
from pipeline.core.seeding import Seed, generator
from pipeline.training.kernels.arguments import LEVELS


def orders(seed: Seed, examples: int, epochs: int) -> Iterator[np.ndarray]:
    """For every epoch a permutation of the examples, (N,) int64: what the kernels draw."""
    state = pcg64_state(generator(seed, "order"))
    permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
    for _ in range(epochs):
        order = np.empty(examples, np.int64)
        permute(state.ctypes.data, order.ctypes.data, examples)
        yield order


def threshold(rate: float) -> int:
    """A unit whose 16-bit draw is below is dropped."""
    return round(rate * LEVELS)


def mask_key(seed: Seed, layer: int) -> int:
    """The key of the masks of one hidden layer, 32 bits."""
    return int(generator(seed, "dropout", layer).integers(2**32))


def masks(seed: Seed, layer: int, rate: float, width: int) -> Callable[[int], np.ndarray]:
    """The masks of one hidden layer, one for each step: rows to (B, H) float64, 0 or 1 / (1 - rate)."""
    write = library.function(
        "pipeline.training.kernels.network:write_mask", "float64*", "float64*", *["int64"] * 5, real="float64"
    )
    key, strips, steps = mask_key(seed, layer), -(-width // 16), itertools.count()

    def draw(rows: int) -> np.ndarray:
        mask, room = np.empty((strips, rows, 16)), np.empty((strips, rows, 16))
        write(mask.ctypes.data, room.ctypes.data, rows, strips, threshold(rate), key, next(steps))
        return np.ascontiguousarray(mask.transpose(1, 0, 2).reshape(rows, -1)[:, :width])

    return draw
