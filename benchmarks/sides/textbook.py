"""The textbook loop: a DataLoader, an nn.Sequential and an optimizer, one run at a time.

Small tables come as a TensorDataset; images as torchvision serves them, one PIL image at a time through ToTensor.
It trains every `Setting` there is, since a whole project is compared with it, too.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.work import EVALUATION_BATCH, SIDE, Losses, Work, widths
from pipeline.data import images as source
from pipeline.project.dataset import Dataset, Split
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.training import concise
from pipeline.training.draws import orders
from pipeline.training.loop import evaluated_epochs
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

Examples = torch.utils.data.Dataset[tuple[Tensor, ...]]


def tables(work: Work) -> Losses:
    """Runs on a TensorDataset."""
    return Losses.join([train(work.setting, seed, work.dataset) for seed in work.seeds])


def images(work: Work, workers: int = 0) -> Losses:
    """Runs on images of torchvision's FashionMNIST class, read by so many processes beside this one."""
    train_set, test_set = _fashion_mnist(work.dataset.train), _fashion_mnist(work.dataset.test)
    return Losses.join(
        [
            _fit(work.setting, seed, work.dataset, train_set, test_set, images=True, workers=workers)
            for seed in work.seeds
        ]
    )


def train(setting: Setting, seed: Seed, dataset: Dataset, fold: int = 0) -> Losses:
    """One run on a TensorDataset; a fold other than 0 is left out of the training set and evaluated as well."""
    slot, features = dataset.slot(seed.index), widths(setting, dataset)[0]
    places, held, _ = subset(setting, seed, fold, dataset.train.examples)

    def tensors(split: Split, rows: np.ndarray) -> list[Tensor]:
        inputs = torch.from_numpy(split.inputs[slot][rows, :features]).float() * dataset.factor + dataset.offset
        targets = torch.from_numpy(split.targets[slot][rows])
        return [inputs, targets if dataset.task == "classification" else targets.float()[:, None]]

    trained = tensors(dataset.train, places)
    if setting.data.correction.name != "none":
        weights = example_weights(setting.data.correction, dataset, seed, places)
        trained.append(torch.from_numpy(weights).float())
    test_set = TensorDataset(*tensors(dataset.test, np.arange(dataset.test.examples)))
    held_set = TensorDataset(*tensors(dataset.train, held)) if fold else None
    return _fit(setting, seed, dataset, TensorDataset(*trained), test_set, held_set)


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


def _fit(
    setting: Setting,
    seed: Seed,
    dataset: Dataset,
    train_set: Examples,
    test_set: Examples,
    held_set: Examples | None = None,
    images: bool = False,
    workers: int = 0,
) -> Losses:
    torch.manual_seed(seed.index)
    shape = widths(setting, dataset)
    layers = concise.build(setting, seed, shape, torch.float32, lambda number, rate: nn.Dropout(rate))
    network = nn.Sequential(nn.Flatten(), *layers) if images else layers
    linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
    optimizer = concise._optimizer(setting, linears)
    loss_of = _criterion(setting)
    examples, epochs = len(train_set), setting.schedule.epochs  # type: ignore[arg-type]

    def load(of: Examples, size: int, order: Sampler[int] | None = None) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(of, size, sampler=order, num_workers=workers, persistent_workers=workers > 0)

    train_loader = load(train_set, setting.schedule.batch_size, _Order(seed, examples, epochs))
    evaluated = [load(one, EVALUATION_BATCH) for one in (train_set, test_set, held_set) if one is not None]
    penalized = setting.penalty.l1 > 0 or setting.penalty.l2 > 0
    wanted = set(evaluated_epochs(setting))
    curves: list[list[float]] = []
    for epoch in range(1, epochs + 1):
        network.train()
        total, correct = 0.0, 0
        for inputs, targets, *weights in train_loader:
            outputs = network(inputs)
            loss = loss_of(outputs, targets)
            trained = loss
            if weights:
                trained = (concise.LOSSES[setting.loss](outputs, targets) * weights[0]).mean()
            if penalized:
                trained = trained + _penalty(setting, linears)
            optimizer.zero_grad()
            trained.backward()
            optimizer.step()
            total += loss.item() * len(targets)
            if dataset.task == "classification":
                correct += int((outputs.argmax(dim=1) == targets).sum())
        if epoch in wanted:
            curves.append([_evaluate(network, loss_of, loader, dataset) for loader in evaluated])
    train_losses, test_losses = np.array(curves).T[:2]
    return Losses(train_losses[None], test_losses[None], np.array([total / examples]))


def _criterion(setting: Setting) -> nn.Module:
    """The mean loss of a batch as torch.nn has it; half of the squared error it does not have."""
    if setting.loss == "cross_entropy":
        return nn.CrossEntropyLoss()
    return nn.MSELoss() if setting.loss == "squared_error" else _HalfSquaredError()


class _HalfSquaredError(nn.MSELoss):
    def forward(self, outputs: Tensor, values: Tensor) -> Tensor:
        return super().forward(outputs, values) / 2


def _penalty(setting: Setting, linears: list[nn.Linear]) -> Tensor:
    weights = [linear.weight for linear in linears]
    squares = torch.stack([weight.square().sum() for weight in weights]).sum()
    magnitudes = torch.stack([weight.abs().sum() for weight in weights]).sum()
    return setting.penalty.l2 / 2 * squares + setting.penalty.l1 * magnitudes


@torch.no_grad()
def _evaluate(
    network: nn.Module, loss_of: nn.Module, loader: DataLoader[tuple[Tensor, ...]], dataset: Dataset
) -> float:
    """Mean loss; the accuracy is measured as well, since the engine measures it."""
    network.eval()
    total, correct, count = 0.0, 0, 0
    for inputs, targets, *_ in loader:
        outputs = network(inputs)
        total += loss_of(outputs, targets).item() * len(targets)
        count += len(targets)
        if dataset.task == "classification":
            correct += int((outputs.argmax(dim=1) == targets).sum())
    return total / count
