"""The product of many random matrices: how gradients explode that pass through many layers.

Reference: Zhang et al., "Dive into Deep Learning", section "Numerical stability and initialization".
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.arithmetic.arrays import log, normals, product, total
from pipeline.core.seeding import Seed, generator
from pipeline.measurements.config import MatrixProduct

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LOG_10 = 2.302585092994046


def measure(config: MatrixProduct, seeds: Sequence[Seed]) -> pd.DataFrame:
    """For every repetition log10 of the largest entry, and of the growth of the first row's norm.

    `log10_largest` is of the product of all matrices, `log10_growth` from the first matrix to the product; `path` are
    quantiles of log10 of the largest entry (case) after x factors.
    """
    size = config.size
    shape = (config.factors + 1, size, size)
    matrices = np.stack([normals(generator(seed, "data"), shape) for seed in seeds], axis=1)
    result = matrices[0]
    # kept at a largest entry of 1, since the product of some hundred large matrices leaves the range of floats
    logarithm = np.zeros(len(seeds))
    path = []
    start = _log10_norm(result[:, 0])
    for factor in range(config.factors + 1):
        if factor:
            result = product(result, matrices[factor])
        largest = np.abs(result).max(axis=(1, 2))
        result = result / largest[:, None, None]
        logarithm = logarithm + log(largest) / _LOG_10
        path.append(np.quantile(logarithm, QUANTILES))
    growth = logarithm + _log10_norm(result[:, 0]) - start
    repetitions = np.arange(len(seeds))
    tables = [
        pd.DataFrame({"case": "", "quantity": "log10_largest", "x": repetitions, "value": logarithm}),
        pd.DataFrame({"case": "", "quantity": "log10_growth", "x": repetitions, "value": growth}),
    ]
    for quantile, values in zip(QUANTILES, np.array(path).T, strict=True):
        factors = np.arange(config.factors + 1)
        tables.append(pd.DataFrame({"case": f"{quantile:g}", "quantity": "path", "x": factors, "value": values}))
    return pd.concat(tables, ignore_index=True)


def _log10_norm(rows: np.ndarray) -> np.ndarray:
    return log(np.sqrt(total(np.square(rows)))) / _LOG_10
