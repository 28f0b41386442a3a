import numpy as np
import pytest
from samples import classes, config, seeds

from pipeline.training.weights import effective_examples, example_weights


def weights(correction: dict, places, seed: int = 1) -> np.ndarray:
    chosen = config({"data.importance_weights": correction}).data.importance_weights
    return example_weights(chosen, classes(), seeds(3)[seed], np.array(places))


def test_without_correction_every_example_weighs_the_same():
    assert weights({"name": "none"}, [3, 4, 5]).tolist() == [1, 1, 1]


def test_true_weights_are_those_of_the_data_set_and_of_mean_1():
    places = [40, 2, 7]
    own = classes().weights["oracle"][1, places]
    np.testing.assert_allclose(weights({"name": "oracle"}, places), own / own.mean(), rtol=1e-14)


def test_estimated_weights_are_clipped_before_the_mean_is_made_1():
    own = classes().weights["estimated"][1]
    assert own.max() > 2.5
    clipped = np.minimum(own, 2.5)
    found = weights({"name": "estimated", "clip": 2.5}, range(44))
    np.testing.assert_allclose(found, clipped / clipped.mean(), rtol=1e-14)
    assert found.mean() == pytest.approx(1)


def test_equal_weights_make_every_example_count_and_one_large_weight_makes_one():
    assert effective_examples(np.ones(20)) == 20
    assert effective_examples(np.array([1e9, 1.0, 1.0])) == pytest.approx(1)
