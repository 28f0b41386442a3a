import itertools

import pytest
import torch

from pipeline.training.activations import ACTIVATIONS
from pipeline.training.losses import cross_entropy
from pipeline.training.mlp import StackedMLP
from pipeline.training.products import accumulate, padded

RUNS, ROWS, WIDTHS = 3, 17, (13, 33, 20, 7)


def network(activation: str = "sigmoid", bias: bool = True) -> StackedMLP:
    made = StackedMLP(RUNS, WIDTHS, ACTIVATIONS[activation], bias, torch.empty(0, dtype=torch.float64))
    random = torch.Generator().manual_seed(3)
    for parameter in made.real_weights() + (made.real_biases() if bias else []):
        parameter.copy_(torch.randn(parameter.shape, generator=random, dtype=torch.float64) / 4)
    return made


def inputs() -> torch.Tensor:
    values = torch.zeros(RUNS, ROWS, padded(WIDTHS[0]), dtype=torch.float64)
    values[..., : WIDTHS[0]] = torch.randn(
        RUNS, ROWS, WIDTHS[0], generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    return values


def by_autograd(made: StackedMLP, x: torch.Tensor, keeps, labels: torch.Tensor):
    """The same network in plain products of its unpadded parameters; gradients of the summed losses."""
    weights = [weight.clone().requires_grad_() for weight in made.real_weights()]
    biases = [bias.clone().requires_grad_() for bias in made.real_biases()]
    h = x[..., : WIDTHS[0]]
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        h = h @ weight + bias[:, None]
        if layer < len(weights) - 1:
            h = torch.sigmoid(h)
            if keeps:
                h = h * keeps[layer][..., : WIDTHS[layer + 1]]
    losses = torch.stack([torch.nn.functional.cross_entropy(h[run], labels[run]) for run in range(RUNS)])
    return h, losses, weights, biases


def gradients(made: StackedMLP) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """By the weights and by the biases, padded."""
    weights = [torch.zeros_like(weight) for weight in made.weights]
    biases = [torch.zeros_like(bias) for bias in made.biases]

    def take(layer, before, delta):
        accumulate(weights[layer], before.clone(), delta, 1)
        biases[layer].copy_(delta.sum(dim=1, keepdim=True))

    made.backward(take)
    return weights, biases


@pytest.mark.parametrize("dropped", [False, True])
def test_forward_and_backward_are_those_of_autograd(dropped):
    made, x = network(), inputs()
    random = torch.Generator().manual_seed(5)
    labels = torch.randint(WIDTHS[-1], (RUNS, ROWS), generator=random)
    keeps = [
        torch.bernoulli(torch.full((RUNS, ROWS, padded(width)), 0.6, dtype=torch.float64), generator=random) / 0.6
        for width in WIDTHS[1:-1]
    ]
    keeps = keeps if dropped else []
    outputs = made.forward(x, keeps)
    loss = cross_entropy(outputs, labels, made.output_gradient(ROWS)).mean(dim=1)
    weight_gradients, bias_gradients = gradients(made)

    expected, losses, weights, biases = by_autograd(made, x, keeps, labels)
    losses.sum().backward()
    torch.testing.assert_close(outputs, expected.detach(), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(loss, losses.detach(), rtol=1e-12, atol=0)
    for layer, (before, after) in enumerate(itertools.pairwise(WIDTHS)):
        weight, bias = weight_gradients[layer], bias_gradients[layer]
        torch.testing.assert_close(weight[:, :before, :after], weights[layer].grad, rtol=1e-10, atol=1e-15)
        torch.testing.assert_close(bias[:, 0, :after], biases[layer].grad, rtol=1e-10, atol=1e-15)
        # padding is zero and stays zero, also where the activation of 0 is not 0
        assert not weight[:, before:].any()
        assert not weight[..., after:].any()
        assert not bias[..., after:].any()


def test_runs_do_not_mix():
    """The gradient of run i by the parameters of run j is exactly 0."""
    made, x = network(), inputs()
    labels = torch.zeros(RUNS, ROWS, dtype=torch.int64)
    _, losses, weights, biases = by_autograd(made, x, [], labels)
    for run in range(RUNS):
        for gradient in torch.autograd.grad(losses[run], weights + biases, retain_graph=True):
            assert gradient[run].any()
            assert not gradient[torch.arange(RUNS) != run].any()
    # and the hand-written pass: another batch for run 1 changes nothing of the others
    made.forward(x)
    cross_entropy(made.forward(x), labels, made.output_gradient(ROWS))
    first, _ = gradients(made)
    x[1] *= 2
    cross_entropy(made.forward(x), labels, made.output_gradient(ROWS))
    second, _ = gradients(made)
    for before, after in zip(first, second, strict=True):
        assert torch.equal(before[[0, 2]], after[[0, 2]])
        assert not torch.equal(before[1], after[1])


def test_the_gradient_of_a_dropped_unit_is_exactly_zero():
    made, x = network(), inputs()
    keeps = [torch.ones(RUNS, ROWS, padded(width), dtype=torch.float64) for width in WIDTHS[1:-1]]
    keeps[0][:, :, 5] = 0
    labels = torch.zeros(RUNS, ROWS, dtype=torch.int64)
    cross_entropy(made.forward(x, keeps), labels, made.output_gradient(ROWS))
    weights, biases = gradients(made)
    assert not weights[0][:, :, 5].any()
    assert not biases[0][:, :, 5].any()
    assert not weights[1][:, 5].any()
    assert weights[0][:, :, 4].any()


def test_a_layer_is_handed_out_only_once_it_is_no_longer_needed():
    """So that it may be updated at once: with parameters spoilt as they are handed out, the gradients are the same."""
    made, x = network(), inputs()
    labels = torch.zeros(RUNS, ROWS, dtype=torch.int64)
    cross_entropy(made.forward(x), labels, made.output_gradient(ROWS))
    expected, _ = gradients(made)
    cross_entropy(made.forward(x), labels, made.output_gradient(ROWS))
    found = [torch.zeros_like(weight) for weight in made.weights]

    def take(layer, before, delta):
        accumulate(found[layer], before, delta, 1)
        made.weights[layer].fill_(float("nan"))
        delta.fill_(float("nan"))

    made.backward(take)
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))


def test_a_short_batch_beside_a_long_one_gives_what_it_gives_alone():
    made, x = network(), inputs()
    alone = made.forward(x[:, :5].clone()).clone()
    made.forward(x)
    assert torch.equal(made.forward(x[:, :5].clone()), alone)


def test_a_stack_of_one_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        StackedMLP(1, WIDTHS, ACTIVATIONS["relu"], True, torch.empty(0))
