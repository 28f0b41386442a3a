import math

import numpy as np
import pytest
from samples import seeds
from scipy import special

from pipeline.arithmetic.arrays import normals
from pipeline.core.rounding import rounded
from pipeline.core.seeding import generator
from pipeline.measurements.matrix_product import MatrixProduct


def configured(size: int, factors: int, repetitions: int) -> MatrixProduct:
    return MatrixProduct(kind="matrix_product", size=size, factors=factors, repetitions=repetitions)


def test_the_numbers_are_those_of_the_product():
    measured = configured(3, 5, 4).measure(0)
    for repetition, seed in enumerate(seeds(4)):
        matrices = normals(generator(seed, "data"), (6, 3, 3))
        product = np.linalg.multi_dot(list(matrices))
        row = measured[measured["x"] == repetition].set_index("quantity")["value"]
        assert row["log10_largest"] == pytest.approx(np.log10(np.abs(product).max()))
        growth = np.linalg.norm(product[0]) / np.linalg.norm(matrices[0][0])
        assert row["log10_growth"] == pytest.approx(np.log10(growth))


def test_a_product_beyond_the_range_of_floats_is_finite():
    values = configured(100, 400, 2).measure(0)["value"]
    assert values.max() > 350
    assert np.isfinite(values).all()


def test_the_path_ends_at_the_largest_entries():
    measured = configured(4, 10, 50).measure(0)
    path = measured[(measured["quantity"] == "path") & (measured["x"] == 10)].set_index("case")["value"]
    ends = measured.loc[measured["quantity"] == "log10_largest", "value"]
    assert path["0.5"] == pytest.approx(ends.median())
    assert path["0.05"] == pytest.approx(ends.quantile(0.05))


def test_the_expected_growth_is_that_of_scipy_s_digamma():
    for size in range(1, 101):
        expected = 7 * (special.digamma(size / 2) + math.log(2)) / 2 / math.log(10)
        assert configured(size, 7, 2).quantities["log10_growth"].expected == rounded(expected)
