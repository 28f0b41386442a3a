import numpy as np
import pytest
from samples import seeds
from scipy import stats

from pipeline.probes import shift_detector
from pipeline.project.settings.probes import ShiftDetector


def test_the_p_value_is_that_of_the_binomial_test():
    random = np.random.default_rng(0)
    before, after = random.standard_normal((50, 3)), random.standard_normal((50, 3)) + 5
    # told apart without error: 50 of 50
    assert shift_detector.p_value(before, after) == pytest.approx(stats.binomtest(50, 50, alternative="greater").pvalue)


def test_a_false_alarm_is_at_most_as_frequent_as_the_level_and_a_large_shift_is_seen():
    settings = ShiftDetector(
        kind="shift_detector", inputs=4, examples=60, shifts=(0.0, 3.0), alpha=0.05, repetitions=200
    )
    found = shift_detector.measure(settings, seeds(200))
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
