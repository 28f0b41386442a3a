import numpy as np
import pytest
from samples import seeds

from pipeline.data.linear import Linear


def test_values_follow_the_published_line_up_to_the_noise():
    sizes = {"train_examples": 20, "test_examples": 100}
    dataset = Linear(source="linear", inputs=200, weight=0.01, bias=0.05, noise_sd=0.01, **sizes).make(seeds(100))
    assert dataset.train.inputs.shape == (100, 20, 200)
    assert dataset.test.targets.shape == (100, 100)
    for split in (dataset.train, dataset.test):
        noise = split.targets - 0.05 - 0.01 * split.inputs.sum(axis=2)
        assert noise.std() == pytest.approx(0.01, rel=5 / np.sqrt(2 * noise.size))
        assert noise.mean() == pytest.approx(0, abs=5 * 0.01 / np.sqrt(noise.size))
        assert split.inputs.std() == pytest.approx(1, rel=5 / np.sqrt(2 * split.inputs.size))
