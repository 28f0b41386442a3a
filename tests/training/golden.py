"""Cases of training, and digests of them: `PYTHONPATH=.:tests python -m training.golden` prints `golden.json`.

The data are integers and uniform numbers of PCG64, which are the same everywhere. This module imports neither torch nor
pytest, since emulated processors run it too.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from samples import ADAM, SGD, config, seeds

from pipeline.core.dataset import Dataset, Split
from pipeline.training import engine
from pipeline.training.engine import Examples, TrainingResult, canonical_nan
from pipeline.training.initializers import Scaled
from pipeline.training.kernels.arguments import ACTIVATIONS

FILE = Path(__file__).with_name("golden.json")
SEEDS = 2


def data(
    *, features: int = 13, classes: int = 7, train: int = 44, test: int = 30, pixels: bool = False, values: bool = False
) -> Dataset:
    """Make clusters of inputs, as numbers or as bytes, with their labels; or values: sums of the inputs, and noise."""
    random = np.random.default_rng([features, classes, train, test])
    centers = random.integers(0, 190, (classes, features))

    def split(count: int) -> Split:
        labels = random.integers(classes, size=(SEEDS, count))
        inputs = (centers[labels] + random.integers(0, 66, (SEEDS, count, features))).astype(np.uint8)
        targets = inputs.sum(axis=2) / 1024 + random.random((SEEDS, count)) if values else labels
        return Split(inputs if pixels else inputs / 128 - 1, targets)

    weights = {name: random.integers(1, 9, (SEEDS, train)).astype(float) for name in ("oracle", "estimated")}
    scale = {"factor": 1 / 255, "offset": -0.5} if pixels else {}
    task, outputs = ("regression", 1) if values else ("classification", classes)
    return Dataset(task, outputs, split(train), split(test), seeds=tuple(seeds(SEEDS)), weights=weights, **scale)


Case = tuple[Mapping[str, Any], Mapping[str, Any], int]  # arguments of `data`, changes of the base config, fold


class Doubled(Scaled):
    """An initializer of these tests alone: twice the numbers of another."""

    def draw(self, *arguments: Any) -> np.ndarray:
        return 2 * super().draw(*arguments)


STARTS = {
    "zeros": {"name": "zeros"},
    "constant": {"name": "constant", "value": 0.1},
    "normal": {"name": "normal", "std": 0.5},
    "uniform": {"name": "uniform", "bound": 0.5},
    "xavier uniform": {"name": "xavier_uniform"},
    "xavier normal": Doubled(name="xavier_normal"),
    "kaiming uniform": {"name": "kaiming_uniform"},
    "kaiming normal": {"name": "kaiming_normal"},
    "torch linear": {"name": "torch_linear"},
}
FACTORS: dict[str, Mapping[str, Any]] = {
    "momentum": {"optimizer": {**SGD, "momentum": 0.9}},
    "nesterov": {"optimizer": {**SGD, "momentum": 0.9, "nesterov": True}},
    "weight decay": {"optimizer": {**SGD, "momentum": 0.5, "weight_decay": 0.1}},
    "adam": {"optimizer": {**ADAM, "weight_decay": 0.1}},
    "adam, its moments": {"optimizer": {**ADAM, "beta1": 0.5, "beta2": 0.7, "epsilon": 1e-3}},
    "adamw": {"optimizer": {**ADAM, "name": "adamw", "weight_decay": 0.3}},
    "step schedule": {"training.lr_schedule": {"name": "step", "every": 1, "gamma": 0.3}},
    "cosine schedule": {"training.lr_schedule": {"name": "cosine", "final": 0.1}, "training.epochs": 5},
    "l1 penalty": {"penalty.l1": 0.01},
    "l2 penalty": {"penalty.l2": 0.1},
    "early stopping": {
        "training": {"epochs": 30, "batch_size": 5, "evaluations": 7},
        "training.early_stopping": {"name": "validation_loss", "fraction": 0.3, "patience": 1},
        "optimizer.learning_rate": 0.7,
    },
    "no bias": {"model.bias": False},
    "some features": {"model.features": 5},
    "few examples": {"data.examples": 23},
    "single examples": {"training.batch_size": 1},
    "whole batch": {"training.batch_size": 1000},
}
OF_NETWORKS: dict[str, Mapping[str, Any]] = {
    "dropout": {"model.dropout": [0.2, 0.5]},
    "everything dropped": {"model.dropout": 1.0},
    "dropout, adam": {"model.dropout": 0.3, "optimizer": ADAM},
    "label smoothing": {"label_smoothing": 0.1},
    "example weights": {"data.importance_weights": {"name": "oracle"}},
    "clipped example weights": {"data.importance_weights": {"name": "estimated", "clip": 1.5}},
    **{f"start {name}": {"model.initialization.weight": start} for name, start in STARTS.items()},
    **{f"start biases {name}": {"model.initialization.bias": STARTS[name]} for name in ("constant", "normal")},
    "divergence": {"optimizer.learning_rate": 1e30, "model.activation": "relu"},
}
SQUARES = {"loss": "squared_error", "optimizer.learning_rate": 0.01}
HALVES = {"loss": "half_squared_error", "optimizer.learning_rate": 0.01}
VALUES = {"values": True}
FOLDS = {"data.validation": {"name": "k_fold", "folds": 3}}
CASES: dict[str, Case] = {
    **{f"activation {name}": ({}, {"model.activation": name}, 0) for name in ACTIVATIONS},
    **{name: ({}, changes, 0) for name, changes in (FACTORS | OF_NETWORKS).items()},
    **{f"linear, {name}": (VALUES, {"model.hidden": [], **SQUARES, **changes}, 0) for name, changes in FACTORS.items()},
    "linear": (VALUES, {"model.hidden": [], **SQUARES}, 0),
    "linear, half": (VALUES, {"model.hidden": [], **HALVES}, 0),
    "linear, fold": (VALUES, {"model.hidden": [], **SQUARES, **FOLDS}, 2),
    "linear, divergence": (VALUES, {"model.hidden": [], **SQUARES, "optimizer.learning_rate": 1e6}, 0),
    "linear, bytes": ({**VALUES, "pixels": True}, {"model.hidden": [], **SQUARES}, 0),
    "linear, 200 features": ({**VALUES, "features": 200}, {"model.hidden": [], **HALVES}, 0),
    "regression": (VALUES, SQUARES, 0),
    "regression, half": (VALUES, {**HALVES, "model.dropout": 0.2, "model.activation": "gelu"}, 0),
    "softmax regression": ({}, {"model.hidden": []}, 0),
    "hold-out": ({}, {"data.validation": {"name": "hold_out", "fraction": 0.6}}, 1),
    "first fold": ({}, FOLDS, 1),
    "last fold": ({}, FOLDS, 3),
    "bytes": ({"pixels": True}, {}, 0),
    "one of everything": ({"features": 1, "classes": 1, "train": 1, "test": 1}, {"model.hidden": [1]}, 0),
    **{
        f"widths {before} and {after}, batch {batch}, {classes} classes": (
            {"classes": classes},
            {"model.hidden": [before, after], "training.batch_size": batch},
            0,
        )
        for before, after, batch, classes in ((1, 33, 5, 1), (15, 16, 7, 2), (16, 17, 13, 16), (33, 15, 12, 40))
    },
    "deep": ({}, {"model.hidden": [5, 17, 33, 16, 3, 24]}, 0),
    "many examples": ({"train": 300, "test": 520}, {"training.batch_size": 270}, 0),
    "images": (
        {"features": 784, "classes": 10, "train": 100, "pixels": True},
        {"model.hidden": [70, 50], "model.activation": "relu", "model.dropout": [0.2, 0.5], "training.batch_size": 50},
        0,
    ),
}


def train(case: str) -> TrainingResult:
    """Train a case with seed 1."""
    arguments, changes, fold = CASES[case]
    return engine.train(config(changes), seeds(SEEDS)[1], Examples(data(**arguments)), fold=fold)


def digest(result: TrainingResult) -> str:
    """Compute the digest of every number of a run."""
    named = {
        **{f"weight {layer}": weight for layer, weight in enumerate(result.weights)},
        **{f"bias {layer}": bias for layer, bias in enumerate(result.biases)},
        **result.curves,
        **{" ".join(key): values for key, values in result.layers.items()},
        **{name: canonical_nan(value) for name, value in result.metrics().items()},
        "epochs": result.epochs,
        "predictions": result.predictions,
    }
    digest = hashlib.sha256()
    for name, values in named.items():
        array = np.ascontiguousarray(values)
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()[:16]


def digests() -> dict[str, str]:
    return {case: digest(train(case)) for case in CASES}


if __name__ == "__main__":
    json.dump(digests(), sys.stdout, indent=0)
    print()
