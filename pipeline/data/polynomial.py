"""A polynomial, drawn for every seed.

Reference: Zhang et al., "Dive into Deep Learning", section "Underfitting and overfitting" (edition 0.x).
"""

import math
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.arithmetic.arrays import normals, product
from pipeline.core.config import Number, list_of, refused
from pipeline.data.base import Facts, Regression


class Polynomial(Regression):
    """y = sum_i w_i x^i / i! + noise, for x ~ N(0, 1); drawn for every seed."""

    source: Literal["polynomial"]
    features: Annotated[int, Field(ge=1, le=100)]
    """Inputs of the model: the powers x^i / i! for i = 0 to features - 1."""
    weights: list_of(Number)  # type: ignore[valid-type]
    """True weights w of the powers 0, 1, ...; those of the other powers are 0."""

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if len(self.weights) > self.features:
            raise refused("weights", f"at most as many weights as features ({self.features})")
        return self

    def facts(self) -> Facts:
        return Facts("regression", 1, self.features, self.train_examples, self.test_examples)

    def true_weights(self) -> list[float]:
        return [*self.weights, *[0.0] * (self.features - len(self.weights))]

    def sample(self, stream: np.random.Generator, examples: int) -> tuple[np.ndarray, np.ndarray]:
        inputs = features(normals(stream, examples), self.features)
        return inputs, product(inputs, np.array(self.true_weights())[:, None])[:, 0]


def features(x: np.ndarray, count: int) -> np.ndarray:
    """Compute x^i / i! for i = 0 .. count - 1: (...,) -> (..., count).

    >>> features(np.array([2.0]), 4).tolist()
    [[1.0, 2.0, 2.0, 1.3333333333333333]]
    """
    columns = np.ones((*x.shape, count))
    for power in range(1, count):
        columns[..., power] = columns[..., power - 1] * x
    columns /= np.array([float(math.factorial(power)) for power in range(count)])
    return columns
