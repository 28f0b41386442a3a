"""Measurement `shift_detector`: detect covariate shift by a classifier that tells new inputs from old ones.

Reference: Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests".
"""

import functools
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.core.config import Count, refused
from pipeline.core.seeding import Seed, generator
from pipeline.measurements.base import Measurement, Quantity, Series

_Shift = Annotated[float, Field(ge=0, le=1000)]


class ShiftDetector(Measurement):
    """A classifier two-sample test of N(0, I) against N((shift, 0, ..), I), for every shift; 0 is a false alarm."""

    kind: Literal["shift_detector"]
    inputs: Count
    """Number of inputs; the first one is shifted."""
    examples: Annotated[Count, Field(ge=4)]
    """Number of examples in each of the two samples."""
    shifts: Annotated[tuple[_Shift, ...], Field(strict=False, min_length=1, max_length=100)]
    """Shifts of the mean of the first input, in standard deviations; 0 counts false alarms."""
    alpha: Annotated[float, Field(gt=0, lt=1)]
    """Level of the test: the largest share of false alarms that it may have."""
    repetitions: Annotated[int, Field(ge=2, le=100_000)]
    """Number of pairs of samples that are drawn and tested for each shift."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.quantities) < len(self.shifts):
            raise refused("shifts", "each once, and different in six digits")
        return self

    @property
    def quantities(self) -> dict[str, Quantity]:
        quantities = {}
        for shift in self.shifts:
            source = (f"{shift:g}", "p_value")
            alarms = f"false alarms (no shift), at most {self.alpha:g} by design"
            label = f"detections at shift {shift:g}" if shift else alarms
            name = f"detections_{shift:g}".replace(".", "p")
            quantities[name] = Quantity(label, source, "share", level=self.alpha)
        return quantities

    def series(self, root: int) -> Iterator[Series]:
        """Compute for every shift (case) and repetition (x) the p-value of no shift; all shifts see the same noise."""
        from pipeline.arithmetic.arrays import normals

        shape = (len(self.shifts), self.examples, self.inputs)
        for repetition in range(self.repetitions):
            before, after = normals(generator(Seed(root, repetition), "data"), (2, *shape[1:]))
            shifted = np.broadcast_to(after, shape).copy()
            shifted[..., 0] += np.array(self.shifts)[:, None]
            p_values = p_value(np.broadcast_to(before, shape), shifted)
            yield [f"{shift:g}" for shift in self.shifts], "p_value", repetition, p_values


def p_value(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Test whether two samples have one distribution, (..., N, D) each -> (...).

    A logistic regression is fitted to half of both samples. If they have one distribution, the number of examples in
    the other halves that it classifies correctly is binomial with probability 1/2.
    """
    from pipeline.arithmetic import logistic

    *pairs, examples, _ = before.shape
    half = examples // 2
    is_after = np.broadcast_to(np.repeat([0, 1], half), (*pairs, 2 * half))
    model = logistic.fit(np.concatenate([before[..., :half, :], after[..., :half, :]], axis=-2), is_after, classes=2)
    old, new = (logistic.log_odds(inputs[..., half:, :], model)[..., 1] > 0 for inputs in (before, after))
    correct = np.count_nonzero(~old, axis=-1) + np.count_nonzero(new, axis=-1)
    return np.asarray(_tails(2 * (examples - half))[correct])


@functools.cache
def _tails(count: int) -> np.ndarray:
    """Compute the probabilities that `count` tosses of a fair coin show heads at least 0, 1, ..., count times."""
    from pipeline.arithmetic.arrays import exp, log

    heads = np.arange(count)
    ratios = log((count - heads) / (heads + 1.0))  # of each probability to the one before
    logarithms = np.concatenate([[0.0], np.cumsum(ratios)])
    tails: np.ndarray = np.cumsum(exp(logarithms - logarithms.max())[::-1])[::-1]
    return np.asarray(tails / tails[0])
