"""From a seed and a purpose to a NumPy generator: the only source of randomness in the project."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Purpose = Literal["data", "split", "initialization", "order", "dropout", "stopping"]

# A stream's number is its place in this list: append, never reorder, or every result changes.
_PURPOSES: tuple[str, ...] = get_args(Purpose)


@dataclass(frozen=True)
class Seed:
    """One unit of replication. Runs with the same seed share data, order, initial weights and masks."""

    root: int
    index: int


def generator(seed: Seed, purpose: Purpose, *key: int) -> np.random.Generator:
    """A generator that depends on the seed, the purpose and the key alone.

    Args:
        seed: Root and index, both at least 0.
        purpose: What the numbers are for; each purpose has a stream of its own, so that drawing more of one
            never shifts another.
        key: Further division of the stream, such as the number of a layer.

    Reference: NumPy, "Parallel random number generation", SeedSequence and its spawn keys.
    """
    spawn_key = (_PURPOSES.index(purpose), *key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed.root, seed.index], spawn_key=spawn_key)))
