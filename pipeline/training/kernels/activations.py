"""Activation functions: the value of each and its slope, by which the backward pass multiplies.

Each takes a vector of inputs z and returns f(z) and f'(z). A new one is a function here and a line in `activate`; its
name stands in `training/config.py`, its counterpart of torch in `concise.py`.
"""

import math

import numpy as np

from pipeline.arithmetic.functions import erf, exp, sigmoid, tanh
from pipeline.arithmetic.vector import *
from pipeline.training.kernels.arguments import ACTIVATIONS

_RELU, _LEAKY_RELU, _ELU, _GELU, _SILU, _SIGMOID, _TANH, IDENTITY = range(len(ACTIVATIONS))


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
    s = sigmoid(z)
    h = z * s
    return h, s + h * (1.0 - s)


@inline
def sigmoid_(z):
    """1 / (1 + e^-z)."""
    h = sigmoid(z)
    return h, h * (1.0 - h)


@inline
def tanh_(z):
    """tanh(z)."""
    h = tanh(z)
    return h, 1.0 - h * h


@inline
def identity(z):
    """z: layers without activation."""
    return z, splat(z, 1.0)


@inline
def activate(activation, z):
    """Value and slope of the activation with this number, the place of its name in `ACTIVATIONS`."""
    if activation == _RELU:
        return relu(z)
    if activation == _LEAKY_RELU:
        return leaky_relu(z)
    if activation == _ELU:
        return elu(z)
    if activation == _GELU:
        return gelu(z)
    if activation == _SILU:
        return silu(z)
    if activation == _SIGMOID:
        return sigmoid_(z)
    if activation == _TANH:
        return tanh_(z)
    return identity(z)


@kernel
def values_and_slopes(activation, points, values, slopes, vectors):
    """Write value and slope of one activation at float64 points, whole vectors of them."""
    z, h, slope = (
        Matrix(points, np.int64(1), vectors),
        Matrix(values, np.int64(1), vectors),
        Matrix(slopes, np.int64(1), vectors),
    )
    for i in range(vectors):
        value, derivative = activate(activation, load(z, i, 0))
        store(h, i, 0, value)
        store(slope, i, 0, derivative)
