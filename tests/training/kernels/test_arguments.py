"""The kernels read and write the arrays that the record names, and nothing else: their accesses are not checked."""

import numpy as np
import pytest
from samples import ADAM, classes, config, seeds, values
from training.golden import CASES, data
from training.test_engine import drawn

from pipeline.core.dataset import Dataset
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Control, Examples
from pipeline.training.kernels.arguments import RUN

ZONE = 4100  # bytes before and behind each array; no multiple of a vector, so that nothing is aligned by chance
# arrays in which everything is written before it is read
UNWRITTEN = {
    *("order", "x", "targets", "weights", "predicted", "outputs", "hidden", "deltas", "gradient", "workspace"),
    "best_parameters",
}


def test_every_address_is_of_an_array_where_the_run_has_one():
    changes = {"optimizer": ADAM, "model.dropout": 0.5, "data.importance_weights": {"name": "oracle"}}
    changes |= {"training.early_stopping": {"name": "validation_loss", "fraction": 0.3, "patience": 1}}
    run = engine._Run(Examples(classes()).plan(config(changes), 0), seeds(1)[0], Control())
    addresses = {name for name in RUN.names if RUN[name] == np.uint64}
    assert all(run.record[name] for name in addresses)
    assert set(run.arrays) | set(run.plan.arrays) | {"stop", "progress"} == addresses


def guarded(array: np.ndarray, byte: int, kept: bool) -> tuple[np.ndarray, np.ndarray]:
    """The memory with a zone of one byte around the array, and the array in it."""
    memory = np.full(array.nbytes + 2 * ZONE, byte, np.uint8)
    inner = memory[ZONE : ZONE + array.nbytes].view(array.dtype).reshape(array.shape)
    if kept:
        inner[...] = array
    return memory, inner


def train(chosen: RunConfig, examples: Examples, fold: int, byte: int) -> list[bytes]:
    """Train with all arrays in zones of this byte, which unwritten arrays hold too; return every number."""
    plan = engine._Plan(chosen, examples, fold)
    run = engine._Run(plan, seeds(1)[0], Control())
    memories = {}
    for arrays in (plan.arrays, run.arrays):
        for name, array in list(arrays.items()):
            memories[name], arrays[name] = guarded(array, byte, name not in UNWRITTEN)
            run.record[name] = arrays[name].ctypes.data
    engine._kernel(examples.real)(run.address, 0)
    for name, memory in memories.items():
        assert (memory[:ZONE] == byte).all(), name
        assert (memory[-ZONE:] == byte).all(), name
    result = run.result()
    parts = (*result.weights, *result.biases, *result.curves.values(), *result.layers.values(), result.predictions)
    return [part.tobytes() for part in parts] + [repr(result.metrics()).encode()]


STOPPING = {"name": "validation_loss", "fraction": 0.9, "patience": 1}
MORE: dict[str, tuple[Dataset, dict, int]] = {
    "regression of bytes": (data(values=True, pixels=True), {"loss": "squared_error"}, 0),
    "validation above all": (
        classes(train=300, test=3),
        {"data.validation": {"name": "hold_out", "fraction": 0.9}},
        1,
    ),
    "stopping above all": (classes(train=300, test=3), {"training.early_stopping": STOPPING}, 0),
    "many tests": (classes(train=3, test=600), {}, 0),
    "one example": (classes(test=1), {"data.examples": 1}, 0),
    "one class": (classes(outputs=1), {"model.hidden": []}, 0),
    "300 classes": (classes(outputs=300), {}, 0),
    "wide": (classes(features=200), {"model.hidden": [1000, 1], "training.batch_size": 300}, 0),
    "very deep": (classes(), {"model.hidden": [3] * 40, "model.dropout": 0.01}, 0),
    **{
        f"drawn {number}": (classes() if classified else values(), changes, fold)
        for number, (changes, classified, fold) in enumerate(map(drawn, range(30)))
    },
}


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("case", [*CASES, *MORE])
def test_nothing_outside_the_arrays_is_written_or_matters(case, real):
    """Neither the memory behind an array, nor its content before: 0, the largest integers, NaN."""
    arguments, changes, fold = CASES.get(case) or ({}, *MORE[case][1:])
    examples = Examples(data(**arguments) if case in CASES else MORE[case][0], real)
    first, *others = (train(config(changes), examples, fold, byte) for byte in (0x00, 0x7F, 0xFF))
    assert all(other == first for other in others)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40])
def test_nor_where_inputs_are_not_finite(part, value):
    for name in ("tanh", "relu", "gelu"):
        dataset = classes()
        getattr(dataset, part).inputs[0, 3, 4] = value
        examples = Examples(dataset)
        first, other = (train(config({"model.activation": name}), examples, 0, byte) for byte in (0x00, 0xFF))
        assert first == other
