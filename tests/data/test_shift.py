"""The weights are ratios of densities: they turn means over the source into means over the target."""

import mpmath
import numpy as np
import pytest
from samples import seeds
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from pipeline.data import shift
from pipeline.data.config import ConceptShift, CovariateShift, LabelShift

SIZES = {"train_examples": 4000, "target_examples": 4000, "test_examples": 4000}
KINDS = {
    "covariate": CovariateShift.model_validate({"source": "covariate_shift", "shift": 1.0, "slope": 3.0, **SIZES}),
    "label": LabelShift.model_validate(
        {
            "source": "label_shift",
            "proportions": [0.5, 0.3, 0.2],
            "target_proportions": [0.1, 0.2, 0.7],
            "separation": 1.5,
            **SIZES,
        }
    ),
    "concept": ConceptShift.model_validate({"source": "concept_shift", "angle": 60.0, "slope": 1.5, **SIZES}),
}


def statistics(inputs, labels) -> np.ndarray:
    """Things whose mean differs before and after a shift, one column each, for examples (N, 2), (N,)."""
    x1, x2 = inputs.T
    return np.stack([x1, x2, x1 * (labels == 1), x2 * (labels == 1), labels == 0, labels == 1], axis=1).astype(float)


@pytest.mark.parametrize("kind", KINDS)
def test_true_weights_turn_means_before_the_shift_into_means_after_it(kind):
    dataset = shift.make(KINDS[kind], seeds(20))
    weighted, plain, after = [], [], []
    for seed_index in range(20):
        train = statistics(dataset.train.inputs[seed_index], dataset.train.targets[seed_index])
        weighted.append((dataset.weights["oracle"][seed_index][:, None] * train).mean(axis=0))
        plain.append(train.mean(axis=0))
        after.append(statistics(dataset.test.inputs[seed_index], dataset.test.targets[seed_index]).mean(axis=0))
    difference = np.array(weighted) - np.array(after)
    error = difference.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(difference.mean(axis=0)) < 4 * error + 1e-3).all()
    uncorrected = np.abs(np.mean(np.array(plain) - np.array(after), axis=0))
    assert uncorrected.max() > 0.15
    assert dataset.weights["oracle"].mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("kind", "tolerance"), [("covariate", 0.35), ("label", 0.35), ("concept", 0.15)])
def test_estimated_weights_come_close_to_the_true_ones(kind, tolerance):
    dataset = shift.make(KINDS[kind], seeds(5))
    oracle, estimated = dataset.weights["oracle"], dataset.weights["estimated"]
    unweighted = np.sqrt(np.mean(np.square(oracle - 1)))
    assert np.sqrt(np.mean(np.square(oracle - estimated))) < tolerance * unweighted


def test_label_weights_solve_the_confusion_matrix():
    """Two classes that are told apart without error: the weights are the ratios of proportions themselves."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 100])[random.permutation(400)]
    source = (np.stack([20.0 * labels, random.standard_normal(400)], axis=1), labels)
    target = np.stack([20.0 * np.repeat([0, 1], [100, 300]), random.standard_normal(400)], axis=1)
    held = labels[200:]
    found = shift.label_weights(source, target, 2)
    np.testing.assert_allclose(found, [0.25 / (held == 0).mean(), 0.75 / (held == 1).mean()], rtol=1e-9)


def test_where_the_confusion_matrix_tells_nothing_no_class_weighs_more():
    inputs, labels = np.zeros((20, 2)), np.repeat([0, 1], 10)
    assert shift.label_weights((inputs, labels), np.zeros((20, 2)), 2).tolist() == [1.0, 1.0]
    # only one class was seen
    assert shift.label_weights((inputs, np.zeros(20, dtype=int)), np.zeros((20, 2)), 2).tolist() == [1.0, 1.0]


def test_estimated_weights_are_those_of_scikit_learn_s_regressions():
    random = np.random.default_rng(0)
    (x, y), (moved, turned) = ((random.standard_normal((500, 2)), random.integers(2, size=500)) for _ in range(2))
    moved[:, 0] += 1
    odds = LogisticRegression(tol=1e-8).fit(np.concatenate([x, moved]), np.repeat([0, 1], 500)).decision_function(x)
    estimated = shift.estimate(KINDS["covariate"], (x, y), (moved, turned))
    np.testing.assert_allclose(estimated, np.exp(odds), rtol=1e-4)
    old, new = (
        LogisticRegression(tol=1e-8).fit(*sample).predict_proba(x)[range(500), y]
        for sample in ((x, y), (moved, turned))
    )
    estimated = shift.estimate(KINDS["concept"], (x, y), (moved, turned))
    np.testing.assert_allclose(estimated, new / old, rtol=1e-4)


def test_label_weights_are_those_of_numpy_s_linear_equations():
    random = np.random.default_rng(0)
    labels, target = random.integers(3, size=400), random.standard_normal((300, 2)) + 0.7
    inputs = random.standard_normal((400, 2)) + 2 * np.array([[0, 0], [1, 0], [0, 1]])[labels]
    model = LogisticRegression(tol=1e-8).fit(inputs[:200], labels[:200])
    confusion = confusion_matrix(labels[200:], model.predict(inputs[200:])).T / 200
    named = np.bincount(model.predict(target), minlength=3) / 300
    expected = np.maximum(np.linalg.solve(confusion, named), 0)
    np.testing.assert_allclose(shift.label_weights((inputs, labels), target, 3), expected, rtol=1e-9)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 30.0, 45.0, 60.0, 89.9, 90.0, -45.0, 120.0, 200.0, 359.0, -725.5, 1e6])
def test_a_direction_is_the_cosine_and_the_sine(degrees):
    with mpmath.workdps(40):
        angle = mpmath.radians(mpmath.mpf(degrees))
        exact = [float(mpmath.cos(angle)), float(mpmath.sin(angle))]
    np.testing.assert_allclose(shift.direction(degrees), exact, rtol=0, atol=2e-16)


def test_the_test_set_plays_no_part_in_the_estimate():
    one, other = (
        shift.make(KINDS["covariate"].model_copy(update={"test_examples": count}), seeds(2)) for count in (10, 4000)
    )
    np.testing.assert_array_equal(one.weights["estimated"], other.weights["estimated"])
    np.testing.assert_array_equal(one.train.inputs, other.train.inputs)


def test_a_seed_s_examples_do_not_depend_on_the_other_seeds():
    few, many = shift.make(KINDS["label"], seeds(1)), shift.make(KINDS["label"], seeds(3))
    for one, other in ((few.train, many.train), (few.test, many.test)):
        np.testing.assert_array_equal(one.inputs[0], other.inputs[0])
        np.testing.assert_array_equal(one.targets[0], other.targets[0])
    np.testing.assert_array_equal(few.weights["estimated"][0], many.weights["estimated"][0])


def test_proportions_are_those_of_the_settings():
    dataset = shift.make(KINDS["label"], seeds(5))
    for split, proportions in ((dataset.train, [0.5, 0.3, 0.2]), (dataset.test, [0.1, 0.2, 0.7])):
        np.testing.assert_allclose(np.bincount(split.targets.ravel()) / split.targets.size, proportions, atol=0.02)
    assert dataset.outputs == 3
    assert dataset.names == ("0", "1", "2")
