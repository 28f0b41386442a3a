import pytest
import samples
from pydantic import ValidationError

from pipeline.training.optimizers.sgd import SGD

# steps against those of torch: test_engine.py


@pytest.mark.parametrize(("momentum", "moments"), [(0.0, 0), (0.7, 1)])
def test_a_velocity_is_kept_where_there_is_momentum(momentum, moments):
    assert SGD(**samples.SGD | {"momentum": momentum}).moments == moments


def test_nesterov_needs_momentum():
    with pytest.raises(ValidationError, match="momentum above 0"):
        SGD(**samples.SGD | {"nesterov": True})
