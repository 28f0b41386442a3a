import pytest
from parity import assert_alike
from samples import classes, config, values

from pipeline.training.engine import Examples

LINEAR = {"model.hidden": [], "loss": "squared_error", "optimizer.learning_rate": 0.01}


@pytest.mark.parametrize("features", [1, 16, 33])
def test_any_number_of_features_fits_into_strips(features):
    """Parity with torch over every option: test_engine.py."""
    assert_alike(config(LINEAR), values(features=features))


def test_only_regressions_without_hidden_layers_are_linear():
    assert Examples(values()).plan(config(LINEAR), 0).linear
    assert not Examples(values()).plan(config(LINEAR | {"model.hidden": [3]}), 0).linear
    assert not Examples(classes()).plan(config({"model.hidden": []}), 0).linear
