"""A data set: the arrays that runs are trained and evaluated on, whatever source they come from."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from pipeline.core.seeding import Seed

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Split:
    """Examples of one split: `inputs` (S, N, D), `targets` (S, N). S is 1 if all seeds share the same examples.

    Targets are class indices (integer) or values (floating).
    """

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def examples(self) -> int:
        return int(self.inputs.shape[1])


@dataclass(frozen=True)
class Dataset:
    """Training and test examples.

    Attributes:
        task: Classification or regression.
        outputs: Number of classes; 1 for a regression.
        factor, offset: The inputs of training are `inputs * factor + offset`, so that images are stored as bytes.
        seeds: The seeds that the axis S was drawn for, in order; empty for a fixed data set.
        weights: Importance weights of the training examples, (S, N), by the name of the method.
        names: Names of the classes.
    """

    task: Task
    outputs: int
    train: Split
    test: Split
    factor: float = 1.0
    offset: float = 0.0
    seeds: tuple[Seed, ...] = ()
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        return int(self.train.inputs.shape[2])

    def seed_index(self, index: int) -> int:
        """Return the index on the axis S of the examples of the seed with this index."""
        return index if self.seeds else 0

    def fingerprint(self, seed_index: int) -> str:
        """Return a short digest of one seed's examples in single precision, the same on every machine."""
        arrays = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in self._arrays(seed_index)]
        return self._digest(arrays)[:12]

    def digest(self, seed_index: int) -> str:
        """Return a digest of all data that a run with this seed depends on, and of no other seed's."""
        names, weights = list(self.weights), [weights[seed_index] for weights in self.weights.values()]
        return self._digest([*self._arrays(seed_index), *weights], *names)

    def _arrays(self, seed_index: int) -> list[np.ndarray]:
        return [array[seed_index] for split in (self.train, self.test) for array in (split.inputs, split.targets)]

    def _digest(self, arrays: Iterable[np.ndarray], *names: str) -> str:
        header = [self.task, str(self.outputs), repr(self.factor), repr(self.offset), *names]
        digest = hashlib.sha256(" ".join(header).encode())
        for array in map(np.ascontiguousarray, arrays):
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()
