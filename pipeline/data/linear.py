"""Linear data, drawn for every seed.

Reference: Zhang et al., "Dive into Deep Learning", section "Weight decay".
"""

from typing import Literal

import numpy as np

from pipeline.arithmetic.arrays import normals, total
from pipeline.core.config import Count, Number
from pipeline.data.base import Facts, Regression


class Linear(Regression):
    """y = b + sum_j w x_j + noise, for x ~ N(0, I) and one w for all inputs; drawn for every seed."""

    source: Literal["linear"]
    inputs: Count
    """Number of inputs j."""
    weight: Number
    """True weight w, the same for all inputs."""
    bias: Number
    """True bias b."""

    def facts(self) -> Facts:
        return Facts("regression", 1, self.inputs, self.train_examples, self.test_examples)

    def true_weights(self) -> list[float]:
        return [self.weight] * self.inputs

    def sample(self, stream: np.random.Generator, examples: int) -> tuple[np.ndarray, np.ndarray]:
        x = normals(stream, (examples, self.inputs))
        return x, self.bias + self.weight * total(x)
