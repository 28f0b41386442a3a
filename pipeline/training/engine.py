"""Training of one run: config, seed and examples go to the compiled kernels; curves and weights come back.

A run is a pure function of these three and has the same bits on every processor. One thread trains it, from its first
weight to its last metric (`kernels.training`).
"""

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from pipeline.arithmetic import library
from pipeline.arithmetic.arrays import LANES, padded_size, pcg64_state, total
from pipeline.core.dataset import Dataset
from pipeline.core.rounding import rounded
from pipeline.core.seeding import Seed, generator
from pipeline.training.config import RunConfig
from pipeline.training.draws import mask_key, threshold
from pipeline.training.importance_weights import example_weights
from pipeline.training.initializers import initial
from pipeline.training.kernels.arguments import ACTIVATIONS, CURVES, FIELDS, LOSSES, ROWS, RUN
from pipeline.training.optimizers import HYPER, OPTIMIZERS, hyperparameters
from pipeline.training.subsets import subset

Real = Literal["float32", "float64"]
Part = Literal["train", "test"]


@dataclass(frozen=True)
class TrainingResult:
    """Curves, measurements and parameters of one trained run.

    Attributes:
        epochs: Evaluated epochs, (E,).
        curves: Each metric at the evaluated epochs, (E,) float64.
        layers: For each quantity and moment ("start", "end") one number per layer, (L,) float64.
        affine_gap: Largest difference between outputs with and without activations, relative to the largest output, on
            up to 256 examples. NaN if an output is not finite, the largest one is 0, or there is no hidden layer.
        best_epoch: Epoch whose weights were kept; without early stopping, the last one.
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

        Two ratios are measured before training: the standard deviation of the last hidden layer to that of the first,
        and the root mean square of the first layer's gradient to that of the last. `unit_spread` is the root mean
        square, over the inputs of the first layer, of the range of its weights across units.
        """
        metrics = {name: float(curve[-1]) for name, curve in self.curves.items()}
        metrics["best_epoch"] = float(self.best_epoch)
        squared = 0.0
        for weight in self.weights:  # Python's `sum` compensates for rounding since 3.12
            squared += float(total(np.square(weight).reshape(-1)))
        metrics["weight_norm"], metrics["half_squared_norm"] = math.sqrt(squared), squared / 2
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
    """Numbers (int64) shared with other threads: a stop[0] above 0 ends training, epochs[0] counts finished epochs."""

    stop: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    epochs: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))


class StoppedError(Exception):
    """Training was stopped before its end."""


def evaluated_epochs(config: RunConfig) -> list[int]:
    """Return the epochs after which training and test set are evaluated: evenly spread, always with the last one."""
    epochs, evaluations = config.training.epochs, min(config.training.evaluations, config.training.epochs)
    return [int(epoch) for epoch in np.unique(np.round(np.linspace(epochs / evaluations, epochs, evaluations)))]


def widths(config: RunConfig, dataset: Dataset) -> list[int]:
    """Return the number of inputs, of units of each hidden layer, and of outputs."""
    features = dataset.features if config.model.features == "all" else config.model.features
    return [features, *config.model.hidden, dataset.outputs]


class Examples:
    """A data set in the kernels' layout: rows padded to whole vectors, bytes unscaled, other numbers scaled."""

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
            padded = np.zeros((*inputs.shape[:2], padded_size(features)), np.uint8 if self.bytes else self.real)
            # seed by seed: in double precision, all seeds take several times the memory
            for one, copy in zip(inputs, padded, strict=True):
                copy[:, :features] = one if self.bytes else one * self.dataset.factor + self.dataset.offset
            self._inputs[part, features] = list(padded)
        return self._inputs[part, features][seed_index]

    def targets(self, part: Part, seed_index: int) -> np.ndarray:
        """Return values or labels as floats, (N,)."""
        return np.ascontiguousarray(getattr(self.dataset, part).targets[seed_index], self.real)

    def plan(self, config: RunConfig, fold: int) -> "_Plan":
        """Return what all runs of one config and fold share."""
        # by id, since hashing a config takes longer than training a small network; the plan keeps the config alive
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
    run.fit()
    if control.stop[0]:
        raise StoppedError
    return run.result()


class _Layer(NamedTuple):
    """Widths of a layer, (D, H), and its parts of the arrays that hold all layers one after another."""

    inputs: int
    units: int
    weights: slice  # of the parameters: strips of 16 columns; of a linear model one row of D numbers
    biases: slice  # of the parameters: one row of strips
    outputs: slice  # of the numbers per example and unit: strips of 16 columns


def _layers(widths: list[int], rows: int, linear: bool) -> list[_Layer]:
    layers, parameters, outputs = [], 0, 0
    for inputs, units in itertools.pairwise(widths):
        columns = padded_size(units)
        weights = slice(parameters, parameters + padded_size(inputs) * (1 if linear else columns))
        biases = slice(weights.stop, weights.stop + columns)
        layers.append(_Layer(inputs, units, weights, biases, slice(outputs, outputs + rows * columns)))
        parameters, outputs = biases.stop, outputs + rows * columns
    return layers


class _Plan:
    """What all runs of one config and fold share: sizes, layers, and the record except the arrays of each run."""

    def __init__(self, config: RunConfig, examples: Examples, fold: int) -> None:
        self.config, self.examples, self.fold = config, examples, fold
        self.sizes = config.sizes(fold, examples.dataset.train.examples)
        self.tested = examples.dataset.test.examples
        self.evaluated = evaluated_epochs(config)
        self.classes = config.loss == "cross_entropy"
        self.weighted = config.data.importance_weights.name != "none"
        self.widths = widths(config, examples.dataset)
        self.linear = len(self.widths) == 2 and not (self.classes or self.weighted or examples.bytes)
        # number of rows of the largest batch
        batch = min(config.training.batch_size, self.sizes.trained)
        self.rows = max(batch, min(ROWS, max(*self.sizes, self.tested)))
        self.layers = _layers(self.widths, self.rows, self.linear)
        self.arrays = self._arrays()
        self.record = np.zeros(1, RUN)
        for name, number in self._numbers().items():
            self.record[name] = number
        _write_addresses(self.record, self.arrays)

    def _numbers(self) -> dict[str, float]:
        """Return the numbers of the record."""
        config, examples, optimizer, training = self.config, self.examples, self.config.optimizer, self.config.training
        factor, offset = examples.scale
        return {
            "trained_count": self.sizes.trained,
            "validation_count": self.sizes.validation,
            "stopping_count": self.sizes.stopping,
            "tested_count": self.tested,
            "bytes": examples.bytes,
            "factor": factor,
            "offset": offset,
            "features": self.widths[0],
            "layers": len(self.layers),
            "parameter_count": self.layers[-1].biases.stop,
            "linear": self.linear,
            "bias": config.model.bias,
            "weighted": self.weighted,
            "activation": ACTIVATIONS.index(config.model.activation),
            "loss": LOSSES.index(config.loss),
            "label_smoothing": config.label_smoothing,
            "l1": config.penalty.l1,
            "decay": config.penalty.l2 + (0.0 if optimizer.decoupled else optimizer.weight_decay),
            "decoupled_decay": optimizer.weight_decay if optimizer.decoupled else 0.0,
            "optimizer": OPTIMIZERS.index(type(optimizer)),
            "epochs": training.epochs,
            "batch_size": training.batch_size,
            "patience": training.early_stopping.patience,
            "best_epoch": training.epochs,
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the record that are the same for all runs."""
        optimizer, training = self.config.optimizer, self.config.training
        factors = [training.lr_schedule.factor(epoch, training.epochs) for epoch in range(1, training.epochs + 1)]
        evaluations = np.full(training.epochs, -1)
        evaluations[np.array(self.evaluated) - 1] = np.arange(len(self.evaluated))
        return {
            "tested": np.arange(self.tested),
            "widths": np.array(self.widths),
            "weight_offsets": np.array([layer.weights.start for layer in self.layers]),
            "bias_offsets": np.array([layer.biases.start for layer in self.layers]),
            "output_offsets": np.array([layer.outputs.start for layer in self.layers]),
            "thresholds": np.array([threshold(rate) for rate in self.config.model.dropout_rates], np.int64),
            # rounded, since the last digits of a cosine and of a power depend on the C library
            "learning_rates": optimizer.learning_rate * np.array([rounded(factor) for factor in factors]),
            "evaluations": evaluations,
            "hyper": np.array(hyperparameters(optimizer)),
        }


def _write_addresses(record: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        record[name] = array.ctypes.data


class _Run:
    """Memory of one run: its arrays, and the record with their addresses."""

    def __init__(self, plan: _Plan, seed: Seed, control: Control) -> None:
        self.plan = plan
        self.arrays = self._examples(seed) | self._workspace() | self._results()
        self._initialize(seed)
        # `copy` takes 30 times as long, since it goes field by field
        self.record = np.frombuffer(bytearray(plan.record.tobytes()), RUN)
        _write_addresses(self.record, self.arrays | {"stop": control.stop, "progress": control.epochs})

    def _examples(self, seed: Seed) -> dict[str, np.ndarray]:
        """Return examples, and the random state of their order and of dropout."""
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
        """Return arrays that the kernels write before they read them."""
        plan, columns = self.plan, [padded_size(width) for width in self.plan.widths]
        lengths = {"targets": padded_size(plan.rows), "gradient": 2 * LANES * max(columns)}
        if not plan.linear:
            lengths |= dict.fromkeys(("weights", "predicted"), padded_size(plan.rows))
            lengths |= dict.fromkeys(("outputs", "hidden", "deltas"), plan.layers[-1].outputs.stop)
            lengths["x"] = plan.rows * columns[0]
            # transposed weights of a layer, or logits of 16 examples
            inner = [layer.weights.stop - layer.weights.start for layer in plan.layers[1:]]
            lengths["workspace"] = max([*inner, (columns[-1] + LANES) * LANES])
        arrays = {name: np.empty(length, plan.examples.real) for name, length in lengths.items()}
        return arrays | {"order": np.empty(plan.sizes.trained, np.int64)}

    def _results(self) -> dict[str, np.ndarray]:
        """Return the parameters, what the optimizer keeps from step to step, and the arrays of results."""
        plan, layers = self.plan, len(self.plan.layers)
        names = ["parameters", "first_moments", "second_moments"][: 1 + plan.config.optimizer.moments]
        names += ["best_parameters"] if plan.config.training.early_stopping.patience else []
        return {
            **{name: np.zeros(plan.layers[-1].biases.stop, plan.examples.real) for name in names},
            "powers": np.ones(HYPER),
            "curves": np.full((len(plan.evaluated), len(CURVES)), np.nan),
            "activation_sd": np.zeros((2, layers - 1)),
            "gradient_rms": np.zeros((2, layers)),
            "predictions": np.zeros(plan.tested if plan.classes else 0, np.int64),
        }

    def _initialize(self, seed: Seed) -> None:
        """Write the initial parameters."""
        model = self.plan.config.model
        for number, layer in enumerate(self.plan.layers):
            weight, bias = initial(model.initialization, seed, number, layer.inputs, layer.units)
            strips = self._weight(layer)
            padded = np.zeros((layer.inputs, strips[0].size))
            padded[:, : layer.units] = weight
            strips[:] = padded.reshape(strips.shape)
            if model.bias:
                self._bias(layer)[:] = bias

    def _weight(self, layer: _Layer) -> np.ndarray:
        """Return a view of the weights of a layer, (D, strips of H, 16); of a linear model (D, 1, 1)."""
        weights, lanes = self.arrays["parameters"][layer.weights], 1 if self.plan.linear else LANES
        return weights.reshape(-1, padded_size(layer.inputs), lanes).transpose(1, 0, 2)[: layer.inputs]

    def _bias(self, layer: _Layer) -> np.ndarray:
        """Return a view of the biases of a layer, (H,)."""
        return self.arrays["parameters"][layer.biases][: layer.units]

    def fit(self) -> None:
        """Train and measure in the kernel."""
        _kernel(self.plan.examples.real)(self.record.ctypes.data)

    def result(self) -> TrainingResult:
        """Read the results from the arrays."""
        plan, arrays = self.plan, self.arrays
        names = [name for name in CURVES if plan.classes or "accuracy" not in name]
        names = [name for name in names if plan.sizes.validation or "validation" not in name]
        weights = [self._weight(layer).reshape(layer.inputs, -1)[:, : layer.units] for layer in plan.layers]
        return TrainingResult(
            epochs=np.array(plan.evaluated),
            curves={name: canonical_nan(arrays["curves"][:, CURVES.index(name)]) for name in names},
            layers={
                (quantity, moment): canonical_nan(arrays[quantity][number])
                for number, moment in enumerate(("start", "end"))
                for quantity in ("activation_sd", "gradient_rms")
            },
            affine_gap=self._affine_gap() if len(plan.layers) > 1 else math.nan,
            best_epoch=int(self.record["best_epoch"][0]),
            predictions=arrays["predictions"],
            weights=[canonical_nan(weight.astype(np.float64)) for weight in weights],
            biases=[canonical_nan(self._bias(layer).astype(np.float64)) for layer in plan.layers],
        )

    def _affine_gap(self) -> float:
        """Compute the gap from the outputs that the kernel `compare_with_affine` left."""
        plan, last = self.plan, self.plan.layers[-1]
        strips = slice(last.outputs.start, last.outputs.start + min(ROWS, plan.sizes.trained) * padded_size(last.units))
        outputs, affine = self.arrays["outputs"][strips], self.arrays["deltas"][strips]
        with np.errstate(all="ignore"):
            distance = np.abs(outputs - affine).max()
            gap = np.float64(distance) / np.abs(outputs).max() if distance else 0.0
        return float(gap) if np.isfinite(gap) else math.nan


@functools.cache
def _kernel(real: Real) -> library.Function:
    return library.function("pipeline.training.kernels.training:fit", FIELDS, real=real)


def canonical_nan(values: ArrayLike) -> np.ndarray:
    """Replace every NaN by the canonical NaN, since processors produce different bits."""
    return np.where(np.isnan(values), np.nan, values)
