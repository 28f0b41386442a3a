"""Training of one run: config, seed and examples go to the compiled kernels; curves and weights come back.

A run is a pure function of these three, with the same bits on every processor: one thread trains it from its first
weight to its last metric (`kernels.training`).
"""

import functools
import itertools
import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import pcg64_state, total
from pipeline.core.dataset import Dataset
from pipeline.core.rounding import rounded
from pipeline.core.seeding import Seed, generator
from pipeline.training.config import RunConfig
from pipeline.training.draws import mask_key, threshold
from pipeline.training.initializers import initial
from pipeline.training.kernels.arguments import ACTIVATIONS, CURVES, HYPER, LOSSES, ROWS, RUN
from pipeline.training.optimizers import OPTIMIZERS, hyperparameters
from pipeline.training.subsets import subset
from pipeline.training.weights import example_weights

Real = Literal["float32", "float64"]
Part = Literal["train", "test"]

_LANES = 16  # columns of a strip, to which rows are padded


@dataclass(frozen=True)
class TrainingResult:
    """Curves, measurements and parameters of one trained run.

    Attributes:
        epochs: Evaluated epochs, (E,).
        curves: Each metric at the evaluated epochs, (E,) float64.
        layers: For each quantity and moment ("start", "end") one number per layer, (L,) float64.
        affine_gap: Largest distance of an output from the one without activations, relative to the largest output, on
            up to 256 examples. NaN if an output is not finite, the largest one is 0, or there is no hidden layer.
        best_epoch: Epoch whose weights were kept: the last one without early stopping.
        predictions: Predicted class of each test example, (N,) int64; empty for a regression.
        weights, biases: Final parameters of each layer, (D, H) and (H,) float64.
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
        """Return the numbers of the run at the end of training.

        The ratios are those at the start: standard deviation of the last hidden layer to that of the first, and root
        mean square of the first layer's gradient to that of the last. `unit_spread` tells how much the incoming weights
        of the first layer's units differ: the root mean square of largest minus smallest.
        """
        metrics = {name: float(curve[-1]) for name, curve in self.curves.items()}
        metrics["best_epoch"] = float(self.best_epoch)
        metrics["weight_norm"] = math.sqrt(sum(float(total(np.square(weight).reshape(-1))) for weight in self.weights))
        # undefined if both are infinite, as in a run that diverged, or both are 0
        with np.errstate(divide="ignore", invalid="ignore"):
            metrics["loss_gap"] = float(np.float64(metrics["test_loss"]) - metrics["train_loss"])
            if "test_accuracy" in metrics:
                metrics["accuracy_gap"] = metrics["train_accuracy"] - metrics["test_accuracy"]
            if len(self.weights) > 1:
                deviations, gradients = self.layers["activation_sd", "start"], self.layers["gradient_rms", "start"]
                metrics["activation_ratio"] = float(deviations[-1] / deviations[0])
                metrics["gradient_ratio"] = float(gradients[0] / gradients[-1])
                spread = np.ptp(self.weights[0], axis=1)
                metrics["unit_spread"] = math.sqrt(total(np.square(spread)) / len(spread))
                metrics["affine_gap"] = self.affine_gap
        return metrics


@dataclass(frozen=True)
class Control:
    """Numbers (int64) shared with other threads: training ends once stop[0] is not 0, and counts in epochs[0]."""

    stop: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    epochs: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))


class StoppedError(Exception):
    """A training was stopped before its end."""


def evaluated_epochs(config: RunConfig) -> list[int]:
    """Return the epochs after which training and test set are evaluated: evenly spread, always with the last one."""
    epochs, evaluations = config.training.epochs, min(config.training.evaluations, config.training.epochs)
    return [int(epoch) for epoch in np.unique(np.round(np.linspace(epochs / evaluations, epochs, evaluations)))]


def widths(config: RunConfig, dataset: Dataset) -> list[int]:
    """Return the number of inputs, of units of each hidden layer, and of outputs."""
    features = dataset.features if config.model.features == "all" else config.model.features
    return [features, *config.model.hidden, dataset.outputs]


class Examples:
    """A data set in the kernels' layout: rows of whole vectors, bytes as they are, other numbers scaled."""

    def __init__(self, dataset: Dataset, real: Real = "float32") -> None:
        self.dataset, self.real = dataset, real
        self.bytes = dataset.train.inputs.dtype == np.uint8
        # factor and offset that are still to be applied
        self.scale = (dataset.factor, dataset.offset) if self.bytes else (1.0, 0.0)
        self._inputs: dict[tuple[Part, int], list[np.ndarray]] = {}
        self._plans: dict[tuple[int, int], _Plan] = {}

    def inputs(self, part: Part, seed_index: int, features: int) -> np.ndarray:
        """Return inputs (N, D), with D padded to whole vectors; made once for all runs."""
        if (part, features) not in self._inputs:
            inputs = getattr(self.dataset, part).inputs[:, :, :features]
            padded = np.zeros((*inputs.shape[:2], _padded(features)), np.uint8 if self.bytes else self.real)
            padded[:, :, :features] = inputs if self.bytes else inputs * self.dataset.factor + self.dataset.offset
            self._inputs[part, features] = list(padded)
        return self._inputs[part, features][seed_index]

    def targets(self, part: Part, seed_index: int) -> np.ndarray:
        """Return values or labels as floats, (N,)."""
        return np.ascontiguousarray(getattr(self.dataset, part).targets[seed_index], self.real)

    def plan(self, config: RunConfig, fold: int) -> "_Plan":
        """Return what all runs of one config and fold share."""
        # by id, since hashing a config takes longer than training a small one; the plan keeps the config alive
        if (id(config), fold) not in self._plans:
            self._plans[id(config), fold] = _Plan(config, self, fold)
        return self._plans[id(config), fold]


def train(
    config: RunConfig, seed: Seed, examples: Examples, *, fold: int = 0, control: Control | None = None
) -> TrainingResult:
    """Train one run in the floating-point type of the examples.

    Args:
        config: Config of the run; it fits the data set (`project.variants` checks that).
        seed: Seed of the run, one of those that the data set has examples for.
        examples: The data set.
        fold: 0 trains on all examples, another one leaves a part out.
        control: Read and written during training.

    Raises:
        StoppedError: If `control` was stopped.
    """
    control = control or Control()
    run = _Run(examples.plan(config, fold), seed, control)
    _kernel(examples.real)(run.address, 0)
    if control.stop[0]:
        raise StoppedError
    return run.result()


@functools.cache
def _kernel(real: Real) -> library.Function:
    return library.function("pipeline.training.kernels.training:fit", RUN, "real*", real=real)


class _Plan:
    """What all runs of one config and fold share: sizes, layout, and the record but for each run's own arrays."""

    def __init__(self, config: RunConfig, examples: Examples, fold: int) -> None:
        self.config, self.examples, self.fold = config, examples, fold
        self.widths = widths(config, examples.dataset)
        self.columns = [_padded(width) for width in self.widths]
        self.evaluated = evaluated_epochs(config)
        self.sizes = config.sizes(fold, examples.dataset.train.examples)
        self.tested = examples.dataset.test.examples
        self.classes = config.loss == "cross_entropy"
        self.weighted = config.data.importance_weights.name != "none"
        self.linear = len(self.widths) == 2 and not (self.classes or self.weighted or examples.bytes)
        # examples that are computed at once
        batch = min(config.training.batch_size, self.sizes.trained)
        self.rows = max(batch, min(ROWS, max(*self.sizes, self.tested)))
        # weights and biases of a layer follow each other, as strips of 16 columns; those of a linear model are one row
        pairs = itertools.pairwise(self.columns)
        lengths = [length for before, after in pairs for length in (before * (1 if self.linear else after), after)]
        offsets = [0, *itertools.accumulate(lengths)]
        self.weight_offsets, self.bias_offsets, self.parameter_count = offsets[:-1:2], offsets[1::2], offsets[-1]
        self.unit_offsets = [0, *itertools.accumulate(self.rows * columns for columns in self.columns[1:])]
        self.arrays, self.record = self._arrays(), np.zeros((), RUN)
        addresses = {name: array.ctypes.data for name, array in self.arrays.items()}
        for name, value in (self._numbers() | addresses).items():
            self.record[name] = value

    def _arrays(self) -> dict[str, np.ndarray]:
        optimizer, training = self.config.optimizer, self.config.training
        factors = [training.lr_schedule.factor(epoch, training.epochs) for epoch in range(1, training.epochs + 1)]
        evaluations = np.full(training.epochs, -1)
        evaluations[np.array(self.evaluated) - 1] = np.arange(len(self.evaluated))
        return {
            "widths": np.array(self.widths),
            "weight_offsets": np.array(self.weight_offsets),
            "bias_offsets": np.array(self.bias_offsets),
            "output_offsets": np.array(self.unit_offsets[:-1]),
            "tested": np.arange(self.tested),
            "thresholds": np.array([threshold(rate) for rate in self.config.model.dropout_rates], np.int64),
            # rounded, since the last digits of a cosine and of a power belong to the C library
            "learning_rates": optimizer.learning_rate * np.array([rounded(factor) for factor in factors]),
            "evaluations": evaluations,
            "hyper": np.array([*hyperparameters(optimizer), 0, 0, 0, 0][:HYPER], np.float64),
        }

    def _numbers(self) -> dict[str, float]:
        config, optimizer, training = self.config, self.config.optimizer, self.config.training
        counts = self.sizes._asdict() | {"tested": self.tested}
        return {
            **{f"{name}_count": count for name, count in counts.items()},
            **{"bytes": self.examples.bytes, "factor": self.examples.scale[0], "offset": self.examples.scale[1]},
            **{"features": self.widths[0], "layers": len(self.widths) - 1, "parameter_count": self.parameter_count},
            **{"linear": self.linear, "weighted": self.weighted, "bias": config.model.bias},
            "activation": ACTIVATIONS.index(config.model.activation),
            "loss": LOSSES.index(config.loss),
            "label_smoothing": config.label_smoothing,
            "l1": config.penalty.l1,
            "decay": config.penalty.l2 + (0.0 if optimizer.decoupled else optimizer.weight_decay),
            "decoupled_decay": optimizer.weight_decay if optimizer.decoupled else 0.0,
            "optimizer": OPTIMIZERS.index(type(optimizer)),
            **{"epochs": training.epochs, "batch_size": training.batch_size},
            "patience": training.early_stopping.patience,
        }


class _Run:
    """Memory of one run: its arrays, and the record with their addresses."""

    def __init__(self, plan: _Plan, seed: Seed, control: Control) -> None:
        self.plan = plan
        self.arrays = self._examples(seed) | self._workspace() | self._results()
        self._start(seed)
        # a copy; NumPy's own goes field by field, which takes longer
        self.record = np.frombuffer(bytearray(plan.record.tobytes()), RUN)
        for name, array in (self.arrays | {"stop": control.stop, "progress": control.epochs}).items():
            self.record[name] = array.ctypes.data

    @property
    def address(self) -> int:
        return int(self.record.ctypes.data)

    def _examples(self, seed: Seed) -> dict[str, np.ndarray]:
        plan, config, examples, dataset = self.plan, self.plan.config, self.plan.examples, self.plan.examples.dataset
        seed_index, rates = dataset.seed_index(seed.index), config.model.dropout_rates
        indices = subset(config, seed, plan.fold, dataset.train.examples)
        arrays = indices._asdict()
        for part in get_args(Part):
            arrays[f"{part}_inputs"] = examples.inputs(part, seed_index, plan.widths[0])
            arrays[f"{part}_targets"] = examples.targets(part, seed_index)
        arrays["order_state"] = pcg64_state(generator(seed, "order"))
        arrays["mask_keys"] = np.array([mask_key(seed, layer) if rate else 0 for layer, rate in enumerate(rates)], int)
        if plan.weighted:
            # one per example of the training set, including those that are not trained on
            arrays["example_weights"] = np.zeros(dataset.train.examples, examples.real)
            weights = example_weights(config.data.importance_weights, dataset, seed, indices.trained)
            arrays["example_weights"][indices.trained] = weights
        return arrays

    def _workspace(self) -> dict[str, np.ndarray]:
        plan, columns = self.plan, self.plan.columns
        lengths = {"targets": _padded(plan.rows), "gradient": 2 * _LANES * max(columns)}
        if not plan.linear:
            lengths |= {"weights": _padded(plan.rows), "predicted": _padded(plan.rows), "x": plan.rows * columns[0]}
            lengths |= dict.fromkeys(("outputs", "hidden", "deltas"), plan.unit_offsets[-1])
            inner = [before * after for before, after in itertools.pairwise(columns[1:])]
            # transposed weights of a layer, or logits of 16 examples
            lengths["workspace"] = max([*inner, (columns[-1] + _LANES) * _LANES])
        arrays = {name: np.empty(length, plan.examples.real) for name, length in lengths.items()}
        return arrays | {"order": np.empty(plan.sizes.trained, np.int64)}

    def _results(self) -> dict[str, np.ndarray]:
        plan, layers = self.plan, len(self.plan.widths) - 1
        names = ["parameters", "first_moments", "second_moments"][: 1 + plan.config.optimizer.moments]
        names += ["best_parameters"] if plan.config.training.early_stopping.patience else []
        return {
            **{name: np.zeros(plan.parameter_count, plan.examples.real) for name in names},
            "powers": np.ones(HYPER),
            "curves": np.full((len(plan.evaluated), len(CURVES)), np.nan),
            "activation_sd": np.zeros((2, layers - 1)),
            "gradient_rms": np.zeros((2, layers)),
            "predictions": np.zeros(plan.tested if plan.classes else 0, np.int64),
            "best_epoch": np.zeros(1),
            "affine_gap": np.full(1, np.nan),
        }

    def _start(self, seed: Seed) -> None:
        """Write the initial parameters."""
        model = self.plan.config.model
        for layer, (before, after) in enumerate(itertools.pairwise(self.plan.widths)):
            weight, bias = initial(model.initialization, seed, layer, before, after)
            strips = self._weight(layer)
            padded = np.zeros((len(strips), strips[0].size))
            padded[:before, :after] = weight
            strips[:] = padded.reshape(strips.shape)
            if model.bias:
                self._bias(layer)[:] = bias

    def _weight(self, layer: int) -> np.ndarray:
        """Return a view of the weights of a layer, (D padded, strips of H, 16); of a linear model (D padded, 1, 1)."""
        before, after = self.plan.columns[layer : layer + 2]
        lanes, start = 1 if self.plan.linear else _LANES, self.plan.weight_offsets[layer]
        strips = after // _LANES
        weights = self.arrays["parameters"][start : start + strips * before * lanes]
        return weights.reshape(strips, before, lanes).transpose(1, 0, 2)

    def _bias(self, layer: int) -> np.ndarray:
        """Return a view of the biases of a layer, (H,)."""
        start = self.plan.bias_offsets[layer]
        return self.arrays["parameters"][start : start + self.plan.widths[layer + 1]]

    def result(self) -> TrainingResult:
        """Read the results from the arrays."""
        plan, arrays = self.plan, self.arrays
        names = [name for name in CURVES if plan.classes or "accuracy" not in name]
        names = [name for name in names if plan.sizes.validation or "validation" not in name]
        weights = [self._weight(layer).reshape(plan.columns[layer], -1) for layer in range(len(plan.widths) - 1)]
        shapes = itertools.pairwise(plan.widths)
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
            weights=[
                one_nan(weight[:before, :after].astype(np.float64))
                for weight, (before, after) in zip(weights, shapes, strict=True)
            ],
            biases=[one_nan(self._bias(layer).astype(np.float64)) for layer in range(len(weights))],
        )


def _padded(width: int) -> int:
    return -(-width // _LANES) * _LANES


def one_nan(values: ArrayLike) -> np.ndarray:
    """Replace every NaN by one, since the bits of NaN differ between processors."""
    return np.where(np.isnan(values), np.nan, values)
