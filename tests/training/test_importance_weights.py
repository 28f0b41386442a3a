import numpy as np
import pytest
from samples import classes, config, seeds

from pipeline.training.importance_weights import effective_examples, example_weights


def weights(name: dict, indices, seed: int = 1) -> np.ndarray:
    chosen = config({"data.importance_weights": name}).data.importance_weights
    return example_weights(chosen, classes(), seeds(3)[seed], np.array(indices))


def test_without_importance_weights_every_example_weighs_the_same():
    assert weights({"name": "none"}, [3, 4, 5]).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("name", "clip"), [("oracle", np.inf), ("estimated", 2.5)])
def test_weights_are_those_of_the_data_set_clipped_and_of_mean_1(name, clip):
    indices = [40, 2, 7, 11, 13]
    expected = np.minimum(classes().weights[name][1], clip)
    assert expected.max() > 2
    chosen = {"name": name} | ({"clip": clip} if name == "estimated" else {})
    for rows in (indices, range(44)):
        np.testing.assert_allclose(weights(chosen, rows), expected[rows] / expected[rows].mean(), rtol=1e-14)


def test_equal_weights_make_every_example_count_and_one_large_weight_makes_one():
    assert effective_examples(np.ones(20)) == 20
    assert effective_examples(np.array([1e9, 1.0, 1.0])) == pytest.approx(1)
