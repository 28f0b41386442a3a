import dataclasses
import re

import numpy as np
import pytest
from samples import classes, seeds, values

from pipeline.core.dataset import Dataset, Split


def test_a_fingerprint_is_of_one_slot_s_examples_up_to_rounding():
    dataset = values()
    same = [dataset.fingerprint(seed_index) for seed_index in range(3)]
    assert len(set(same)) == 3
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in same)

    def train_inputs(change):
        inputs = dataset.train.inputs.copy()
        inputs[1, 3, 4] = change(inputs[1, 3, 4])
        changed = dataclasses.replace(dataset, train=Split(inputs, dataset.train.targets))
        return [changed.fingerprint(seed_index) for seed_index in range(3)]

    # another processor may round the last bit another way; that is no other data
    assert train_inputs(lambda value: np.nextafter(value, np.inf)) == same
    other = train_inputs(lambda value: value + 1e-3)
    assert [mine == theirs for mine, theirs in zip(same, other, strict=True)] == [True, False, True]
    assert dataclasses.replace(dataset, factor=2.0).fingerprint(0) != same[0]


def test_slots_are_of_seeds_or_there_is_one():
    own = classes(3)
    assert [own.seed_index(index) for index in range(3)] == [0, 1, 2]
    assert [Dataset(own.task, own.outputs, own.train, own.test).seed_index(index) for index in range(3)] == [0, 0, 0]


def test_what_is_a_data_set_has_no_problem():
    assert [classes().problem(seeds(3)), values().problem(seeds(3))] == [None, None]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": ()}, "train: found the shape (3, 44, 13), allowed: 1 seeds"),
        ({"outputs": 2**16 + 1}, "found 65537 outputs, allowed: 1 to 65536"),
        ({"names": ("a", "b")}, "found 2 names, allowed: one for each of 7 classes"),
        ({"factor": np.nan}, "found the factor nan"),
        ({"task": "regression", "outputs": 2}, "found 2 outputs, allowed: 1 to 1"),
    ],
)
def test_what_is_none_says_why(changes, words):
    assert words in dataclasses.replace(classes(), **changes).problem(seeds(3))
