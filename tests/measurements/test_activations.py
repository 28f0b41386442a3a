import numpy as np
import pytest
import torch
from torch import nn

from pipeline.measurements import activations
from pipeline.measurements.config import Activations

MODULES = {
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "identity": nn.Identity(),
}
FUNCTIONS = tuple(MODULES)


def measured(functions=FUNCTIONS):
    config = Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241)
    return activations.measure(config).set_index(["case", "quantity"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_is_the_slope_of_the_value(name):
    x, value = (measured().loc[(name, "value"), column].to_numpy() for column in ("x", "value"))
    gradient = measured().loc[(name, "gradient"), "value"].to_numpy()
    slope = (value[2:] - value[:-2]) / (x[2:] - x[:-2])
    smooth = np.abs(x[1:-1]) > 0.06  # some have a corner at 0
    np.testing.assert_allclose(gradient[1:-1][smooth], slope[smooth], atol=2e-3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_those_of_torch(name):
    points = torch.tensor(measured().loc[(name, "value"), "x"].to_numpy(), requires_grad=True)
    values = MODULES[name](points)
    (gradients,) = torch.autograd.grad(values.sum(), points)
    for quantity, expected in (("value", values), ("gradient", gradients)):
        found = measured().loc[(name, quantity), "value"]
        np.testing.assert_allclose(found, expected.detach(), rtol=0, atol=2e-15)


def test_points_are_evenly_spaced_and_rounded_once():
    assert measured().loc[("relu", "value"), "x"].tolist() == [place / 20 for place in range(-120, 121)]


def test_a_corner_at_0_has_the_slope_of_torch():
    for name in FUNCTIONS:
        point = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(MODULES[name](point).sum(), point)
        assert activations.values_and_slopes(name, np.zeros(1))[1] == pytest.approx(gradient.item(), abs=1e-15)


def test_tanh_is_a_sigmoid_scaled_and_shifted():
    """tanh(x) + 1 = 2 sigmoid(2x), up to rounding."""
    identity = measured().loc[("tanh", "identity"), "value"]
    assert len(identity) == 241
    assert identity.abs().max() < 1e-15


def test_the_identity_needs_both_functions():
    assert ("tanh", "identity") not in measured(("tanh", "relu")).index
