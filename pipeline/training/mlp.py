"""R multilayer perceptrons as one tensor program: forward and backward pass by hand.

A layer's weight is (R, D, H), a batch (R, B, D), padded as `products` demands it.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pipeline.training import products
from pipeline.training.activations import Activation
from pipeline.training.products import padded

# called by `StackedMLP.backward` with the number of a layer, its inputs (R, B, D) and the gradient by its outputs,
# (R, B, H); it may change the parameters of that layer and overwrite both
Take = Callable[[int, Tensor, Tensor], None]


class _Buffers:
    """What one size of batch needs in memory, a list entry a layer."""

    def __init__(self, biases_like: Sequence[Tensor], rows: int, last: int, classes: int) -> None:
        def like(width: int) -> Tensor:
            return biases_like[0].new_zeros(len(biases_like[0]), rows, width)

        widths = [int(bias.shape[2]) for bias in biases_like]
        self.outputs = [like(width) for width in widths]
        self.dropped = [like(width) for width in widths[:-1]]
        self.deltas = [like(width) for width in widths]
        self.scratch = [like(width) for width in widths[:-1]]
        # without padding, as the loss sees them
        self.output, self.gradient = (values[-1][..., :classes] for values in (self.outputs, self.deltas))
        # a temporary of this size in every step would be memory that the system clears again and again
        self.last = biases_like[0].new_empty(len(biases_like[0]), rows, last) if widths[-1] == 1 else None


class StackedMLP:
    """R networks of one shape.

    Attributes:
        widths: Real widths: inputs, hidden layers, outputs.
        weights: One (R, D, H) a layer, padded.
        biases: One (R, 1, H) a layer, padded; all zeros and never moved in a network without bias.
    """

    def __init__(self, runs: int, widths: Sequence[int], activation: Activation, bias: bool, like: Tensor) -> None:
        if runs < 2:
            raise ValueError(f"found {runs} runs, allowed: at least 2; another code path gives other bits")
        self.widths = tuple(widths)
        self.activation = activation
        self.bias = bias
        sizes = [padded(width) for width in widths[:-1]]
        sizes.append(1 if widths[-1] == 1 else padded(widths[-1]))
        self.weights = [like.new_zeros(runs, *shape) for shape in itertools.pairwise(sizes)]
        self.biases = [like.new_zeros(runs, 1, size) for size in sizes[1:]]
        self._sizes: dict[int, _Buffers] = {}
        self._inputs: list[Tensor] = []
        self._keeps: Sequence[Tensor | None] = ()

    @property
    def layers(self) -> int:
        return len(self.weights)

    def forward(self, inputs: Tensor, keeps: Sequence[Tensor | None] = ()) -> Tensor:
        """Outputs of all runs.

        Args:
            inputs: (R, B, D), padded with zeros along D.
            keeps: For each hidden layer None, or the factor of every unit, (R, B, H) padded: 0 where the unit is
                dropped, 1 / (1 - rate) where it is kept. Empty: nothing is dropped.

        Returns:
            (R, B, C), a view that the next call overwrites.
        """
        buffers = self._buffers(inputs.shape[1])
        self._inputs = [inputs]
        self._keeps = keeps or (None,) * (self.layers - 1)
        for layer, (weight, bias, out) in enumerate(zip(self.weights, self.biases, buffers.outputs, strict=True)):
            products.affine(self._inputs[-1], weight, bias if self.bias else None, out, buffers.last)
            if layer == self.layers - 1:
                break
            if self.activation.needs_input:
                buffers.scratch[layer].copy_(out)
            self.activation.apply_(out)
            if self.activation.moves_zero:
                out[..., self.widths[layer + 1] :] = 0
            keep = self._keeps[layer]
            self._inputs.append(out if keep is None else torch.mul(out, keep, out=buffers.dropped[layer]))
        return buffers.output

    def output_gradient(self, rows: int) -> Tensor:
        """Where a loss writes its gradient by the outputs before `backward`: (R, B, C)."""
        return self._buffers(rows).gradient

    def backward(self, take: Take) -> None:
        """Hand out what the gradients are made of, from the last `forward` and `output_gradient`, last layer first.

        Nothing of a layer is needed any more when it is handed out: its parameters can be updated at once, and no
        gradient of a weight needs a place of its own.
        """
        buffers = self._buffers(self._inputs[0].shape[1])
        for layer in reversed(range(self.layers)):
            delta = buffers.deltas[layer]
            if layer > 0:
                before = buffers.deltas[layer - 1]
                products.back(delta, self.weights[layer], before)
                keep = self._keeps[layer - 1]
                if keep is not None:
                    before.mul_(keep)
                self.activation.chain_(before, buffers.outputs[layer - 1], buffers.scratch[layer - 1])
            take(layer, self._inputs[layer], delta)

    def hidden_outputs(self) -> list[Tensor]:
        """What each hidden layer gave in the last `forward`, before dropout and `backward`: (R, B, H), padded."""
        return self._buffers(self._inputs[0].shape[1]).outputs[:-1]

    def real_weights(self) -> list[Tensor]:
        """The weights without padding: views (R, D, H)."""
        pairs = zip(self.widths[:-1], self.widths[1:], strict=True)
        return [weight[:, :rows, :columns] for weight, (rows, columns) in zip(self.weights, pairs, strict=True)]

    def real_biases(self) -> list[Tensor]:
        """The biases without padding: views (R, H)."""
        return [bias[:, 0, :width] for bias, width in zip(self.biases, self.widths[1:], strict=True)]

    def _buffers(self, rows: int) -> _Buffers:
        if rows not in self._sizes:
            self._sizes[rows] = _Buffers(self.biases, rows, self.weights[-1].shape[1], self.widths[-1])
        return self._sizes[rows]
