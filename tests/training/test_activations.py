import pytest
import torch

from pipeline.training.activations import ACTIVATIONS

TORCH = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "identity": lambda z: z}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_derivative_are_those_of_torch(name):
    z = torch.linspace(-8, 8, 401, dtype=torch.float64).reshape(1, 1, -1).requires_grad_()
    upstream = torch.sin(torch.arange(401, dtype=torch.float64)).reshape(1, 1, -1)
    expected = TORCH[name](z)
    expected.backward(upstream)

    h, gradient = z.detach().clone(), upstream.clone()
    ACTIVATIONS[name].apply_(h)
    ACTIVATIONS[name].chain_(gradient, h, torch.empty_like(h))
    torch.testing.assert_close(h, expected.detach(), rtol=1e-14, atol=1e-15)
    torch.testing.assert_close(gradient, z.grad, rtol=1e-12, atol=1e-15)


def test_every_activation_is_tested():
    assert set(TORCH) == set(ACTIVATIONS)


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
    whole, ours = z.clone(), torch.cos(z)
    ACTIVATIONS[name].apply_(whole)
    chained = ours.clone()
    ACTIVATIONS[name].chain_(chained, whole, torch.empty_like(z))
    for start in range(1, 40):
        part, gradient = z[start : start + 7].clone(), ours[start : start + 7].clone()
        ACTIVATIONS[name].apply_(part)
        ACTIVATIONS[name].chain_(gradient, part, torch.empty_like(part))
        assert torch.equal(part, whole[start : start + 7])
        assert torch.equal(gradient, chained[start : start + 7])
