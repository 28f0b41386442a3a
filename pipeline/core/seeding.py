"""Seeds and random streams: every random number of the project comes from `generator`."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Purpose = Literal["data", "split", "initialization", "order", "dropout", "stopping"]

# the number of a stream is its index in this list: append, never reorder, or every result changes
_PURPOSES: tuple[str, ...] = get_args(Purpose)


@dataclass(frozen=True)
class Seed:
    """The unit of replication. Runs with the same seed share data, order, initial weights and dropout masks."""

    root: int
    index: int


def generator(seed: Seed, purpose: Purpose, *key: int) -> np.random.Generator:
    """Return a generator that depends on the seed, the purpose and the key alone.

    Args:
        seed: Root and index, both at least 0.
        purpose: Each purpose has its own stream, so that drawing more numbers for one never shifts another.
        key: Divides the stream further, for example by layer.

    Reference: NumPy, "Parallel random number generation", SeedSequence and its spawn keys.
    """
    spawn_key = (_PURPOSES.index(purpose), *key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed.root, seed.index], spawn_key=spawn_key)))
