"""Weights of training examples where the test distribution differs from the training one.

Reference: Zhang et al., "Dive into Deep Learning", section "Environment and distribution shift".
"""

import numpy as np

from pipeline.arithmetic.arrays import total
from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.training.config import ImportanceWeights


def example_weights(config: ImportanceWeights, dataset: Dataset, seed: Seed, indices: np.ndarray) -> np.ndarray:
    """Return the weights of the examples at these indices, (n,) float64.

    Their mean is 1, so that a learning rate means the same with all importance weights.
    """
    if config.name == "none":
        return np.ones(len(indices))
    weights = np.minimum(dataset.weights[config.name][dataset.seed_index(seed.index), indices], config.clip)
    scaled: np.ndarray = weights / (total(weights) / len(weights))
    return scaled


def effective_examples(weights: np.ndarray) -> float:
    """Return Kish's effective sample size, (sum w)^2 / sum w^2: the number of equal examples with the same variance.

    >>> effective_examples(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(np.square(total(weights)) / total(np.square(weights)))
