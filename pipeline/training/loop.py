"""Training of R runs as one tensor program: examples and settings in, curves and weights out.

A run is a pure function of its settings, its seed and its examples: what it is stacked with, the number of threads and
the order of the stack change no bit of it (tests/training/test_purity.py).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.project.dataset import Dataset, Split
from pipeline.project.metrics import Task
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting, StoppingOnLoss
from pipeline.training import layers
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.draws import Dropout, orders
from pipeline.training.initializers import initial
from pipeline.training.losses import LOSSES, accuracy, smooth_
from pipeline.training.mlp import StackedMLP
from pipeline.training.optimizers import kind, stacked
from pipeline.training.products import padded
from pipeline.training.stopping import EarlyStopping
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

EVALUATION_ROWS = 512  # examples of each run that are evaluated at once
PROBE_ROWS = 256  # examples of each run on which the layers are measured
BLOCK_BYTES = 2**20  # about how much of the inputs is gathered in one call: many small batches, or a single large one

Progress = Callable[[int], None]  # called with the number of run-epochs that just ended


@dataclass(frozen=True)
class Examples:
    """One split on the device: inputs (S * N, D) padded with zeros along D, targets (S * N,), N examples a seed."""

    inputs: Tensor
    targets: Tensor
    count: int

    @classmethod
    def load(
        cls, split: Split, slots: Sequence[int], dataset: Dataset, features: int, dtype: torch.dtype, device: str
    ) -> "Examples":
        """The first `features` features of these slots, scaled."""
        count = split.examples
        flat = torch.from_numpy(split.inputs[slots, :, :features].reshape(-1, features))
        inputs = torch.zeros(len(slots) * count, padded(features), dtype=dtype)
        inputs[:, :features] = flat.to(dtype).mul_(dataset.factor).add_(dataset.offset)
        targets = torch.from_numpy(split.targets[slots].reshape(-1))
        return cls(
            inputs=inputs.to(device),
            targets=targets.to(device, torch.int64 if dataset.task == "classification" else dtype),
            count=count,
        )


@dataclass(frozen=True)
class Outcome:
    """What R runs leave.

    Attributes:
        epochs: At which training and test set were evaluated, (E,).
        curves: For each metric that is followed, (R, E) float64.
        layers: For each quantity and moment ("start", "end"), (R, L) float64.
        final: Metrics that have no curve, (R,) float64.
        predictions: The class given to each test example, (R, N) int64; empty for a regression.
        weights, biases: At the end, without padding: (R, D, H) and (R, H), one a layer.
    """

    epochs: np.ndarray
    curves: dict[str, np.ndarray]
    layers: dict[tuple[str, str], np.ndarray]
    final: dict[str, np.ndarray]
    predictions: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    def metrics(self) -> dict[str, np.ndarray]:
        """The numbers of each run at the end of training, (R,)."""
        found = {name: curve[:, -1] for name, curve in self.curves.items()} | self.final
        with np.errstate(invalid="ignore"):
            # of a run that diverged both may be infinite: then there is no gap
            found["loss_gap"] = found["test_loss"] - found["train_loss"]
        if "test_accuracy" in found:
            found["accuracy_gap"] = found["train_accuracy"] - found["test_accuracy"]
        return found

    def take(self, runs: slice) -> "Outcome":
        """Some of the runs."""
        return Outcome(
            epochs=self.epochs,
            curves={name: values[runs] for name, values in self.curves.items()},
            layers={key: values[runs] for key, values in self.layers.items()},
            final={name: values[runs] for name, values in self.final.items()},
            predictions=self.predictions[runs],
            weights=[layer[runs] for layer in self.weights],
            biases=[layer[runs] for layer in self.biases],
        )


def program(setting: Setting, fold: int, examples: int) -> tuple[object, ...]:
    """What runs must share to be trained as one stack; what is not named here may differ from run to run.

    Args:
        setting: Of the run.
        fold: Of the run.
        examples: Of the whole training set.
    """
    model, schedule = setting.model, setting.schedule
    return (
        setting.implementation,
        setting.sizes(fold, examples),
        setting.data.correction.name != "none",
        model.features,
        model.hidden,
        model.activation,
        model.bias,
        setting.loss,
        setting.label_smoothing > 0,
        setting.penalty.l1 > 0,
        kind(setting.optimizer),
        schedule.epochs,
        schedule.batch_size,
        schedule.evaluations,
        schedule.early_stopping.name,
    )


def evaluated_epochs(setting: Setting) -> list[int]:
    """The epochs after which training and test set are evaluated: evenly spread, the last one always."""
    epochs, evaluations = setting.schedule.epochs, min(setting.schedule.evaluations, setting.schedule.epochs)
    return [int(epoch) for epoch in np.unique(np.round(np.linspace(epochs / evaluations, epochs, evaluations)))]


def widths(setting: Setting, dataset: Dataset) -> list[int]:
    """Inputs, hidden layers, outputs."""
    features = dataset.features if setting.model.features == "all" else setting.model.features
    return [features, *setting.model.hidden, dataset.outputs]


def train(
    settings: Sequence[Setting],
    seeds: Sequence[Seed],
    dataset: Dataset,
    *,
    folds: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    progress: Progress = lambda run_epochs: None,
) -> Outcome:
    """Train R runs as one stack.

    Args:
        settings: One a run; all of one `program`.
        seeds: One a run.
        dataset: With examples for every seed.
        folds: One a run; 0, also where none are given, trains on all examples, the others leave a part out.
        dtype, device: Of all tensors.
        progress: Called after every epoch.

    Raises:
        ValueError: If the runs are of more than one program.
    """
    runs = len(settings)
    folds = folds or [0] * runs
    examples = dataset.train.examples
    if len({program(setting, fold, examples) for setting, fold in zip(settings, folds, strict=True)}) != 1:
        raise ValueError("found settings of several programs in one stack, allowed: one")
    if runs == 1:
        # a stack of one takes another code path in the product, with other bits
        settings, seeds, folds = [*settings, *settings], [*seeds, *seeds], [*folds, *folds]
    stack = _Stack(settings, seeds, folds, dataset, dtype, device)
    stacked = len(settings)
    return stack.train(lambda run_epochs: progress(run_epochs // stacked * runs)).take(slice(runs))


class _Stack:
    """The state of a training."""

    def __init__(
        self,
        settings: Sequence[Setting],
        seeds: Sequence[Seed],
        folds: Sequence[int],
        dataset: Dataset,
        dtype: torch.dtype,
        device: str,
    ) -> None:
        first = settings[0]
        self._schedule, self._epochs = first.schedule, evaluated_epochs(first)
        self._rates = [setting.schedule.learning_rate for setting in settings]
        self._task: Task = dataset.task
        self._loss = LOSSES[first.loss]
        shape = widths(first, dataset)
        like = torch.empty(0, dtype=dtype, device=device)
        # of many seeds' examples only those that this stack needs
        slots = sorted({dataset.slot(seed.index) for seed in seeds})
        self._train, self._test = (
            Examples.load(split, slots, dataset, shape[0], dtype, device) for split in (dataset.train, dataset.test)
        )
        self._slots = torch.tensor([slots.index(dataset.slot(seed.index)) for seed in seeds], device=device)
        runs = list(zip(settings, seeds, folds, strict=True))
        parts = [subset(setting, seed, fold, dataset.train.examples) for setting, seed, fold in runs]
        self._trained, self._held, self._set_aside = (
            torch.from_numpy(np.stack(places)).to(device) for places in zip(*parts, strict=True)
        )
        self._example_weights: Tensor | None = None
        if first.data.correction.name != "none":
            found = [
                example_weights(setting.data.correction, dataset, seed, own.trained)
                for (setting, seed, _), own in zip(runs, parts, strict=True)
            ]
            self._example_weights = torch.from_numpy(np.stack(found)).to(device, dtype)
        self._activation = ACTIVATIONS[first.model.activation]
        self._seeds = list(dict.fromkeys(seeds))
        self._position = torch.tensor([self._seeds.index(seed) for seed in seeds], device=device)
        self._network = StackedMLP(len(settings), shape, self._activation, first.model.bias, like)
        self._initialize(settings, seeds, shape)
        self._optimizer = stacked(
            self._network, [setting.optimizer for setting in settings], [setting.penalty for setting in settings]
        )
        self._smoothing: Tensor | None = None
        if first.label_smoothing:
            self._smoothing = like.new_tensor([setting.label_smoothing for setting in settings])[:, None, None]
        self._stopping: EarlyStopping | None = None
        stops = [setting.schedule.early_stopping for setting in settings]
        patience = [stop.patience for stop in stops if isinstance(stop, StoppingOnLoss)]
        if patience:
            self._stopping = EarlyStopping(self._network, patience, first.schedule.epochs)
        self._dropout = Dropout(seeds, [setting.model.dropout_rates for setting in settings], shape[1:-1], like)
        self._blocks: dict[int, Tensor] = {}
        self._hidden = [int(bias.shape[2]) for bias in self._network.biases[:-1]]

    def _initialize(self, settings: Sequence[Setting], seeds: Sequence[Seed], shape: Sequence[int]) -> None:
        known: dict[object, tuple[np.ndarray, np.ndarray]] = {}
        weights, biases = self._network.real_weights(), self._network.real_biases()
        for layer, (before, after) in enumerate(itertools.pairwise(shape)):
            for run, (setting, seed) in enumerate(zip(settings, seeds, strict=True)):
                key = (setting.model.initialization, seed, layer)
                if key not in known:
                    known[key] = initial(setting.model.initialization, seed, layer, before, after)
                weight, bias = known[key]
                weights[layer][run] = torch.from_numpy(weight)
                if setting.model.bias:
                    biases[layer][run] = torch.from_numpy(bias)

    def train(self, progress: Progress) -> Outcome:
        runs, count = self._trained.shape
        epochs, stopping = self._schedule.epochs, self._stopping
        sizes = self._sizes("start")
        records: dict[int, dict[str, np.ndarray]] = {}
        running: dict[str, np.ndarray] = {}
        streams = [orders(seed, count, epochs) for seed in self._seeds]
        for epoch in range(1, epochs + 1):
            self._optimizer.follow([rate.factor(epoch, epochs) for rate in self._rates])
            latest = self._epoch(torch.from_numpy(np.stack([next(stream) for stream in streams])))
            if stopping is not None:
                # of a run that has ended the last epoch that counts stands
                latest = {name: np.where(stopping.active, now, running.get(name, now)) for name, now in latest.items()}
                stopping.see(epoch, self._evaluate("stopping", self._train, self._set_aside)["stopping_loss"])
            running = latest
            if epoch in self._epochs:
                records[epoch] = self._evaluated(running)
            progress(runs)
            if stopping is not None and not stopping.active.any():
                progress(runs * (epochs - epoch))
                break
        final = {"kept_epoch": np.full(runs, float(epochs))}
        if stopping is not None:
            stopping.restore()
            records = self._ended(records, self._evaluated(running), stopping)
            final = {"kept_epoch": stopping.kept_epoch.astype(float)}
        sizes |= self._sizes("end")
        weights = [_numpy(weight) for weight in self._network.real_weights()]
        biases = [_numpy(bias) for bias in self._network.real_biases()]
        final |= {"weight_norm": _numpy(layers.weight_norm(self._network))}
        if len(weights) > 1:
            inputs = self._probed()[0][..., : self._network.widths[0]]
            final |= layers.summary(weights, biases, self._activation, inputs, sizes)
        return Outcome(
            epochs=np.array(self._epochs),
            curves={
                name: np.stack([records[epoch][name] for epoch in self._epochs], axis=1) for name in records[epochs]
            },
            layers=sizes,
            final=final,
            predictions=self._predict(),
            weights=weights,
            biases=biases,
        )

    def _ended(
        self, records: dict[int, dict[str, np.ndarray]], kept: dict[str, np.ndarray], stopping: EarlyStopping
    ) -> dict[int, dict[str, np.ndarray]]:
        """All records: after the last epoch that counts for a run, and at the end, those of the weights it keeps."""
        return {
            epoch: {
                name: np.where(
                    (epoch <= stopping.last_epoch) & (epoch < self._schedule.epochs),
                    records.get(epoch, kept)[name],
                    values,
                )
                for name, values in kept.items()
            }
            for epoch in self._epochs
        }

    def _evaluated(self, running: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What is recorded of an epoch: running means of the training, and passes over all examples afterwards."""
        return (
            {f"train_{name}_running": value for name, value in running.items()}
            | self._evaluate("train", self._train, self._trained)
            | self._evaluate("validation", self._train, self._held)
            | self._evaluate("test", self._test, self._all(self._test))
        )

    def _epoch(self, order: Tensor) -> dict[str, np.ndarray]:
        """One pass in the order (seeds, n) of the examples trained on; the running means of loss and accuracy."""
        order = order.to(self._slots.device).index_select(0, self._position)
        places = self._trained.gather(1, order)
        weights = None if self._example_weights is None else self._example_weights.gather(1, order)
        size = self._schedule.batch_size
        measured = []
        for first, inputs, targets in self._batches(self._train, places, size):
            rows = inputs.shape[1]
            outputs = self._network.forward(inputs, self._dropout.keeps(rows, self._hidden))
            gradient = self._network.output_gradient(rows)
            loss = self._loss(outputs, targets, gradient)
            if self._smoothing is not None:
                smooth_(gradient, targets, self._smoothing)
            if weights is not None:
                gradient.mul_(weights[:, first : first + rows, None])
            measured.append(self._measure(outputs, targets, loss))
            self._optimizer.step()
        return _means(measured)

    def _evaluate(self, split: str, examples: Examples, places: Tensor) -> dict[str, np.ndarray]:
        """Mean loss and accuracy over the examples at these places (R, n), nothing dropped; none over no example."""
        measured = []
        for _, inputs, targets in self._batches(examples, places, EVALUATION_ROWS):
            outputs = self._network.forward(inputs)
            measured.append(self._measure(outputs, targets, self._loss(outputs, targets, None)))
        return {f"{split}_{name}": value for name, value in _means(measured).items()}

    def _predict(self) -> np.ndarray:
        """The class of the largest output for every test example; nothing for a regression."""
        if self._task == "regression":
            return np.zeros((len(self._slots), 0), dtype=np.int64)
        batches = self._batches(self._test, self._all(self._test), EVALUATION_ROWS)
        classes: np.ndarray = torch.cat(
            [self._network.forward(inputs).argmax(dim=2) for _, inputs, _ in batches], dim=1
        ).numpy(force=True)
        return classes

    def _measure(self, outputs: Tensor, targets: Tensor, losses: Tensor) -> dict[str, Tensor]:
        if self._task == "classification":
            return {"loss": losses, "accuracy": accuracy(outputs, targets)}
        return {"loss": losses}

    def _sizes(self, moment: str) -> dict[tuple[str, str], np.ndarray]:
        found = layers.sizes(self._network, self._loss, *self._probed())
        return {(quantity, moment): _numpy(value) for quantity, value in found.items()}

    def _probed(self) -> tuple[Tensor, Tensor]:
        ((_, inputs, targets),) = self._batches(self._train, self._trained[:, :PROBE_ROWS], PROBE_ROWS)
        return inputs, targets

    def _all(self, examples: Examples) -> Tensor:
        return torch.arange(examples.count, device=self._slots.device).expand(len(self._slots), -1)

    def _batches(self, examples: Examples, places: Tensor, size: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Batches of the examples at places (R, n) within each run's slot.

        First place, inputs (R, B, D), which the next batches overwrite, and targets (R, B).
        """
        rows = places + self._slots[:, None] * examples.count
        runs, count = rows.shape
        features = examples.inputs.shape[1]
        # whole batches are gathered several at a time, each of them contiguous; what is left over follows
        whole = count // size
        at_once = max(1, BLOCK_BYTES // (runs * size * features * examples.inputs.element_size()))
        blocks = [(first * size, min(at_once, whole - first), size) for first in range(0, whole, at_once)]
        if count % size:
            blocks.append((whole * size, 1, count % size))
        for start, batches, length in blocks:
            block = rows[:, start : start + batches * length].view(runs, batches, length).transpose(0, 1).reshape(-1)
            gathered = self._gathered(batches * runs * length, features)
            torch.index_select(examples.inputs, 0, block, out=gathered)
            targets = examples.targets.index_select(0, block).view(batches, runs, length)
            for batch, inputs in enumerate(gathered.view(batches, runs, length, features)):
                yield start + batch * length, inputs, targets[batch]

    def _gathered(self, rows: int, features: int) -> Tensor:
        if rows not in self._blocks:
            self._blocks[rows] = self._train.inputs.new_empty(rows, features)
        return self._blocks[rows]


def _means(measured: Sequence[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    """Numbers of examples, batch after batch (R, B), to means over all of them, (R,) float64."""
    if not measured:
        return {}
    batches = {name: torch.cat([each[name] for each in measured], dim=1) for name in measured[0]}
    return {name: _numpy(values.sum(dim=1, dtype=torch.float64) / values.shape[1]) for name, values in batches.items()}


def _numpy(values: Tensor) -> np.ndarray:
    found: np.ndarray = values.detach().cpu().double().numpy().copy()
    return found
