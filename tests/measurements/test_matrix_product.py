import numpy as np
import pytest
from samples import seeds

from pipeline.arithmetic.arrays import normals
from pipeline.core.seeding import generator
from pipeline.measurements import matrix_product
from pipeline.measurements.config import MatrixProduct


def measured(size: int, factors: int, repetitions: int):
    config = MatrixProduct(kind="matrix_product", size=size, factors=factors, repetitions=repetitions)
    return matrix_product.measure(config, seeds(repetitions))


def test_the_numbers_are_those_of_the_plain_product():
    found = measured(3, 5, 4)
    for repetition, seed in enumerate(seeds(4)):
        matrices = normals(generator(seed, "data"), (6, 3, 3))
        product = np.linalg.multi_dot(list(matrices))
        row = found[found["x"] == repetition].set_index("quantity")["value"]
        assert row["log10_largest"] == pytest.approx(np.log10(np.abs(product).max()))
        growth = np.linalg.norm(product[0]) / np.linalg.norm(matrices[0][0])
        assert row["log10_growth"] == pytest.approx(np.log10(growth))


def test_a_product_beyond_the_range_of_floats_is_still_finite():
    found = measured(100, 400, 2)
    assert found["value"].max() > 350
    assert np.isfinite(found["value"]).all()


def test_the_path_ends_at_the_largest_entries():
    found = measured(4, 10, 50)
    path = found[(found["quantity"] == "path") & (found["x"] == 10)].set_index("case")["value"]
    ends = found.loc[found["quantity"] == "log10_largest", "value"]
    assert path["0.5"] == pytest.approx(ends.median())
    assert path["0.05"] == pytest.approx(ends.quantile(0.05))
