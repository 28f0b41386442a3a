import numpy as np
import pytest

from pipeline.probes import activations
from pipeline.project.settings.probes import Activations

FUNCTIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity")


def measured(functions=FUNCTIONS):
    settings = Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241)
    return activations.measure(settings).set_index(["case", "quantity"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_the_slope_of_the_value(name):
    x, value = (measured().loc[(name, "value"), column].to_numpy() for column in ("x", "value"))
    gradient = measured().loc[(name, "gradient"), "value"].to_numpy()
    slope = (value[2:] - value[:-2]) / (x[2:] - x[:-2])
    smooth = np.abs(x[1:-1]) > 0.06  # some have a corner at 0
    np.testing.assert_allclose(gradient[1:-1][smooth], slope[smooth], atol=2e-3)


def test_tanh_is_a_sigmoid_scaled_and_shifted():
    """tanh(x) + 1 = 2 sigmoid(2x), up to rounding."""
    identity = measured().loc[("tanh", "identity"), "value"]
    assert len(identity) == 241
    assert identity.abs().max() < 1e-15


def test_the_identity_needs_both_functions():
    assert ("tanh", "identity") not in measured(("tanh", "relu")).index
