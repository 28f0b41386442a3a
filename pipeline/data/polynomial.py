"""Polynomial data: y = sum_i w_i x^i / i! + noise for x ~ N(0, 1), drawn anew for every seed.

Reference: Zhang et al., "Dive into Deep Learning", section "Underfitting and overfitting" (edition 0.x).
"""

import math
from collections.abc import Sequence

import numpy as np

from pipeline.arithmetic.arrays import normals, product
from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed, generator
from pipeline.data.config import Polynomial


def features(x: np.ndarray, count: int) -> np.ndarray:
    """x^i / i! for i = 0 .. count - 1: (...,) -> (..., count).

    >>> features(np.array([2.0]), 4).tolist()
    [[1.0, 2.0, 2.0, 1.3333333333333333]]
    """
    columns = np.ones((*x.shape, count))
    for power in range(1, count):
        columns[..., power] = columns[..., power - 1] * x
    columns /= np.array([float(math.factorial(power)) for power in range(count)])
    return columns


def make(config: Polynomial, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, features) and values (S, N).

    The first n examples of a seed are the same however many are asked for.
    """
    weights = np.zeros(config.features)
    weights[: len(config.weights)] = config.weights

    def draw(part: int, examples: int) -> Split:
        inputs, targets = [], []
        for seed in seeds:
            x = normals(generator(seed, "data", part, 0), examples)
            noise = normals(generator(seed, "data", part, 1), examples)
            inputs.append(features(x, config.features))
            targets.append(product(inputs[-1], weights[:, None])[:, 0] + config.noise_sd * noise)
        return Split(np.stack(inputs), np.stack(targets))

    return Dataset(
        task="regression",
        outputs=1,
        train=draw(0, config.train_examples),
        test=draw(1, config.test_examples),
        seeds=tuple(seeds),
    )
