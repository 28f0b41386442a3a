"""The one kind of error that a user can mend, and how its words show what was found and what is allowed."""

from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """Shown as a line, without a traceback, with exit status 2.

    A config, file or environment is wrong; the message says where, what was found and what is allowed.

    One line a problem: the message may hold several lines when one check found several problems.
    """


def shorten(value: Any) -> str:
    """A value as an error message shows it, on one line and not too long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of that many digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def join_short(names: Iterable[object]) -> str:
    """What is allowed, as an error message lists it: not too long, however many there are."""
    text = ", ".join(map(str, names))
    return text if len(text) <= 160 else text[:157] + "..."


def in_bytes(size: float) -> str:
    """A size as a user reads it.

    >>> in_bytes(16 * 2**30), in_bytes(3e12)
    ('16 GiB', '2.73 TiB')
    """
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
