import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis.findings import COLUMNS, findings
from pipeline.measurements.activations import Activations
from pipeline.measurements.matrix_product import MatrixProduct
from pipeline.measurements.shift_detector import ShiftDetector


def test_largest_gradients_are_those_of_theory():
    functions = ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity")
    config = Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241)
    table = findings(config, config.measure(0))
    assert list(table.columns) == COLUMNS
    assert table["quantity"].tolist() == list(config.quantities)
    table = table.set_index("quantity")
    known = table.drop(index="tanh_identity").dropna(subset="expected")
    assert known["expected"].tolist() == [1, 1, 1, 0.25, 1, 1]
    np.testing.assert_allclose(known["estimate"], known["expected"], rtol=1e-12)
    assert 0 < table.loc["tanh_identity", "estimate"] < 1e-15
    # nothing is random: no n, and no interval
    assert (table["n"] == 0).all()
    assert table[["low", "high", "sd"]].isna().all(axis=None)
    assert not table["share"].any()
    assert (table["max"] == table["estimate"]).all()
    # no closed form is claimed for the others, whose gradient exceeds 1
    assert table.loc["largest_gradient_gelu", "estimate"] == pytest.approx(1.129, abs=0.001)
    assert table.loc["largest_gradient_silu", "estimate"] == pytest.approx(1.0998, abs=0.001)


@pytest.mark.parametrize(("size", "factors"), [(2, 40), (4, 100)])
def test_a_product_grows_as_theory_says(size, factors):
    """The published product of 100 matrices is among these: 24.2, and 24.8 for the largest entry."""
    config = MatrixProduct(kind="matrix_product", size=size, factors=factors, repetitions=2000)
    table = findings(config, config.measure(0)).set_index("quantity")
    growth, largest = table.loc["log10_growth"], table.loc["log10_largest"]
    for row in (growth, largest):
        error = row["sd"] / np.sqrt(2000)
        interval = stats.t.interval(0.95, 1999, row["estimate"], error)
        assert (row["n"], row["low"], row["high"]) == pytest.approx((2000, *interval))
    assert growth["estimate"] == pytest.approx(growth["expected"], abs=4 * growth["sd"] / np.sqrt(2000))
    if size == 4:
        assert growth["expected"] == pytest.approx(24.232, abs=0.001)
        assert largest["estimate"] == pytest.approx(24.79, abs=4 * 1.69 / np.sqrt(2000))
        assert largest["sd"] == pytest.approx(1.69, abs=0.15)


def test_detections_have_an_exact_interval():
    config = ShiftDetector(kind="shift_detector", inputs=2, examples=20, shifts=(0.0, 0.5), alpha=0.1, repetitions=40)
    rows = [(case, "p_value", x, 0.05 if x < 3 else 0.5) for case in ("0", "0.5") for x in range(40)]
    table = findings(config, pd.DataFrame(rows, columns=["case", "quantity", "x", "value"]))
    assert table["quantity"].tolist() == ["detections_0", "detections_0p5"]
    interval = stats.binomtest(3, 40).proportion_ci(0.95)
    for row in table.itertuples():
        assert (row.n, row.estimate, row.low, row.high) == pytest.approx((40, 3 / 40, interval.low, interval.high))
    assert table["expected"].isna().all()
    assert table["share"].all()


@pytest.mark.parametrize("hits", [0, 40])
def test_the_interval_of_a_share_stays_between_0_and_1(hits):
    config = ShiftDetector(kind="shift_detector", inputs=2, examples=20, shifts=(0.0,), alpha=0.1, repetitions=40)
    rows = [("0", "p_value", x, 0.05 if x < hits else 0.5) for x in range(40)]
    (row,) = findings(config, pd.DataFrame(rows, columns=["case", "quantity", "x", "value"])).itertuples()
    # Clopper and Pearson: alpha / 2 on the one side that is left
    limit = 0.025 ** (1 / 40)
    assert (row.low, row.high) == pytest.approx((0.0, 1 - limit) if hits == 0 else (limit, 1.0))
