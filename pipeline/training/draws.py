"""What chance decides while a run trains: the order of its examples and the units that are dropped.

Both come from streams of the run's own seed, so variants with one seed see the same order and, where shapes allow, the
same masks.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.project.seeding import Seed, generator

_BLOCK = 2**13  # examples of one seed whose order is drawn in one call: few calls, little memory
_LEVELS = 2**16  # dropout compares 16-bit draws; a rate is rounded to a multiple of 1 / 65,536


def orders(seed: Seed, examples: int, epochs: int) -> Iterator[np.ndarray]:
    """For every epoch a permutation of the examples, (N,) int64."""
    stream = generator(seed, "order")
    at_once = max(1, _BLOCK // examples)
    for first in range(0, epochs, at_once):
        count = min(at_once, epochs - first)
        block = np.broadcast_to(np.arange(examples), (count, examples)).copy()
        yield from stream.permuted(block, axis=1, out=block)


class Dropout:
    """Masks of the hidden layers of R runs, step after step."""

    def __init__(self, seeds: Sequence[Seed], rates: Sequence[Sequence[float]], widths: Sequence[int], like: Tensor):
        """Prepare the streams.

        Args:
            seeds: One a run, (R,).
            rates: One a run and hidden layer, (R, L), in [0, 1].
            widths: Of the hidden layers, (L,).
            like: A tensor of the wanted type and device.
        """
        distinct = list(dict.fromkeys(seeds))
        self._position = torch.tensor([distinct.index(seed) for seed in seeds], device=like.device)
        kind = _HostStream if like.device.type == "cpu" else _DeviceStream
        self._streams = [
            [kind(generator(seed, "dropout", layer), like.device) for seed in distinct] for layer in range(len(widths))
        ]
        self._widths = widths
        self._like = like
        self._thresholds: list[Tensor | None] = []
        self._factors: list[Tensor] = []
        for layer in range(len(widths)):
            dropped = np.round(np.array([rate[layer] for rate in rates]) * _LEVELS)
            kept = 1 - dropped / _LEVELS
            factor = np.divide(2.0, kept, out=np.zeros_like(kept), where=kept > 0)
            # above 0 for a draw that keeps the unit, and never 0
            threshold = like.new_tensor(dropped - _LEVELS // 2 - 0.5)[:, None, None]
            self._thresholds.append(threshold if dropped.any() else None)
            self._factors.append(like.new_tensor(factor)[:, None, None])
        self._buffers: dict[tuple[int, int], Tensor] = {}

    def keeps(self, rows: int, padded_widths: Sequence[int]) -> list[Tensor | None]:
        """The next masks: for each hidden layer None, or (R, B, H) with 0 or 1 / (1 - rate) for every unit."""
        return [self._keep(layer, rows, padded_width) for layer, padded_width in enumerate(padded_widths)]

    def _keep(self, layer: int, rows: int, padded_width: int) -> Tensor | None:
        threshold = self._thresholds[layer]
        if threshold is None:
            return None
        width = self._widths[layer]
        if (layer, rows) not in self._buffers:
            self._buffers[layer, rows] = self._like.new_zeros(len(self._position), rows, padded_width)
        buffer = self._buffers[layer, rows]
        kept = buffer[..., :width]
        draws = torch.stack([stream.draw(rows * width) for stream in self._streams[layer]])
        kept.copy_(draws.view(-1, rows, width).index_select(0, self._position))
        # in floating point, since comparisons and choices by truth values take many times as long
        kept.sub_(threshold).clamp_(0, 0.5).mul_(self._factors[layer])
        return buffer


class _HostStream:
    """16-bit draws from a seed's own generator."""

    def __init__(self, source: np.random.Generator, device: torch.device) -> None:
        self._source = source.bit_generator

    def draw(self, count: int) -> Tensor:
        """The next draws, each of the 65,536 values equally often, (count,) int16."""
        return torch.from_numpy(self._source.random_raw(-(-count // 4)).view(np.int16)[:count])


class _DeviceStream:
    """The same on a GPU, which would wait for the processor's draws: other draws, from a generator that lives there."""

    def __init__(self, source: np.random.Generator, device: torch.device) -> None:
        self._source = torch.Generator(device).manual_seed(int(source.integers(2**63)))

    def draw(self, count: int) -> Tensor:
        return torch.empty(count, dtype=torch.int16, device=self._source.device).random_(
            -(_LEVELS // 2), _LEVELS // 2, generator=self._source
        )
