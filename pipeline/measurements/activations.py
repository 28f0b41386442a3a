"""Measurement `activations`: activation functions and their gradients.

Reference: Zhang et al., "Dive into Deep Learning", section "Multilayer perceptrons".
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.core.config import Number, refused
from pipeline.measurements.base import Measurement, Quantity, Series
from pipeline.training.kernels.arguments import ActivationName

_LARGEST_GRADIENTS = {"relu": 1.0, "leaky_relu": 1.0, "elu": 1.0, "sigmoid": 0.25, "tanh": 1.0, "identity": 1.0}


class Activations(Measurement):
    """Value and gradient of activation functions at evenly spaced points."""

    kind: Literal["activations"]
    functions: Annotated[tuple[ActivationName, ...], Field(strict=False, min_length=1)]
    """The activation functions, each once."""
    low: Number
    """Leftmost point."""
    high: Number
    """Rightmost point; more than `low`."""
    points: Annotated[int, Field(ge=2, le=10_000)]
    """Number of points, both ends included."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low >= self.high:
            raise refused("high", f"more than low ({self.low:g})")
        if len(set(self.functions)) < len(self.functions):
            raise refused("functions", "each once")
        return self

    @property
    def quantities(self) -> dict[str, Quantity]:
        quantities = {}
        for name in self.functions:
            label, expected = f"largest gradient of {name.replace('_', ' ')}", _LARGEST_GRADIENTS.get(name, math.nan)
            quantities[f"largest_gradient_{name}"] = Quantity(label, (name, "gradient"), "max", expected)
        if {"tanh", "sigmoid"} <= set(self.functions):
            label = "largest |tanh(x) + 1 − 2 sigmoid(2x)|"
            quantities["tanh_identity"] = Quantity(label, ("tanh", "identity"), "max_abs", 0.0)
        return quantities

    def series(self, root: int) -> Iterator[Series]:
        """Compute values and gradients in float64, and tanh(x) + 1 - 2 sigmoid(2x), which is 0."""
        steps = np.arange(self.points)
        x = (self.low * steps[::-1] + self.high * steps) / steps[-1]
        for name in self.functions:
            values, gradients = values_and_gradients(name, x)
            yield name, "value", x, values
            yield name, "gradient", x, gradients
        if "tanh_identity" in self.quantities:
            identity = values_and_gradients("tanh", x)[0] + 1 - 2 * values_and_gradients("sigmoid", 2 * x)[0]
            yield "tanh", "identity", x, identity


def values_and_gradients(name: str, points: np.ndarray) -> np.ndarray:
    """Compute value and gradient of an activation by the kernel of training: (N,) -> (2, N), float64."""
    from pipeline.arithmetic.library import function
    from pipeline.training.kernels.arguments import ACTIVATIONS

    vectors = -(-len(points) // 16)
    arrays = np.zeros((3, 16 * vectors))
    arrays[0, : len(points)] = points
    kernel = "pipeline.training.kernels.activations:values_and_slopes"
    write = function(kernel, "int64", *["float64*"] * 3, "int64")
    write(ACTIVATIONS.index(name), *(array.ctypes.data for array in arrays), vectors)
    return arrays[1:, : len(points)]
