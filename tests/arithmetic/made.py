"""Every data set, measurement, initial weight and closed form, small: `python tests/arithmetic/made.py` prints digests.

Runs in an empty folder, into which it writes a table.
"""

import functools
import hashlib
import json
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from samples import config, seeds

from pipeline import data, measurements
from pipeline.core.dataset import Dataset
from pipeline.core.seeding import generator
from pipeline.data.config import DatasetConfig
from pipeline.measurements.config import MeasurementConfig
from pipeline.training import closed_form
from pipeline.training.config import ActivationName, WeightInitializer
from pipeline.training.initializers import draw
from pipeline.training.weights import effective_examples, example_weights

_SIZES = {"train_examples": 61, "test_examples": 37}
_SHIFTS = {**_SIZES, "target_examples": 53}
_TABLE = {"source": "table", "file": "tables/own.csv", "target": "y"}
SOURCES = {
    "digits": {"source": "digits", "scale": "unit"},
    "linear": {"source": "linear", "inputs": 21, "weight": 0.01, "bias": 0.05, "noise_sd": 0.01, **_SIZES},
    "polynomial": {"source": "polynomial", "features": 21, "weights": [5.0, 1.2, -3.4, 5.6], "noise_sd": 0.1, **_SIZES},
    "covariate shift": {"source": "covariate_shift", "shift": 1.5, "slope": 3.0, **_SHIFTS},
    "label shift": {
        "source": "label_shift",
        "proportions": [0.5, 0.3, 0.2],
        "target_proportions": [0.1, 0.2, 0.7],
        "separation": 1.5,
        **_SHIFTS,
    },
    "concept shift": {"source": "concept_shift", "angle": 50.0, "slope": 1.5, **_SHIFTS},
    **{f"table, {missing}": {**_TABLE, "missing": missing} for missing in ("mean", "median", "most_frequent")},
}
DIAGNOSTICS_FOLDER = {
    "activations": {
        "kind": "activations",
        "functions": list(typing.get_args(ActivationName)),
        "low": -6.0,
        "high": 6.0,
        "points": 101,
    },
    "matrix product": {"kind": "matrix_product", "size": 5, "factors": 30, "repetitions": 20},
    "shift detector": {
        "kind": "shift_detector",
        "inputs": 3,
        "examples": 30,
        "shifts": [0.0, 0.5, 5.0],
        "alpha": 0.05,
        "repetitions": 10,
    },
}
INITIALIZERS = [
    {"name": "zeros"},
    {"name": "constant", "value": 0.1},
    {"name": "normal", "std": 0.3},
    {"name": "uniform", "bound": 0.3},
    {"name": "xavier_uniform", "gain": 2.0},
    {"name": "xavier_normal", "gain": 2.0},
    {"name": "kaiming_uniform"},
    {"name": "kaiming_normal"},
    {"name": "torch_linear"},
]


def write_table() -> None:
    """Numbers with gaps, categories and a target, from integers alone."""
    random = np.random.Generator(np.random.PCG64(1))
    lines = ["a,b,kind,y"]
    for a, b, kind, y in random.integers([-9999, 0, 0, 0], [9999, 7, 3, 10**6], size=(83, 4)):
        lines.append(f"{a / 100 if a % 5 else ''},{b},{'xyz'[kind]},{y / 1000}")
    Path("tables").mkdir()
    Path("tables/own.csv").write_text("\n".join(lines) + "\n")


def parts_of(dataset: Dataset) -> Iterator[np.ndarray]:
    for split in (dataset.train, dataset.test):
        yield from (split.inputs, split.targets)
    for name in sorted(dataset.weights):
        yield dataset.weights[name]


def made() -> Iterator[tuple[str, list[np.ndarray]]]:
    """Names and the arrays behind them."""
    write_table()
    for name, configs in SOURCES.items():
        dataset = data.make(TypeAdapter(DatasetConfig).validate_python(configs), seeds(3))
        yield name, list(parts_of(dataset))
        if dataset.weights:
            correction = config({"data.importance_weights": {"name": "estimated", "clip": 2.5}}).data.importance_weights
            weights = example_weights(correction, dataset, seeds(1)[0], np.arange(50))
            yield f"example weights, {name}", [weights, np.array(effective_examples(weights))]
    for name, configs in DIAGNOSTICS_FOLDER.items():
        measured = measurements.measure(TypeAdapter(MeasurementConfig).validate_python(configs), 0)
        yield name, [measured[column].to_numpy(np.float64) for column in ("x", "value")]
    for configs in INITIALIZERS:
        typed = TypeAdapter(WeightInitializer).validate_python(configs)
        yield (
            configs["name"],
            [draw(typed, functools.partial(generator, seed, "initialization"), (33, 17), 33, 17) for seed in seeds(2)],
        )
    for name, inputs in (("tall", 20), ("wide", 70)):
        examples = TypeAdapter(DatasetConfig).validate_python({**SOURCES["linear"], "inputs": inputs})
        changes = {"model.hidden": [], "loss": "squared_error"}
        jobs = [
            (config({**changes, "model.bias": bias, "optimizer.weight_decay": decay}), seed, 0)
            for bias in (True, False)
            for decay in (0.0, 0.01, 1.0)
            for seed in seeds(2)
        ]
        solved = closed_form.solve(jobs, data.make(examples, seeds(2)))
        yield f"closed form, {name}", [np.array([list(solution.values()) for solution in solved])]


def digest(arrays: list[np.ndarray]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps({name: digest(arrays) for name, arrays in made()}, indent=1))
