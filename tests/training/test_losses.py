import pytest
import torch
from torch import nn

from pipeline.training.losses import LOSSES, accuracy, cross_entropy, smooth_

TORCH = {
    "cross_entropy": nn.functional.cross_entropy,
    "squared_error": nn.functional.mse_loss,
    "half_squared_error": lambda outputs, values: nn.functional.mse_loss(outputs, values) / 2,
}


def batch(name: str, runs: int = 3, rows: int = 17, dtype=torch.float64):
    random = torch.Generator().manual_seed(1)
    if name == "cross_entropy":
        outputs = 3 * torch.randn(runs, rows, 7, generator=random, dtype=dtype)
        return outputs, torch.randint(7, (runs, rows), generator=random)
    outputs = torch.randn(runs, rows, 1, generator=random, dtype=dtype)
    return outputs, torch.randn(runs, rows, generator=random, dtype=dtype)


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_those_of_torch_run_by_run(name):
    outputs, targets = batch(name)
    gradient = torch.empty_like(outputs)
    losses = LOSSES[name](outputs, targets, gradient)
    assert losses.shape == (3, 17)
    assert torch.equal(LOSSES[name](outputs, targets, None), losses)
    for run in range(3):
        own = outputs[run].clone().requires_grad_()
        expected = TORCH[name](own if name == "cross_entropy" else own[:, 0], targets[run])
        expected.backward()
        torch.testing.assert_close(losses[run].mean(), expected.detach(), rtol=1e-14, atol=0)
        torch.testing.assert_close(gradient[run], own.grad, rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_the_gradient_with_smoothed_labels_is_that_of_torch_run_by_run(smoothing):
    outputs, targets = batch("cross_entropy")
    gradient = torch.empty_like(outputs)
    cross_entropy(outputs, targets, gradient)
    plain = gradient.clone()
    shares = [smoothing, smoothing / 2, 0.0]
    smooth_(gradient, targets, torch.tensor(shares, dtype=torch.float64)[:, None, None])
    for run, share in enumerate(shares):
        own = outputs[run].clone().requires_grad_()
        nn.functional.cross_entropy(own, targets[run], label_smoothing=share).backward()
        torch.testing.assert_close(gradient[run], own.grad, rtol=1e-12, atol=1e-16)
    assert torch.equal(gradient[2], plain[2])


def test_every_loss_is_tested():
    assert set(TORCH) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_and_targets_are_left_as_they_were(name):
    outputs, targets = batch(name)
    kept = outputs.clone(), targets.clone()
    LOSSES[name](outputs, targets, torch.empty_like(outputs))
    assert torch.equal(outputs, kept[0])
    assert torch.equal(targets, kept[1])


@pytest.mark.parametrize("name", LOSSES)
def test_batches_of_other_shapes_are_refused_with_both_shapes(name):
    outputs, targets = batch(name)
    with pytest.raises(ValueError, match=r"\(3, 17, .\).*\(3, 16\)"):
        LOSSES[name](outputs, targets[:, 1:], None)


def test_cross_entropy_of_huge_logits_is_finite():
    logits = torch.tensor([[[1e4, 0.0], [0.0, 1e4]]])
    assert cross_entropy(logits, torch.tensor([[0, 0]])).tolist() == [[0.0, 1e4]]


def test_accuracy_counts_the_largest_logit():
    logits = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[5.0, 1.0], [0.0, 1.0]]])
    assert accuracy(logits, torch.tensor([[1, 1], [0, 1]])).tolist() == [[1.0, 0.0], [1.0, 1.0]]
