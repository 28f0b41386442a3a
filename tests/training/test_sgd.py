import pytest
import torch

from pipeline.project.settings import SGD, Penalty
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.losses import squared_error
from pipeline.training.mlp import StackedMLP
from pipeline.training.products import padded
from pipeline.training.sgd import StackedSGD

PLAIN = [Penalty(l1=0.0, l2=0.0)] * 3


def settings(momentum: bool) -> list[SGD]:
    return [
        SGD(name="sgd", learning_rate=rate, momentum=0.3 * rate if momentum else 0.0, weight_decay=decay)
        for rate, decay in ((0.1, 0.0), (0.5, 0.2), (1.5, 3.0))
    ]


def network(widths: tuple[int, ...] = (5, 4, 1), bias: bool = True, started: bool = True) -> StackedMLP:
    made = StackedMLP(3, widths, ACTIVATIONS["relu"], bias, torch.empty(0, dtype=torch.float64))
    random = torch.Generator().manual_seed(0)
    for parameter in made.real_weights() + made.real_biases() if started else ():
        parameter.copy_(torch.randn(parameter.shape, generator=random, dtype=torch.float64))
    return made


def batch(random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs, padded, and targets of three runs."""
    inputs = torch.zeros(3, 17, padded(5), dtype=torch.float64)
    inputs[..., :5] = torch.randn(3, 17, 5, generator=random, dtype=torch.float64)
    return inputs, torch.randn(3, 17, generator=random, dtype=torch.float64)


def update(made: StackedMLP, optimizer: StackedSGD, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    squared_error(made.forward(inputs), targets, made.output_gradient(17))
    optimizer.step()


@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize("widths", [(5, 4, 1), (5, 1), (5, 4)])
def test_ten_updates_are_those_of_torch_run_by_run(momentum, l1, widths):
    made = network(widths)
    chosen = [one.model_copy(update={"learning_rate": one.learning_rate / 20}) for one in settings(momentum)]
    penalties = [Penalty(l1=l1 * run, l2=0.1) for run in (1, 2, 3)]
    stacked = StackedSGD(made, chosen, penalties)
    layers = len(widths) - 1
    parts = [*made.real_weights(), *made.real_biases()]
    theirs = [[part[run].clone().requires_grad_() for part in parts] for run in range(3)]
    optimizers = [
        torch.optim.SGD(
            [{"params": own[:layers], "weight_decay": one.weight_decay}, {"params": own[layers:], "weight_decay": 0.0}],
            lr=one.learning_rate,
            momentum=one.momentum,
        )
        for own, one in zip(theirs, chosen, strict=True)
    ]
    random = torch.Generator().manual_seed(1)
    for _ in range(10):
        inputs, targets = batch(random)
        outputs = made.forward(inputs.clone())
        made.output_gradient(17).copy_(2 * (outputs - targets[..., None]) / 17)
        stacked.step()
        for run, optimizer in enumerate(optimizers):
            own = theirs[run]
            h = inputs[run, :, :5] @ own[0] + own[layers]
            if layers == 2:
                h = torch.relu(h) @ own[1] + own[3]
            penalty = sum(
                penalties[run].l1 * weight.abs().sum() + 0.05 * weight.square().sum() for weight in own[:layers]
            )
            optimizer.zero_grad()
            ((h - targets[run, :, None]).square().sum() / 17 + penalty).backward()
            optimizer.step()
    for run in range(3):
        for part, own in zip(parts, theirs[run], strict=True):
            torch.testing.assert_close(part[run], own.detach(), rtol=1e-9, atol=1e-12)
    sizes = [padded(width) for width in widths]
    for weight, rows, columns in zip(made.weights, widths[:-1], widths[1:], strict=True):
        assert weight.shape[1] in sizes
        assert not weight[:, rows:].any()
        assert not weight[..., columns:].any()


def test_weight_decay_never_touches_the_bias():
    made = network()
    biases = [bias.clone() for bias in made.biases]
    weights = [weight.clone() for weight in made.weights]
    optimizer = StackedSGD(made, settings(momentum=False), PLAIN)
    made.forward(torch.zeros(3, 17, padded(5), dtype=torch.float64))
    made.output_gradient(17).zero_()
    optimizer.step()
    assert all(torch.equal(bias, kept) for bias, kept in zip(made.biases, biases, strict=True))
    for weight, kept in zip(made.weights, weights, strict=True):
        assert torch.equal(weight[0], kept[0])  # neutral at 0
        torch.testing.assert_close(weight[2], kept[2] * (1 - 1.5 * 3.0), rtol=1e-14, atol=0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("momentum", [False, True])
def test_a_network_without_bias_keeps_its_biases_at_zero(bias, momentum):
    made = network(bias=bias, started=False)
    made.weights[0][:, :5, :4] = 1
    optimizer = StackedSGD(made, settings(momentum), PLAIN)
    update(made, optimizer, *batch(torch.Generator().manual_seed(0)))
    assert any(each.any() for each in made.biases) == bias


def test_runs_with_and_without_momentum_are_not_stacked():
    mixed = [*settings(momentum=False)[:2], settings(momentum=True)[2]]
    with pytest.raises(ValueError, match="two programs"):
        StackedSGD(network(), mixed, PLAIN)


@pytest.mark.parametrize("momentum", [False, True])
def test_the_l2_penalty_has_the_gradient_of_weight_decay(momentum):
    decayed, penalised, chosen = network(), network(), settings(momentum)
    plain = [one.model_copy(update={"weight_decay": 0.0}) for one in chosen]
    made = batch(torch.Generator().manual_seed(0))
    update(decayed, StackedSGD(decayed, chosen, PLAIN), *made)
    update(penalised, StackedSGD(penalised, plain, [Penalty(l1=0.0, l2=one.weight_decay) for one in chosen]), *made)
    for one, other in zip(decayed.weights + decayed.biases, penalised.weights + penalised.biases, strict=True):
        assert torch.equal(one, other)


def test_runs_with_and_without_an_l1_penalty_are_not_stacked():
    with pytest.raises(ValueError, match="two programs"):
        StackedSGD(network(), settings(momentum=False), [*PLAIN[:2], Penalty(l1=0.1, l2=0.0)])
