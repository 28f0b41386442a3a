"""The weights are ratios of densities: they turn means over the source into means over the target."""

import mpmath
import numpy as np
import pytest
from samples import seeds
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from pipeline.data.shift import ConceptShift, CovariateShift, LabelShift, direction, label_weights

SIZES = {"train_examples": 4000, "target_examples": 4000, "test_examples": 4000}
LABELS = {"proportions": [0.5, 0.3, 0.2], "target_proportions": [0.1, 0.2, 0.7], "separation": 1.5}
SHIFTS = {
    "covariate": CovariateShift.model_validate({"source": "covariate_shift", "shift": 1.0, "slope": 3.0, **SIZES}),
    "label": LabelShift.model_validate({"source": "label_shift", **LABELS, **SIZES}),
    "concept": ConceptShift.model_validate({"source": "concept_shift", "angle": 60.0, "slope": 1.5, **SIZES}),
}


def statistics(inputs, labels) -> np.ndarray:
    """Columns whose means differ before and after a shift, for examples (N, 2), (N,)."""
    x1, x2 = inputs.T
    return np.stack([x1, x2, x1 * (labels == 1), x2 * (labels == 1), labels == 0, labels == 1], axis=1).astype(float)


@pytest.mark.parametrize("name", SHIFTS)
def test_true_weights_turn_means_before_the_shift_into_means_after_it(name):
    dataset = SHIFTS[name].make(seeds(20))
    weighted, unweighted, after = [], [], []
    for seed_index in range(20):
        train = statistics(dataset.train.inputs[seed_index], dataset.train.targets[seed_index])
        weighted.append((dataset.weights["oracle"][seed_index][:, None] * train).mean(axis=0))
        unweighted.append(train.mean(axis=0))
        after.append(statistics(dataset.test.inputs[seed_index], dataset.test.targets[seed_index]).mean(axis=0))
    difference = np.array(weighted) - np.array(after)
    error = difference.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(difference.mean(axis=0)) < 4 * error + 1e-3).all()
    assert np.abs(np.mean(np.array(unweighted) - np.array(after), axis=0)).max() > 0.15
    assert dataset.weights["oracle"].mean() == pytest.approx(1, abs=0.05)


def test_classes_have_the_shares_of_the_config():
    dataset = SHIFTS["label"].make(seeds(5))
    for split, shares in ((dataset.train, [0.5, 0.3, 0.2]), (dataset.test, [0.1, 0.2, 0.7])):
        np.testing.assert_allclose(np.bincount(split.targets.ravel()) / split.targets.size, shares, atol=0.02)
    assert dataset.names == ("0", "1", "2")


@pytest.mark.parametrize("labels", [np.repeat([0, 1], 10), np.zeros(20, dtype=int)], ids=["singular", "one class"])
def test_label_weights_are_1_if_the_confusion_matrix_is_singular(labels):
    assert label_weights((np.zeros((20, 2)), labels), np.zeros((20, 2)), 2).tolist() == [1.0, 1.0]


def test_estimated_weights_are_those_of_scikit_learn_s_regressions():
    random = np.random.default_rng(0)
    (x, y), (moved, turned) = ((random.standard_normal((500, 2)), random.integers(2, size=500)) for _ in range(2))
    moved[:, 0] += 1
    odds = LogisticRegression(tol=1e-8).fit(np.concatenate([x, moved]), np.repeat([0, 1], 500)).decision_function(x)
    estimated = SHIFTS["covariate"].estimate_weights((x, y), (moved, turned))
    np.testing.assert_allclose(estimated, np.exp(odds), rtol=1e-4)
    old, new = (
        LogisticRegression(tol=1e-8).fit(*sample).predict_proba(x)[range(500), y]
        for sample in ((x, y), (moved, turned))
    )
    estimated = SHIFTS["concept"].estimate_weights((x, y), (moved, turned))
    np.testing.assert_allclose(estimated, new / old, rtol=1e-4)


def test_label_weights_are_those_of_numpy_s_linear_equations():
    random = np.random.default_rng(0)
    labels, target = random.integers(3, size=400), random.standard_normal((300, 2)) + 0.7
    inputs = random.standard_normal((400, 2)) + 2 * np.array([[0, 0], [1, 0], [0, 1]])[labels]
    model = LogisticRegression(tol=1e-8).fit(inputs[:200], labels[:200])
    confusion = confusion_matrix(labels[200:], model.predict(inputs[200:])).T / 200
    predicted = np.bincount(model.predict(target), minlength=3) / 300
    expected = np.maximum(np.linalg.solve(confusion, predicted), 0)
    np.testing.assert_allclose(label_weights((inputs, labels), target, 3), expected, rtol=1e-9)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 30.0, 45.0, 60.0, 89.9, 90.0, -45.0, 120.0, 200.0, 359.0, -725.5, 1e6])
def test_a_direction_is_the_cosine_and_the_sine(degrees):
    with mpmath.workdps(40):
        angle = mpmath.radians(mpmath.mpf(degrees))
        exact = [float(mpmath.cos(angle)), float(mpmath.sin(angle))]
    np.testing.assert_allclose(direction(degrees), exact, rtol=0, atol=2e-16)


@pytest.mark.parametrize("name", SHIFTS)
def test_a_seed_s_examples_depend_neither_on_other_seeds_nor_its_weights_on_the_test_set(name):
    few = SHIFTS[name].model_copy(update={"test_examples": 10}).make(seeds(1))
    many = SHIFTS[name].make(seeds(3))
    np.testing.assert_array_equal(few.train.inputs[0], many.train.inputs[0])
    np.testing.assert_array_equal(few.train.targets[0], many.train.targets[0])
    np.testing.assert_array_equal(few.weights["estimated"][0], many.weights["estimated"][0])
