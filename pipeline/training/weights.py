"""How much each training example weighs where the test distribution differs from the training one.

Reference: Zhang et al., "Dive into Deep Learning", section "Environment and distribution shift".
"""

import numpy as np

from pipeline.arithmetic.arrays import total
from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.training.config import EstimatedWeights, ImportanceWeights


def example_weights(config: ImportanceWeights, dataset: Dataset, seed: Seed, places: np.ndarray) -> np.ndarray:
    """Weights of the examples at these places (n,), of mean 1, float64.

    The mean is 1 so that a learning rate means the same with every correction.
    """
    if config.name == "none":
        return np.ones(len(places))
    weights: np.ndarray = dataset.weights[config.name][dataset.seed_index(seed.index), places]
    if isinstance(config, EstimatedWeights):
        weights = np.minimum(weights, config.clip)
    scaled: np.ndarray = weights / (total(weights) / len(weights))
    return scaled


def effective_examples(weights: np.ndarray) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2: as many equal examples vary as little.

    >>> effective_examples(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    return float(np.square(total(weights)) / total(np.square(weights)))
