import pytest
from samples import ADAM

from pipeline.training.optimizers.adam import Adam

# steps against those of torch: test_engine.py


@pytest.mark.parametrize(("name", "torch_name", "decoupled"), [("adam", "Adam", False), ("adamw", "AdamW", True)])
def test_the_decay_of_adamw_is_decoupled(name, torch_name, decoupled):
    optimizer = Adam(**ADAM | {"name": name})
    assert optimizer.decoupled == decoupled
    assert optimizer.counterpart[0] == torch_name
