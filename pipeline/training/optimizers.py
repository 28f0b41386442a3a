"""Optimizers for R runs at once, each with its own learning rate, weight decay, penalty and moments.

Reference: `torch.optim.SGD`, `Adam` and `AdamW`, whose formulas these are. Neither weight decay nor a penalty touches
the biases. The gradient of the l2 penalty, l2 w, is that of weight decay; that of the l1 penalty is l1 sign(w).

Every operation on elements rounds once: a fused one (multiply and add) rounds otherwise in the last elements of a
vector than in the others, and which elements are the last depends on the stack.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.project.settings.training import SGD, Adam, AdamW, Optimizer, Penalty
from pipeline.training.mlp import StackedMLP
from pipeline.training.products import accumulate


def kind(setting: Optimizer) -> tuple[object, ...]:
    """What of an optimizer runs must share to be trained as one stack; the sizes of all else may differ."""
    return (setting.name, setting.momentum > 0, setting.nesterov) if isinstance(setting, SGD) else (setting.name,)


class StackedOptimizer:
    """Update of all parameters of a stack in place."""

    def __init__(self, network: StackedMLP, settings: Sequence[Optimizer], penalties: Sequence[Penalty]) -> None:
        if len({kind(setting) for setting in settings}) > 1:
            raise ValueError("runs of several optimizers, or with and without momentum, are several programs")
        if len({penalty.l1 > 0 for penalty in penalties}) > 1:
            raise ValueError("runs with and without an l1 penalty are two programs")
        self._network = network
        self._rates = [setting.learning_rate for setting in settings]
        self._factors: list[float] = []
        self._sparse = penalties[0].l1 > 0
        self._l1 = self._column([penalty.l1 for penalty in penalties])

    def follow(self, factors: Sequence[float]) -> None:
        """Set the learning rate of each run to that of its settings times a factor."""
        if list(factors) != self._factors:
            self._factors = list(factors)
            self._set_rates([rate * factor for rate, factor in zip(self._rates, factors, strict=True)])

    def step(self) -> None:
        """One update from the last `forward` and `output_gradient` of the network."""
        self._network.backward(self._update)

    def _set_rates(self, rates: list[float]) -> None:
        raise NotImplementedError

    def _update(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        raise NotImplementedError

    def _column(self, values: Sequence[float]) -> Tensor:
        """One number a run, (R, 1, 1)."""
        return self._network.weights[0].new_tensor(values)[:, None, None]

    def _gradient(self, layer: int, decay: Tensor, inputs: Tensor, delta: Tensor, out: Tensor) -> Tensor:
        """Add the gradient by a layer's weights, with that of the penalties, to `out`, (R, D, H)."""
        weight = self._network.weights[layer]
        # also where the decay is 0: to leave out what adds 0 changes the sign of a zero and the bits of a diverged run
        out.add_(weight * decay)
        if self._sparse:
            out.add_(torch.sign(weight).mul_(self._l1))
        accumulate(out, inputs, delta, 1)
        return out


class StackedSGD(StackedOptimizer):
    """Stochastic gradient descent, without and with momentum.

    Without momentum products are added to the weights where they lie, learning rate and all: written out, a gradient
    would pass through the memory five times. A weight is first shrunk, w (1 - learning rate * decay), which is left out
    where no run of the stack has decay: w * 1 is w to the bit.
    """

    def __init__(self, network: StackedMLP, settings: Sequence[SGD], penalties: Sequence[Penalty]) -> None:
        super().__init__(network, settings, penalties)
        self._decays = [setting.weight_decay + penalty.l2 for setting, penalty in zip(settings, penalties, strict=True)]
        self._decay = self._column(self._decays)
        self._momentum = self._column([setting.momentum for setting in settings])
        self._moving, self._nesterov = settings[0].momentum > 0, settings[0].nesterov
        self._velocities = [torch.zeros_like(weight) for weight in network.weights if self._moving]
        self._bias_velocities = [torch.zeros_like(bias) for bias in network.biases if self._moving]
        self._gradients = [torch.zeros_like(weight) for weight in network.weights if self._nesterov]
        self.follow([1.0] * len(settings))

    def _set_rates(self, rates: list[float]) -> None:
        self._learning_rate = self._column(rates)
        self._shrink: Tensor | None = None
        if any(self._decays):
            self._shrink = self._column([1 - rate * decay for rate, decay in zip(rates, self._decays, strict=True)])

    def _update(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        if self._nesterov:
            self._look_ahead(layer, inputs, delta)
        elif self._moving:
            self._move(layer, inputs, delta)
        else:
            self._descend(layer, inputs, delta)

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
        velocity = self._velocities[layer].mul_(self._momentum)
        self._gradient(layer, self._decay, inputs, delta, velocity)
        self._network.weights[layer].sub_(velocity * self._learning_rate)
        if self._network.bias:
            velocity = self._bias_velocities[layer].mul_(self._momentum).add_(delta.sum(dim=1, keepdim=True))
            self._network.biases[layer].sub_(velocity * self._learning_rate)

    def _look_ahead(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        gradient = self._gradient(layer, self._decay, inputs, delta, self._gradients[layer].zero_())
        parts = [(self._network.weights[layer], self._velocities[layer], gradient)]
        if self._network.bias:
            sums = delta.sum(dim=1, keepdim=True)
            parts.append((self._network.biases[layer], self._bias_velocities[layer], sums))
        for parameter, velocity, own in parts:
            velocity.mul_(self._momentum).add_(own)
            parameter.sub_((velocity * self._momentum).add_(own).mul_(self._learning_rate))


class StackedAdam(StackedOptimizer):
    """Adam, and AdamW, whose weight decay shrinks the weights and is no part of the gradient."""

    def __init__(self, network: StackedMLP, settings: Sequence[Adam | AdamW], penalties: Sequence[Penalty]) -> None:
        super().__init__(network, settings, penalties)
        decoupled = isinstance(settings[0], AdamW)
        decays = [setting.weight_decay for setting in settings]
        self._decoupled = decays if decoupled else [0.0] * len(settings)
        coupled = [0.0] * len(settings) if decoupled else decays
        self._decay = self._column([one + penalty.l2 for one, penalty in zip(coupled, penalties, strict=True)])
        self._betas = [(setting.beta1, setting.beta2) for setting in settings]
        self._keep, self._keep_square = (self._column(betas) for betas in zip(*self._betas, strict=True))
        self._add, self._add_square = (self._column([1 - b for b in own]) for own in zip(*self._betas, strict=True))
        self._epsilon = self._column([setting.epsilon for setting in settings])
        self._gradients = [torch.zeros_like(weight) for weight in network.weights]
        # of the weights and of the biases, a pair a layer
        self._means, self._squares = (
            [
                (torch.zeros_like(weight), torch.zeros_like(bias))
                for weight, bias in zip(network.weights, network.biases, strict=True)
            ]
            for _ in range(2)
        )
        self._steps = 0
        self.follow([1.0] * len(settings))

    def _set_rates(self, rates: list[float]) -> None:
        self._now = rates
        self._shrink: Tensor | None = None
        if any(self._decoupled):
            self._shrink = self._column([1 - rate * one for rate, one in zip(rates, self._decoupled, strict=True)])

    def step(self) -> None:
        """One update; the moments, which begin at 0, are corrected for the number of steps."""
        self._steps += 1
        corrections = [(1 - beta1**self._steps, 1 - beta2**self._steps) for beta1, beta2 in self._betas]
        self._size = self._column([rate / one for rate, (one, _) in zip(self._now, corrections, strict=True)])
        self._root = self._column([math.sqrt(square) for _, square in corrections])
        super().step()

    def _update(self, layer: int, inputs: Tensor, delta: Tensor) -> None:
        gradient = self._gradient(layer, self._decay, inputs, delta, self._gradients[layer].zero_())
        if self._shrink is not None:
            self._network.weights[layer].mul_(self._shrink)
        self._descend(self._network.weights[layer], gradient, self._means[layer][0], self._squares[layer][0])
        if self._network.bias:
            sums = delta.sum(dim=1, keepdim=True)
            self._descend(self._network.biases[layer], sums, self._means[layer][1], self._squares[layer][1])

    def _descend(self, parameter: Tensor, gradient: Tensor, mean: Tensor, square: Tensor) -> None:
        mean.mul_(self._keep).add_(gradient * self._add)
        square.mul_(self._keep_square).add_(gradient.mul_(gradient).mul_(self._add_square))
        divisor = square.sqrt().div_(self._root).add_(self._epsilon)
        parameter.sub_((mean / divisor).mul_(self._size))


def stacked(network: StackedMLP, settings: Sequence[Optimizer], penalties: Sequence[Penalty]) -> StackedOptimizer:
    """The optimizer of a stack.

    Raises:
        ValueError: If the runs are of more than one program.
    """
    made = StackedSGD if isinstance(settings[0], SGD) else StackedAdam
    return made(network, settings, penalties)  # type: ignore[arg-type]  # each refuses what is not its own
