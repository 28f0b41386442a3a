"""The same run by torch.nn, torch.optim and autograd: what users know, and the oracle of the compiled kernels.

It starts with the same weights, sees the same batches and drops the same units. Its bits are the same on x86-64
processors of all makers, as far as measured (docs/reproducibility.md); that takes the environment below before torch is
imported, one thread, no oneDNN and fused optimizers.
"""

import copy
import itertools
import math
import os
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

os.environ.update(MKL_CBWR="COMPATIBLE", ATEN_CPU_CAPABILITY="avx2")

import torch
from torch import Tensor, nn

from pipeline.core.seeding import Seed
from pipeline.training.config import SGD, AdamW, CosineSchedule, RunConfig, StepSchedule, StoppingOnLoss
from pipeline.training.draws import masks, orders
from pipeline.training.engine import Control, Examples, StoppedError, TrainingResult, evaluated_epochs, one_nan, widths
from pipeline.training.initializers import initial
from pipeline.training.kernels.arguments import ROWS
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
# the vector functions of torch's library choose a kernel at their first call, and two threads that call one at once may
# get one of low accuracy (https://github.com/pytorch/pytorch/issues/188792)
for _function in (torch.erf, torch.exp, torch.expm1, torch.log, torch.log1p, torch.tanh):
    for _dtype in (torch.float32, torch.float64):
        _function(torch.full((1,), 0.5, dtype=_dtype))

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


class Dropout(nn.Module):
    """`torch.nn.Dropout` with the masks of the compiled kernels."""

    def __init__(self, seed: Seed, layer: int, rate: float, width: int) -> None:
        super().__init__()
        self._masks = masks(seed, layer, rate, width)

    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return values
        return values * torch.from_numpy(self._masks(len(values))).to(values.dtype)


def losses(config: RunConfig, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The loss of each example: (N, C), (N,) -> (N,) of classes, (N, 1), (N, 1) -> (N,) of values."""
    if config.loss == "cross_entropy":
        return nn.functional.cross_entropy(outputs, targets, reduction="none", label_smoothing=smoothing)
    squares = nn.functional.mse_loss(outputs, targets, reduction="none").squeeze(1)
    return squares if config.loss == "squared_error" else squares / 2


def build(config: RunConfig, seed: Seed, shape: Sequence[int], dtype: torch.dtype) -> nn.Sequential:
    """Linear layers with activation and dropout between them, started like the kernels'."""
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(itertools.pairwise(shape)):
        linear = nn.Linear(before, after, bias=config.model.bias, dtype=dtype, device="meta").to_empty(device="cpu")
        weight, bias = initial(config.model.initialization, seed, number, before, after)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            if config.model.bias:
                linear.bias.copy_(torch.from_numpy(bias))
        layers.append(linear)
        if number < len(shape) - 2:
            layers.append(ACTIVATIONS[config.model.activation]())
            if config.model.dropout_rates[number]:
                layers.append(Dropout(seed, number, config.model.dropout_rates[number], after))
    return nn.Sequential(*layers)


def train(
    config: RunConfig, seed: Seed, examples: Examples, *, fold: int = 0, control: Control | None = None
) -> TrainingResult:
    """Train one run; arguments, result and errors are those of `engine.train`."""
    torch.set_num_threads(1)  # of the thread that trains: one product split over several has other bits
    return _Training(config, seed, examples, fold).train(control or Control.of_one_run())


_Set = tuple[Tensor, Tensor]  # inputs (N, D); targets (N,) for classes, (N, 1) for values


class _Training:
    """One run: its data, network and optimizer."""

    def __init__(self, config: RunConfig, seed: Seed, examples: Examples, fold: int) -> None:
        self._config, self._seed, self._dataset = config, seed, examples.dataset
        self._classes = examples.dataset.task == "classification"
        dtype = getattr(torch, examples.real)
        shape = widths(config, examples.dataset)
        seed_index = self._dataset.seed_index(seed.index)
        places = subset(config, seed, fold, self._dataset.train.examples)
        factor, offset = examples.scale

        def load(part: Literal["train", "test"]) -> _Set:
            inputs = torch.from_numpy(examples.inputs(part, seed_index, shape[0])[:, : shape[0]]).to(dtype)
            targets = torch.from_numpy(examples.targets(part, seed_index))
            return inputs * factor + offset, targets.long() if self._classes else targets[:, None]

        (inputs, targets), test = load("train"), load("test")
        self._train, validation, self._stopping = ((inputs[rows], targets[rows]) for rows in places)
        self._sets = {"train": self._train, "validation": validation, "test": test}
        weights = example_weights(config.data.importance_weights, self._dataset, seed, places.trained)
        self._weights = torch.from_numpy(weights).to(dtype)
        self._network = build(config, seed, shape, dtype)
        self._linears = [layer for layer in self._network if isinstance(layer, nn.Linear)]
        self._optimizer = _optimizer(config, self._linears)

    def train(self, control: Control) -> TrainingResult:
        config, training = self._config, self._config.training
        scheduler, stopping = _scheduler(config, self._optimizer), training.early_stopping
        layers = self._measure_layers("start")
        wanted, records = evaluated_epochs(config), {}
        best_epoch, best_loss, best = 0, math.inf, self._network.state_dict()
        for epoch, order in enumerate(orders(self._seed, len(self._train[0]), training.epochs), start=1):
            running = self._train_epoch(torch.from_numpy(order), control)
            if scheduler is not None:
                scheduler.step()
            if epoch in wanted:
                records[epoch] = running | self._evaluate_sets()
            control.epochs[0] = epoch
            if isinstance(stopping, StoppingOnLoss):
                loss = self._evaluate(self._stopping)["loss"]
                if epoch == 1 or loss < best_loss:
                    best_epoch, best_loss = epoch, math.inf if math.isnan(loss) else loss
                    best = copy.deepcopy(self._network.state_dict())
                elif epoch - best_epoch >= stopping.patience:
                    break
        control.epochs[0] = training.epochs
        if best_epoch:
            self._network.load_state_dict(best)
            # after the last epoch that was trained, and at the end, the best weights are what there is
            records = {epoch: record for epoch, record in records.items() if epoch < training.epochs}
            ended = running | self._evaluate_sets()
            records |= {epoch: ended for epoch in wanted if epoch not in records}
        layers |= self._measure_layers("end")
        return self._outcome(wanted, records, layers, best_epoch or training.epochs)

    def _train_epoch(self, order: Tensor, control: Control) -> dict[str, float]:
        """One pass over the examples; running means."""
        totals: dict[str, float] = {}
        self._network.train()
        for batch in order.split(self._config.training.batch_size):
            if control.stop[0]:
                raise StoppedError
            inputs, targets = self._train[0][batch], self._train[1][batch]
            outputs = self._network(inputs)
            trained = losses(self._config, outputs, targets, self._config.label_smoothing)
            self._optimizer.zero_grad()
            ((trained * self._weights[batch]).mean() + _penalty(self._config, self._linears)).backward()
            self._optimizer.step()
            for name, value in self._measure(outputs, targets).items():
                totals[name] = totals.get(name, 0.0) + value * len(batch)
        return {f"train_{name}_running": value / len(order) for name, value in totals.items()}

    def _evaluate_sets(self) -> dict[str, float]:
        return {
            f"{split}_{name}": value
            for split, examples in self._sets.items()
            if len(examples[0])
            for name, value in self._evaluate(examples).items()
        }

    @torch.no_grad()
    def _evaluate(self, examples: _Set) -> dict[str, float]:
        self._network.eval()
        return self._measure(self._network(examples[0]), examples[1])

    def _measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        measured = {"loss": float(losses(self._config, outputs.detach(), targets).double().mean())}
        if not targets.is_floating_point():
            measured["accuracy"] = float((outputs.argmax(dim=1) == targets).double().mean())
        return measured

    def _measure_layers(self, moment: str) -> dict[tuple[str, str], np.ndarray]:
        self._network.eval()
        self._network.zero_grad()
        values, deviations = self._train[0][:ROWS], []
        for layer in self._network:
            values = layer(values)
            if isinstance(layer, tuple(ACTIVATIONS.values())):
                deviations.append(float(values.detach().double().std(correction=0)))
        losses(self._config, values, self._train[1][:ROWS]).mean().backward()
        gradients = [linear.weight.grad for linear in self._linears]
        rms = [float(gradient.double().square().mean().sqrt()) for gradient in gradients if gradient is not None]
        return {("activation_sd", moment): one_nan(deviations), ("gradient_rms", moment): one_nan(rms)}

    @torch.no_grad()
    def _affine_gap(self) -> float:
        """The largest distance of an output from what the layers give without activation, by the largest output."""
        straight = self._train[0][:ROWS]
        outputs = self._network(straight)
        for linear in self._linears:
            straight = linear(straight)
        distance = (outputs - straight).abs().max()
        gap = float(distance / outputs.abs().max()) if distance > 0 else float(distance)
        return gap if math.isfinite(gap) else math.nan

    @torch.no_grad()
    def _outcome(
        self,
        wanted: list[int],
        records: dict[int, dict[str, float]],
        layers: dict[tuple[str, str], np.ndarray],
        best_epoch: int,
    ) -> TrainingResult:
        self._network.eval()
        weights = [linear.weight.T.double().numpy().copy() for linear in self._linears]
        biases = [
            linear.bias.double().numpy().copy() if self._config.model.bias else np.zeros(linear.out_features)
            for linear in self._linears
        ]
        outputs = self._network(self._sets["test"][0])
        return TrainingResult(
            epochs=np.array(wanted),
            curves={name: one_nan([records[epoch][name] for epoch in wanted]) for name in records[wanted[-1]]},
            layers=layers,
            affine_gap=self._affine_gap() if len(weights) > 1 else math.nan,
            best_epoch=best_epoch,
            predictions=outputs.argmax(dim=1).numpy() if self._classes else np.zeros(0, np.int64),
            weights=[one_nan(weight) for weight in weights],
            biases=[one_nan(bias) for bias in biases],
        )


def _optimizer(config: RunConfig, linears: Sequence[nn.Linear]) -> torch.optim.Optimizer:
    own = config.optimizer
    weights = {"params": [linear.weight for linear in linears], "weight_decay": own.weight_decay}
    biases = {"params": [linear.bias for linear in linears if config.model.bias], "weight_decay": 0.0}
    groups, rate = [weights, biases], own.learning_rate
    if isinstance(own, SGD):
        return torch.optim.SGD(groups, rate, own.momentum, nesterov=own.nesterov, fused=True)
    kind = torch.optim.AdamW if isinstance(own, AdamW) else torch.optim.Adam
    return kind(groups, rate, betas=(own.beta1, own.beta2), eps=own.epsilon, fused=True)


def _scheduler(config: RunConfig, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler | None:
    rate = config.training.lr_schedule
    if isinstance(rate, StepSchedule):
        return torch.optim.lr_scheduler.StepLR(optimizer, rate.every, rate.gamma)
    if isinstance(rate, CosineSchedule):
        lowest = rate.final * config.optimizer.learning_rate
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.training.epochs, lowest)
    return None


def _penalty(config: RunConfig, linears: Sequence[nn.Linear]) -> Tensor | float:
    """Part of the loss that is trained, 0 without penalties."""
    total: Tensor | float = 0.0
    for linear in linears:
        if config.penalty.l2 > 0:
            total = total + config.penalty.l2 * linear.weight.square().sum() / 2
        if config.penalty.l1 > 0:
            total = total + config.penalty.l1 * linear.weight.abs().sum()
    return total
