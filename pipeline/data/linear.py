"""Linear data: y = b + w sum_j x_j + noise for x ~ N(0, I), drawn anew for every seed.

Reference: Zhang et al., "Dive into Deep Learning", section "Weight decay".
"""

from collections.abc import Sequence

import numpy as np

from pipeline.arithmetic.arrays import normals, total
from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed, generator
from pipeline.data.config import Linear


def make(config: Linear, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, inputs) and values (S, N).

    The first n examples of a seed are the same however many are asked for.
    """

    def draw(part: int, examples: int) -> Split:
        inputs, targets = [], []
        for seed in seeds:
            x = normals(generator(seed, "data", part, 0), (examples, config.inputs))
            noise = normals(generator(seed, "data", part, 1), examples)
            inputs.append(x)
            targets.append(config.bias + config.weight * total(x) + config.noise_sd * noise)
        return Split(np.stack(inputs), np.stack(targets))

    return Dataset(
        task="regression",
        outputs=1,
        train=draw(0, config.train_examples),
        test=draw(1, config.test_examples),
        seeds=tuple(seeds),
    )
