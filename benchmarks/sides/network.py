"""What the sides that use torch have in common: the network, the loss and the examples as tensors.

Nothing here comes from `pipeline.training.concise`, which asks torch for reproducible and slower kernels.
"""

import itertools

import torch
from torch import Tensor, nn

from benchmarks.work import Work
from pipeline.core.dataset import Split
from pipeline.core.seeding import Seed
from pipeline.training.initializers import initial


def build(work: Work, seed: Seed) -> nn.Sequential:
    """Linear layers with ReLU and dropout between them, with the run's initial weights."""
    model = work.config.model
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(work.widths)):
        linear = nn.Linear(before, after, bias=model.bias)
        weight, bias = initial(model.initialization, seed, number, before, after)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            if model.bias:
                linear.bias.copy_(torch.from_numpy(bias))
        layers.append(linear)
        if number < len(model.hidden):
            layers.append(nn.ReLU())
            if model.dropout_rates[number]:
                layers.append(nn.Dropout(model.dropout_rates[number]))
    return nn.Sequential(*layers)


def loss_of(work: Work) -> nn.Module:
    """The mean loss of a batch."""
    return nn.CrossEntropyLoss() if work.config.loss == "cross_entropy" else nn.MSELoss()


def tensors(work: Work, split: Split, seed: Seed) -> tuple[Tensor, Tensor]:
    """The examples of a seed: inputs (N, D); targets (N,) for classes, (N, 1) for values."""
    dataset, seed_index = work.dataset, work.dataset.seed_index(seed.index)
    inputs = torch.from_numpy(split.inputs[seed_index]).float().mul_(dataset.factor).add_(dataset.offset)
    targets = torch.from_numpy(split.targets[seed_index])
    return inputs, targets if dataset.task == "classification" else targets.float()[:, None]
