"""Training of one run: its configuration, seed and examples go to the compiled kernels, curves and weights come back.

A run is a pure function of these three, bit for bit, on every processor: one thread trains it from its first weight to
its last metric (`kernels.training`), and nothing else has a part in it.
"""

import functools
import itertools
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state, total
from pipeline.core.dataset import Dataset
from pipeline.core.rounding import rounded
from pipeline.core.seeding import Seed, generator
from pipeline.training.config import SGD, AdamW, RunConfig, StoppingOnLoss
from pipeline.training.draws import mask_key, threshold
from pipeline.training.initializers import initial
from pipeline.training.kernels.arguments import ACTIVATIONS, CURVES, LOSSES, ROWS, RUN
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

Real = Literal["float32", "float64"]
Part = Literal["train", "test"]
T = TypeVar("T")

_LANES = 16
_OPTIMIZERS = {"sgd": 0, "adam": 1, "adamw": 1}


@dataclass(frozen=True)
class TrainingResult:
    """What one run leaves.

    Attributes:
        epochs: At which training and test set were evaluated, (E,).
        curves: For each metric that is followed, (E,) float64.
        layers: For each quantity and moment ("start", "end"), (L,) float64.
        affine_gap: The largest distance of an output from what the layers give without activation, by the largest
            output, on up to 256 examples. NaN where one of them is not finite, that output is 0, or no layer is hidden.
        best_epoch: The epoch after which the weights are those at the end: the last, without early stopping.
        predictions: The class given to each test example, (N,) int64; empty for a regression.
        weights, biases: At the end, (D, H) and (H,) float64, one for each layer.
    """

    epochs: np.ndarray
    curves: dict[str, np.ndarray]
    layers: dict[tuple[str, str], np.ndarray]
    affine_gap: float
    best_epoch: int
    predictions: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    def metrics(self) -> dict[str, float]:
        """The numbers at the end of training.

        The ratios are those at the start: of the standard deviation of the last hidden layer to that of the first, and
        of the root mean square of the first layer's gradient to that of the last. `unit_spread` says how much the
        incoming weights of the first layer's units differ: the root mean square of largest less smallest.
        """
        found = {name: float(curve[-1]) for name, curve in self.curves.items()}
        found["best_epoch"] = float(self.best_epoch)
        found["weight_norm"] = math.sqrt(sum(float(total(np.square(weight).reshape(-1))) for weight in self.weights))
        # undefined where both are infinite, as of a run that diverged, or both are 0
        with np.errstate(divide="ignore", invalid="ignore"):
            found["loss_gap"] = float(np.float64(found["test_loss"]) - found["train_loss"])
            if "test_accuracy" in found:
                found["accuracy_gap"] = found["train_accuracy"] - found["test_accuracy"]
            if len(self.weights) > 1:
                deviations, gradients = self.layers["activation_sd", "start"], self.layers["gradient_rms", "start"]
                found["activation_ratio"] = float(deviations[-1] / deviations[0])
                found["gradient_ratio"] = float(gradients[0] / gradients[-1])
                spread = np.ptp(self.weights[0], axis=1)
                found["unit_spread"] = math.sqrt(total(np.square(spread)) / len(spread))
                found["affine_gap"] = self.affine_gap
        return found


class Control(NamedTuple):
    """What a training shares with other threads: it ends once stop[0] is not 0, and counts its epochs in epochs[0]."""

    stop: np.ndarray  # int64
    epochs: np.ndarray  # int64

    @classmethod
    def of_one_run(cls) -> "Control":
        return cls(np.zeros(1, np.int64), np.zeros(1, np.int64))


class StoppedError(Exception):
    """A training was ended before it was done."""


def evaluated_epochs(config: RunConfig) -> list[int]:
    """The epochs after which training and test set are evaluated: evenly spread, the last one always."""
    epochs, evaluations = config.training.epochs, min(config.training.evaluations, config.training.epochs)
    return [int(epoch) for epoch in np.unique(np.round(np.linspace(epochs / evaluations, epochs, evaluations)))]


def widths(config: RunConfig, dataset: Dataset) -> list[int]:
    """Inputs, hidden layers, outputs."""
    features = dataset.features if config.model.features == "all" else config.model.features
    return [features, *config.model.hidden, dataset.outputs]


class Examples:
    """A data set as the kernels read it: rows of whole vectors, bytes as they are, other numbers scaled.

    What runs share is made once for all of them.

    Raises:
        ValueError: If it is none: the kernels check nothing.
    """

    def __init__(self, dataset: Dataset, real: Real = "float32") -> None:
        if problem := dataset.problem(dataset.seeds):
            raise ValueError(problem)
        self.dataset, self.real = dataset, real
        self.bytes = dataset.train.inputs.dtype == np.uint8
        # factor and offset that are still to be applied
        self.scale = (dataset.factor, dataset.offset) if self.bytes else (1.0, 0.0)
        self._made: dict[Hashable, Any] = {}

    def inputs(self, part: Part, seed_index: int, features: int) -> np.ndarray:
        """(N, D) with D padded to whole vectors."""

        def make() -> list[np.ndarray]:
            inputs = getattr(self.dataset, part).inputs[:, :, :features]
            padded = np.zeros((*inputs.shape[:2], _padded(features)), np.uint8 if self.bytes else self.real)
            padded[:, :, :features] = inputs if self.bytes else inputs * self.dataset.factor + self.dataset.offset
            return list(padded)

        return self._once(("inputs", part, features), make)[seed_index]

    def targets(self, part: Part, seed_index: int) -> np.ndarray:
        """Values or labels as floats, (N,)."""

        def make() -> list[np.ndarray]:
            return list(np.ascontiguousarray(getattr(self.dataset, part).targets, self.real))

        return self._once(("targets", part), make)[seed_index]

    def plan(self, config: RunConfig, fold: int) -> "_Plan":
        """What all runs of one config and fold share."""
        # by number: to hash a config takes longer than to train a small one; the plan keeps it, and so its number
        return self._once((id(config), fold), lambda: _Plan(config, self, fold))

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made


def train(
    config: RunConfig, seed: Seed, examples: Examples, *, fold: int = 0, control: Control | None = None
) -> TrainingResult:
    """Train one run.

    Args:
        config: Configuration of the run.
        seed: Seed of the run.
        examples: The data set, with examples for this seed; the run computes in its type.
        fold: 0 trains on all examples, another leaves a part out.
        control: Read and written while the run trains.

    Raises:
        StoppedError: If `control` was stopped.
        ValueError: If the config does not fit the data set.
    """
    control = control or Control.of_one_run()
    run = _Run(examples.plan(config, fold), seed, control)
    _kernel(examples.real)(run.address, 0)
    if control.stop[0]:
        raise StoppedError
    return run.outcome()


@functools.cache
def _kernel(real: Real) -> library.Function:
    return library.function("pipeline.training.kernels.training:train", RUN, "real*", real=real)


class _Plan:
    """What all runs of one config share: where numbers lie, and the record but for addresses of a run's own."""

    def __init__(self, config: RunConfig, examples: Examples, fold: int) -> None:
        self.config, self.examples, self.fold = config, examples, fold
        self.real = np.dtype(examples.real)
        self.widths = widths(config, examples.dataset)
        self.evaluated = evaluated_epochs(config)
        self.weighted = config.data.importance_weights.name != "none"
        self.classes = config.loss == "cross_entropy"
        self.linear = len(self.widths) == 2 and not (self.classes or self.weighted or examples.bytes)
        self._check()
        self.strips = [_padded(width) // _LANES for width in self.widths]
        self.record = np.zeros((), RUN)
        self.arrays = {
            "widths": np.array(self.widths),
            "tested": np.arange(examples.dataset.test.examples),
            "thresholds": np.array([threshold(rate) for rate in config.model.dropout_rates], np.int64),
        }
        self._set_layout()
        self._set_schedule()
        self._set_numbers()
        for name, array in self.arrays.items():
            self.record[name] = array.ctypes.data

    def _check(self) -> None:
        """Refuse a config that does not fit the data set: the kernels would read what is not there."""
        config, dataset = self.config, self.examples.dataset
        sizes = config.sizes(self.fold, dataset.train.examples)
        if self.classes != (dataset.task == "classification"):
            raise ValueError(f"found the loss {config.loss}, but the data set's task is {dataset.task}")
        if sizes.trained < 1 or sum(sizes) > dataset.train.examples:
            raise ValueError(f"found {sizes} of {dataset.train.examples} examples")
        if self.widths[0] > dataset.features:
            raise ValueError(f"found {self.widths[0]} features, allowed: at most the data set's {dataset.features}")

    def _set_layout(self) -> None:
        """Parameters: weights and biases of a layer after each other, as strips of 16 columns."""
        pairs = list(itertools.pairwise(self.strips))
        sizes = [self.strips[0] * _LANES] if self.linear else [before * after * _LANES**2 for before, after in pairs]
        both = [size for weight, (_, after) in zip(sizes, pairs, strict=True) for size in (weight, after * _LANES)]
        starts = [0, *itertools.accumulate(both)]
        self.weight_starts, self.bias_starts, self.parameter_count = starts[:-1:2], starts[1::2], starts[-1]
        sizes_of_parts = self.config.sizes(self.fold, self.examples.dataset.train.examples)
        tested = len(self.arrays["tested"])
        batch = min(self.config.training.batch_size, sizes_of_parts.trained)
        self.rows = max(batch, min(ROWS, max(*sizes_of_parts, tested)))  # that are computed at once
        units = [0, *itertools.accumulate(self.rows * strips * _LANES for strips in self.strips[1:])]
        self.unit_count = units[-1]
        self.arrays["weight_offsets"] = np.array(self.weight_starts)
        self.arrays["bias_offsets"] = np.array(self.bias_starts)
        self.arrays["output_offsets"] = np.array(units[:-1])
        self.record["layers"], self.record["parameter_count"] = len(pairs), self.parameter_count
        for name, count in (*sizes_of_parts._asdict().items(), ("tested", tested)):
            self.record[f"{name}_count"] = count

    def _set_schedule(self) -> None:
        training, optimizer = self.config.training, self.config.optimizer
        factors = [training.lr_schedule.factor(epoch, training.epochs) for epoch in range(1, training.epochs + 1)]
        # rounded, since the last digits of a cosine and of a power belong to the C library
        self.arrays["learning_rates"] = optimizer.learning_rate * np.array([rounded(factor) for factor in factors])
        numbers = np.full(training.epochs, -1)
        numbers[np.array(self.evaluated) - 1] = np.arange(len(self.evaluated))
        self.arrays["evaluations"] = numbers
        stopping = training.early_stopping
        self.record["patience"] = stopping.patience if isinstance(stopping, StoppingOnLoss) else 0
        self.record["epochs"], self.record["batch_size"] = training.epochs, training.batch_size

    def _set_numbers(self) -> None:
        config, record = self.config, self.record
        optimizer, penalty = config.optimizer, config.penalty
        record["linear"], record["bias"], record["weighted"] = self.linear, config.model.bias, self.weighted
        record["bytes"], record["features"] = self.examples.bytes, self.widths[0]
        record["factor"], record["offset"] = self.examples.scale
        record["activation"] = ACTIVATIONS.index(config.model.activation)
        record["loss"], record["label_smoothing"] = LOSSES.index(config.loss), config.label_smoothing
        record["optimizer"] = _OPTIMIZERS[optimizer.name]
        record["l1"], record["decay"] = penalty.l1, penalty.l2 + optimizer.weight_decay
        if isinstance(optimizer, SGD):
            record["momentum"], record["nesterov"] = optimizer.momentum, optimizer.nesterov
            self.moments = int(optimizer.momentum > 0)
        else:
            record["beta1"], record["beta2"], record["epsilon"] = optimizer.beta1, optimizer.beta2, optimizer.epsilon
            self.moments = 2
        if isinstance(optimizer, AdamW):
            record["decay"], record["decoupled_decay"] = penalty.l2, optimizer.weight_decay


class _Run:
    """One run: its record, and the arrays that this names."""

    def __init__(self, plan: _Plan, seed: Seed, control: Control) -> None:
        self._plan = plan
        self._arrays: dict[str, np.ndarray] = {}
        self._set_examples(seed)
        self._set_parameters(seed)
        self._set_room()
        self._set_results()
        # a copy; NumPy's own goes field by field, which takes longer
        self._record = np.frombuffer(bytearray(plan.record.tobytes()), RUN)
        for name, array in self._arrays.items():
            self._record[name] = array.ctypes.data
        self._record["stop"], self._record["progress"] = control.stop.ctypes.data, control.epochs.ctypes.data

    @property
    def address(self) -> int:
        return int(self._record.ctypes.data)

    def _set_examples(self, seed: Seed) -> None:
        plan, arrays = self._plan, self._arrays
        config, dataset = plan.config, plan.examples.dataset
        seed_index = dataset.seed_index(seed.index)
        for part in ("train", "test"):
            arrays[f"{part}_inputs"] = plan.examples.inputs(part, seed_index, plan.widths[0])
            arrays[f"{part}_targets"] = plan.examples.targets(part, seed_index)
        places = subset(config, seed, plan.fold, dataset.train.examples)
        arrays.update(places._asdict())
        if plan.weighted:
            # one for each example of the training set, those that are not trained on included
            weights = np.zeros(dataset.train.examples, plan.real)
            weights[places.trained] = example_weights(config.data.importance_weights, dataset, seed, places.trained)
            arrays["example_weights"] = weights
        arrays["order_state"] = pcg64_state(generator(seed, "order"))
        rates = config.model.dropout_rates
        arrays["mask_keys"] = np.array([mask_key(seed, layer) if rate else 0 for layer, rate in enumerate(rates)], int)

    def _set_parameters(self, seed: Seed) -> None:
        plan, arrays, model = self._plan, self._arrays, self._plan.config.model
        arrays["parameters"] = np.zeros(plan.parameter_count, plan.real)
        for layer, (before, after) in enumerate(itertools.pairwise(plan.widths)):
            weight, bias = initial(model.initialization, seed, layer, before, after)
            self._set_weight(layer, weight)
            if model.bias:
                self._bias(layer)[:after] = bias
        for name in ("first_moments", "second_moments")[: plan.moments]:
            arrays[name] = np.zeros(plan.parameter_count, plan.real)
        if plan.record["patience"]:
            arrays["best_parameters"] = np.empty(plan.parameter_count, plan.real)

    def _set_room(self) -> None:
        plan, arrays = self._plan, self._arrays
        columns = [strips * _LANES for strips in plan.strips]
        arrays["order"] = np.empty(int(plan.record["trained_count"]), np.int64)
        arrays["targets"] = np.empty(_padded(plan.rows), plan.real)
        arrays["gradient"] = np.empty(2 * _LANES * max(columns), plan.real)
        if plan.linear:
            return
        arrays["weights"], arrays["predicted"] = np.empty((2, _padded(plan.rows)), plan.real)
        arrays["x"] = np.empty(plan.rows * columns[0], plan.real)
        for name in ("outputs", "hidden", "deltas"):
            arrays[name] = np.empty(plan.unit_count, plan.real)
        inner = [before * after for before, after in itertools.pairwise(columns[1:])]
        # for the transposed weights of a layer, and for the logits of 16 examples
        arrays["room"] = np.empty(max([*inner, (columns[-1] + _LANES) * _LANES]), plan.real)

    def _set_results(self) -> None:
        plan, arrays = self._plan, self._arrays
        layers = len(plan.widths) - 1
        arrays["curves"] = np.full((len(plan.evaluated), len(CURVES)), np.nan)
        arrays["activation_sd"], arrays["gradient_rms"] = np.zeros((2, layers - 1)), np.zeros((2, layers))
        arrays["predictions"] = np.zeros(len(plan.arrays["tested"]) if plan.classes else 0, np.int64)
        arrays["best_epoch"], arrays["affine_gap"] = np.zeros(1), np.full(1, np.nan)

    def _strips_of(self, layer: int) -> np.ndarray:
        """A view of the weights of a layer: (strips of H, D padded, 16)."""
        before, after = self._plan.strips[layer : layer + 2]
        start = self._plan.weight_starts[layer]
        weights = self._arrays["parameters"][start : start + before * after * _LANES**2]
        return weights.reshape(after, before * _LANES, _LANES)

    def _set_weight(self, layer: int, weight: np.ndarray) -> None:
        rows, columns = weight.shape
        if self._plan.linear:
            self._arrays["parameters"][:rows] = weight[:, 0]
            return
        strips = self._strips_of(layer)
        padded = np.zeros((strips.shape[1], len(strips) * _LANES), self._plan.real)
        padded[:rows, :columns] = weight
        strips[:] = padded.reshape(-1, len(strips), _LANES).transpose(1, 0, 2)

    def _weight(self, layer: int) -> np.ndarray:
        """The weights of a layer, (D, H) float64."""
        rows, columns = self._plan.widths[layer : layer + 2]
        if self._plan.linear:
            return self._arrays["parameters"][:rows, None].astype(np.float64)
        strips = self._strips_of(layer)
        return strips.transpose(1, 0, 2).reshape(strips.shape[1], -1)[:rows, :columns].astype(np.float64)

    def _bias(self, layer: int) -> np.ndarray:
        start = self._plan.bias_starts[layer]
        return self._arrays["parameters"][start : start + self._plan.strips[layer + 1] * _LANES]

    def outcome(self) -> TrainingResult:
        """What the kernels left in the arrays."""
        plan, arrays = self._plan, self._arrays
        layers = len(plan.widths) - 1
        names = [name for name in CURVES if plan.classes or "accuracy" not in name]
        names = [name for name in names if plan.record["validation_count"] or "validation" not in name]
        return TrainingResult(
            epochs=np.array(plan.evaluated),
            curves={name: one_nan(arrays["curves"][:, CURVES.index(name)]) for name in names},
            layers={
                (quantity, moment): one_nan(arrays[quantity][number])
                for number, moment in enumerate(("start", "end"))
                for quantity in ("activation_sd", "gradient_rms")
            },
            affine_gap=float(one_nan(arrays["affine_gap"][0])),
            best_epoch=int(arrays["best_epoch"][0]),
            predictions=arrays["predictions"],
            weights=[one_nan(self._weight(layer)) for layer in range(layers)],
            biases=[
                one_nan(self._bias(layer)[:width].astype(np.float64)) for layer, width in enumerate(plan.widths[1:])
            ],
        )


def _padded(width: int) -> int:
    return -(-width // _LANES) * _LANES


def one_nan(values: ArrayLike) -> np.ndarray:
    """The bits of NaN differ between processors: all become one."""
    return np.where(np.isnan(values), np.nan, values)
