"""Options of the command line."""

from dataclasses import dataclass

LONG_REPEATS = 3  # rounds of rows that take minutes, at most


@dataclass(frozen=True)
class Options:
    """How every row is measured.

    Attributes:
        quick: Sizes so small that the numbers say nothing, but every side runs and every loss is checked.
        repeats: Rounds; rows that take minutes have fewer.
    """

    quick: bool
    repeats: int

    @property
    def long_repeats(self) -> int:
        return min(self.repeats, LONG_REPEATS)
