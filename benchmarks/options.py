"""What the command line asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.sides.engine import ENGINES
from benchmarks.work import Losses, Work

LONG_REPEATS = 3  # at most so many rounds of what takes minutes


@dataclass(frozen=True)
class Options:
    """How every row is measured.

    Attributes:
        quick: Sizes so small that the numbers say nothing, but every side runs and every loss is checked.
        repeats: Rounds; rows that take minutes have fewer.
        engine: A key of `ENGINES`.
    """

    quick: bool
    repeats: int
    engine: str

    @property
    def ours(self) -> Callable[[Work], Losses]:
        """The side that is on trial."""
        return ENGINES[self.engine]

    @property
    def long_repeats(self) -> int:
        return min(self.repeats, LONG_REPEATS)
