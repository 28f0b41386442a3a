"""The textbook loop without a DataLoader: tensors in memory, batches by index, autograd, one run at a time."""

import numpy as np
import torch
from torch import Tensor, nn, optim

from benchmarks.sides.network import build, loss_of, tensors
from benchmarks.work import EVALUATION_BATCH, Losses, Work
from pipeline.core.seeding import Seed
from pipeline.training.draws import orders


def train(work: Work, fused: bool = False) -> Losses:
    """Train every run of the work; `fused` is an option of the optimizer."""
    torch.manual_seed(0)
    return Losses.join([_run(work, seed, fused) for seed in work.seeds])


def _run(work: Work, seed: Seed, fused: bool) -> Losses:
    config, epochs = work.config, work.config.training.epochs
    train_set, test_set = (tensors(work, split, seed) for split in (work.dataset.train, work.dataset.test))
    network, criterion = build(work, seed), loss_of(work)
    sgd = config.optimizer
    optimizer = optim.SGD(network.parameters(), sgd.learning_rate, weight_decay=sgd.weight_decay, fused=fused)
    inputs, targets = train_set
    evaluated = set(work.evaluated)
    curves: list[list[float]] = []
    for epoch, order in enumerate(orders(seed, len(inputs), epochs), start=1):
        network.train()
        # sums stay tensors: a step need not wait for a number
        total, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for batch in torch.from_numpy(order).split(config.training.batch_size):
            outputs = network(inputs[batch])
            loss = criterion(outputs, targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
            if work.dataset.task == "classification":
                correct += (outputs.argmax(dim=1) == targets[batch]).sum()
        if epoch in evaluated:
            curves.append([_evaluate(network, criterion, *examples) for examples in (train_set, test_set)])
    train_losses, test_losses = np.array(curves).T
    return Losses(train_losses[None], test_losses[None], np.array([float(total) / len(inputs)]))


@torch.no_grad()
def _evaluate(network: nn.Module, criterion: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Mean loss; the accuracy is measured as well, since the engine measures it."""
    network.eval()
    total, correct = 0.0, 0
    for rows, values in zip(inputs.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True):
        outputs = network(rows)
        total += float(criterion(outputs, values)) * len(rows)
        if not values.is_floating_point():
            correct += int((outputs.argmax(dim=1) == values).sum())
    return total / len(inputs)
