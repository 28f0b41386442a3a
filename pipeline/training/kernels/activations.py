"""Activation functions: the value of each and its slope, by which the backward pass multiplies.

Each takes a vector of inputs z and returns f(z) and f'(z). A new one is a function here and its name in `arguments`;
its counterpart is the function of the same name in `torch.nn.functional`.
"""

import math

import numpy as np

from pipeline.arithmetic import functions
from pipeline.arithmetic.functions import erf, exp
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import ACTIVATIONS
from pipeline.training.kernels.choice import choose

IDENTITY = ACTIVATIONS.index("identity")


@inline
def relu(z):
    """max(z, 0); the slope at 0 is 0."""
    return where(z < 0.0, 0.0, z), where(z > 0.0, splat(z, 1.0), 0.0)


@inline
def leaky_relu(z):
    """Z above 0, 0.01 z below; the slope at 0 is 0.01."""
    return where(z > 0.0, z, 0.01 * z), where(z > 0.0, splat(z, 1.0), 0.01)


@inline
def elu(z):
    """Z above 0, e^z - 1 below."""
    below = exp(z)
    return where(z > 0.0, z, below - 1.0), where(z > 0.0, 1.0, below)


@inline
def gelu(z):
    """Z Phi(z) for the standard normal distribution function Phi."""
    distribution = 0.5 + 0.5 * erf(z * math.sqrt(0.5))
    density = exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
    return z * distribution, distribution + z * density


@inline
def silu(z):
    """Z sigmoid(z), also called Swish."""
    s = functions.sigmoid(z)
    h = z * s
    return h, s + h * (1.0 - s)


@inline
def sigmoid(z):
    """1 / (1 + e^-z)."""
    h = functions.sigmoid(z)
    return h, h * (1.0 - h)


@inline
def tanh(z):
    """Hyperbolic tangent."""
    h = functions.tanh(z)
    return h, 1.0 - h * h


@inline
def identity(z):
    """z: layers without activation."""
    return z, splat(z, 1.0)


# (number, z) -> (value, slope); the number is the index of the name in `ACTIVATIONS`
activate = choose([globals()[name] for name in ACTIVATIONS])


@kernel
def values_and_slopes(activation, points, values, slopes, vectors):
    """Write value and slope of one activation at whole vectors of points."""
    row = np.int64(1)
    z, h, slope = Matrix(points, row, vectors), Matrix(values, row, vectors), Matrix(slopes, row, vectors)
    for i in range(vectors):
        value, derivative = activate(activation, load(z, i, 0))
        store(h, i, 0, value)
        store(slope, i, 0, derivative)
