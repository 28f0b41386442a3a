"""Stochastic gradient descent for R runs, each with its own learning rate, momentum, weight decay and penalty.

Reference: `torch.optim.SGD`, whose formula this is. Neither weight decay nor a penalty touches the biases.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.settings import SGD, Penalty
from pipeline.training.mlp import StackedMLP


class StackedSGD:
    """Update of all parameters of a stack in place.

    Whether there is momentum or an l1 penalty is part of the program, its size is not: runs with and without are not
    stacked. The gradient of the l2 penalty, l2 w, is that of weight decay; that of the l1 penalty is l1 sign(w).
    """

    def __init__(self, network: StackedMLP, settings: Sequence[SGD], penalties: Sequence[Penalty]) -> None:
        like = network.weights[0]

        def column(values: Sequence[float]) -> Tensor:
            return like.new_tensor(values)[:, None, None]

        self._learning_rate = column([setting.learning_rate for setting in settings])
        self._momentum = column([setting.momentum for setting in settings])
        pairs_of = zip(settings, penalties, strict=True)
        self._decay = column([setting.weight_decay + penalty.l2 for setting, penalty in pairs_of])
        self._l1 = column([penalty.l1 for penalty in penalties])
        self._sparse = penalties[0].l1 > 0
        weights = zip(network.weights, network.weight_gradients, strict=True)
        biases = zip(network.biases, network.bias_gradients, strict=True)
        pairs = [(*pair, True) for pair in weights] + [(*pair, False) for pair in biases if network.bias]
        moving = settings[0].momentum > 0
        if any((setting.momentum > 0) != moving for setting in settings):
            raise ValueError("runs with and without momentum are two programs")
        if any((penalty.l1 > 0) != self._sparse for penalty in penalties):
            raise ValueError("runs with and without an l1 penalty are two programs")
        self._slots = [
            (parameter, gradient, decays, torch.empty_like(gradient), torch.zeros_like(gradient) if moving else None)
            for parameter, gradient, decays in pairs
        ]

    def step(self) -> None:
        """One update from the gradients that `StackedMLP.backward` left; overwrites them."""
        for parameter, gradient, decays, scratch, velocity in self._slots:
            if decays:
                # also where the decay is 0: to leave it out would make the bits of a diverged run depend on its stack
                gradient.add_(torch.mul(parameter, self._decay, out=scratch))
                if self._sparse:
                    gradient.add_(torch.sign(parameter, out=scratch).mul_(self._l1))
            if velocity is not None:
                gradient = velocity.mul_(self._momentum).add_(gradient)
            parameter.sub_(torch.mul(gradient, self._learning_rate, out=scratch))
