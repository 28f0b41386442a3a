"""Logistic regression: minimises the sum of cross-entropies and half the squared norm of the weights.

This is scikit-learn's `LogisticRegression()`. Of two classes only the second has coefficients, of more each has them:
one row, whose last number is the intercept, which is not penalised.
"""

import numpy as np

from pipeline.arithmetic.arrays import exp, product, solve, total

_MOST_STEPS = 100
_CLOSE = 1e-9  # a step that changes no log odds by more is the last


def fit(inputs: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Coefficients, (..., K, D + 1) or for two classes (..., 1, D + 1), by Newton's method.

    A step that changes the log odds of one class against another by at most d is shortened to 1 / (1 + d / 2) of
    itself: that far the sum falls, whatever the data, because the third derivative of a softmax along the step is at
    most d times the second. In the end d is 0 and the steps are Newton's.

    Args:
        inputs: (..., N, D).
        labels: (..., N), integer, below `classes`.
        classes: K, at least 2.

    Reference: Sun and Tran-Dinh (2019), "Generalized self-concordant functions: a recipe for Newton-type methods".
    """
    design = _design(inputs)
    transposed = np.swapaxes(design, -1, -2)
    own = range(1, 2) if classes == 2 else range(classes)
    lead, shape = design.shape[:-2], (len(own), design.shape[-1])
    penalty = np.ones(shape)
    penalty[:, -1] = 0
    coefficients = np.zeros((*lead, *shape))
    there = labels[..., None] == np.array(own)
    unfinished = np.ones((*lead, 1, 1), dtype=bool)
    for _ in range(_MOST_STEPS):
        shares = probabilities(inputs, coefficients)
        gradient = product(np.swapaxes(shares[..., own] - there, -1, -2), design) + penalty * coefficients
        hessian = np.empty((*lead, *shape, *shape))
        for i, k in enumerate(own):
            for j, other in enumerate(own):
                slope = shares[..., k] * (total(np.delete(shares, k, -1)) if i == j else -shares[..., other])
                hessian[..., i, :, j, :] = product(transposed, slope[..., None] * design)
        hessian = hessian.reshape(*lead, penalty.size, penalty.size) + np.diag(penalty.ravel())
        step = solve(hessian, gradient.reshape(*lead, -1)).reshape(coefficients.shape)
        odds = log_odds(inputs, step)
        change = (odds.max(axis=-1) - odds.min(axis=-1)).max(axis=-1)[..., None, None]
        # what is finished stays as it is, so that its bits do not depend on what is fitted beside it
        coefficients -= np.where(unfinished, step / (1 + change / 2), 0.0)
        unfinished &= change > _CLOSE
        if not unfinished.any():
            break
    return coefficients


def log_odds(inputs: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Of each class, (..., N, K), up to a number that is common to all; of two classes those of the first are 0."""
    odds = product(_design(inputs), np.swapaxes(coefficients, -1, -2))
    return np.concatenate([np.zeros_like(odds), odds], axis=-1) if odds.shape[-1] == 1 else odds


def probabilities(inputs: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Of the classes, (..., N, K)."""
    odds = log_odds(inputs, coefficients)
    powers = exp(odds - odds.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / total(powers)[..., None]
    return shares


def _design(inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([inputs, np.ones((*inputs.shape[:-1], 1))], axis=-1)
