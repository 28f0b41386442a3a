"""Base classes of the data set configs: what each source states about its data, and how it makes them."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple, Protocol

import numpy as np
from pydantic import Field

from pipeline.arithmetic.arrays import normals
from pipeline.core.config import MAX_SEEDS, Config, Count, NonNegative
from pipeline.core.dataset import Dataset, Split, Task
from pipeline.core.seeding import Seed, generator


class Facts(NamedTuple):
    """What is known about a data set before it is made."""

    task: Task
    outputs: int  # number of classes, or 1 for a regression
    features: int  # after encoding
    train_examples: int
    test_examples: int
    source: str = "table"
    shifts: bool = False


class Validation(Protocol):
    """The numbers of a validation config that `Source.split_correlation` depends on."""

    @property
    def split_correlation(self) -> float: ...
    @property
    def validated(self) -> float: ...


class Source(Config):
    """Base of all data set configs. The defaults are those of a data set that is the same for all seeds."""

    @abstractmethod
    def facts(self) -> Facts:
        """Return what is known about the data set before it is made."""

    @abstractmethod
    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Make the data set."""

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        """Return the second term of Nadeau and Bengio's variance (analysis/statistics.py) for one split.

        Args:
            split: The part of the data that a value is measured on: train, validation, test, or none.
            validations: Those of all runs that are compared.
        """
        return max((run.split_correlation for run in validations), default=0.0) if split == "validation" else 0.0

    def true_weights(self) -> list[float]:
        """Return the weights of the linear model that the data follow, if they follow one."""
        return []


class Generated(Source):
    """Base of the data sets that each seed draws."""

    train_examples: Count
    """Examples that each seed draws to train on; if the data shift, before the shift."""
    test_examples: Count
    """Examples that each seed draws to test on; if the data shift, after the shift."""
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] | None = None
    """Seeds of the studies on this data set, if their number is not `seeds.count`."""

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        return 0.0


class Regression(Generated):
    """Base of inputs and noisy values; the first n examples of a seed do not depend on how many are drawn."""

    noise_sd: NonNegative
    """Standard deviation of the noise in y; 0 for none."""

    @abstractmethod
    def sample(self, stream: np.random.Generator, examples: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw inputs (N, D) and values without noise (N,)."""

    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Draw inputs (S, N, D) and values (S, N)."""

        def draw(seed: Seed, part: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
            inputs, values = self.sample(generator(seed, "data", part, 0), examples)
            return inputs, values + self.noise_sd * normals(generator(seed, "data", part, 1), examples)

        train, test = (
            stack([draw(seed, part, examples) for seed in seeds])
            for part, examples in enumerate((self.train_examples, self.test_examples))
        )
        return Dataset(task="regression", outputs=1, train=train, test=test, seeds=tuple(seeds))


def stack(samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> Split:
    """Return the split whose examples each seed drew: inputs (N, D) and targets (N,) per seed."""
    inputs, targets = zip(*samples, strict=True)
    return Split(np.stack(inputs), np.stack(targets))
