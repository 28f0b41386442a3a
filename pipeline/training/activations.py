"""Activation functions, in place, with their derivative taken from the output.

Only operations that round once an element are used: torch's fused sigmoid and backward kernels give other bits in the
vector body than in the scalar tail of a tensor, so that a run's numbers would depend on where in memory it lies.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor


class Activation(ABC):
    """A function of one variable, applied to every element."""

    moves_zero = False  # whether f(0) differs from 0, so that padded units must be set back

    @abstractmethod
    def apply_(self, z: Tensor) -> None:
        """Replace z by f(z)."""

    @abstractmethod
    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        """Replace the gradient by gradient * f'(z), where h = f(z); `scratch` has the shape of both."""


class ReLU(Activation):
    """max(z, 0); its derivative at 0 is 0."""

    def apply_(self, z: Tensor) -> None:
        z.clamp_(min=0)

    def chain_(self, gradient: Tensor, h: Tensor, scratch: Tensor) -> None:
        torch.ops.aten.threshold_backward.grad_input(gradient, h, 0, grad_input=gradient)


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


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": ReLU(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "identity": Identity(),
}
