"""What is measured for every run: the one table of metrics, their units, directions and scales.

A metric's definition fixes how it is averaged and compared, never the data: a loss lies on a log scale (its estimate is
the geometric mean, its effect a ratio), an accuracy on a linear one (the mean, a difference).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["classification", "regression"]

# what a study may have that not every study has: only then are some metrics measured
Trait = Literal["classification", "regression", "validation", "hidden", "linear", "shift", "stopping"]


@dataclass(frozen=True)
class Metric:
    """One column of the results.

    `split` is the part of the data it is taken on; `better` its good direction, None where there is none; `needs` the
    traits that a study must have for it to be measured; `trained` whether it comes from training, so that it means
    nothing where training diverged.
    """

    name: str
    label: str
    split: Literal["train", "validation", "test", "none"]
    unit: str
    better: Literal["lower", "higher"] | None
    scale: Literal["linear", "log"]
    needs: frozenset[Trait] = frozenset()
    trained: bool = True

    @property
    def none(self) -> float:
        """The effect that is none."""
        return 1.0 if self.scale == "log" else 0.0


def _loss(name: str, label: str, split: Literal["train", "validation", "test"], *needs: Trait) -> Metric:
    return Metric(name, label, split, "", "lower", "log", frozenset(needs))


def _accuracy(name: str, label: str, split: Literal["train", "validation", "test"], *needs: Trait) -> Metric:
    return Metric(name, label, split, "fraction", "higher", "linear", frozenset(["classification", *needs]))


def _other(
    name: str, label: str, scale: Literal["linear", "log"], *needs: Trait, unit: str = "", trained: bool = True
) -> Metric:
    return Metric(name, label, "none", unit, None, scale, frozenset(needs), trained)


_ALL = (
    _loss("train_loss_running", "training loss while training", "train"),
    _loss("train_loss", "training loss", "train"),
    _loss("validation_loss", "validation loss", "validation", "validation"),
    _loss("test_loss", "test loss", "test"),
    _accuracy("train_accuracy_running", "training accuracy while training", "train"),
    _accuracy("train_accuracy", "training accuracy", "train"),
    _accuracy("validation_accuracy", "validation accuracy", "validation", "validation"),
    _accuracy("test_accuracy", "test accuracy", "test"),
    _other("loss_gap", "test loss less training loss", "linear"),
    _other("accuracy_gap", "training accuracy less test accuracy", "linear", "classification", unit="fraction"),
    _other("weight_norm", "norm of all weights", "log"),
    _other("parameters", "number of weights and biases", "log", trained=False),
    # of models with hidden layers, from their layers (training/measurements.py)
    _other(
        "activation_ratio",
        "sd of the activations at the start, last hidden layer / first",
        "log",
        "hidden",
        trained=False,
    ),
    _other("gradient_ratio", "rms of the gradients at the start, first layer / last", "log", "hidden", trained=False),
    _other("unit_spread", "largest difference between units of the first layer", "linear", "hidden"),
    _other("affine_gap", "distance from the product of its layers, relative", "linear", "hidden"),
    # what the solution of the same problem has (training/closed_form.py)
    _other("closed_form_test_loss", "test loss of the closed form", "log", "linear", trained=False),
    _other("closed_form_weight_norm", "norm of the weights of the closed form", "log", "linear", trained=False),
    _other("best_epoch", "epoch after which the weights are kept", "linear", "stopping"),
    _other("effective_examples", "effective number of training examples", "log", "shift", trained=False),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}


def measured(traits: Collection[Trait]) -> tuple[Metric, ...]:
    """The metrics that every run of a study with these traits has, in the order of the columns."""
    return tuple(metric for metric in _ALL if metric.needs <= frozenset(traits))
