"""Early stopping of R runs, each by its own loss: which weights are kept, and when training ends."""

from collections.abc import Sequence

import numpy as np

from pipeline.training.mlp import StackedMLP


class EarlyStopping:
    """Keeps the weights of each run after the epoch of its lowest loss.

    A run that has ended is still trained as long as others of its stack are, and nothing of that counts.

    Attributes:
        kept_epoch: After which the weights that are kept were, (R,).
        last_epoch: The last that counts, (R,).
    """

    def __init__(self, network: StackedMLP, patience: Sequence[int], epochs: int) -> None:
        runs = len(patience)
        self._network, self._patience = network, np.array(patience)
        self._kept = [parameter.clone() for parameter in (*network.weights, *network.biases)]
        self._best = np.full(runs, np.inf)
        self.active = np.ones(runs, dtype=bool)
        self.kept_epoch = np.zeros(runs, dtype=int)
        self.last_epoch = np.full(runs, epochs)

    def see(self, epoch: int, losses: np.ndarray) -> None:
        """Take note of the losses (R,) after an epoch; one that is not finite is never lower."""
        # the first is kept whatever it is, or a run that diverges at once would keep what its stack makes of it
        lower = self.active & ((losses < self._best) | (epoch == 1))
        self._best[lower] = losses[lower]
        self._best[np.isnan(self._best)] = np.inf
        self.kept_epoch[lower] = epoch
        places = np.flatnonzero(lower)
        for kept, parameter in zip(self._kept, (*self._network.weights, *self._network.biases), strict=True):
            kept[places] = parameter[places]
        ended = self.active & (epoch - self.kept_epoch >= self._patience)
        self.last_epoch[ended] = epoch
        self.active &= ~ended

    def restore(self) -> None:
        """Give the network the weights that are kept."""
        for kept, parameter in zip(self._kept, (*self._network.weights, *self._network.biases), strict=True):
            parameter.copy_(kept)
