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
from pipeline.training.kernels.arguments import FIELDS

ZONE = 4100  # bytes before and behind each array; no multiple of a vector, so that nothing is aligned by chance
STOPPING = {"name": "validation_loss", "fraction": 0.3, "patience": 1}


def test_every_address_is_of_an_array_of_its_type():
    changes = {"optimizer": ADAM, "data.importance_weights": {"name": "oracle"}, "training.early_stopping": STOPPING}
    run = engine._Run(Examples(classes()).plan(config(changes), 0), seeds(1)[0], Control())
    types = {name: array.dtype for name, array in (run.plan.arrays | run.arrays).items()}
    types |= dict.fromkeys(("stop", "progress"), np.dtype(np.int64))
    assert types == {name: type_.rstrip("*").replace("real", "float32") for name, type_ in FIELDS if "*" in type_}
    assert all(run.record[name] for name in types)


def train(chosen: RunConfig, examples: Examples, fold: int, byte: int) -> list[bytes]:
    """Train with all arrays in zones of this byte, which the workspace is full of too; return every number."""
    plan = engine._Plan(chosen, examples, fold)
    run = engine._Run(plan, seeds(1)[0], Control())
    written_first, memories = {*run._workspace(), "best_parameters"}, {}
    for arrays in (plan.arrays, run.arrays):
        for name, array in list(arrays.items()):
            memories[name] = np.full(array.nbytes + 2 * ZONE, byte, np.uint8)
            arrays[name] = memories[name][ZONE:-ZONE].view(array.dtype).reshape(array.shape)
            if name not in written_first:
                arrays[name][...] = array
            run.record[name] = arrays[name].ctypes.data
    run.fit()
    for name, memory in memories.items():
        assert (memory[:ZONE] == byte).all(), name
        assert (memory[-ZONE:] == byte).all(), name
    result = run.result()
    parts = (*result.weights, *result.biases, *result.curves.values(), *result.layers.values(), result.predictions)
    return [part.tobytes() for part in parts] + [repr(result.metrics()).encode()]


MOST = {"fraction": 0.9}
MORE: dict[str, tuple[Dataset, dict, int]] = {
    "regression of bytes": (data(values=True, pixels=True), {"loss": "squared_error"}, 0),
    "most are validated": (classes(train=300, test=3), {"data.validation": {"name": "hold_out", **MOST}}, 1),
    "most are stopped by": (classes(train=300, test=3), {"training.early_stopping": STOPPING | MOST}, 0),
    "most are tested": (classes(train=3, test=600), {}, 0),
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
