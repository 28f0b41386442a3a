"""Choice of a function at run time, by its number."""

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.arithmetic.vector import inline


def choose(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Return a compiled function (number, arguments) that calls the function at this index; all are inlined."""
    *others, last = functions

    @inline
    def choice(number, *arguments):
        return last(*arguments)

    for index in reversed(range(len(others))):
        choice = _branch(index, others[index], choice)
    return choice


def _branch(index, function, otherwise):
    @inline
    def choice(number, *arguments):
        if number == index:
            return function(*arguments)
        return otherwise(number, *arguments)

    return choice
