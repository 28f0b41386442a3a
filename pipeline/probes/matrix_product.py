"""The product of many random matrices: how gradients explode that pass through many layers.

Reference: Zhang et al., "Dive into Deep Learning", section "Numerical stability and initialization".
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.project.seeding import Seed, generator
from pipeline.project.settings.probes import MatrixProduct

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def measure(settings: MatrixProduct, seeds: Sequence[Seed]) -> pd.DataFrame:
    """For every repetition log10 of the largest entry, and of the growth of the first row's norm.

    `log10_largest` is of the product of all matrices, `log10_growth` from the first matrix to the product; `path` are
    quantiles of log10 of the largest entry (case) after x factors.
    """
    size = settings.size
    shape = (settings.factors + 1, size, size)
    matrices = np.stack([generator(seed, "data").standard_normal(shape) for seed in seeds], axis=1)
    product = matrices[0]
    # kept at a largest entry of 1, since the product of some hundred large matrices leaves the range of floats
    logarithm = np.zeros(len(seeds))
    path = []
    start = np.log10(np.linalg.norm(product[:, 0], axis=1))
    for factor in range(settings.factors + 1):
        if factor:
            product = product @ matrices[factor]
        largest = np.abs(product).max(axis=(1, 2))
        product = product / largest[:, None, None]
        logarithm = logarithm + np.log10(largest)
        path.append(np.quantile(logarithm, QUANTILES))
    growth = logarithm + np.log10(np.linalg.norm(product[:, 0], axis=1)) - start
    repetitions = np.arange(len(seeds))
    tables = [
        pd.DataFrame({"case": "", "quantity": "log10_largest", "x": repetitions, "value": logarithm}),
        pd.DataFrame({"case": "", "quantity": "log10_growth", "x": repetitions, "value": growth}),
    ]
    for quantile, values in zip(QUANTILES, np.array(path).T, strict=True):
        factors = np.arange(settings.factors + 1)
        tables.append(pd.DataFrame({"case": f"{quantile:g}", "quantity": "path", "x": factors, "value": values}))
    return pd.concat(tables, ignore_index=True)
