import pytest
from parity import assert_alike
from samples import config, values

# parity with torch over every option: test_engine.py


@pytest.mark.parametrize("features", [1, 16, 33])
def test_any_number_of_features_fits_into_strips(features):
    linear = {"model.hidden": [], "loss": "squared_error", "optimizer.learning_rate": 0.01}
    assert_alike(config(linear), values(features=features))
