"""A detector of covariate shift: a classifier that can tell new inputs from old ones says that they differ.

Reference: Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests".
"""

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.arithmetic import logistic
from pipeline.arithmetic.arrays import exp, log, normals
from pipeline.core.seeding import Seed, generator
from pipeline.measurements.config import ShiftDetector


def measure(config: ShiftDetector, seeds: Sequence[Seed]) -> pd.DataFrame:
    """For every shift (case) and repetition (x) the `p_value` that inputs before and after it are alike.

    All shifts see the same noise.
    """
    rows = []
    for repetition, seed in enumerate(seeds):
        before, after = normals(generator(seed, "data"), (2, config.examples, config.inputs))
        shape = (len(config.shifts), *before.shape)
        shifted = np.broadcast_to(after, shape).copy()
        shifted[..., 0] += np.array(config.shifts)[:, None]
        for shift, value in zip(config.shifts, p_value(np.broadcast_to(before, shape), shifted), strict=True):
            rows.append((f"{shift:g}", "p_value", repetition, value))
    return pd.DataFrame(rows, columns=["case", "quantity", "x", "value"])


def p_value(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """That a logistic regression, fitted on half of both samples, is as good on the rest by guessing.

    The number of right answers is binomial with 1/2 if both samples come from one distribution.

    Args:
        before, after: Pairs of samples, (..., N, D).

    Returns:
        One for each pair, (...).
    """
    *pairs, examples, _ = before.shape
    half = examples // 2
    is_after = np.broadcast_to(np.repeat([0, 1], half), (*pairs, 2 * half))
    model = logistic.fit(np.concatenate([before[..., :half, :], after[..., :half, :]], axis=-2), is_after, classes=2)
    old, new = (logistic.log_odds(inputs[..., half:, :], model)[..., 1] > 0 for inputs in (before, after))
    right = np.count_nonzero(~old, axis=-1) + np.count_nonzero(new, axis=-1)
    tails: np.ndarray = _tails(2 * (examples - half))[right]
    return tails


@functools.cache
def _tails(count: int) -> np.ndarray:
    """Probability that a fair coin shows heads at least 0, 1, ..., count times in so many throws."""
    heads = np.arange(count)
    ratios = log((count - heads) / (heads + 1.0))  # of each probability to the one before
    logarithms = np.concatenate([[0.0], np.cumsum(ratios)])
    tails: np.ndarray = np.cumsum(exp(logarithms - logarithms.max())[::-1])[::-1]
    return tails / tails[0]  # type: ignore[no-any-return]
