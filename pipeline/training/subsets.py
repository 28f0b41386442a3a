"""The examples of the training set that a run trains on, is validated on, and is stopped by."""

from typing import NamedTuple

import numpy as np

from pipeline.core.seeding import Seed, generator
from pipeline.training.config import RunConfig


class Subset(NamedTuple):
    """Disjoint indices of all used examples, (n,) each, ascending, int64."""

    trained: np.ndarray
    validation: np.ndarray
    stopping: np.ndarray


def subset(config: RunConfig, seed: Seed, fold: int, examples: int) -> Subset:
    """Split the training set for a run.

    Args:
        config: Number of used examples and how they are split.
        seed: Variants with one seed are split alike.
        fold: 0 trains on all; 1, 2, ... leave one part out. The parts of one seed do not overlap.
        examples: Size of the whole training set.
    """
    sizes = config.sizes(fold, examples)
    trained = np.arange(sum(sizes))
    validation = stopping = trained[:0]
    if fold:
        order = generator(seed, "split").permutation(len(trained))
        validation = np.sort(order[(fold - 1) * sizes.validation : fold * sizes.validation])
        trained = np.setdiff1d(trained, validation, assume_unique=True)
    if sizes.stopping:
        stopping = np.sort(generator(seed, "stopping", fold).permutation(trained)[: sizes.stopping])
        trained = np.setdiff1d(trained, stopping, assume_unique=True)
    return Subset(trained, validation, stopping)
