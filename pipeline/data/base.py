"""Base classes of the data set configs."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple, Protocol

import numpy as np
from pydantic import Field

from pipeline.arithmetic.arrays import normals
from pipeline.core.config import MAX_SEEDS, Config, Count, NonNegative
from pipeline.core.dataset import Dataset, Split, Task
from pipeline.core.seeding import Seed, generator

OwnSeeds = Annotated[int, Field(ge=1, le=MAX_SEEDS)] | None


class Facts(NamedTuple):
    """What is known about a data set before it is made."""

    task: Task
    outputs: int  # number of classes, or 1 for a regression
    features: int  # after encoding
    train_examples: int
    test_examples: int
    images: bool = False
    shifts: bool = False  # between training and test


class Validation(Protocol):
    """The part of a validation config that `Source.split_correlation` depends on."""

    @property
    def split_correlation(self) -> float: ...
    @property
    def validated(self) -> float: ...


class Source(Config):
    """Base of all data set configs; by default all seeds share the examples."""

    @abstractmethod
    def facts(self) -> Facts: ...

    @abstractmethod
    def make(self, seeds: Sequence[Seed]) -> Dataset: ...

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        """Return q / (1 - q) for one split, the second term of Nadeau and Bengio's corrected variance.

        Args:
            split: The part of the data that a value is measured on: train, validation, test, or none.
            validations: The validation configs of all runs that are compared.
        """
        return max((run.split_correlation for run in validations), default=0.0) if split == "validation" else 0.0

    def true_weights(self) -> list[float]:
        """Return the weights of the linear model that the data follow; empty if there is no such model."""
        return []


class Generated(Source):
    """Base of data sets whose examples each seed draws."""

    train_examples: Count
    """Examples that each seed draws to train on; if the data shift, before the shift."""
    test_examples: Count
    """Examples that each seed draws to test on; if the data shift, after the shift."""
    seeds: OwnSeeds = None
    """Seeds of the studies on this data set, if their number is not `seeds.count`."""

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        return 0.0


class Regression(Generated):
    """Base of generated regressions; the first n examples of a seed do not depend on how many are drawn."""

    noise_sd: NonNegative
    """Standard deviation of the noise in y; 0 for none."""

    @abstractmethod
    def sample(self, stream: np.random.Generator, examples: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw inputs (N, D) and values without noise (N,)."""

    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Draw inputs (S, N, D) and values (S, N)."""

        def split(part: int, examples: int) -> Split:
            samples = []
            for seed in seeds:
                inputs, values = self.sample(generator(seed, "data", part, 0), examples)
                noise = self.noise_sd * normals(generator(seed, "data", part, 1), examples)
                samples.append((inputs, values + noise))
            return stack(samples)

        train, test = split(0, self.train_examples), split(1, self.test_examples)
        return Dataset("regression", 1, train, test, seeds=tuple(seeds))


def stack(samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Split:
    """Stack the inputs (N, D) and targets (N,) of each seed."""
    inputs, targets = zip(*samples, strict=True)
    return Split(np.stack(inputs), np.stack(targets))
