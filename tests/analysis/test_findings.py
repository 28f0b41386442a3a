import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline import measurements
from pipeline.analysis import findings
from pipeline.measurements.config import Activations, MatrixProduct, ShiftDetector


def found_by(configs) -> pd.DataFrame:
    found = findings.findings(configs, measurements.measure(configs, 0))
    assert list(found.columns) == findings.COLUMNS
    assert found["quantity"].tolist() == configs.quantities
    return found.set_index("quantity")


def test_largest_gradients_are_those_of_theory():
    functions = ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity")
    found = found_by(Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241))
    known = found.drop(index="tanh_identity").dropna(subset="expected")
    assert known["expected"].tolist() == [1, 1, 1, 0.25, 1, 1]
    np.testing.assert_allclose(known["estimate"], known["expected"], rtol=1e-12)
    assert found.loc["tanh_identity", "estimate"] < 1e-15
    # no closed form is claimed for the others, whose gradient exceeds 1
    assert found.loc[["largest_gradient_gelu", "largest_gradient_silu"], "expected"].isna().all()
    assert found.loc["largest_gradient_gelu", "estimate"] == pytest.approx(1.129, abs=0.001)
    assert found.loc["largest_gradient_silu", "estimate"] == pytest.approx(1.0998, abs=0.001)


@pytest.mark.parametrize(("size", "factors"), [(2, 40), (4, 100)])
def test_a_product_grows_as_theory_says(size, factors):
    """The published product of 100 matrices is among these: 24.2, and 24.8 for the largest entry."""
    configs = MatrixProduct(kind="matrix_product", size=size, factors=factors, repetitions=2000)
    found = found_by(configs)
    growth = found.loc["log10_growth"]
    error = growth["sd"] / np.sqrt(2000)
    assert growth["estimate"] == pytest.approx(growth["expected"], abs=4 * error)
    if size == 4:
        assert growth["expected"] == pytest.approx(24.232, abs=0.001)
        assert found.loc["log10_largest", "estimate"] == pytest.approx(24.79, abs=4 * 1.69 / np.sqrt(2000))
        assert found.loc["log10_largest", "sd"] == pytest.approx(1.69, abs=0.15)


def test_detections_have_an_exact_interval():
    configs = ShiftDetector(kind="shift_detector", inputs=2, examples=20, shifts=(0.0, 0.5), alpha=0.1, repetitions=40)
    values = [0.05] * 3 + [0.5] * 37
    rows = [(case, "p_value", x, value) for case in ("0", "0.5") for x, value in enumerate(values)]
    found = findings.findings(configs, pd.DataFrame(rows, columns=["case", "quantity", "x", "value"]))
    assert found["quantity"].tolist() == ["detections_0", "detections_0p5"]
    interval = stats.binomtest(3, 40).proportion_ci(0.95)
    for row in found.itertuples():
        assert (row.n, row.estimate, row.low, row.high) == pytest.approx((40, 3 / 40, interval.low, interval.high))
    assert found["expected"].tolist()[0] == 0.1
    assert np.isnan(found["expected"].tolist()[1])
