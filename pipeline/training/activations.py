"""Activation functions, in place, with their derivative taken from the output where it can be.

A derivative that the output does not determine is taken from the input, which the network then keeps.

Only operations that round once an element are used: torch's fused sigmoid and backward kernels give other bits in the
vector body than in the scalar tail of a tensor, so that a run's numbers would depend on where in memory it lies.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Activation(ABC):
    """A function of one variable, applied to every element."""

    moves_zero = False  # whether f(0) differs from 0, so that padded units must be set back
    needs_input = False  # whether f'(z) needs z; `scratch` then holds it

    @abstractmethod
    def apply_(self, z: Tensor) -> None:
        """Replace z by f(z)."""

    @abstractmethod
    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        """Replace the gradient by gradient * f'(z), where h = f(z).

        `scratch` has the shape of both and is overwritten; it holds z on entry where the activation needs its input.
        """


class ReLU(Activation):
    """max(z, 0); its derivative at 0 is 0."""

    def apply_(self, z: Tensor) -> None:
        z.clamp_(min=0)

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.ops.aten.threshold_backward.grad_input(gradient, h, 0, grad_input=gradient)


class LeakyReLU(Activation):
    """z above 0, 0.01 z below, where its derivative is 0.01, also at 0."""

    def apply_(self, z: Tensor) -> None:
        torch.maximum(z, z * 0.01, out=z)

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.gt(h, 0, out=scratch)
        gradient.mul_(scratch.mul_(0.99).add_(0.01))


class ELU(Activation):
    """z above 0, exp(z) - 1 below."""

    def apply_(self, z: Tensor) -> None:
        below = z.clamp(max=0).exp_().sub_(1)
        z.clamp_(min=0).add_(below)

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.clamp(h, max=0, out=scratch)
        gradient.mul_(scratch.add_(1))


class GELU(Activation):
    """z Phi(z), Phi being the distribution function of N(0, 1)."""

    needs_input = True

    def apply_(self, z: Tensor) -> None:
        z.mul_(_normal_distribution(z))

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        density = scratch.square().mul_(-0.5).exp_().mul_(1 / math.sqrt(2 * math.pi))
        gradient.mul_(_normal_distribution(scratch).add_(density.mul_(scratch)))


class SiLU(Activation):
    """z sigmoid(z), also called Swish."""

    needs_input = True

    def apply_(self, z: Tensor) -> None:
        z.mul_(_sigmoid(z))

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        sigmoid = _sigmoid(scratch)
        gradient.mul_(torch.neg(sigmoid, out=scratch).add_(1).mul_(h).add_(sigmoid))


class Sigmoid(Activation):
    """1 / (1 + exp(-z)), as 0.5 + 0.5 tanh(z / 2)."""

    moves_zero = True

    def apply_(self, z: Tensor) -> None:
        z.mul_(0.5).tanh_().mul_(0.5).add_(0.5)

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.neg(h, out=scratch)
        gradient.mul_(scratch.add_(1).mul_(h))


class Tanh(Activation):
    """tanh(z), with the derivative 1 - tanh(z)^2."""

    def apply_(self, z: Tensor) -> None:
        z.tanh_()

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.mul(h, h, out=scratch)
        gradient.mul_(scratch.neg_().add_(1))


class Identity(Activation):
    """z: layers without activation."""

    def apply_(self, z: Tensor) -> None:
        pass

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        pass


def _sigmoid(z: Tensor) -> Tensor:
    return z.mul(0.5).tanh_().mul_(0.5).add_(0.5)


def _normal_distribution(z: Tensor) -> Tensor:
    return z.mul(1 / math.sqrt(2)).erf_().add_(1).mul_(0.5)


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "elu": ELU(),
    "gelu": GELU(),
    "silu": SiLU(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "identity": Identity(),
}

# the same functions by torch.nn
MODULES: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}
