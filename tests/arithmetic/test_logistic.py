"""Against scikit-learn's `LogisticRegression()`, whose optimum it is."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.arithmetic import logistic


def sample(classes: int, inputs: int, examples: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw classes that follow each other along the first input."""
    random = np.random.default_rng(classes)
    labels = random.permutation(np.arange(examples) % classes)
    x = random.standard_normal((examples, inputs))
    x[:, 0] += distance * labels
    return x, labels


SAMPLES = {
    "covariate shift": (2, 2, 1000, 1.5),
    "shift detector": (2, 5, 200, 0.5),
    "separable": (2, 4, 100, 50.0),
    "more inputs than examples": (2, 30, 20, 1.0),
    "three classes": (3, 2, 250, 1.5),
    "three classes far apart": (3, 2, 60, 100.0),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_fit_is_scikit_learn_s_and_its_gradient_is_zero(name):
    classes = SAMPLES[name][0]
    inputs, labels = sample(*SAMPLES[name])
    model = LogisticRegression(tol=1e-8, max_iter=10_000).fit(inputs, labels)
    coefficients = logistic.fit(inputs, labels, classes)
    probabilities = logistic.probabilities(inputs, coefficients)
    np.testing.assert_allclose(probabilities, model.predict_proba(inputs), atol=1e-4)
    np.testing.assert_allclose(coefficients[:, :-1], model.coef_, atol=1e-4 * np.abs(model.coef_).max())
    residuals = (probabilities - (labels[:, None] == np.arange(classes)))[:, -len(coefficients) :]
    gradient = np.concatenate([inputs.T @ residuals + coefficients[:, :-1].T, residuals.sum(axis=0)[None]])
    assert np.abs(gradient).max() < 1e-8 * np.abs(inputs).max() * len(inputs)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_fit_beside_others_has_the_bits_that_it_has_alone(classes):
    """Though the others need more steps."""
    samples = [sample(classes, 3, 60, distance) for distance in (0.1, 200.0, 1.0)]
    inputs, labels = (np.stack(parts) for parts in zip(*samples, strict=True))
    together = logistic.fit(inputs, labels, classes)
    for fitted, (x, y) in zip(together, samples, strict=True):
        assert fitted.tolist() == logistic.fit(x, y, classes).tolist()
