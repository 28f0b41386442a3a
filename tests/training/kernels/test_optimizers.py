import numpy as np
import pytest
from compiled import compiled
from samples import ADAM, SGD, classes, config, seeds

from pipeline.training import engine
from pipeline.training.engine import Control, Examples
from pipeline.training.kernels.arguments import RUN

# parity of all optimizers with torch: test_engine.py


def step(optimizer: dict, steps: int, *, value: float = 0.0, of_weights: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Take steps of 64 parameters that begin with a value, without gradient; return them and the powers."""
    plan = Examples(classes(), "float64").plan(config({"optimizer": optimizer, "penalty.l1": 0.1}), 0)
    run = engine._Run(plan, seeds(1)[0], Control())
    run.arrays["parameters"][:64], gradient = value, np.zeros(64)
    kernel = compiled("training.kernels.appliers:take_steps", RUN, "real*", "real*", *["int64"] * 3)
    kernel(run.address, 0, gradient.ctypes.data, 4, steps, of_weights)
    return run.arrays["parameters"][:64], run.arrays["powers"]


@pytest.mark.parametrize("optimizer", [SGD | {"momentum": 0.5, "nesterov": True}, ADAM, ADAM | {"name": "adamw"}])
def test_biases_and_zeros_neither_decay_nor_are_penalised(optimizer):
    """So the padding stays zero."""
    optimizer = optimizer | {"weight_decay": 0.3}
    assert not step(optimizer, 3)[0].any()
    assert (step(optimizer, 3, value=0.7, of_weights=False)[0] == 0.7).all()
    assert (step(optimizer, 3, value=0.7)[0] < 0.7).all()


def test_powers_are_those_of_the_hyperparameters_and_end_before_they_are_denormal():
    np.testing.assert_allclose(step(ADAM, 3)[1], [0.9**3, 0.999**3, 1e-24, 0.0], rtol=1e-15)
    np.testing.assert_allclose(step(ADAM, 1000)[1], [0.0, 0.999**1000, 0.0, 0.0], rtol=1e-12)
