"""Which examples of the training set a run trains on, and which it is validated on."""

import numpy as np

from pipeline.project.seeding import Seed, generator
from pipeline.project.settings import Data


def subset(settings: Data, seed: Seed, fold: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the examples to train on, (n,), and of those to validate on, (m,), both ascending, int64.

    Args:
        settings: How many examples are used and how they are split.
        seed: Variants with one seed are split alike.
        fold: 0 trains on all; 1, 2, ... leave one part out. The parts of one seed do not overlap.
        examples: Of the whole training set.
    """
    trained, held = settings.sizes(fold, examples)
    if fold == 0:
        return np.arange(trained), np.arange(0)
    order = generator(seed, "split").permutation(trained + held)
    out = np.zeros(trained + held, dtype=bool)
    out[order[(fold - 1) * held : fold * held]] = True
    return np.flatnonzero(~out), np.flatnonzero(out)
