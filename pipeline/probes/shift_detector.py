"""A detector of covariate shift: a classifier that can tell new inputs from old ones says that they differ.

Reference: Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests".
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression

from pipeline.project.seeding import Seed, generator
from pipeline.project.settings.probes import ShiftDetector


def measure(settings: ShiftDetector, seeds: Sequence[Seed]) -> pd.DataFrame:
    """For every shift (case) and repetition (x) the `p_value` that inputs before and after it are alike.

    All shifts see the same noise.
    """
    rows = []
    for repetition, seed in enumerate(seeds):
        noise = generator(seed, "data").standard_normal((2, settings.examples, settings.inputs))
        for shift in settings.shifts:
            after = noise[1].copy()
            after[:, 0] += shift
            rows.append((f"{shift:g}", "p_value", repetition, p_value(noise[0], after)))
    return pd.DataFrame(rows, columns=["case", "quantity", "x", "value"])


def p_value(before: np.ndarray, after: np.ndarray) -> float:
    """That a logistic regression, fitted on half of both samples (N, D), is as good on the rest by guessing.

    The number of right answers is binomial with 1/2 when both samples come from one distribution.
    """
    half = len(before) // 2
    inputs = np.concatenate([before[:half], after[:half]])
    model = LogisticRegression().fit(inputs, np.repeat([0, 1], half))
    held = np.concatenate([before[half:], after[half:]])
    right = int((model.predict(held) == np.repeat([0, 1], len(before) - half)).sum())
    return float(stats.binom.sf(right - 1, len(held), 0.5))
