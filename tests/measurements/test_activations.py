from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional

from pipeline.measurements.activations import Activations
from pipeline.training.config import ActivationName


def measured(*functions):
    config = Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241)
    return config.measure(0).set_index(["case", "quantity"])


@pytest.mark.parametrize("name", get_args(ActivationName))
def test_values_and_gradients_are_those_of_torch(name):
    """Also at 0, where some have a corner."""
    table = measured(name)
    points = torch.tensor(table.loc[(name, "value"), "x"].to_numpy(), requires_grad=True)
    assert 0 in points
    values = getattr(functional, name, torch.clone)(points)  # there is no `identity`
    (gradients,) = torch.autograd.grad(values.sum(), points)
    for quantity, expected in (("value", values), ("gradient", gradients)):
        np.testing.assert_allclose(table.loc[(name, quantity), "value"], expected.detach(), rtol=0, atol=2e-15)


def test_points_are_evenly_spaced_and_rounded_once():
    assert measured("relu").loc[("relu", "value"), "x"].tolist() == [step / 20 for step in range(-120, 121)]


def test_the_identity_of_tanh_and_sigmoid_is_measured_if_both_are():
    """tanh(x) + 1 = 2 sigmoid(2x), up to rounding."""
    identity = measured("tanh", "sigmoid").loc[("tanh", "identity"), "value"]
    assert len(identity) == 241
    assert identity.abs().max() < 1e-15
    assert ("tanh", "identity") not in measured("tanh", "relu").index
