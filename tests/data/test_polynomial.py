import math

import numpy as np
import pytest
from samples import seeds

from pipeline.data import polynomial
from pipeline.data.config import Polynomial

SETTINGS = {
    "source": "polynomial",
    "features": 20,
    "weights": [5.0, 1.2, -3.4, 5.6],
    "noise_sd": 0.1,
    "train_examples": 100,
    "test_examples": 60,
}


def make(count: int = 3, **changes):
    return polynomial.make(Polynomial.model_validate({**SETTINGS, **changes}), seeds(count))


def test_features_are_powers_over_factorials():
    x = np.array([-1.7, 0.0, 0.3, 2.0])
    found = polynomial.features(x, 20)
    for power in range(20):
        np.testing.assert_allclose(found[:, power], x**power / math.factorial(power), rtol=1e-14)


def test_values_follow_the_published_polynomial_up_to_the_noise():
    dataset = make(200)
    for split in (dataset.train, dataset.test):
        x = split.inputs[..., 1]
        truth = 5 + 1.2 * x - 3.4 * x**2 / 2 + 5.6 * x**3 / 6
        noise = split.targets - truth
        n = noise.size
        assert noise.std() == pytest.approx(0.1, rel=5 / math.sqrt(2 * n))
        assert noise.mean() == pytest.approx(0, abs=0.5 / math.sqrt(n))
        assert x.std() == pytest.approx(1, rel=5 / math.sqrt(2 * n))
    assert dataset.train.inputs.shape == (200, 100, 20)
    assert dataset.test.targets.shape == (200, 60)


def test_every_number_is_a_parameter():
    dataset = make(features=3, weights=[2.0], noise_sd=0.0, train_examples=7, test_examples=9)
    assert dataset.train.inputs.shape == (3, 7, 3)
    assert dataset.test.inputs.shape == (3, 9, 3)
    assert (dataset.train.targets == 2).all()


def test_seeds_splits_and_purposes_are_drawn_apart():
    dataset = make()
    draws = [split.inputs[seed, :60, 1] for split in (dataset.train, dataset.test) for seed in range(3)]
    assert len({draw.tobytes() for draw in draws}) == 6


def test_a_seed_s_examples_do_not_depend_on_how_many_seeds_or_examples_are_asked_for():
    few, many = make(1, train_examples=10), make(5)
    np.testing.assert_array_equal(few.train.inputs[0], many.train.inputs[0, :10])
    np.testing.assert_array_equal(few.train.targets[0], many.train.targets[0, :10])
    np.testing.assert_array_equal(few.test.targets[0], many.test.targets[0])
