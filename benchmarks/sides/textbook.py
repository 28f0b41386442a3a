"""The textbook loop: a DataLoader, an nn.Sequential and an optimizer, one run at a time.

Small tables come as a TensorDataset; images as torchvision serves them, one PIL image at a time through ToTensor.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.sides.network import build, loss_of, tensors
from benchmarks.work import EVALUATION_BATCH, SIDE, Losses, Work
from pipeline.core.dataset import Split
from pipeline.core.seeding import Seed
from pipeline.data import images as source
from pipeline.training.draws import orders

Examples = torch.utils.data.Dataset[tuple[Tensor, ...]]


def tables(work: Work) -> Losses:
    """Train every run on a TensorDataset."""

    def examples(split: Split, seed: Seed) -> Examples:
        return TensorDataset(*tensors(work, split, seed))

    dataset = work.dataset
    return Losses.join(
        [_run(work, seed, examples(dataset.train, seed), examples(dataset.test, seed)) for seed in work.seeds]
    )


def images(work: Work) -> Losses:
    """Train every run on images of torchvision's FashionMNIST class."""
    train_set, test_set = _fashion_mnist(work.dataset.train), _fashion_mnist(work.dataset.test)
    return Losses.join([_run(work, seed, train_set, test_set, nn.Flatten()) for seed in work.seeds])


def _fashion_mnist(split: Split) -> Examples:
    """The class of torchvision, filled with our images: how it reads an example is what is timed."""
    kind = source._torchvision_datasets().FashionMNIST
    from torchvision.transforms import ToTensor  # can be imported once torchvision.datasets could

    filled = kind.__new__(kind)
    filled.data = torch.from_numpy(split.inputs[0]).view(-1, SIDE, SIDE)
    filled.targets = torch.from_numpy(split.targets[0])
    filled.transform, filled.target_transform = ToTensor(), None
    examples: Examples = filled
    return examples


class _Order(Sampler[int]):
    """The engine's order of the examples, another one every epoch."""

    def __init__(self, seed: Seed, examples: int, epochs: int) -> None:
        self._epochs = orders(seed, examples, epochs)
        self._examples = examples

    def __iter__(self) -> Iterator[int]:
        yield from next(self._epochs).tolist()

    def __len__(self) -> int:
        return self._examples


def _run(work: Work, seed: Seed, train_set: Examples, test_set: Examples, *first: nn.Module) -> Losses:
    """Train one run of a network that begins with these modules."""
    torch.manual_seed(seed.index)
    training, criterion = work.config.training, loss_of(work)
    network = nn.Sequential(*first, *build(work, seed))
    optimizer = optim.SGD(network.parameters(), work.config.optimizer.learning_rate)
    examples = work.dataset.train.examples
    train_loader = DataLoader(train_set, training.batch_size, sampler=_Order(seed, examples, training.epochs))
    loaders = [DataLoader(split, EVALUATION_BATCH) for split in (train_set, test_set)]
    evaluated = set(work.evaluated)
    curves: list[list[float]] = []
    for epoch in range(1, training.epochs + 1):
        network.train()
        total, correct = 0.0, 0
        for inputs, targets in train_loader:
            outputs = network(inputs)
            loss = criterion(outputs, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
            if work.dataset.task == "classification":
                correct += int((outputs.argmax(dim=1) == targets).sum())
        if epoch in evaluated:
            curves.append([_evaluate(network, criterion, loader) for loader in loaders])
    train_losses, test_losses = np.array(curves).T
    return Losses(train_losses[None], test_losses[None], np.array([total / examples]))


@torch.no_grad()
def _evaluate(network: nn.Module, criterion: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> float:
    """Mean loss; the accuracy is measured as well, since the engine measures it."""
    network.eval()
    total, correct, count = 0.0, 0, 0
    for inputs, targets in loader:
        outputs = network(inputs)
        total += criterion(outputs, targets).item() * len(targets)
        count += len(targets)
        if not targets.is_floating_point():
            correct += int((outputs.argmax(dim=1) == targets).sum())
    return total / count
