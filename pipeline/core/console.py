"""How a program of the project ends: a mistake that a user can mend is a line and exit status 2."""

import errno
import logging
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from pipeline.core.errors import UserError

# of the machine, not of the program: disk, quota, size limit, a file system that is read-only or broken, open files
_OF_THE_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EPIPE,
}


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Call `main` with the command line's arguments and leave the process with its status."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    # by default a process ends where it stands; this way what it was writing is cleared away first
    signal.signal(signal.SIGTERM, _terminate)
    try:
        main(sys.argv[1:])
    except UserError as error:
        _leave(str(error), 2)
    except KeyboardInterrupt:
        _leave("interrupted", 130)
    except MemoryError as error:
        _leave(f"out of memory ({error})" if str(error) else "out of memory", 2)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        _leave(f"{error.filename or 'this machine'}: {error.strerror}", 2)
    sys.exit(0)


def _terminate(number: int, frame: object) -> None:
    _leave("terminated", 128 + number)


def _leave(words: str, status: int) -> NoReturn:
    # one line a mistake, whatever names and values are in it
    print("\n".join(map(escape, words.split("\n"))), file=sys.stderr)
    sys.exit(status)


def escape(text: str) -> str:
    r"""The text with what a terminal would obey spelled out: escapes, ends of lines, marks that turn the direction.

    >>> print(escape("one\ntwo\x1b[31m\u202e"))
    one\ntwo\x1b[31m\u202e
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
