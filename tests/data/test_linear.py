import numpy as np
import pytest
from samples import seeds

from pipeline.data import linear
from pipeline.data.config import Linear

SETTINGS = {
    "source": "linear",
    "inputs": 200,
    "weight": 0.01,
    "bias": 0.05,
    "noise_sd": 0.01,
    "train_examples": 20,
    "test_examples": 100,
}


def make(count: int = 3, **changes):
    return linear.make(Linear.model_validate({**SETTINGS, **changes}), seeds(count))


def test_values_follow_the_published_line_up_to_the_noise():
    dataset = make(100)
    for split in (dataset.train, dataset.test):
        noise = split.targets - 0.05 - 0.01 * split.inputs.sum(axis=2)
        assert noise.std() == pytest.approx(0.01, rel=5 / np.sqrt(2 * noise.size))
        assert noise.mean() == pytest.approx(0, abs=5 * 0.01 / np.sqrt(noise.size))
    assert dataset.train.inputs.shape == (100, 20, 200)
    assert dataset.test.inputs.shape == (100, 100, 200)


def test_every_number_is_a_parameter():
    dataset = make(inputs=3, weight=2.0, bias=1.0, noise_sd=0.0, train_examples=4, test_examples=5)
    assert dataset.test.inputs.shape == (3, 5, 3)
    np.testing.assert_allclose(dataset.train.targets, 1 + 2 * dataset.train.inputs.sum(axis=2), atol=1e-14)


def test_a_seed_s_examples_do_not_depend_on_how_many_are_asked_for():
    few, many = make(1, train_examples=10), make(5)
    np.testing.assert_array_equal(few.train.inputs[0], many.train.inputs[0, :10])
    np.testing.assert_array_equal(few.train.targets[0], many.train.targets[0, :10])
