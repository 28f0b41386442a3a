import numpy as np
import pytest
from samples import ADAM, classes, config, seeds

from pipeline.training import engine
from pipeline.training.engine import Control, Examples

# parity of all optimizers with torch: test_engine.py


@pytest.mark.parametrize(("steps", "powers"), [(3, [0.9**3, 0.999**3, 1e-24]), (1000, [0.0, 0.999**1000, 0.0])])
def test_powers_are_those_of_the_hyperparameters_and_end_before_they_are_denormal(steps, powers):
    chosen = config({"optimizer": ADAM, "training": {"epochs": steps, "batch_size": 44}})
    run = engine._Run(Examples(classes(), "float64").plan(chosen, 0), seeds(1)[0], Control())
    run.fit()
    np.testing.assert_allclose(run.arrays["powers"], powers, rtol=1e-12)
