import numpy as np
import pytest
from samples import seeds
from scipy import stats

from pipeline.measurements import shift_detector
from pipeline.measurements.config import ShiftDetector


def test_the_p_value_is_that_of_the_binomial_test():
    random = np.random.default_rng(0)
    before, after = random.standard_normal((50, 3)), random.standard_normal((50, 3)) + 5
    # told apart without error: 50 of 50
    assert shift_detector.p_value(before, after) == pytest.approx(stats.binomtest(50, 50, alternative="greater").pvalue)


@pytest.mark.parametrize("count", [2, 7, 200, 3000])
def test_the_number_of_right_answers_by_guessing_is_binomial(count):
    right = np.arange(count + 1)
    expected = stats.binom.sf(right - 1, count, 0.5)
    np.testing.assert_allclose(shift_detector._tails(count), expected, rtol=1e-11, atol=1e-300)


def test_pairs_of_samples_have_the_p_values_that_they_have_alone():
    before, after = np.random.default_rng(0).standard_normal((2, 4, 30, 3))
    after[1] += 2
    together = shift_detector.p_value(before, after)
    assert len(set(together)) > 1
    assert together.tolist() == [float(shift_detector.p_value(*pair)) for pair in zip(before, after, strict=True)]


def test_a_false_alarm_is_at_most_as_frequent_as_the_level_and_a_large_shift_is_seen():
    config = ShiftDetector(kind="shift_detector", inputs=4, examples=60, shifts=(0.0, 3.0), alpha=0.05, repetitions=200)
    found = shift_detector.measure(config, seeds(200))
    alarms = int((found.loc[found["case"] == "0", "value"] <= 0.05).sum())
    assert stats.binomtest(alarms, 200, 0.05, alternative="greater").pvalue > 0.01
    assert (found.loc[found["case"] == "3", "value"] <= 0.05).all()


def test_all_shifts_see_the_same_noise():
    """Whatever is asked for before it, a shift meets the noise that it meets alone."""
    common = {"kind": "shift_detector", "inputs": 2, "examples": 20, "alpha": 0.05, "repetitions": 3}
    alone = shift_detector.measure(ShiftDetector(shifts=(0.5,), **common), seeds(3))
    second = shift_detector.measure(ShiftDetector(shifts=(0.7, 0.5), **common), seeds(3))
    of_it = second[second["case"] == alone["case"].iloc[0]]
    assert len(of_it) == len(alone) < len(second)
    assert of_it["value"].tolist() == alone["value"].tolist()
