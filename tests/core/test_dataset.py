import dataclasses
import re

import numpy as np
import pytest
from samples import classes, values

from pipeline.core.dataset import Split


def test_a_fingerprint_is_of_one_seed_s_examples_up_to_rounding():
    dataset = values()
    before = [dataset.fingerprint(index) for index in range(3)]
    assert len(set(before)) == 3
    assert all(re.fullmatch("[0-9a-f]{12}", fingerprint) for fingerprint in before)

    def after(change):
        inputs = dataset.train.inputs.copy()
        inputs[1, 3, 4] = change(inputs[1, 3, 4])
        changed = dataclasses.replace(dataset, train=Split(inputs, dataset.train.targets))
        return [changed.fingerprint(index) for index in range(3)]

    # another processor may round the last bit otherwise, which makes no other data
    assert after(lambda value: np.nextafter(value, np.inf)) == before
    changed = after(lambda value: value + 1e-3)
    assert [left == right for left, right in zip(before, changed, strict=True)] == [True, False, True]
    assert dataclasses.replace(dataset, factor=2.0).fingerprint(0) != before[0]


@pytest.mark.parametrize(
    "array", ["train.inputs", "train.targets", "test.inputs", "test.targets", "weights.oracle", "weights.estimated"]
)
def test_a_digest_is_of_all_that_a_run_with_the_seed_sees_and_of_nothing_else(array):
    dataset, changed = classes(5), classes(5)
    part, name = array.split(".")
    (changed.weights[name] if part == "weights" else getattr(getattr(changed, part), name))[1, 0] += 1
    same = [dataset.digest(index) == changed.digest(index) for index in range(5)]
    assert same == [True, False, True, True, True]


def test_the_examples_of_a_fixed_data_set_serve_every_seed():
    drawn = classes(3)
    assert [drawn.seed_index(index) for index in range(3)] == [0, 1, 2]
    fixed = dataclasses.replace(drawn, seeds=())
    assert [fixed.seed_index(index) for index in range(3)] == [0, 0, 0]
