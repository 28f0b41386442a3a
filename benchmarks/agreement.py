"""Check that two sides did the same work: otherwise a ratio of their times means nothing."""

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.work import Losses, Work


class DisagreementError(Exception):
    """Two sides end at different losses."""


@dataclass(frozen=True)
class Exact:
    """Every loss of every run at every evaluated epoch, up to the rounding of single precision.

    Both sides see the same examples in the same order from the same weights, so nothing differs but the order of
    additions. Linear models: the polynomial's thousands of steps add up to about 1e-5 of a loss, and to miss a single
    epoch or evaluation costs more than the tolerance. Networks: rounding stays at 1e-7 until it turns a hidden unit
    on or off for an example - within 120 steps of the images in about one run of two - and that moves a loss by 1e-4.
    """

    tolerance: float = 1e-4
    of_networks: float = 1e-3

    def check(self, ours: Losses, theirs: Losses, work: Work) -> str:
        """Return the largest difference in words.

        Raises:
            DisagreementError: If it is above the tolerance.
        """
        worst, tolerance = 0.0, self.of_networks if work.config.model.hidden else self.tolerance
        for name in ("train", "test", "running"):
            expected, found = getattr(ours, name), getattr(theirs, name)
            if expected.shape != found.shape:
                raise DisagreementError(f"{name}: found losses {found.shape}, expected {expected.shape}")
            difference = np.abs(found - expected) / np.abs(expected)
            place = np.unravel_index(np.argmax(difference), difference.shape)
            if not difference[place] <= tolerance:
                raise DisagreementError(
                    f"{name} loss of run {place[0]}: found {found[place]:.6g}, expected {expected[place]:.6g} "
                    f"within {tolerance:g} of it"
                )
            worst = max(worst, float(difference[place]))
        return f"losses differ by {worst:.0e} at most (allowed {tolerance:g})"


@dataclass(frozen=True)
class OnAverage:
    """Final losses on average over the runs, for sides that drop different units.

    Measured on this work, the running loss of two trainings of a run that differ in their masks alone differs with a
    standard deviation of 0.7 % over an epoch of 30 batches, 3.8 % a batch; of training and test loss after the last
    epoch it is less. Four standard deviations of a mean over R runs and as many batches as an epoch has are allowed.
    With ten runs and 30 batches that is 0.9 %; no dropout at all would change the running loss by 11 %, the two rates
    swapped by 3 %.
    """

    of_a_batch: float = 4 * 0.038

    def check(self, ours: Losses, theirs: Losses, work: Work) -> str:
        """Return the largest difference in words.

        Raises:
            DisagreementError: If it is above the tolerance.
        """
        batches = len(theirs.running) * work.steps / work.config.training.epochs
        allowed = self.of_a_batch / math.sqrt(batches)
        worst = 0.0
        for name in ("train", "test", "running"):
            expected, found = (
                float(getattr(losses, name).reshape(len(losses.running), -1)[:, -1].mean()) for losses in (ours, theirs)
            )
            difference = abs(found - expected) / expected
            if not difference <= allowed:
                raise DisagreementError(
                    f"{name} loss on average over {len(theirs.running)} runs: found {found:.4f}, expected "
                    f"{expected:.4f} within {allowed:.1%}"
                )
            worst = max(worst, difference)
        return f"mean losses differ by {worst:.1%} at most (allowed {allowed:.1%}, masks differ)"
