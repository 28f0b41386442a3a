"""The same run by torch.nn, torch.optim and autograd: what users know, and the oracle of the compiled kernels.

It starts with the same weights, sees the same batches and drops the same units. Its bits are the same on x86-64
processors of all makers, as far as measured (docs/reproducibility.md); that takes the environment below before torch is
imported, one thread, no oneDNN and fused optimizers.
"""

import copy
import itertools
import math
import os
from collections.abc import Sequence
from typing import Literal

import numpy as np

os.environ.update(MKL_CBWR="COMPATIBLE", ATEN_CPU_CAPABILITY="avx2")

import torch
from torch import Tensor, nn

from pipeline.core.seeding import Seed
from pipeline.training.config import RunConfig
from pipeline.training.draws import masks, orders
from pipeline.training.engine import (
    Control,
    Examples,
    StoppedError,
    TrainingResult,
    canonical_nan,
    evaluated_epochs,
    widths,
)
from pipeline.training.importance_weights import example_weights
from pipeline.training.initializers import initial
from pipeline.training.kernels.arguments import REGRESSION_LOSSES, ROWS
from pipeline.training.subsets import subset

torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
# the vector functions of torch's library choose a kernel at their first call, and two threads that call one at once may
# get one of low accuracy (https://github.com/pytorch/pytorch/issues/188792)
for _function in (torch.erf, torch.exp, torch.expm1, torch.log, torch.log1p, torch.tanh):
    for _dtype in (torch.float32, torch.float64):
        _function(torch.full((1,), 0.5, dtype=_dtype))


class Network(nn.Module):
    """Linear layers with activation and dropout between them, started like the kernels'."""

    def __init__(self, config: RunConfig, seed: Seed, shape: Sequence[int], dtype: torch.dtype) -> None:
        super().__init__()
        model = config.model
        self.linears: list[nn.Linear] = []
        for layer, (before, after) in enumerate(itertools.pairwise(shape)):
            linear = nn.Linear(before, after, bias=model.bias, dtype=dtype, device="meta").to_empty(device="cpu")
            weight, bias = map(torch.from_numpy, initial(model.initialization, seed, layer, before, after))
            linear.load_state_dict({"weight": weight.T, "bias": bias} if model.bias else {"weight": weight.T})
            self.linears.append(linear)
        self.registered = nn.ModuleList(self.linears)
        self.activation = nn.Identity() if model.activation == "identity" else getattr(nn.functional, model.activation)
        rates = enumerate(model.dropout_rates)
        self.masks = [masks(seed, layer, rate, shape[layer + 1]) if rate else None for layer, rate in rates]

    def hidden(self, values: Tensor) -> list[Tensor]:
        """Compute the outputs of all hidden layers, (B, H) each, with dropout in training mode."""
        outputs = []
        for linear, mask in zip(self.linears, self.masks, strict=False):
            values = self.activation(linear(values))
            if mask and self.training:
                values = values * torch.from_numpy(mask(len(values))).to(values.dtype)
            outputs.append(values)
        return outputs

    def forward(self, values: Tensor) -> Tensor:
        """Compute the outputs, (B, D) to (B, C)."""
        outputs: Tensor = self.linears[-1]([values, *self.hidden(values)][-1])
        return outputs


def losses(config: RunConfig, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Compute the loss of each example: (N, C), (N,) to (N,) for classes, (N, 1), (N, 1) to (N,) for values."""
    if config.loss == "cross_entropy":
        return nn.functional.cross_entropy(outputs, targets, reduction="none", label_smoothing=smoothing)
    factor, name = REGRESSION_LOSSES[config.loss]
    values: Tensor = getattr(nn.functional, name)(outputs, targets, reduction="none").squeeze(1)
    return factor * values


def train(
    config: RunConfig, seed: Seed, examples: Examples, *, fold: int = 0, control: Control | None = None
) -> TrainingResult:
    """Train one run; arguments, result and errors are those of `engine.train`."""
    torch.set_num_threads(1)  # of the thread that trains: one product split over several has other bits
    return _Training(config, seed, examples, fold).run(control or Control())


_Set = tuple[Tensor, Tensor]  # inputs (N, D); targets (N,) for classes, (N, 1) for values


class _Training:
    """One run: its data, network and optimizer."""

    def __init__(self, config: RunConfig, seed: Seed, examples: Examples, fold: int) -> None:
        dataset, training, dtype = examples.dataset, config.training, getattr(torch, examples.real)
        self._config, self._classes = config, dataset.task == "classification"
        shape, seed_index, (factor, offset) = widths(config, dataset), dataset.seed_index(seed.index), examples.scale
        indices = subset(config, seed, fold, dataset.train.examples)

        def load(part: Literal["train", "test"]) -> _Set:
            inputs = torch.from_numpy(examples.inputs(part, seed_index, shape[0])[:, : shape[0]]).to(dtype)
            targets = torch.from_numpy(examples.targets(part, seed_index))
            return inputs * factor + offset, targets.long() if self._classes else targets[:, None]

        inputs, targets = load("train")
        self._parts = {part: (inputs[rows], targets[rows]) for part, rows in indices._asdict().items()}
        self._parts["test"] = load("test")
        weights = example_weights(config.data.importance_weights, dataset, seed, indices.trained)
        self._weights = torch.from_numpy(weights).to(dtype)
        self._orders = orders(seed, len(indices.trained), training.epochs)
        self._network = Network(config, seed, shape, dtype)
        self._linears = self._network.linears
        rate, decay = config.optimizer.learning_rate, config.optimizer.weight_decay
        biases = [linear.bias for linear in self._linears if config.model.bias]
        groups = [{"params": [linear.weight for linear in self._linears], "weight_decay": decay}, {"params": biases}]
        name, arguments = config.optimizer.counterpart
        self._optimizer = getattr(torch.optim, name)(groups, lr=rate, weight_decay=0.0, **arguments)
        name, arguments = training.lr_schedule.counterpart(rate, training.epochs)
        self._scheduler = getattr(torch.optim.lr_scheduler, name)(self._optimizer, **arguments)

    def run(self, control: Control) -> TrainingResult:
        training, patience = self._config.training, self._config.training.early_stopping.patience
        layers = self._measure_layers("start")
        evaluated, rows = evaluated_epochs(self._config), {}
        best_epoch, best_loss, best = 0, math.inf, self._network.state_dict()
        for epoch, order in enumerate(self._orders, start=1):
            running = self._train_epoch(torch.from_numpy(order), control)
            self._scheduler.step()
            if epoch in evaluated:
                rows[epoch] = running | self._evaluate_parts()
            control.epochs[0] = epoch
            if patience:
                loss = self._evaluate("stopping")["loss"]
                if epoch == 1 or loss < best_loss:
                    best_epoch, best_loss = epoch, math.inf if math.isnan(loss) else loss
                    best = copy.deepcopy(self._network.state_dict())
                elif epoch - best_epoch >= patience:
                    break
        control.epochs[0] = training.epochs
        if best_epoch:
            self._network.load_state_dict(best)
            # curves go on with the best weights after the last epoch that was trained, and end with them
            rows.pop(training.epochs, None)
            ended = running | self._evaluate_parts()
            rows |= {epoch: ended for epoch in evaluated if epoch not in rows}
        layers |= self._measure_layers("end")
        with torch.no_grad():
            biases = [
                torch.zeros(len(linear.weight)) if linear.bias is None else linear.bias for linear in self._linears
            ]
            return TrainingResult(
                epochs=np.array(evaluated),
                curves={
                    name: canonical_nan([rows[epoch][name] for epoch in evaluated]) for name in rows[evaluated[-1]]
                },
                layers=layers,
                affine_gap=self._affine_gap() if len(biases) > 1 else math.nan,
                best_epoch=best_epoch or training.epochs,
                predictions=self._network(self._parts["test"][0]).argmax(dim=1).numpy()
                if self._classes
                else np.zeros(0, int),
                weights=[canonical_nan(linear.weight.T.double().numpy()) for linear in self._linears],
                biases=[canonical_nan(bias.double().numpy()) for bias in biases],
            )

    def _train_epoch(self, order: Tensor, control: Control) -> dict[str, float]:
        """Pass once over the examples; return running means."""
        totals: dict[str, float] = {}
        self._network.train()
        for batch in order.split(self._config.training.batch_size):
            if control.stop[0]:
                raise StoppedError
            inputs, targets = (values[batch] for values in self._parts["trained"])
            outputs = self._network(inputs)
            trained = losses(self._config, outputs, targets, self._config.label_smoothing)
            self._optimizer.zero_grad()
            ((trained * self._weights[batch]).mean() + self._penalty()).backward()
            self._optimizer.step()
            for name, value in self._measure(outputs.detach(), targets).items():
                totals[name] = totals.get(name, 0.0) + value * len(batch)
        self._network.eval()
        return {f"train_{name}_running": value / len(order) for name, value in totals.items()}

    def _penalty(self) -> Tensor | float:
        penalty = self._config.penalty
        total: Tensor | float = 0.0
        for linear in self._linears:
            if penalty.l2 > 0:
                total = total + penalty.l2 * linear.weight.square().sum() / 2
            if penalty.l1 > 0:
                total = total + penalty.l1 * linear.weight.abs().sum()
        return total

    def _evaluate_parts(self) -> dict[str, float]:
        parts = {"train": "trained", "validation": "validation", "test": "test"}
        metrics = {name: self._evaluate(part) for name, part in parts.items() if len(self._parts[part][0])}
        return {f"{name}_{metric}": value for name, values in metrics.items() for metric, value in values.items()}

    @torch.no_grad()
    def _evaluate(self, part: str) -> dict[str, float]:
        inputs, targets = self._parts[part]
        return self._measure(self._network(inputs), targets)

    def _measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        metrics = {"loss": float(losses(self._config, outputs, targets).double().mean())}
        if self._classes:
            metrics["accuracy"] = float((outputs.argmax(dim=1) == targets).double().mean())
        return metrics

    def _measure_layers(self, moment: str) -> dict[tuple[str, str], np.ndarray]:
        """Measure spread of each hidden layer and size of each gradient on the first examples."""
        inputs, targets = (values[:ROWS] for values in self._parts["trained"])
        self._network.eval()
        self._network.zero_grad()
        losses(self._config, self._network(inputs), targets).mean().backward()
        deviations = [float(hidden.detach().double().std(correction=0)) for hidden in self._network.hidden(inputs)]
        gradients = [linear.weight.grad for linear in self._linears]
        rms = [float(gradient.double().square().mean().sqrt()) for gradient in gradients if gradient is not None]
        return {("activation_sd", moment): canonical_nan(deviations), ("gradient_rms", moment): canonical_nan(rms)}

    def _affine_gap(self) -> float:
        """Compute the largest distance of an output from that without activations, relative to the largest output."""
        affine = self._parts["trained"][0][:ROWS]
        outputs = self._network(affine)
        for linear in self._linears:
            affine = linear(affine)
        distance = (outputs - affine).abs().max()
        gap = float(distance / outputs.abs().max()) if distance > 0 else float(distance)
        return gap if math.isfinite(gap) else math.nan
