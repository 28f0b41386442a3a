"""What the record names is all that the kernels read and write: no load and no store of theirs is checked."""

import typing

import numpy as np
import pytest
from samples import classes, config, seeds, values
from training.test_engine import CHOICES, FOLDS

from pipeline.core.dataset import Dataset, Split
from pipeline.training import engine
from pipeline.training.config import ActivationName, LossName, RunConfig
from pipeline.training.engine import Examples
from pipeline.training.kernels.arguments import ACTIVATIONS, CURVES, LOSSES, RUN

ZONE = 4100  # bytes before and behind each array; no multiple of a vector, so that nothing is aligned by chance
# arrays of which nothing is read that was not written before
UNWRITTEN = {
    *("order", "x", "targets", "weights", "predicted", "outputs", "hidden", "deltas", "gradient", "room"),
    "best_parameters",
}


def test_the_numbers_of_names_are_their_places():
    assert typing.get_args(ActivationName) == ACTIVATIONS
    assert set(typing.get_args(LossName)) == set(LOSSES)
    assert len(set(CURVES)) == len(CURVES)


def test_every_address_is_of_an_array_where_the_run_has_one():
    changes = {"optimizer": {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}, "model.dropout": 0.5}
    changes |= {"data.importance_weights": {"name": "oracle"}}
    changes |= {"training.early_stopping": {"name": "validation_loss", "fraction": 0.3, "patience": 1}}
    run = engine._Run(Examples(classes()).plan(config(changes), 0), seeds(1)[0], engine.Control.of_one_run())
    addresses = [name for name in RUN.names if RUN[name] == np.uint64]
    assert {name for name in addresses if not run._record[name]} == set()
    assert set(run._arrays) | set(run._plan.arrays) | {"stop", "progress"} == set(addresses)


def guarded(array: np.ndarray, byte: int, kept: bool) -> tuple[np.ndarray, np.ndarray]:
    """The memory with a zone of one byte around the array, and the array in it."""
    memory = np.full(array.nbytes + 2 * ZONE, byte, np.uint8)
    inner = memory[ZONE : ZONE + array.nbytes].view(array.dtype).reshape(array.shape)
    if kept:
        inner[...] = array
    return memory, inner


def train(chosen: RunConfig, examples: Examples, fold: int, byte: int) -> list[bytes]:
    """Train with all arrays in zones of this byte, also those to be written first; every number that is left."""
    plan = engine._Plan(chosen, examples, fold)
    run = engine._Run(plan, seeds(1)[0], engine.Control.of_one_run())
    memories = {}
    for arrays in (plan.arrays, run._arrays):
        for name, array in list(arrays.items()):
            memories[name], arrays[name] = guarded(array, byte, name not in UNWRITTEN)
            run._record[name] = arrays[name].ctypes.data
    engine._kernel(examples.real)(run.address, 0)
    for name, memory in memories.items():
        assert (memory[:ZONE] == byte).all(), name
        assert (memory[-ZONE:] == byte).all(), name
    left = run.outcome()
    parts = (*left.weights, *left.biases, *left.curves.values(), *left.layers.values(), left.predictions)
    return [part.tobytes() for part in parts] + [repr(left.metrics()).encode()]


def images(count: int = 44, outputs: int = 7) -> Dataset:
    random = np.random.default_rng(0)
    task = "classification" if outputs > 1 else "regression"

    def split() -> Split:
        labels = random.integers(outputs, size=(1, count)) if outputs > 1 else random.random((1, count))
        return Split(random.integers(0, 256, (1, count, 13)).astype(np.uint8), labels)

    return Dataset(task, outputs, split(), split(), factor=1 / 255, offset=-0.5)


SQUARES = {"loss": "squared_error", "optimizer.learning_rate": 0.01}
LINEAR = {"model.hidden": [], **SQUARES}
STOPPING = {"name": "validation_loss", "fraction": 0.9, "patience": 1}
NUMBERS = [name for name in CHOICES if not any(word in name for word in ("weights", "smoothing", "high"))]
CASES = {
    **{name: (classes, changes, 0) for name, changes in CHOICES.items()},
    **{name: (classes, *case) for name, case in FOLDS.items()},
    **{f"{name}, of numbers": (values, SQUARES | CHOICES[name], 0) for name in NUMBERS},
    **{f"{name}, linear": (values, CHOICES[name] | LINEAR, 0) for name in NUMBERS if "dropout" not in name},
    "bytes": (images, {}, 0),
    "bytes, of numbers": (lambda: images(outputs=1), SQUARES, 0),
    "bytes, linear": (lambda: images(outputs=1), LINEAR, 0),
    "validation above all": (
        lambda: classes(train=300, test=3),
        {"data.validation": {"name": "hold_out", "fraction": 0.9}},
        1,
    ),
    "stopping above all": (lambda: classes(train=300, test=3), {"training.early_stopping": STOPPING}, 0),
    "many tests": (lambda: classes(train=3, test=600), {}, 0),
    "one example": (lambda: classes(test=1), {"data.examples": 1}, 0),
    "one of everything": (
        lambda: classes(features=1, outputs=2, test=1),
        {"data.examples": 1, "model.features": 1, "model.hidden": [1]},
        0,
    ),
    "one class": (lambda: classes(outputs=1), {}, 0),
    "one class, softmax regression": (lambda: classes(outputs=1), {"model.hidden": []}, 0),
    "300 classes": (lambda: classes(outputs=300), {}, 0),
    "wide": (lambda: classes(features=200), {"model.hidden": [1000, 1], "training.batch_size": 300}, 0),
    "deep": (classes, {"model.hidden": [3] * 40, "model.dropout": 0.01}, 0),
}


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_nothing_outside_the_arrays_is_written_or_matters(name, real):
    """Neither what is behind an array, nor what was in memory before: 0, the largest integers, NaN."""
    make, changes, fold = CASES[name]
    examples = Examples(make(), real)
    first, *others = (train(config(changes), examples, fold, byte) for byte in (0x00, 0x7F, 0xFF))
    assert all(other == first for other in others)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40])
def test_nor_where_inputs_are_no_numbers(part, value):
    for name in ("tanh", "relu", "gelu"):
        dataset = classes()
        getattr(dataset, part).inputs[0, 3, 4] = value
        examples = Examples(dataset)
        first, other = (train(config({"model.activation": name}), examples, 0, byte) for byte in (0x00, 0xFF))
        assert first == other
