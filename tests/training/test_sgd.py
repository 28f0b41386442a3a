import pytest
import torch

from pipeline.settings import SGD, Penalty
from pipeline.training.activations import ACTIVATIONS
from pipeline.training.mlp import StackedMLP
from pipeline.training.sgd import StackedSGD

PLAIN = [Penalty(l1=0.0, l2=0.0)] * 3


def settings(momentum: bool) -> list[SGD]:
    return [
        SGD(name="sgd", learning_rate=rate, momentum=0.3 * rate if momentum else 0.0, weight_decay=decay)
        for rate, decay in ((0.1, 0.0), (0.5, 0.2), (1.5, 3.0))
    ]


def network() -> StackedMLP:
    made = StackedMLP(3, (5, 4, 1), ACTIVATIONS["relu"], True, torch.empty(0, dtype=torch.float64))
    random = torch.Generator().manual_seed(0)
    for parameter in made.real_weights() + made.real_biases():
        parameter.copy_(torch.randn(parameter.shape, generator=random, dtype=torch.float64))
    return made


@pytest.mark.parametrize("momentum", [False, True])
def test_ten_updates_are_those_of_torch_run_by_run(momentum):
    made, chosen = network(), settings(momentum)
    stacked = StackedSGD(made, chosen, PLAIN)
    parts = [*made.real_weights(), *made.real_biases()]
    theirs = [[part[run].clone().requires_grad_() for part in parts] for run in range(3)]
    optimizers = [
        torch.optim.SGD(
            [{"params": own[:2], "weight_decay": one.weight_decay}, {"params": own[2:], "weight_decay": 0.0}],
            lr=one.learning_rate,
            momentum=one.momentum,
        )
        for own, one in zip(theirs, chosen, strict=True)
    ]
    random = torch.Generator().manual_seed(1)
    for _ in range(10):
        gradients = [torch.randn(part.shape, generator=random, dtype=torch.float64) for part in parts]
        for target, gradient in zip([*made.weight_gradients], gradients[:2], strict=True):
            target[:, : gradient.shape[1], : gradient.shape[2]] = gradient
        for target, gradient in zip([*made.bias_gradients], gradients[2:], strict=True):
            target[:, 0, : gradient.shape[1]] = gradient
        stacked.step()
        for run, optimizer in enumerate(optimizers):
            for own, gradient in zip(theirs[run], gradients, strict=True):
                own.grad = gradient[run].clone()
            optimizer.step()
    for run in range(3):
        for part, own in zip(parts, theirs[run], strict=True):
            torch.testing.assert_close(part[run], own.detach(), rtol=1e-12, atol=1e-12)


def test_weight_decay_never_touches_the_bias():
    made = network()
    biases = [bias.clone() for bias in made.biases]
    weights = [weight.clone() for weight in made.weights]
    StackedSGD(made, settings(momentum=False), PLAIN).step()  # all gradients are 0
    assert all(torch.equal(bias, kept) for bias, kept in zip(made.biases, biases, strict=True))
    for weight, kept in zip(made.weights, weights, strict=True):
        assert torch.equal(weight[0], kept[0])  # neutral at 0
        torch.testing.assert_close(weight[2], kept[2] * (1 - 1.5 * 3.0), rtol=1e-14, atol=0)


def test_runs_with_and_without_momentum_are_not_stacked():
    mixed = [*settings(momentum=False)[:2], settings(momentum=True)[2]]
    with pytest.raises(ValueError, match="two programs"):
        StackedSGD(network(), mixed, PLAIN)


def test_the_l2_penalty_has_the_gradient_of_weight_decay():
    decayed, penalised = network(), network()
    StackedSGD(decayed, settings(momentum=True), PLAIN).step()
    plain = [one.model_copy(update={"weight_decay": 0.0}) for one in settings(momentum=True)]
    StackedSGD(penalised, plain, [Penalty(l1=0.0, l2=one.weight_decay) for one in settings(momentum=True)]).step()
    for one, other in zip(decayed.weights + decayed.biases, penalised.weights + penalised.biases, strict=True):
        assert torch.equal(one, other)


def test_the_l1_penalty_moves_every_weight_by_the_same_and_no_bias():
    made = network()
    before = [parameter.clone() for parameter in made.real_weights() + made.real_biases()]
    StackedSGD(made, settings(momentum=False)[:1] * 3, [Penalty(l1=rate, l2=0.0) for rate in (0.1, 0.2, 0.3)]).step()
    for number, (now, kept) in enumerate(zip(made.real_weights() + made.real_biases(), before, strict=True)):
        for run, rate in enumerate((0.1, 0.2, 0.3)):
            moved = 0.1 * rate * torch.sign(kept[run]) if number < 2 else torch.zeros_like(kept[run])
            torch.testing.assert_close(now[run], kept[run] - moved)
    assert all(bool((weight[:, rows:] == 0).all()) for weight, rows in zip(made.weights, (5, 4), strict=True))


def test_runs_with_and_without_an_l1_penalty_are_not_stacked():
    with pytest.raises(ValueError, match="two programs"):
        StackedSGD(network(), settings(momentum=False), [*PLAIN[:2], Penalty(l1=0.1, l2=0.0)])
