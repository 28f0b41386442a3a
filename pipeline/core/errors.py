"""The user-facing error, and the helpers that format its message."""

from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake that the user can correct, in a config, a file or the environment.

    The message has one line per mistake: where it is, what was found, what is allowed, what to do. `console.run` prints
    it without a traceback and exits with status 2.
    """


def shorten(value: Any) -> str:
    """Return the repr of a value on one line of at most 80 characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def join_short(names: Iterable[object]) -> str:
    """Join names with commas and cut the text off at 160 characters."""
    text = ", ".join(map(str, names))
    return text if len(text) <= 160 else text[:157] + "..."


def escape(text: str) -> str:
    r"""Write characters that control a terminal (escapes, line ends, direction marks) as backslash sequences.

    >>> print(escape("one\ntwo\x1b[31m\u202e"))
    one\ntwo\x1b[31m\u202e
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
