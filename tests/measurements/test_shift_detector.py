import numpy as np
import pytest
from scipy import stats

from pipeline.measurements import shift_detector
from pipeline.measurements.shift_detector import ShiftDetector


def test_the_p_value_is_that_of_the_binomial_test():
    random = np.random.default_rng(0)
    before, after = random.standard_normal((50, 3)), random.standard_normal((50, 3)) + 5
    # separable: 50 of 50 are classified correctly
    assert shift_detector.p_value(before, after) == pytest.approx(stats.binomtest(50, 50, alternative="greater").pvalue)


@pytest.mark.parametrize("count", [2, 7, 200, 3000])
def test_the_number_of_correct_guesses_is_binomial(count):
    expected = stats.binom.sf(np.arange(count + 1) - 1, count, 0.5)
    np.testing.assert_allclose(shift_detector._tails(count), expected, rtol=1e-11, atol=1e-300)


def test_false_alarms_keep_the_level_and_a_large_shift_is_detected():
    config = ShiftDetector(kind="shift_detector", inputs=4, examples=60, shifts=(0.0, 3.0), alpha=0.05, repetitions=200)
    p_values = config.measure(0).set_index("case")["value"]
    alarms = int((p_values["0"] <= 0.05).sum())
    assert stats.binomtest(alarms, 200, 0.05, alternative="greater").pvalue > 0.01
    assert (p_values["3"] <= 0.05).all()


def test_all_shifts_see_the_same_noise():
    """And each has the bits that it has alone."""
    common = {"kind": "shift_detector", "inputs": 2, "examples": 20, "alpha": 0.05, "repetitions": 3}
    alone = ShiftDetector(shifts=(0.5,), **common).measure(0)
    second = ShiftDetector(shifts=(0.7, 0.5), **common).measure(0)
    assert second.loc[second["case"] == "0.5", "value"].tolist() == alone["value"].tolist()
