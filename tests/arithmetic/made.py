"""Small data sets, measurements, initial weights and closed forms: `python tests/arithmetic/made.py` prints digests.

Run it in an empty folder, into which it writes a table.
"""

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from samples import config, seeds

from pipeline.core.seeding import generator
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.training import closed_form
from pipeline.training.importance_weights import effective_examples, example_weights
from pipeline.training.initializers import WeightInitializer
from pipeline.training.kernels.arguments import ACTIVATIONS

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
MEASUREMENTS = {
    "activations": {"functions": list(ACTIVATIONS), "low": -6.0, "high": 6.0, "points": 101},
    "matrix product": {"size": 5, "factors": 30, "repetitions": 20},
    "shift detector": {"inputs": 3, "examples": 30, "shifts": [0.0, 0.5, 5.0], "alpha": 0.05, "repetitions": 10},
}
INITIALIZERS = [
    {"name": "zeros"},
    {"name": "constant", "value": 0.1},
    {"name": "normal", "std": 0.3},
    {"name": "uniform", "bound": 0.3},
    {"name": "xavier_uniform"},
    {"name": "xavier_normal"},
    {"name": "kaiming_uniform"},
    {"name": "kaiming_normal"},
    {"name": "torch_linear"},
]


def write_table() -> None:
    """Write numbers with gaps, categories and a target, drawn as integers."""
    random = np.random.Generator(np.random.PCG64(1))
    lines = ["a,b,kind,y"]
    for a, b, category, y in random.integers([-9999, 0, 0, 0], [9999, 7, 3, 10**6], size=(83, 4)):
        lines.append(f"{a / 100 if a % 5 else ''},{b},{'xyz'[category]},{y / 1000}")
    Path("tables").mkdir()
    Path("tables/own.csv").write_text("\n".join(lines) + "\n")


def made() -> Iterator[tuple[str, list[np.ndarray]]]:
    """Compute everything: names, and the arrays that are digested."""
    write_table()
    for name, configs in SOURCES.items():
        dataset = TypeAdapter(DatasetConfig).validate_python(configs).make(seeds(3))
        arrays = [array for split in (dataset.train, dataset.test) for array in (split.inputs, split.targets)]
        yield name, arrays + [dataset.weights[key] for key in sorted(dataset.weights)]
        if dataset.weights:
            estimated = config({"data.importance_weights": {"name": "estimated", "clip": 2.5}}).data.importance_weights
            weights = example_weights(estimated, dataset, seeds(1)[0], np.arange(50))
            yield f"example weights, {name}", [weights, np.array(effective_examples(weights))]
    for name, configs in MEASUREMENTS.items():
        block = {"kind": name.replace(" ", "_"), **configs}
        measured = TypeAdapter(MeasurementConfig).validate_python(block).measure(0)
        yield name, [measured[column].to_numpy(np.float64) for column in ("x", "value")]
    for configs in INITIALIZERS:
        initializer = TypeAdapter(WeightInitializer).validate_python(configs)
        streams = [functools.partial(generator, seed, "initialization") for seed in seeds(2)]
        scale = 2.0 if configs["name"].startswith("xavier") else 1.0
        yield configs["name"], [scale * initializer.draw(stream, (33, 17), 33, 17) for stream in streams]
    for name, inputs in (("tall", 20), ("wide", 70)):
        examples = TypeAdapter(DatasetConfig).validate_python({**SOURCES["linear"], "inputs": inputs})
        changes = {"model.hidden": [], "loss": "squared_error"}
        specs = [
            (config({**changes, "model.bias": bias, "optimizer.weight_decay": decay}), seed, 0)
            for bias in (True, False)
            for decay in (0.0, 0.01, 1.0)
            for seed in seeds(2)
        ]
        solved = closed_form.solve(specs, examples.make(seeds(2)))
        yield f"closed form, {name}", [np.array([list(solution.values()) for solution in solved])]


def digest(arrays: list[np.ndarray]) -> str:
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps({name: digest(arrays) for name, arrays in made()}, indent=1))
