import math

import numpy as np
import pytest

from pipeline.core.rounding import WRITTEN, rounded


def test_rounding_removes_the_last_bits():
    values = np.random.default_rng(0).lognormal(0, 30, 1000)
    for value, next_one in zip(values, np.nextafter(values, np.inf), strict=True):
        assert rounded(value) == rounded(next_one) == pytest.approx(value, rel=5e-12)
        assert rounded(value, WRITTEN) == rounded(next_one, WRITTEN) == pytest.approx(value, rel=5e-7)


@pytest.mark.parametrize("value", [0.0, 0.05, 1e-300, 5e-324, -1.25, math.inf, -math.inf])
def test_a_number_of_few_digits_stays(value):
    assert rounded(value) == rounded(value, WRITTEN) == value
    assert math.isnan(rounded(math.nan))
