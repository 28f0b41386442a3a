"""Losses of R runs at once, with the gradient written by hand.

Every loss takes outputs and targets of all runs and returns one number a run, the mean over the run's examples; runs
do not mix. Where a `gradient` is given, it is filled with the derivative of each run's loss by its own outputs.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of each run.

    Args:
        logits: Unnormalised log-probabilities, (R, B, C), floating.
        labels: Class indices in [0, C), (R, B), int64.
        gradient: Filled with d loss[r] / d logits[r], (R, B, C).

    Returns:
        Loss in nats, (R,), float64.

    Raises:
        ValueError: If the batch axes differ; names both shapes.

    Reference: Zhang et al., "Dive into Deep Learning", section "Softmax regression".
    """
    _same_batch(logits, labels)
    log_probabilities = torch.log_softmax(logits, dim=-1)
    of_label = log_probabilities.gather(2, labels[..., None])
    if gradient is not None:
        log_probabilities.exp_().scatter_add_(2, labels[..., None], torch.full_like(of_label, -1))
        torch.div(log_probabilities, labels.shape[1], out=log_probabilities)
        gradient.copy_(log_probabilities)
    return _mean(of_label.squeeze(2)).neg_()


def squared_error(outputs: Tensor, values: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Mean squared error of each run, without a factor 1/2.

    Args:
        outputs: Predictions, (R, B, 1), floating.
        values: True values, (R, B), floating.
        gradient: Filled with d loss[r] / d outputs[r], (R, B, 1).

    Returns:
        Loss in squared units of the target, (R,), float64.

    Raises:
        ValueError: If the batch axes differ; names both shapes.
    """
    _same_batch(outputs, values)
    residuals = outputs.squeeze(2) - values
    if gradient is not None:
        torch.mul(residuals[..., None], 2 / values.shape[1], out=gradient)
    return _mean(residuals.square_())


def half_squared_error(outputs: Tensor, values: Tensor, gradient: Tensor | None = None) -> Tensor:
    """Half the mean squared error of each run; else like `squared_error`."""
    _same_batch(outputs, values)
    residuals = outputs.squeeze(2) - values
    if gradient is not None:
        torch.mul(residuals[..., None], 1 / values.shape[1], out=gradient)
    return _mean(residuals.square_()).mul_(0.5)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Fraction of examples whose largest logit is the label's: (R, B, C), (R, B) -> (R,), float64."""
    return _mean((logits.argmax(dim=-1) == labels).double())


LOSSES: Mapping[str, Loss] = {
    "cross_entropy": cross_entropy,
    "squared_error": squared_error,
    "half_squared_error": half_squared_error,
}


def _mean(examples: Tensor) -> Tensor:
    return examples.sum(dim=1, dtype=torch.float64).div_(examples.shape[1])


def _same_batch(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape[:2] != targets.shape:
        raise ValueError(f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)} differ in runs or batch")
