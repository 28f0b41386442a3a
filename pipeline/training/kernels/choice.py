"""Choice of a function at run time, by its number."""

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.arithmetic.vector import inline


def choose(functions: Sequence[Callable[..., Any]], index: int = 0) -> Callable[..., Any]:
    """Return a compiled function (number, arguments) that calls the function with this number; all are inlined.

    The first function has the number `index`.
    """
    function, *others = functions
    if not others:
        return inline(lambda number, *arguments: function(*arguments))
    otherwise = choose(others, index + 1)

    @inline
    def choice(number, *arguments):
        if number == index:
            return function(*arguments)
        return otherwise(number, *arguments)

    return choice
