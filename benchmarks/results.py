"""A row of the table and its verdict."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["met", "missed", "stated", "too small", "skipped", "error"]


@dataclass(frozen=True)
class Target:
    """The number that a measurement should reach."""

    value: float
    unit: Literal["x", "%", "s", "GB"] = "x"
    sense: Literal["at least", "at most"] = "at least"

    def met(self, value: float) -> bool:
        """Return whether a measured number, in this unit, is good enough."""
        return value >= self.value if self.sense == "at least" else value <= self.value

    def __str__(self) -> str:
        return f"{self.sense} {shown(self.value, self.unit)}"


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        row: Name on the command line.
        work, against: What was done, and the peer that did it too.
        target: None if the number is only stated.
        unit: Unit of the values.
        values: One measurement per round; none if the row was skipped or failed.
        ours, theirs: Median times or rates in words.
        note: How well the losses agree, or why there is no value.
    """

    row: str
    work: str
    against: str
    target: Target | None
    unit: Literal["x", "%", "s", "GB"] = "x"
    values: tuple[float, ...] = ()
    ours: str = ""
    theirs: str = ""
    note: str = ""
    verdict: Verdict = "error"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def summary(self) -> str:
        """Return verdict and median in a line."""
        return f"{self.verdict}, {shown(self.median, self.unit)}" if self.values else f"{self.verdict}, {self.note}"

    def judged(self, values: Sequence[float], *, small: bool, **words: str) -> "Row":
        """Return the row with its measurements; small work proves that a side runs, and nothing else."""
        measured = replace(self, values=tuple(values), **words)  # type: ignore[arg-type]
        verdict: Verdict = "stated"
        if small:
            verdict = "too small"
        elif self.target is not None:
            verdict = "met" if self.target.met(measured.median) else "missed"
        return replace(measured, verdict=verdict)

    def skipped(self, reason: str) -> "Row":
        """Return the row of a peer that is not installed."""
        return replace(self, verdict="skipped", note=reason)

    def failed(self, reason: str) -> "Row":
        """Return the row of a side that failed or did other work."""
        return replace(self, verdict="error", note=reason)


def shown(value: float, unit: str) -> str:
    """Format a number with its unit and three digits.

    >>> shown(200.0, "x"), shown(0.8512, "%"), shown(1.5, "GB")
    ('200x', '85.1 %', '1.5 GB')
    """
    if unit == "%":
        return f"{100 * value:.3g} %"
    digits = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return digits + (unit if unit == "x" else f" {unit}")


def duration(seconds: float) -> str:
    """Format a time with its unit and three digits.

    >>> duration(12.0), duration(0.0034567), duration(4.5e-06)
    ('12 s', '3.46 ms', '4.5 us')
    """
    for unit, length in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"
