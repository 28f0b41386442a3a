"""Stochastic gradient descent for R runs, each with its own learning rate, momentum, weight decay and penalty.

Reference: `torch.optim.SGD`, whose formula this is. Neither weight decay nor a penalty touches the biases.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.project.settings import SGD, Penalty
from pipeline.training.mlp import StackedMLP
from pipeline.training.products import accumulate


class StackedSGD:
    """Update of all parameters of a stack in place.

    Whether there is momentum or an l1 penalty is part of the program, its size is not: runs with and without are not
    stacked. The gradient of the l2 penalty, l2 w, is that of weight decay; that of the l1 penalty is l1 sign(w).

    Products are added to the weights where they lie, learning rate and all: written out, a gradient would pass through
    the memory five times. A weight is first shrunk, w (1 - learning rate * decay), which is left out where no run of
    the stack has decay: w * 1 is w to the bit.
    """

    def __init__(self, network: StackedMLP, settings: Sequence[SGD], penalties: Sequence[Penalty]) -> None:
        like = network.weights[0]

        def column(values: Sequence[float]) -> Tensor:
            return like.new_tensor(values)[:, None, None]

        decays = [setting.weight_decay + penalty.l2 for setting, penalty in zip(settings, penalties, strict=True)]
        rates = [setting.learning_rate for setting in settings]
        self._network = network
        self._learning_rate = column(rates)
        self._decay = column(decays)
        self._shrink = (
            column([1 - rate * decay for rate, decay in zip(rates, decays, strict=True)]) if any(decays) else None
        )
        self._l1 = column([penalty.l1 for penalty in penalties])
        self._momentum = column([setting.momentum for setting in settings])
        self._sparse, self._moving = penalties[0].l1 > 0, settings[0].momentum > 0
        if any((setting.momentum > 0) != self._moving for setting in settings):
            raise ValueError("runs with and without momentum are two programs")
        if any((penalty.l1 > 0) != self._sparse for penalty in penalties):
            raise ValueError("runs with and without an l1 penalty are two programs")
        self._velocities = [torch.zeros_like(weight) for weight in network.weights if self._moving]
        self._bias_velocities = [torch.zeros_like(bias) for bias in network.biases if self._moving]

    def step(self) -> None:
        """One update from the last `forward` and `output_gradient` of the network."""
        self._network.backward(self._move if self._moving else self._descend)

    def _descend(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        weight, bias = self._network.weights[layer], self._network.biases[layer]
        delta.mul_(self._learning_rate)
        push = torch.sign(weight).mul_(self._l1 * self._learning_rate) if self._sparse else None
        if self._shrink is not None:
            weight.mul_(self._shrink)
        if push is not None:
            weight.sub_(push)
        accumulate(weight, inputs, delta, -1)
        if self._network.bias:
            bias.sub_(delta.sum(dim=1, keepdim=True))

    def _move(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        weight, bias = self._network.weights[layer], self._network.biases[layer]
        # also where the decay is 0: to leave out what adds 0 changes the sign of a zero and the bits of a diverged run
        velocity = self._velocities[layer].mul_(self._momentum).add_(weight * self._decay)
        if self._sparse:
            velocity.add_(torch.sign(weight).mul_(self._l1))
        accumulate(velocity, inputs, delta, 1)
        weight.sub_(velocity * self._learning_rate)
        if self._network.bias:
            velocity = self._bias_velocities[layer].mul_(self._momentum).add_(delta.sum(dim=1, keepdim=True))
            bias.sub_(velocity * self._learning_rate)
