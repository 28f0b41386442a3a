"""The table of metrics: their units, better directions and scales.

The definition of a metric, not the data, fixes how it is averaged and compared: a loss has a log scale (geometric mean,
ratio), an accuracy a linear one (mean, difference).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

# properties of a study that decide which metrics are measured
Trait = Literal["classification", "regression", "images", "validation", "hidden", "linear", "shift", "stopping"]


@dataclass(frozen=True)
class Metric:
    """A metric, one column of the results.

    Attributes:
        split: Part of the data that it is measured on.
        better: Better direction, or None.
        needs: Traits of the studies in which it is measured.
        trained: True if it comes from training, so that it is undefined if training diverged.
        random: False if it follows from the config alone: no interval, no test.
        bounds: Smallest and largest value that a mean can have.
    """

    name: str
    label: str
    split: Literal["train", "validation", "test", "none"]
    unit: str
    better: Literal["lower", "higher"] | None
    scale: Literal["linear", "log"]
    needs: frozenset[Trait] = frozenset()
    trained: bool = True
    random: bool = True
    bounds: tuple[float, float] = (-math.inf, math.inf)

    @property
    def zero_effect(self) -> float:
        """The effect of a variant that equals its baseline: a ratio of 1 on a log scale, else a difference of 0."""
        return 1.0 if self.scale == "log" else 0.0


def _loss(name: str, label: str, split: Literal["train", "validation", "test"], *needs: Trait) -> Metric:
    return Metric(name, label, split, "", "lower", "log", frozenset(needs))


def _accuracy(name: str, label: str, split: Literal["train", "validation", "test"], *needs: Trait) -> Metric:
    needed = frozenset(["classification", *needs])
    return Metric(name, label, split, "fraction", "higher", "linear", needed, bounds=(0.0, 1.0))


def _other(
    name: str,
    label: str,
    scale: Literal["linear", "log"],
    *needs: Trait,
    unit: str = "",
    trained: bool = True,
    random: bool = True,
) -> Metric:
    return Metric(name, label, "none", unit, None, scale, frozenset(needs), trained, random)


_ALL = (
    _loss("train_loss_running", "training loss while training", "train"),
    _loss("train_loss", "training loss", "train"),
    _loss("validation_loss", "validation loss", "validation", "validation"),
    _loss("test_loss", "test loss", "test"),
    _accuracy("train_accuracy_running", "training accuracy while training", "train"),
    _accuracy("train_accuracy", "training accuracy", "train"),
    _accuracy("validation_accuracy", "validation accuracy", "validation", "validation"),
    _accuracy("test_accuracy", "test accuracy", "test"),
    _other("loss_gap", "gap of test loss to training loss", "linear"),
    _other("accuracy_gap", "gap of test accuracy to training accuracy", "linear", "classification", unit="fraction"),
    _other("weight_norm", "norm of all weights", "log"),
    _other("half_squared_norm", "half the squared norm of all weights", "log"),
    _other("parameters", "number of weights and biases", "log", trained=False, random=False),
    # of models with hidden layers (training/engine.py)
    _other(
        "activation_ratio",
        "sd of the activations at the start, last hidden layer / first",
        "log",
        "hidden",
        trained=False,
    ),
    _other("gradient_ratio", "rms of the gradients at the start, first layer / last", "log", "hidden", trained=False),
    _other("unit_spread", "spread of first-layer units", "linear", "hidden"),
    _other("affine_gap", "change of the outputs without activations, relative", "linear", "hidden"),
    # of the exact solution of the same problem (training/closed_form.py)
    _other("closed_form_test_loss", "test loss of the closed form", "log", "linear", trained=False),
    _other("closed_form_weight_norm", "norm of the weights of the closed form", "log", "linear", trained=False),
    _other("best_epoch", "epoch after which the weights are kept", "linear", "stopping"),
    _other("effective_examples", "effective number of training examples", "log", "shift", trained=False),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}


def measured(traits: Collection[Trait]) -> tuple[Metric, ...]:
    """Return the metrics of a study with these traits, in the order of the columns."""
    return tuple(metric for metric in _ALL if metric.needs <= frozenset(traits))
