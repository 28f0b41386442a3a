"""Initial weights and biases, drawn from NumPy streams so that both implementations start alike.

A new initializer is a class here and its place in `WeightInitializer`, in `BiasInitializer`, or in both.

Reference: Glorot and Bengio (2010); He et al. (2015); `torch.nn.init`, whose names and formulas these are.
"""

import functools
import math
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import Discriminator

from pipeline.core.config import Config, NonNegative, Number
from pipeline.core.seeding import Seed, generator

Stream = Callable[[], np.random.Generator]
Shape = tuple[int, ...]


def _uniform(bound: float, stream: Stream, shape: Shape) -> np.ndarray:
    return bound * (2 * stream().random(shape) - 1)


def _normal(std: float, stream: Stream, shape: Shape) -> np.ndarray:
    from pipeline.arithmetic.arrays import normals  # slow to import, and every command imports this module

    return std * normals(stream(), shape)


class Zeros(Config):
    """All 0."""

    name: Literal["zeros"]

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        """Draw the numbers of one layer, float64, from the beginning of a stream."""
        return np.zeros(shape)


class Constant(Config):
    """All `value`: an equal start, whose symmetry only dropout breaks."""

    name: Literal["constant"]
    value: Number
    """The number that all of them start with."""

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        return np.full(shape, self.value)


class Normal(Config):
    """N(0, std^2)."""

    name: Literal["normal"]
    std: NonNegative
    """Standard deviation; 0 for all zeros."""

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        return _normal(self.std, stream, shape)


class Uniform(Config):
    """Uniform within `bound`."""

    name: Literal["uniform"]
    bound: NonNegative
    """Half the width of the interval around 0; 0 for all zeros."""

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        return _uniform(self.bound, stream, shape)


class TorchLinear(Config):
    """The default of `torch.nn.Linear`: uniform within 1 / sqrt(fan_in), weight and bias alike."""

    name: Literal["torch_linear"]

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        return _uniform(1 / math.sqrt(fan_in), stream, shape)


class Scaled(Config):
    """By the widths of a layer, as `torch.nn.init` does by default.

    Xavier: uniform within sqrt(6 / (fan_in + fan_out)), or N(0, 2 / (fan_in + fan_out)). Kaiming: uniform within
    sqrt(6 / fan_in), or N(0, 2 / fan_in).
    """

    name: Literal["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]

    def draw(self, stream: Stream, shape: Shape, fan_in: int, fan_out: int) -> np.ndarray:
        fans = fan_in + fan_out if self.name.startswith("xavier") else fan_in
        if self.name.endswith("uniform"):
            return _uniform(math.sqrt(6 / fans), stream, shape)
        return _normal(math.sqrt(2 / fans), stream, shape)


WeightInitializer = Annotated[Zeros | Constant | Normal | Uniform | Scaled | TorchLinear, Discriminator("name")]
BiasInitializer = Annotated[Zeros | Constant | Normal | Uniform | TorchLinear, Discriminator("name")]


class Initialization(Config):
    """Initial weights and biases. Without `model.bias` there is no bias to start."""

    weight: WeightInitializer
    """Start of the weights of all layers."""
    bias: BiasInitializer
    """Start of the biases of all layers."""


def initial(config: Initialization, seed: Seed, layer: int, fan_in: int, fan_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw weight (fan_in, fan_out) and bias (fan_out,) of one layer of one run, float64.

    They depend on the seed, the number of the layer and its shape: variants that share these and the kind of
    distribution differ by a factor only.
    """
    weight, bias = (functools.partial(generator, seed, "initialization", layer, part) for part in (0, 1))
    shape = fan_in, fan_out
    return config.weight.draw(weight, shape, *shape), config.bias.draw(bias, shape[1:], *shape)
