"""Polynomial data: y = sum_i w_i x^i / i! + noise for x ~ N(0, 1), drawn anew for every seed.

Reference: Zhang et al., "Dive into Deep Learning", section "Underfitting and overfitting" (edition 0.x).
"""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from pipeline.project.dataset import Dataset, Split
from pipeline.project.seeding import Seed, generator
from pipeline.project.settings.datasets import Polynomial


def features(x: np.ndarray, count: int) -> np.ndarray:
    """x^i / i! for i = 0 .. count - 1: (...,) -> (..., count).

    >>> features(np.array([2.0]), 4).tolist()
    [[1.0, 2.0, 2.0, 1.3333333333333333]]
    """
    factorials = np.array([float(math.factorial(power)) for power in range(count)])
    return cast(np.ndarray, x[..., None] ** np.arange(count) / factorials)


def make(settings: Polynomial, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, features) and values (S, N).

    The first n examples of a seed are the same however many are asked for.
    """
    weights = np.zeros(settings.features)
    weights[: len(settings.weights)] = settings.weights

    def draw(part: int, examples: int) -> Split:
        inputs, targets = [], []
        for seed in seeds:
            x = generator(seed, "data", part, 0).standard_normal(examples)
            noise = generator(seed, "data", part, 1).standard_normal(examples)
            inputs.append(features(x, settings.features))
            targets.append(inputs[-1] @ weights + settings.noise_sd * noise)
        return Split(np.stack(inputs), np.stack(targets))

    return Dataset(
        task="regression",
        outputs=1,
        train=draw(0, settings.train_examples),
        test=draw(1, settings.test_examples),
        seeds=tuple(seeds),
    )
