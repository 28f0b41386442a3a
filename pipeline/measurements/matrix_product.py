"""Measurement `matrix_product`: the product of many random matrices, which explodes as gradients of deep networks do.

Reference: Zhang et al., "Dive into Deep Learning", section "Numerical stability and initialization".
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pipeline.core.rounding import rounded
from pipeline.core.seeding import Seed, generator
from pipeline.measurements.base import Measurement, Quantity, Series

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LN_2, _LN_10, _EULER = 0.6931471805599453, 2.302585092994046, 0.5772156649015329


class MatrixProduct(Measurement):
    """The product of 1 + `factors` standard normal matrices (size, size)."""

    kind: Literal["matrix_product"]
    size: Annotated[int, Field(ge=1, le=100)]
    """Number of rows and of columns of each matrix."""
    factors: Annotated[int, Field(ge=1, le=1000)]
    """Number of matrices that the first one is multiplied by."""
    repetitions: Annotated[int, Field(ge=2, le=100_000)]
    """Number of products that are drawn."""

    @property
    def quantities(self) -> dict[str, Quantity]:
        # each factor multiplies the squared norm of a row by a chi-squared number with `size` degrees of freedom, whose
        # mean logarithm is digamma(size / 2) + ln 2
        mean = (-_LN_2 if self.size % 2 else _LN_2) - _EULER + sum(2 / k for k in range(self.size - 2, 0, -2))
        growth = rounded(self.factors * mean / 2 / _LN_10)
        largest, norm = "log10 of the largest entry of the product", "log10 of the growth of a row's norm"
        return {
            "log10_largest": Quantity(largest, ("", "log10_largest"), "mean"),
            "log10_growth": Quantity(norm, ("", "log10_growth"), "mean", growth),
        }

    def series(self, root: int) -> Iterator[Series]:
        """Compute log10 of the largest entry of each product, and of the growth of its first row's norm.

        `path` holds quantiles (case) over repetitions of log10 of the largest entry after x factors.
        """
        from pipeline.arithmetic.arrays import log, normals, product, total

        shape = (self.factors + 1, self.size, self.size)
        repetitions = np.arange(self.repetitions)
        matrices = np.stack([normals(generator(Seed(root, int(i)), "data"), shape) for i in repetitions], axis=1)
        # rescaled to a largest entry of 1, since the product of some hundred large matrices exceeds the range of floats
        result, log10_largest, path = matrices[0], np.zeros(self.repetitions), []
        for factor in range(self.factors + 1):
            if factor:
                result = product(result, matrices[factor])
            largest = np.abs(result).max(axis=(1, 2))
            result = result / largest[:, None, None]
            log10_largest = log10_largest + log(largest) / _LN_10
            path.append(np.quantile(log10_largest, QUANTILES))
        first_rows = np.stack([matrices[0][:, 0], result[:, 0]])
        start, end = log(np.sqrt(total(np.square(first_rows)))) / _LN_10
        yield "", "log10_largest", repetitions, log10_largest
        yield "", "log10_growth", repetitions, log10_largest + end - start
        for quantile, values in zip(QUANTILES, np.array(path).T, strict=True):
            yield f"{quantile:g}", "path", np.arange(self.factors + 1), values
