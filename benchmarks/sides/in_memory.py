"""The same loop without a DataLoader: tensors in memory, batches by index, autograd, one run at a time."""

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.work import EVALUATION_BATCH, Losses, Work
from pipeline.project.dataset import Split
from pipeline.project.seeding import Seed
from pipeline.training import concise
from pipeline.training.draws import orders


def train(work: Work) -> Losses:
    """Every run of the work."""
    torch.manual_seed(0)
    return Losses.join([_run(work, seed) for seed in work.seeds])


def tensors(work: Work, split: Split, seed: Seed) -> tuple[Tensor, Tensor]:
    """The seed's own examples: inputs (N, D); targets (N,) for classes, (N, 1) for values."""
    dataset, slot = work.dataset, work.dataset.slot(seed.index)
    inputs = torch.from_numpy(split.inputs[slot]).float().mul_(dataset.factor).add_(dataset.offset)
    targets = torch.from_numpy(split.targets[slot])
    return inputs, targets if dataset.task == "classification" else targets.float()[:, None]


def _run(work: Work, seed: Seed) -> Losses:
    setting, epochs = work.setting, work.setting.schedule.epochs
    train_set, test_set = (tensors(work, split, seed) for split in (work.dataset.train, work.dataset.test))
    network = concise.build(setting, seed, work.widths, torch.float32, lambda number, rate: nn.Dropout(rate))
    optimizer = concise._optimizer(setting, [layer for layer in network if isinstance(layer, nn.Linear)])
    loss_of = nn.CrossEntropyLoss() if setting.loss == "cross_entropy" else nn.MSELoss()
    inputs, targets = train_set
    evaluated = set(work.evaluated)
    curves: list[list[float]] = []
    for epoch, order in enumerate(orders(seed, len(inputs), epochs), start=1):
        network.train()
        # sums stay tensors: a step need not wait for a number
        total, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for batch in torch.from_numpy(order).split(setting.schedule.batch_size):
            outputs = network(inputs[batch])
            loss = loss_of(outputs, targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
            if work.dataset.task == "classification":
                correct += (outputs.argmax(dim=1) == targets[batch]).sum()
        if epoch in evaluated:
            curves.append([_evaluate(network, loss_of, *examples) for examples in (train_set, test_set)])
    train_losses, test_losses = np.array(curves).T
    return Losses(train_losses[None], test_losses[None], np.array([float(total) / len(inputs)]))


@torch.no_grad()
def _evaluate(network: nn.Module, loss_of: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Mean loss; the accuracy is measured as well, since the engine measures it."""
    network.eval()
    total, correct = 0.0, 0
    for rows, values in zip(inputs.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        outputs = network(rows)
        total += float(loss_of(outputs, values)) * len(rows)
        if not values.is_floating_point():
            correct += int((outputs.argmax(dim=1) == values).sum())
    return total / len(inputs)
