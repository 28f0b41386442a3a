"""Logistic regression that minimises the sum of cross-entropies and half the squared norm of the weights.

This is scikit-learn's `LogisticRegression()`. Each class has one row of coefficients, of two classes only the second.
The last number of a row is the intercept, which is not penalised.
"""

import numpy as np

from pipeline.arithmetic.arrays import exp, product, solve, total

_MAX_STEPS = 100
_TOLERANCE = 1e-9  # the last step changes no log odds by more


def fit(inputs: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Compute coefficients by Newton's method: inputs (..., N, D), labels (..., N) below `classes` -> (..., K, D + 1).

    A step that changes the log odds of one class against another by at most d is multiplied by 1 / (1 + d / 2). So far
    the sum falls for all data, because the third derivative of a softmax along the step is at most d times the second.
    In the end d is 0 and the steps are Newton's.

    Reference: Sun and Tran-Dinh (2019), "Generalized self-concordant functions: a recipe for Newton-type methods".
    """
    design = _design(inputs)
    transposed = np.swapaxes(design, -1, -2)
    rows = range(1, 2) if classes == 2 else range(classes)
    lead, shape = design.shape[:-2], (len(rows), design.shape[-1])
    penalty = np.ones(shape)
    penalty[:, -1] = 0
    coefficients = np.zeros((*lead, *shape))
    is_class = labels[..., None] == np.array(rows)
    unfinished = np.ones((*lead, 1, 1), dtype=bool)
    for _ in range(_MAX_STEPS):
        shares = probabilities(inputs, coefficients)
        gradient = product(np.swapaxes(shares[..., rows] - is_class, -1, -2), design) + penalty * coefficients
        hessian = np.empty((*lead, *shape, *shape))
        for i, k in enumerate(rows):
            for j, other in enumerate(rows):
                slope = shares[..., k] * (total(np.delete(shares, k, -1)) if i == j else -shares[..., other])
                hessian[..., i, :, j, :] = product(transposed, slope[..., None] * design)
        hessian = hessian.reshape(*lead, penalty.size, penalty.size) + np.diag(penalty.ravel())
        step = solve(hessian, gradient.reshape(*lead, -1)).reshape(coefficients.shape)
        odds = log_odds(inputs, step)
        change = (odds.max(axis=-1) - odds.min(axis=-1)).max(axis=-1)[..., None, None]
        # a finished fit stays as it is, so that its bits do not depend on the other fits
        coefficients -= np.where(unfinished, step / (1 + change / 2), 0.0)
        unfinished &= change > _TOLERANCE
        if not unfinished.any():
            break
    return coefficients


def log_odds(inputs: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Compute the log odds of each class, (..., N, K), up to a common number; of two classes the first has 0."""
    odds = product(_design(inputs), np.swapaxes(coefficients, -1, -2))
    return np.concatenate([np.zeros_like(odds), odds], axis=-1) if odds.shape[-1] == 1 else odds


def probabilities(inputs: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Compute the probabilities of the classes, (..., N, K)."""
    odds = log_odds(inputs, coefficients)
    powers = exp(odds - odds.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / total(powers)[..., None]
    return shares


def _design(inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs, np.ones((*inputs.shape[:-1], 1))], axis=-1)
