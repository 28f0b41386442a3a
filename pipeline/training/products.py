"""Products of R matrices with R matrices whose bits do not depend on the stack.

Batched products keep the bits of a run when every run's rows begin at the same alignment, so feature axes are padded
with zeros to multiples of 16, and when there are at least two runs (docs/reproducibility.md has the measurements).

A single output column is multiplied and added up element by element, which is also quicker: libraries handle R products
of a small matrix with one column as R calls (docs/decisions/0008-where-a-step-spends-its-time.md).
"""

import torch
from torch import Tensor

PADDING = 16


def padded(width: int) -> int:
    """The least multiple of 16 that holds `width`.

    >>> padded(1), padded(16), padded(17)
    (16, 16, 32)
    """
    return -(-width // PADDING) * PADDING


def affine(inputs: Tensor, weight: Tensor, bias: Tensor | None, out: Tensor, scratch: Tensor | None) -> None:
    """Inputs times weight plus bias, into `out`: (R, B, D), (R, D, H), (R, 1, H) -> (R, B, H).

    `scratch` is overwritten, of the shape of the inputs; products with several columns need none.
    """
    if weight.shape[2] > 1:
        if bias is None:
            torch.bmm(inputs, weight, out=out)
        else:
            torch.baddbmm(bias, inputs, weight, out=out)
        return
    torch.sum(torch.mul(inputs, weight.transpose(1, 2), out=scratch), dim=2, keepdim=True, out=out)
    if bias is not None:
        out.add_(bias)


def back(delta: Tensor, weight: Tensor, out: Tensor) -> None:
    """The gradient by the inputs, into `out`: delta times weight^T, (R, B, H), (R, D, H) -> (R, B, D)."""
    if weight.shape[2] > 1:
        torch.bmm(delta, weight.transpose(1, 2), out=out)
    else:
        torch.mul(delta, weight.transpose(1, 2), out=out)


def accumulate(target: Tensor, inputs: Tensor, delta: Tensor, sign: int) -> None:
    """Add the gradient by the weight to `target`, or take it away: inputs^T times delta.

    Args:
        target: Changed in place, (R, D, H).
        inputs: Of the layer, (R, B, D); overwritten.
        delta: The gradient by its outputs, (R, B, H).
        sign: 1 or -1.
    """
    if target.shape[2] > 1:
        target.baddbmm_(inputs.transpose(1, 2), delta, alpha=sign)
        return
    product = inputs.mul_(delta).sum(dim=1, keepdim=True).transpose(1, 2)
    if sign > 0:
        target.add_(product)
    else:
        target.sub_(product)
