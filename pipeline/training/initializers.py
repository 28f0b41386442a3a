"""Initial weights and biases, drawn from NumPy streams so that both implementations start alike.

Reference: Glorot and Bengio (2010); He et al. (2015); `torch.nn.init`, whose names and formulas these are.
"""

import functools
import math
from collections.abc import Callable

import numpy as np

from pipeline.arithmetic.arrays import normals
from pipeline.core.seeding import Seed, generator
from pipeline.training import config as kinds


def initial(
    configs: kinds.Initialization, seed: Seed, layer: int, fan_in: int, fan_out: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (fan_in, fan_out) and bias (fan_out,) of one layer of one run, float64.

    They depend on the seed, the number of the layer and its shape: variants that share these and the kind of
    distribution differ by a factor only.
    """
    weight, bias = (functools.partial(generator, seed, "initialization", layer, part) for part in (0, 1))
    return (
        draw(configs.weight, weight, (fan_in, fan_out), fan_in, fan_out),
        draw(configs.bias, bias, (fan_out,), fan_in, fan_out),
    )


def draw(
    configs: kinds.WeightInitializer,
    stream: Callable[[], np.random.Generator],
    shape: tuple[int, ...],
    fan_in: int,
    fan_out: int,
) -> np.ndarray:
    """Numbers of one distribution, float64, from the beginning of a stream."""

    def normal(std: float) -> np.ndarray:
        return std * normals(stream(), shape)

    def uniform(bound: float) -> np.ndarray:
        return bound * (2 * stream().random(shape) - 1)

    match configs:
        case kinds.Zeros():
            return np.zeros(shape)
        case kinds.Constant():
            return np.full(shape, configs.value)
        case kinds.Normal():
            return normal(configs.std)
        case kinds.Uniform():
            return uniform(configs.bound)
        case kinds.XavierUniform():
            return uniform(configs.gain * math.sqrt(6 / (fan_in + fan_out)))
        case kinds.XavierNormal():
            return normal(configs.gain * math.sqrt(2 / (fan_in + fan_out)))
        case kinds.KaimingUniform():
            return uniform(math.sqrt(6 / fan_in))
        case kinds.KaimingNormal():
            return normal(math.sqrt(2 / fan_in))
        case kinds.TorchLinear():
            return uniform(1 / math.sqrt(fan_in))
