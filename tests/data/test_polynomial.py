import math

import numpy as np
import pytest
from samples import seeds

from pipeline.data.polynomial import Polynomial, features


def test_features_are_powers_over_factorials():
    x = np.array([-1.7, 0.0, 0.3, 2.0])
    columns = features(x, 20)
    for power in range(20):
        np.testing.assert_allclose(columns[:, power], x**power / math.factorial(power), rtol=1e-14)


def test_values_follow_the_published_polynomial_up_to_the_noise():
    weights, sizes = (5.0, 1.2, -3.4, 5.6), {"train_examples": 100, "test_examples": 60}
    config = Polynomial(source="polynomial", features=20, weights=weights, noise_sd=0.1, **sizes)
    dataset = config.make(seeds(200))
    for split in (dataset.train, dataset.test):
        x = split.inputs[..., 1]
        noise = split.targets - (5 + 1.2 * x - 3.4 * x**2 / 2 + 5.6 * x**3 / 6)
        assert noise.std() == pytest.approx(0.1, rel=5 / math.sqrt(2 * noise.size))
        assert noise.mean() == pytest.approx(0, abs=0.5 / math.sqrt(noise.size))
        assert x.std() == pytest.approx(1, rel=5 / math.sqrt(2 * noise.size))
    assert dataset.train.inputs.shape == (200, 100, 20)
    assert dataset.test.targets.shape == (200, 60)
