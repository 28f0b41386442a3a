"""Against scikit-learn's `LogisticRegression()`, whose optimum it is."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.arithmetic import logistic


def sample(classes: int, inputs: int, examples: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Classes that lie one after the other along the first input."""
    random = np.random.default_rng(classes)
    labels = random.permutation(np.arange(examples) % classes)
    x = random.standard_normal((examples, inputs))
    x[:, 0] += distance * labels
    return x, labels


SAMPLES = {
    "as of covariate shift": (2, 2, 1000, 1.5),
    "as of the detector": (2, 5, 200, 0.5),
    "nothing to tell apart": (2, 3, 100, 0.0),
    "told apart without error": (2, 4, 100, 50.0),
    "very far apart": (2, 4, 100, 1000.0),
    "more inputs than examples": (2, 30, 20, 1.0),
    "three classes": (3, 2, 250, 1.5),
    "many classes": (7, 3, 300, 1.0),
    "three classes far apart": (3, 2, 60, 100.0),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_probabilities_and_weights_are_scikit_learn_s(name):
    classes = SAMPLES[name][0]
    inputs, labels = sample(*SAMPLES[name])
    model = LogisticRegression(tol=1e-8, max_iter=10_000).fit(inputs, labels)
    coefficients = logistic.fit(inputs, labels, classes)
    np.testing.assert_allclose(logistic.probabilities(inputs, coefficients), model.predict_proba(inputs), atol=1e-4)
    size = np.abs(model.coef_).max()
    np.testing.assert_allclose(coefficients[:, :-1], model.coef_, atol=1e-4 * size)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_gradient_is_zero(name):
    classes = SAMPLES[name][0]
    inputs, labels = sample(*SAMPLES[name])
    coefficients = logistic.fit(inputs, labels, classes)
    residuals = logistic.probabilities(inputs, coefficients) - (labels[:, None] == np.arange(classes))
    own = residuals[:, 1:] if classes == 2 else residuals
    gradient = np.concatenate([inputs.T @ own + coefficients[:, :-1].T, own.sum(axis=0)[None]])
    assert np.abs(gradient).max() < 1e-8 * np.abs(inputs).max() * len(inputs)


def test_log_odds_of_two_classes_are_those_of_the_second():
    inputs, labels = sample(2, 3, 50, 1.0)
    coefficients = logistic.fit(inputs, labels, 2)
    odds, shares = logistic.log_odds(inputs, coefficients)[:, 1], logistic.probabilities(inputs, coefficients)
    np.testing.assert_allclose(odds, np.log(shares[:, 1] / shares[:, 0]), rtol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_fitted_beside_others_has_the_bits_that_it_has_alone(classes):
    """Though the others need more steps."""
    samples = [sample(classes, 3, 60, distance) for distance in (0.1, 200.0, 1.0)]
    inputs, labels = (np.stack(parts) for parts in zip(*samples, strict=True))
    together = logistic.fit(inputs, labels, classes)
    for own, (x, y) in zip(together, samples, strict=True):
        assert own.tolist() == logistic.fit(x, y, classes).tolist()
