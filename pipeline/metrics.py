"""What is measured for every run: the one table of metrics, their units, directions and scales.

A metric's definition fixes how it is averaged and compared, never the data: a loss lies on a log scale (its centre is
the geometric mean, its effect a ratio), an accuracy on a linear one (the mean, a difference).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Metric:
    """One column of the results.

    `split` is the part of the data it is taken on; `better` its good direction, None where there is none.
    """

    name: str
    label: str
    split: Literal["train", "test", "none"]
    unit: str
    better: Literal["lower", "higher"] | None
    scale: Literal["linear", "log"]
    task: Task | None  # None: both


_ALL = (
    Metric("train_loss_running", "training loss while training", "train", "", "lower", "log", None),
    Metric("train_loss", "training loss", "train", "", "lower", "log", None),
    Metric("test_loss", "test loss", "test", "", "lower", "log", None),
    Metric(
        "train_accuracy_running",
        "training accuracy while training",
        "train",
        "fraction",
        "higher",
        "linear",
        "classification",
    ),
    Metric("train_accuracy", "training accuracy", "train", "fraction", "higher", "linear", "classification"),
    Metric("test_accuracy", "test accuracy", "test", "fraction", "higher", "linear", "classification"),
    Metric("weight_norm", "norm of all weights", "none", "", None, "log", None),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}


def measured(task: Task) -> tuple[Metric, ...]:
    """The metrics that every run of this task has, in the order of the columns."""
    return tuple(metric for metric in _ALL if metric.task in (None, task))
