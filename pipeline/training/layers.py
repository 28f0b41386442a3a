"""What the layers of a stack look like from inside: size of activations and gradients, norm of the weights."""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.training.losses import Loss
from pipeline.training.mlp import StackedMLP

# (R,) numbers of one quantity for each layer, stacked to (R, L)
Layers = dict[str, Tensor]


def layers(network: StackedMLP, loss: Loss, inputs: Tensor, targets: Tensor) -> Layers:
    """Standard deviation of the activations and root mean square of the gradients, layer by layer.

    Args:
        network: R networks of L layers; their gradients are overwritten.
        loss: Whose gradient is taken, without dropout and penalty.
        inputs: (R, B, D), padded.
        targets: (R, B).

    Returns:
        `activation_sd` (R, L - 1), over the batch and the units of each hidden layer, and `gradient_rms` (R, L),
        over the entries of each weight.
    """
    outputs = network.forward(inputs)
    loss(outputs, targets, network.output_gradient(inputs.shape[1]))
    network.backward()
    rows, widths = inputs.shape[1], network.widths
    # padding is zero: sums over padded tensors are sums over real ones, only the counts must be the real ones
    deviations = []
    for hidden, width in zip(network.hidden_outputs(), widths[1:-1], strict=True):
        count = rows * width
        mean = _sum(hidden) / count
        deviations.append((_sum(hidden, torch.square) / count - mean.square()).clamp(min=0).sqrt())
    sizes = [
        (_sum(gradient, torch.square) / (before * after)).sqrt()
        for gradient, before, after in zip(network.weight_gradients, widths[:-1], widths[1:], strict=True)
    ]
    runs = len(network.weights[0])
    return {
        "activation_sd": torch.stack(deviations, dim=1) if deviations else torch.zeros(runs, 0),
        "gradient_rms": torch.stack(sizes, dim=1),
    }


def weight_norm(network: StackedMLP) -> Tensor:
    """Euclidean norm of all weights of each run, biases left out: (R,), float64."""
    return torch.stack([_sum(weight, torch.square) for weight in network.weights]).sum(dim=0).sqrt()


def _sum(values: Tensor, of: Callable[[Tensor], Tensor] = lambda value: value) -> Tensor:
    """(R, X, Y) -> (R,) in float64, one axis at a time: that order does not depend on the stack."""
    return of(values.double()).sum(dim=2).sum(dim=1)
