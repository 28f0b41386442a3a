import typing

import pytest
import torch

from pipeline.project.settings.training import ActivationName
from pipeline.training.activations import ACTIVATIONS, MODULES


def both(name: str, z: torch.Tensor, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """f(z) and gradient * f'(z), as the network computes them."""
    activation = ACTIVATIONS[name]
    h, chained = z.clone(), gradient.clone()
    scratch = z.clone() if activation.needs_input else torch.full_like(z, torch.nan)
    activation.apply_(h)
    activation.chain_(chained, h, scratch)
    return h, chained


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_derivative_are_those_of_torch(name):
    z = torch.linspace(-8, 8, 401, dtype=torch.float64).reshape(1, 1, -1).requires_grad_()
    upstream = torch.sin(torch.arange(401, dtype=torch.float64)).reshape(1, 1, -1)
    expected = MODULES[name]()(z)
    expected.backward(upstream)
    h, gradient = both(name, z.detach(), upstream)
    torch.testing.assert_close(h, expected.detach(), rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(gradient, z.grad, rtol=1e-12, atol=1e-15)


def test_every_activation_is_tested():
    assert set(MODULES) == set(ACTIVATIONS) == set(typing.get_args(ActivationName))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_says_whether_it_moves_zero(name):
    zero = torch.zeros(1)
    ACTIVATIONS[name].apply_(zero)
    assert bool(zero != 0) == ACTIVATIONS[name].moves_zero


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_element_s_bits_do_not_depend_on_where_it_lies(name, dtype):
    """A vectorised kernel treats the last few elements apart; they must come out alike."""
    z = torch.linspace(-6, 6, 1003, dtype=dtype)
    ours = torch.cos(z)
    whole, chained = both(name, z, ours)
    for start in range(1, 40):
        part, gradient = both(name, z[start : start + 7], ours[start : start + 7])
        assert torch.equal(part, whole[start : start + 7])
        assert torch.equal(gradient, chained[start : start + 7])
