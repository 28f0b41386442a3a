import numpy as np
import pytest
from samples import ADAM, classes, config, seeds

from pipeline.training import engine
from pipeline.training.engine import Control, Examples

SEED = seeds(1)[0]


@pytest.mark.parametrize("activation", ["sigmoid", "elu"])
def test_the_padding_of_weights_and_biases_stays_zero(activation):
    """Read from the kernels' own memory; sigmoid(0) is not 0."""
    adamw = ADAM | {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.1}
    changes = {"model.hidden": [17, 1], "model.activation": activation, "model.dropout": 0.5, "optimizer": adamw}
    examples = Examples(classes(), "float64")
    run = engine._Run(examples.plan(config(changes | {"penalty.l1": 0.01}), 0), SEED, Control())
    run.fit()
    for name in ("parameters", "first_moments", "second_moments"):
        assert np.count_nonzero(run.arrays[name]) == 13 * 17 + 17 * 1 + 1 * 7 + 17 + 1 + 7
