"""The same network by torch.nn, torch.optim and autograd, one run at a time.

It starts with the same weights and sees the same batches as the stacked engine, whose oracle it is.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.artifacts import Dataset
from pipeline.seeding import Seed, generator
from pipeline.settings import Setting
from pipeline.training.draws import orders
from pipeline.training.initializers import initial
from pipeline.training.loop import EVALUATION_ROWS, PROBE_ROWS, Examples, Outcome, Progress, evaluated_epochs, widths

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "identity": nn.Identity}

MakeDropout = Callable[[int, float], nn.Module]  # from the number of the hidden layer and its rate


def half_squared_error(outputs: Tensor, values: Tensor) -> Tensor:
    """Half of torch's mean squared error."""
    return nn.functional.mse_loss(outputs, values) / 2


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": nn.functional.cross_entropy,
    "squared_error": nn.functional.mse_loss,
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
            layers.append(ACTIVATIONS[setting.model.activation]())
            layers.append(dropout(number, setting.model.dropout_rates[number]))
    return nn.Sequential(*layers)


def train(
    setting: Setting,
    seed: Seed,
    dataset: Dataset,
    *,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    progress: Progress = lambda run_epochs: None,
    dropout: MakeDropout = lambda number, rate: nn.Dropout(rate),
) -> Outcome:
    """Train one run; the outcome's axis R has length 1.

    Args:
        setting, seed, dataset, dtype, device, progress: As for `loop.train`.
        dropout: What stands after each hidden layer's activation.
    """
    shape = widths(setting, dataset)
    train_set, test_set = (
        _own(Examples.load(split, dataset, shape[0], dtype, device), dataset, seed, shape[0])
        for split in (dataset.train, dataset.test)
    )
    loss_of = LOSSES[setting.loss]
    with _isolated(seed):
        network = build(setting, seed, shape, dtype, dropout).to(device)
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        optimizer = _optimizer(setting, linears)
        layers = _probe(network, loss_of, train_set, "start")
        records = []
        epochs, wanted = setting.schedule.epochs, evaluated_epochs(setting)
        for epoch, order in enumerate(orders(seed, len(train_set[0]), epochs), start=1):
            totals: dict[str, float] = {}
            network.train()
            for batch in torch.from_numpy(order).to(device).split(setting.schedule.batch_size):
                inputs, targets = train_set[0][batch], train_set[1][batch]
                outputs = network(inputs)
                loss = loss_of(outputs, targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                for name, value in _measure(outputs, targets, loss).items():
                    totals[name] = totals.get(name, 0.0) + value * len(batch)
            if epoch in wanted:
                records.append(
                    {f"train_{name}_running": value / len(order) for name, value in totals.items()}
                    | {f"train_{name}": value for name, value in _evaluate(network, loss_of, train_set).items()}
                    | {f"test_{name}": value for name, value in _evaluate(network, loss_of, test_set).items()}
                )
            progress(1)
        layers |= _probe(network, loss_of, train_set, "end")
    weights = [linear.weight.detach().T.double().cpu().numpy()[None].copy() for linear in linears]
    biases = [linear.bias.detach().double().cpu().numpy()[None].copy() for linear in linears if setting.model.bias]
    return Outcome(
        epochs=np.array(wanted),
        curves={name: np.array([[record[name] for record in records]]) for name in records[0]},
        layers=layers,
        weight_norm=np.sqrt(np.array([sum(float(np.square(weight).sum()) for weight in weights)])),
        weights=weights,
        biases=biases or [np.zeros((1, width)) for width in shape[1:]],
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


def _own(examples: Examples, dataset: Dataset, seed: Seed, features: int) -> _Examples:
    """The seed's own examples: inputs (N, D); targets (N,) for classes, (N, 1) for values."""
    rows = slice(dataset.slot(seed.index) * examples.count, (dataset.slot(seed.index) + 1) * examples.count)
    targets = examples.targets[rows]
    return examples.inputs[rows, :features], targets if dataset.task == "classification" else targets[:, None]


def _optimizer(setting: Setting, linears: Sequence[nn.Linear]) -> torch.optim.Optimizer:
    weights = {"params": [linear.weight for linear in linears], "weight_decay": setting.optimizer.weight_decay}
    biases = {"params": [linear.bias for linear in linears if setting.model.bias], "weight_decay": 0.0}
    return torch.optim.SGD([weights, biases], lr=setting.optimizer.learning_rate, momentum=setting.optimizer.momentum)


def _measure(outputs: Tensor, targets: Tensor, loss: Tensor) -> dict[str, float]:
    measured = {"loss": float(loss.detach())}
    if not targets.is_floating_point():
        measured["accuracy"] = float((outputs.argmax(dim=-1) == targets).double().mean())
    return measured


@torch.no_grad()
def _evaluate(network: nn.Sequential, loss_of: _LossOf, examples: _Examples) -> dict[str, float]:
    network.eval()
    totals: dict[str, float] = {}
    for inputs, targets in zip(*(tensor.split(EVALUATION_ROWS) for tensor in examples), strict=True):
        outputs = network(inputs)
        for name, value in _measure(outputs, targets, loss_of(outputs, targets)).items():
            totals[name] = totals.get(name, 0.0) + value * len(inputs)
    return {name: total / len(examples[0]) for name, total in totals.items()}


def _probe(
    network: nn.Sequential, loss_of: _LossOf, examples: _Examples, moment: str
) -> dict[tuple[str, str], np.ndarray]:
    network.eval()
    network.zero_grad()
    values, deviations = examples[0][:PROBE_ROWS], []
    for layer in network:
        values = layer(values)
        if isinstance(layer, tuple(ACTIVATIONS.values())):
            deviations.append(float(values.detach().double().std(correction=0)))
    loss_of(values, examples[1][:PROBE_ROWS]).backward()
    gradients = [layer.weight.grad for layer in network if isinstance(layer, nn.Linear)]
    sizes = [float(gradient.double().square().mean().sqrt()) for gradient in gradients if gradient is not None]
    return {
        ("activation_sd", moment): np.array([deviations]).reshape(1, -1),
        ("gradient_rms", moment): np.array([sizes]),
    }
