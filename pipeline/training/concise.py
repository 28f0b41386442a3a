"""The same network by torch.nn, torch.optim and autograd, one run at a time.

It starts with the same weights and sees the same batches as the stacked engine, whose oracle it is.
"""

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed, generator
from pipeline.project.settings.training import SGD, AdamW, CosineRate, Setting, StepRate, StoppingOnLoss
from pipeline.training import layers
from pipeline.training.activations import ACTIVATIONS, MODULES
from pipeline.training.draws import orders
from pipeline.training.initializers import initial
from pipeline.training.loop import EVALUATION_ROWS, PROBE_ROWS, Examples, Outcome, Progress, evaluated_epochs, widths
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

MakeDropout = Callable[[int, float], nn.Module]  # from the number of the hidden layer and its rate


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each example, (N, C), (N,) -> (N,)."""
    return nn.functional.cross_entropy(outputs, labels, reduction="none")


def squared_error(outputs: Tensor, values: Tensor) -> Tensor:
    """Squared error of each example, (N, 1), (N, 1) -> (N,)."""
    return nn.functional.mse_loss(outputs, values, reduction="none").squeeze(1)


def half_squared_error(outputs: Tensor, values: Tensor) -> Tensor:
    """Half of torch's squared error."""
    return squared_error(outputs, values) / 2


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "half_squared_error": half_squared_error,
}


def build(
    setting: Setting, seed: Seed, shape: Sequence[int], dtype: torch.dtype, dropout: MakeDropout
) -> nn.Sequential:
    """Linear layers with activation and dropout between them, started like the stacked engine's."""
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(shape)):
        linear = nn.Linear(before, after, bias=setting.model.bias, dtype=dtype, device="meta").to_empty(device="cpu")
        weight, bias = initial(setting.model.initialization, seed, number, before, after)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            if setting.model.bias:
                linear.bias.copy_(torch.from_numpy(bias))
        layers.append(linear)
        if number < len(shape) - 2:
            layers.append(MODULES[setting.model.activation]())
            layers.append(dropout(number, setting.model.dropout_rates[number]))
    return nn.Sequential(*layers)


def train(
    setting: Setting,
    seed: Seed,
    dataset: Dataset,
    *,
    fold: int = 0,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    progress: Progress = lambda run_epochs: None,
    dropout: MakeDropout = lambda number, rate: nn.Dropout(rate),
) -> Outcome:
    """Train one run; the outcome's axis R has length 1.

    Args:
        setting, seed, dataset, fold, dtype, device, progress: As for `loop.train`.
        dropout: What stands after each hidden layer's activation.
    """
    shape = widths(setting, dataset)
    whole, test_set = (
        _own(Examples.load(split, [dataset.slot(seed.index)], dataset, shape[0], dtype, device), shape[0])
        for split in (dataset.train, dataset.test)
    )
    places = subset(setting, seed, fold, dataset.train.examples)
    train_set, validation_set, stopping_set = ((whole[0][rows], whole[1][rows]) for rows in places)
    sets = {"train": train_set, "validation": validation_set, "test": test_set}
    example_weight = torch.from_numpy(example_weights(setting.data.correction, dataset, seed, places.trained)).to(
        device, dtype
    )
    loss_of = LOSSES[setting.loss]
    with _isolated(seed):
        network = build(setting, seed, shape, dtype, dropout).to(device)
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        optimizer = _optimizer(setting, linears)
        scheduler = _scheduler(setting, optimizer)
        sizes = _sizes(network, loss_of, train_set, "start")
        records: dict[int, dict[str, float]] = {}
        kept: _Kept | None = None
        epochs, wanted = setting.schedule.epochs, evaluated_epochs(setting)
        for epoch, order in enumerate(orders(seed, len(train_set[0]), epochs), start=1):
            totals: dict[str, float] = {}
            network.train()
            for batch in torch.from_numpy(order).to(device).split(setting.schedule.batch_size):
                inputs, targets = train_set[0][batch], train_set[1][batch]
                outputs = network(inputs)
                losses = loss_of(outputs, targets)
                trained = losses
                if setting.label_smoothing:
                    trained = nn.functional.cross_entropy(
                        outputs, targets, reduction="none", label_smoothing=setting.label_smoothing
                    )
                optimizer.zero_grad()
                ((trained * example_weight[batch]).mean() + _penalty(setting, linears)).backward()
                optimizer.step()
                for name, value in _measure(outputs, targets, losses).items():
                    totals[name] = totals.get(name, 0.0) + value * len(batch)
            if scheduler is not None:
                scheduler.step()
            running = {f"train_{name}_running": value / len(order) for name, value in totals.items()}
            if epoch in wanted:
                records[epoch] = running | _passes(network, loss_of, sets)
            progress(1)
            stopping = setting.schedule.early_stopping
            if isinstance(stopping, StoppingOnLoss):
                loss = _evaluate(network, loss_of, stopping_set)["loss"]
                if kept is None or loss < kept.loss:
                    kept = _Kept(epoch, math.inf if math.isnan(loss) else loss, copy.deepcopy(network.state_dict()))
                elif epoch - kept.epoch >= stopping.patience:
                    progress(epochs - epoch)
                    break
        if kept is not None:
            network.load_state_dict(kept.weights)
            # after the last epoch that was trained, and at the end, the kept weights are what there is
            records = {epoch: own for epoch, own in records.items() if epoch < epochs}
            ended = running | _passes(network, loss_of, sets)
            records |= {epoch: ended for epoch in wanted if epoch not in records}
        sizes |= _sizes(network, loss_of, train_set, "end")
    weights = [linear.weight.detach().T.double().cpu().numpy()[None].copy() for linear in linears]
    biases = [linear.bias.detach().double().cpu().numpy()[None].copy() for linear in linears if setting.model.bias]
    biases = biases or [np.zeros((1, width)) for width in shape[1:]]
    final = {"kept_epoch": np.array([float(epochs if kept is None else kept.epoch)])}
    final |= {"weight_norm": np.sqrt(np.array([sum(float(np.square(weight).sum()) for weight in weights)]))}
    if len(weights) > 1:
        activation = ACTIVATIONS[setting.model.activation]
        final |= layers.summary(weights, biases, activation, train_set[0][None, :PROBE_ROWS], sizes)
    return Outcome(
        epochs=np.array(wanted),
        curves={name: np.array([[records[epoch][name] for epoch in wanted]]) for name in records[epochs]},
        layers=sizes,
        final=final,
        predictions=_predict(network, test_set)[None] if dataset.task == "classification" else np.zeros((1, 0), int),
        weights=weights,
        biases=biases,
    )


_Examples = tuple[Tensor, Tensor]
_LossOf = Callable[[Tensor, Tensor], Tensor]


@contextlib.contextmanager
def _isolated(seed: Seed) -> Iterator[None]:
    """One thread, since one product split over several gives other bits; torch's generator seeded, then put back.

    `torch.nn.Dropout` knows no other source of chance than the global generator.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(int(generator(seed, "dropout").integers(2**63)))
            yield
    finally:
        torch.set_num_threads(threads)


def _own(examples: Examples, features: int) -> _Examples:
    """One seed's examples without padding: inputs (N, D); targets (N,) for classes, (N, 1) for values."""
    targets = examples.targets
    return examples.inputs[:, :features], targets[:, None] if targets.is_floating_point() else targets


def _optimizer(setting: Setting, linears: Sequence[nn.Linear]) -> torch.optim.Optimizer:
    own = setting.optimizer
    weights = {"params": [linear.weight for linear in linears], "weight_decay": own.weight_decay}
    biases = {"params": [linear.bias for linear in linears if setting.model.bias], "weight_decay": 0.0}
    groups = [weights, biases]
    if isinstance(own, SGD):
        return torch.optim.SGD(groups, lr=own.learning_rate, momentum=own.momentum, nesterov=own.nesterov)
    kind = torch.optim.AdamW if isinstance(own, AdamW) else torch.optim.Adam
    return kind(groups, lr=own.learning_rate, betas=(own.beta1, own.beta2), eps=own.epsilon)


def _scheduler(setting: Setting, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler | None:
    rate = setting.schedule.learning_rate
    if isinstance(rate, StepRate):
        return torch.optim.lr_scheduler.StepLR(optimizer, rate.every, rate.gamma)
    if isinstance(rate, CosineRate):
        lowest = rate.final * setting.optimizer.learning_rate
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, setting.schedule.epochs, lowest)
    return None


class _Kept(NamedTuple):
    """The weights after the epoch of the lowest loss so far."""

    epoch: int
    loss: float
    weights: dict[str, Tensor]


def _penalty(setting: Setting, linears: Sequence[nn.Linear]) -> Tensor | float:
    """Part of the loss that is trained, 0 where there is none."""
    total: Tensor | float = 0.0
    for linear in linears:
        if setting.penalty.l2 > 0:
            total = total + setting.penalty.l2 * linear.weight.square().sum() / 2
        if setting.penalty.l1 > 0:
            total = total + setting.penalty.l1 * linear.weight.abs().sum()
    return total


def _measure(outputs: Tensor, targets: Tensor, losses: Tensor) -> dict[str, float]:
    measured = {"loss": float(losses.detach().mean())}
    if not targets.is_floating_point():
        measured["accuracy"] = float((outputs.argmax(dim=-1) == targets).double().mean())
    return measured


def _passes(network: nn.Sequential, loss_of: _LossOf, sets: Mapping[str, _Examples]) -> dict[str, float]:
    return {
        f"{split}_{name}": value
        for split, examples in sets.items()
        if len(examples[0])
        for name, value in _evaluate(network, loss_of, examples).items()
    }


@torch.no_grad()
def _evaluate(network: nn.Sequential, loss_of: _LossOf, examples: _Examples) -> dict[str, float]:
    network.eval()
    totals: dict[str, float] = {}
    for inputs, targets in zip(*(tensor.split(EVALUATION_ROWS) for tensor in examples), strict=True):
        outputs = network(inputs)
        for name, value in _measure(outputs, targets, loss_of(outputs, targets)).items():
            totals[name] = totals.get(name, 0.0) + value * len(inputs)
    return {name: total / len(examples[0]) for name, total in totals.items()}


@torch.no_grad()
def _predict(network: nn.Sequential, examples: _Examples) -> np.ndarray:
    network.eval()
    classes: np.ndarray = torch.cat([network(rows).argmax(dim=1) for rows in examples[0].split(EVALUATION_ROWS)]).numpy(
        force=True
    )
    return classes


def _sizes(
    network: nn.Sequential, loss_of: _LossOf, examples: _Examples, moment: str
) -> dict[tuple[str, str], np.ndarray]:
    network.eval()
    network.zero_grad()
    values, deviations = examples[0][:PROBE_ROWS], []
    for layer in network:
        values = layer(values)
        if isinstance(layer, tuple(MODULES.values())):
            deviations.append(float(values.detach().double().std(correction=0)))
    loss_of(values, examples[1][:PROBE_ROWS]).mean().backward()
    gradients = [layer.weight.grad for layer in network if isinstance(layer, nn.Linear)]
    rms = [float(gradient.double().square().mean().sqrt()) for gradient in gradients if gradient is not None]
    return {
        ("activation_sd", moment): np.array([deviations]).reshape(1, -1),
        ("gradient_rms", moment): np.array([rms]),
    }
