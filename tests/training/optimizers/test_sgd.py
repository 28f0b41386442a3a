import pytest
import samples
from pydantic import ValidationError

from pipeline.training.optimizers.sgd import SGD

# steps against those of torch: test_engine.py


@pytest.mark.parametrize(("momentum", "nesterov", "moments"), [(0.0, False, 0), (0.7, False, 1), (0.7, True, 1)])
def test_a_velocity_is_kept_where_there_is_momentum(momentum, nesterov, moments):
    optimizer = SGD(**samples.SGD | {"momentum": momentum, "nesterov": nesterov})
    assert optimizer.moments == moments
    assert optimizer.counterpart == ("SGD", {"momentum": momentum, "nesterov": nesterov, "fused": True})


def test_nesterov_needs_momentum():
    with pytest.raises(ValidationError, match="momentum above 0"):
        SGD(**samples.SGD | {"nesterov": True})
