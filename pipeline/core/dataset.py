"""A data set: the arrays that training and evaluation see, whatever source they are of."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from pipeline.core.errors import join_short, shorten
from pipeline.core.seeding import Seed
from pipeline.project.metrics import Task

# the class given to an example is kept in two bytes
LARGEST_LABEL = 2**16 - 1


@dataclass(frozen=True)
class Split:
    """Examples of one split: `inputs` (S, N, D), `targets` (S, N); S is 1 where all seeds see the same examples.

    Targets are class indices (integer) or values (floating).
    """

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def examples(self) -> int:
        return int(self.inputs.shape[1])


@dataclass(frozen=True)
class Dataset:
    """Training and test examples. Real inputs are `inputs * factor + offset`: images stay bytes in the file.

    `seeds` are those that the axis S was drawn for, in order; a fixed data set has none and S is 1.
    `weights` (S, N) say how much each training example weighs where the test distribution is another one, by the
    name of the correction. `names` are those of the classes.
    """

    task: Task
    outputs: int  # number of classes, or 1 for a regression
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
        """Where on the axis S the examples of the seed with this index are."""
        return index if self.seeds else 0

    def fingerprint(self, seed_index: int) -> str:
        """Short digest of the examples of a seed_index, the same wherever they were made.

        In single precision, in which they are trained on.
        """
        arrays = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in self._arrays(seed_index)]
        return self._digest(arrays)[:12]

    def digest(self, seed_index: int) -> str:
        """Digest of all that a run with the examples of this seed_index depends on: other seeds' may come and go."""
        names, weights = list(self.weights), [weights[seed_index] for weights in self.weights.values()]
        return self._digest([*self._arrays(seed_index), *weights], *names)

    def _arrays(self, seed_index: int) -> list[np.ndarray]:
        return [array[seed_index] for split in (self.train, self.test) for array in (split.inputs, split.targets)]

    def _digest(self, arrays: Iterable[np.ndarray], *names: str) -> str:
        words = [self.task, str(self.outputs), repr(self.factor), repr(self.offset), *names]
        digest = hashlib.sha256(" ".join(words).encode())
        for array in map(np.ascontiguousarray, arrays):
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def problem(self, seeds: Sequence[Seed]) -> str | None:
        """What makes it no data set for these seeds, as the end of an error message; nothing where it is one."""
        if self.seeds and self.seeds != tuple(seeds):
            ranges = [f"{own[0].root}/{own[0].index} to {own[-1].root}/{own[-1].index}" for own in (self.seeds, seeds)]
            return f"drawn for seeds {join_short([ranges[0]])}, wanted: {ranges[1]}"
        if self.task not in get_args(Task):
            return f"found the task {shorten(self.task)}, allowed: {', '.join(get_args(Task))}"
        most_outputs = LARGEST_LABEL + 1 if self.task == "classification" else 1
        if not 1 <= self.outputs <= most_outputs:
            return f"found {shorten(self.outputs)} outputs, allowed: 1 to {most_outputs}"
        if len(self.names) not in (0, self.outputs):
            return f"found {len(self.names)} names, allowed: one for each of {self.outputs} classes, or none"
        if not np.isfinite([self.factor, self.offset]).all():
            return f"found the factor {self.factor} and the offset {self.offset}, allowed: numbers"
        kinds = ["int64"] if self.task == "classification" else ["float32", "float64"]
        for name, split in (("train", self.train), ("test", self.test)):
            if split.inputs.ndim != 3 or split.targets.shape != split.inputs.shape[:2]:
                shapes = f"{split.inputs.shape} and {split.targets.shape}"
                return f"{name}: found the shapes {shapes}, allowed: (S, N, D), (S, N)"
            if split.inputs.dtype not in ("uint8", "float32", "float64") or split.targets.dtype not in kinds:
                return f"{name}: found the types {split.inputs.dtype} and {split.targets.dtype}"
            seed_indices = len(self.seeds) or 1
            if split.inputs.shape[0] != seed_indices or split.inputs.shape[2] != self.features:
                allowed = f"{seed_indices} seeds, {self.features} features"
                return f"{name}: found the shape {split.inputs.shape}, allowed: {allowed}"
            if split.examples == 0 or self.features == 0:
                return f"{name}: found {split.examples} examples of {self.features} features, allowed: at least 1 of 1"
            least, most = split.targets.min(), split.targets.max()
            if self.task == "classification" and not 0 <= least <= most < self.outputs:
                return f"{name}: found labels from {least} to {most}, allowed: 0 to {self.outputs - 1}"
        for name, values in self.weights.items():
            fits = values.shape == self.train.targets.shape and values.dtype in ("float32", "float64")
            if not fits or not (values >= 0).all():
                return f"weights {name}: found {values.shape} {values.dtype}, allowed: one number from 0 an example"
        return None
