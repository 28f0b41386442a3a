"""What the layers of a stack look like from inside: size of activations and gradients, norm and symmetry of weights."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.training.activations import Activation
from pipeline.training.losses import Loss
from pipeline.training.mlp import StackedMLP
from pipeline.training.products import accumulate, padded

# (R,) numbers of one quantity for each layer, stacked to (R, L)
Layers = dict[str, Tensor]


def sizes(network: StackedMLP, loss: Loss, inputs: Tensor, targets: Tensor) -> Layers:
    """Standard deviation of the activations and root mean square of the gradients, layer by layer.

    Args:
        network: R networks of L layers.
        loss: Whose gradient is taken, without dropout and penalty.
        inputs: (R, B, D), padded.
        targets: (R, B).

    Returns:
        `activation_sd` (R, L - 1), over the batch and the units of each hidden layer, and `gradient_rms` (R, L),
        over the entries of each weight.
    """
    rows, widths = inputs.shape[1], network.widths
    loss(network.forward(inputs), targets, network.output_gradient(rows))
    # padding is zero: sums over padded tensors are sums over real ones, only the counts must be the real ones
    deviations = []
    for hidden, width in zip(network.hidden_outputs(), widths[1:-1], strict=True):
        count = rows * width
        mean = _sum(hidden) / count
        deviations.append((_sum(hidden, torch.square) / count - mean.square()).clamp(min=0).sqrt())
    gradients = [torch.zeros_like(weight) for weight in network.weights]
    network.backward(lambda layer, before, delta: accumulate(gradients[layer], before, delta, 1))
    sizes_of_gradients = [
        (_sum(gradient, torch.square) / (before * after)).sqrt()
        for gradient, before, after in zip(gradients, widths[:-1], widths[1:], strict=True)
    ]
    runs = len(network.weights[0])
    return {
        "activation_sd": torch.stack(deviations, dim=1) if deviations else torch.zeros(runs, 0),
        "gradient_rms": torch.stack(sizes_of_gradients, dim=1),
    }


def weight_norm(network: StackedMLP) -> Tensor:
    """Euclidean norm of all weights of each run, biases left out: (R,), float64."""
    return torch.stack([_sum(weight, torch.square) for weight in network.weights]).sum(dim=0).sqrt()


def summary(
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    activation: Activation,
    inputs: Tensor,
    layers: Mapping[tuple[str, str], np.ndarray],
) -> dict[str, np.ndarray]:
    """One number a run and metric: what a network with hidden layers looks like, in float64.

    Args:
        weights, biases: At the end of training, (R, D, H) and (R, H), one a layer.
        activation: Of the hidden layers.
        inputs: Examples to compare outputs on, (R, B, D).
        layers: What `sizes` gave, for each quantity and moment, (R, L).

    Returns:
        `activation_ratio` and `gradient_ratio` at the start: of the last hidden layer to the first, and of the first
        layer to the last. `unit_spread`: how much the incoming weights of the first layer's units differ, the root mean
        square over inputs of largest less smallest; 0 if and only if all units are the same. `affine_gap`: the
        largest distance of an output from what the product of all weights gives without activation, relative to
        the largest output. Each (R,); undefined (NaN) is a ratio of zeros.
    """
    runs = len(inputs)
    # a stack of one takes another code path in the product, with other bits
    twice = [0, 0] if runs == 1 else list(range(runs))
    widths = [inputs.shape[2], *(weight.shape[2] for weight in weights)]
    network = StackedMLP(len(twice), widths, activation, bias=True, like=inputs.new_empty(0, dtype=torch.float64))
    for own, weight in zip(network.real_weights(), weights, strict=True):
        own.copy_(torch.from_numpy(weight[twice]))
    for own, bias in zip(network.real_biases(), biases, strict=True):
        own.copy_(torch.from_numpy(bias[twice]))
    rows = network.weights[0].new_zeros(len(twice), inputs.shape[1], padded(inputs.shape[2]))
    rows[..., : inputs.shape[2]] = inputs[twice]
    outputs = network.forward(rows).clone()
    product, shift = network.weights[0], network.biases[0]
    for factor, added in zip(network.weights[1:], network.biases[1:], strict=True):
        product, shift = torch.bmm(product, factor), torch.baddbmm(added, shift, factor)
    affine = torch.baddbmm(shift, rows, product)[..., : widths[-1]]
    largest = outputs.abs().amax(dim=(1, 2))
    distance = (outputs - affine).abs().amax(dim=(1, 2))
    first = network.real_weights()[0]
    spread = (first.amax(dim=2) - first.amin(dim=2)).square().sum(dim=1).div(widths[0]).sqrt()
    deviations, gradients = layers["activation_sd", "start"], layers["gradient_rms", "start"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "activation_ratio": deviations[:, -1] / deviations[:, 0],
            "gradient_ratio": gradients[:, 0] / gradients[:, -1],
            "unit_spread": spread[:runs].cpu().numpy(),
            "affine_gap": torch.where(distance > 0, distance / largest, distance)[:runs].cpu().numpy(),
        }


def _sum(values: Tensor, of: Callable[[Tensor], Tensor] = lambda value: value) -> Tensor:
    """(R, X, Y) -> (R,) in float64, one axis at a time: that order does not depend on the stack."""
    return of(values.double()).sum(dim=2).sum(dim=1)
