"""The engine's orders for sides that need those of all epochs at once.

One call of a kernel for a whole run: a call for every epoch, as `draws.orders` makes it, takes longer than to shuffle a
hundred examples.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state
from pipeline.core.seeding import Seed, generator


def draw(seeds: Sequence[Seed], epochs: int, examples: int) -> np.ndarray:
    """The orders of every run, (R, epochs, N) int32, drawn on all cores."""
    order = np.empty((len(seeds), epochs, examples), np.int32)
    kernel = library.function("benchmarks.sides.shuffle:permute_each", "uint64*", "int32*", "int64", "int64")

    def of_run(run: int) -> None:
        state = pcg64_state(generator(seeds[run], "order"))
        kernel(state.ctypes.data, order[run].ctypes.data, epochs, examples)

    with ThreadPoolExecutor() as pool:
        list(pool.map(of_run, range(len(seeds))))
    return order
