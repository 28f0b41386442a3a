import pytest
import torch

from pipeline.project.settings.training import SGD, Adam, AdamW, Penalty
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.losses import squared_error
from pipeline.training.mlp import StackedMLP
from pipeline.training.optimizers import StackedOptimizer, stacked
from pipeline.training.products import padded

PLAIN = [Penalty(l1=0.0, l2=0.0)] * 3


KINDS = {
    "plain": lambda **own: SGD(name="sgd", momentum=0.0, **own),
    "momentum": lambda **own: SGD(name="sgd", momentum=0.3 * own["learning_rate"], **own),
    "nesterov": lambda **own: SGD(name="sgd", momentum=0.3 * own["learning_rate"], nesterov=True, **own),
    "adam": lambda **own: Adam(name="adam", beta1=0.6 * own["learning_rate"], beta2=0.99, epsilon=1e-3, **own),
    "adamw": lambda **own: AdamW(name="adamw", beta1=0.0, beta2=0.4 * own["learning_rate"], **own),
}


def settings(kind: str) -> list:
    return [KINDS[kind](learning_rate=rate, weight_decay=decay) for rate, decay in ((0.1, 0.0), (0.5, 0.2), (1.5, 3.0))]


def of_torch(one, groups) -> torch.optim.Optimizer:
    if one.name == "sgd":
        return torch.optim.SGD(groups, lr=one.learning_rate, momentum=one.momentum, nesterov=one.nesterov)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[one.name]
    return kind(groups, lr=one.learning_rate, betas=(one.beta1, one.beta2), eps=one.epsilon)


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


def update(made: StackedMLP, optimizer: StackedOptimizer, inputs: torch.Tensor, targets: torch.Tensor) -> None:
    squared_error(made.forward(inputs), targets, made.output_gradient(17))
    optimizer.step()


@pytest.mark.parametrize("l1", [0.0, 0.03])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("widths", [(5, 4, 1), (5, 1), (5, 4)])
def test_ten_updates_are_those_of_torch_run_by_run(kind, l1, widths):
    made = network(widths)
    chosen = [one.model_copy(update={"learning_rate": one.learning_rate / 20}) for one in settings(kind)]
    penalties = [Penalty(l1=l1 * run, l2=0.1) for run in (1, 2, 3)]
    ours = stacked(made, chosen, penalties)
    layers = len(widths) - 1
    parts = [*made.real_weights(), *made.real_biases()]
    theirs = [[part[run].clone().requires_grad_() for part in parts] for run in range(3)]
    optimizers = [
        of_torch(
            one,
            [{"params": own[:layers], "weight_decay": one.weight_decay}, {"params": own[layers:], "weight_decay": 0.0}],
        )
        for own, one in zip(theirs, chosen, strict=True)
    ]
    random = torch.Generator().manual_seed(1)
    for _ in range(10):
        inputs, targets = batch(random)
        outputs = made.forward(inputs.clone())
        made.output_gradient(17).copy_(2 * (outputs - targets[..., None]) / 17)
        ours.step()
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


@pytest.mark.parametrize("kind", ["plain", "adamw"])
def test_weight_decay_never_touches_the_bias(kind):
    made = network()
    biases = [bias.clone() for bias in made.biases]
    weights = [weight.clone() for weight in made.weights]
    optimizer = stacked(made, settings(kind), PLAIN)
    made.forward(torch.zeros(3, 17, padded(5), dtype=torch.float64))
    made.output_gradient(17).zero_()
    optimizer.step()
    assert all(torch.equal(bias, kept) for bias, kept in zip(made.biases, biases, strict=True))
    for weight, kept in zip(made.weights, weights, strict=True):
        assert torch.equal(weight[0], kept[0])  # neutral at 0
        torch.testing.assert_close(weight[2], kept[2] * (1 - 1.5 * 3.0), rtol=1e-14, atol=0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_without_bias_keeps_its_biases_at_zero(bias, kind):
    made = network(bias=bias, started=False)
    made.weights[0][:, :5, :4] = 1
    optimizer = stacked(made, settings(kind), PLAIN)
    update(made, optimizer, *batch(torch.Generator().manual_seed(0)))
    assert any(each.any() for each in made.biases) == bias


@pytest.mark.parametrize(("kind", "other"), [("plain", "momentum"), ("momentum", "nesterov"), ("adam", "adamw")])
def test_runs_of_several_optimizers_are_not_stacked(kind, other):
    for first, second in ((kind, other), (other, kind), (other, "plain"), ("adam", kind)):
        if first != second:
            with pytest.raises(ValueError, match="several programs"):
                stacked(network(), [*settings(first)[:2], settings(second)[2]], PLAIN)


@pytest.mark.parametrize("kind", ["plain", "momentum", "nesterov", "adam"])
def test_the_l2_penalty_has_the_gradient_of_weight_decay(kind):
    decayed, penalised, chosen = network(), network(), settings(kind)
    plain = [one.model_copy(update={"weight_decay": 0.0}) for one in chosen]
    made = batch(torch.Generator().manual_seed(0))
    update(decayed, stacked(decayed, chosen, PLAIN), *made)
    update(penalised, stacked(penalised, plain, [Penalty(l1=0.0, l2=one.weight_decay) for one in chosen]), *made)
    for one, other in zip(decayed.weights + decayed.biases, penalised.weights + penalised.biases, strict=True):
        assert torch.equal(one, other)


def test_runs_with_and_without_an_l1_penalty_are_not_stacked():
    with pytest.raises(ValueError, match="two programs"):
        stacked(network(), settings("plain"), [*PLAIN[:2], Penalty(l1=0.1, l2=0.0)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_learning_rate_follows_its_factor(kind):
    """As an optimizer whose settings have the product: for Adam as well, which has no memory of the rate."""
    followed, fixed = network(), network()
    factors = [0.5, 2.0, 1.0]
    other = [
        one.model_copy(update={"learning_rate": one.learning_rate * factor})
        for one, factor in zip(settings(kind), factors, strict=True)
    ]
    ours, theirs = stacked(followed, settings(kind), PLAIN), stacked(fixed, other, PLAIN)
    ours.follow(factors)
    random = torch.Generator().manual_seed(0)
    for _ in range(3):
        made = batch(random)
        update(followed, ours, made[0].clone(), made[1])
        update(fixed, theirs, *made)
    for one, same in zip(followed.weights + followed.biases, fixed.weights + fixed.biases, strict=True):
        assert torch.equal(one, same)


@pytest.mark.parametrize("kind", ["nesterov", "adam", "adamw"])
def test_what_has_no_gradient_stays_where_it_is(kind):
    """Padding, and pixels that are always black: 0 divided by the root of 0 would be no number."""
    made = network(widths=(5, 4))
    optimizer = stacked(made, [one.model_copy(update={"weight_decay": 0.0}) for one in settings(kind)], PLAIN)
    before = made.weights[0].clone()
    for _ in range(3):
        made.forward(torch.zeros(3, 17, padded(5), dtype=torch.float64))
        made.output_gradient(17).fill_(1)
        optimizer.step()
    assert torch.equal(made.weights[0], before)
    assert torch.isfinite(made.biases[0]).all()
    assert (made.real_biases()[0] < 0).any()
