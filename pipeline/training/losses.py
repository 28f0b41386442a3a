"""Losses of R runs at once, with the gradient written by hand.

Every loss takes outputs and targets of all runs and returns one number an example; runs do not mix. What is trained is
the mean over a run's examples: a `gradient`, where one is given, is filled with the derivative of each run's mean by
its own outputs.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Cross-entropy of each example.

    Args:
        logits: Unnormalised log-probabilities, (R, B, C), floating.
        labels: Class indices in [0, C), (R, B), int64.
        gradient: Filled with d mean(loss[r]) / d logits[r], (R, B, C).

    Returns:
        Loss in nats, (R, B).

    Raises:
        ValueError: If the batch axes differ; names both shapes.

    Reference: Zhang et al., "Dive into Deep Learning", section "Softmax regression".
    """
    _same_batch(logits, labels)
    log_probabilities = torch.log_softmax(logits, dim=-1)
    of_label = log_probabilities.gather(2, labels[..., None])
    if gradient is not None:
        log_probabilities.exp_().scatter_add_(2, labels[..., None], torch.full_like(of_label, -1))
        torch.div(log_probabilities, labels.shape[1], out=gradient)
    return of_label.squeeze(2).neg_()


def squared_error(outputs: Tensor, values: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Squared error of each example, without a factor 1/2.

    Args:
        outputs: Predictions, (R, B, 1), floating.
        values: True values, (R, B), floating.
        gradient: Filled with d mean(loss[r]) / d outputs[r], (R, B, 1).

    Returns:
        Loss in squared units of the target, (R, B).

    Raises:
        ValueError: If the batch axes differ; names both shapes.
    """
    _same_batch(outputs, values)
    residuals = outputs.squeeze(2) - values
    if gradient is not None:
        torch.mul(residuals[..., None], 2 / values.shape[1], out=gradient)
    return residuals.square_()


def half_squared_error(outputs: Tensor, values: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Half the squared error of each example; else like `squared_error`."""
    _same_batch(outputs, values)
    residuals = outputs.squeeze(2) - values
    if gradient is not None:
        torch.mul(residuals[..., None], 1 / values.shape[1], out=gradient)
    return residuals.square_().mul_(0.5)


def smooth_(gradient: Tensor, labels: Tensor, smoothing: Tensor) -> None:
    """Turn the gradient of cross-entropy into that with smoothed labels: 1 - e of the label, e / C of every class.

    Args:
        gradient: As `cross_entropy` fills it, (R, B, C); changed in place.
        labels: Class indices in [0, C), (R, B), int64.
        smoothing: The share e of each run, (R, 1, 1).

    Reference: Szegedy et al. (2016), "Rethinking the inception architecture for computer vision"; as
    `torch.nn.functional.cross_entropy` has it.
    """
    share = smoothing / gradient.shape[1]
    gradient.sub_(share / gradient.shape[2])
    gradient.scatter_add_(2, labels[..., None], share.expand(-1, gradient.shape[1], 1))


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """1 where the largest logit of an example is its label's, else 0: (R, B, C), (R, B) -> (R, B), floating."""
    return (logits.argmax(dim=-1) == labels).to(logits.dtype)


LOSSES: Mapping[str, Loss] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "half_squared_error": half_squared_error,
}


def _same_batch(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape[:2] != targets.shape:
        raise ValueError(f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)} differ in runs or batch")
