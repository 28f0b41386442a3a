import numpy as np
import pytest
from pydantic import TypeAdapter

from pipeline.training.lr_schedules import LRSchedule

# parity with torch: test_engine.py


@pytest.mark.parametrize(
    ("written", "factors"),
    [
        ({"name": "constant"}, [1, 1, 1, 1]),
        ({"name": "step", "every": 2, "gamma": 0.5}, [1, 1, 0.5, 0.5]),
        ({"name": "step", "every": 1, "gamma": 1.0}, [1, 1, 1, 1]),
        ({"name": "cosine", "final": 0.0}, [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
        ({"name": "cosine", "final": 1.0}, [1, 1, 1, 1]),
    ],
)
def test_the_factor_of_each_epoch(written, factors):
    schedule = TypeAdapter(LRSchedule).validate_python(written)
    np.testing.assert_allclose([schedule.factor(epoch, 4) for epoch in (1, 2, 3, 4)], factors, rtol=1e-15)
