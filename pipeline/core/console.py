"""Entry point of stages and commands: errors that the user can correct become a line and an exit status."""

import errno
import logging
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from pipeline.core.errors import UserError, escape

# errors of the machine, not of the program
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_LIMITS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPIPE}


def run(main: Callable[[list[str]], None]) -> NoReturn:
    """Call `main` with the arguments of the command line, then exit."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    # by default SIGTERM ends the process at once, and temporary files stay
    signal.signal(signal.SIGTERM, lambda number, frame: _exit("terminated", 128 + number))
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main(sys.argv[1:])
    except UserError as error:
        _exit(str(error), 2)
    except KeyboardInterrupt:
        _exit("interrupted", 130)
    except MemoryError as error:
        _exit(f"out of memory ({error})" if str(error) else "out of memory", 2)
    except OSError as error:
        if error.errno not in _DISK | _LIMITS:
            raise
        _exit(f"{error.filename or 'this machine'}: {error.strerror}", 2)
    sys.exit(0)


def say(line: str) -> None:
    """Print a line of progress."""
    logging.getLogger("pipeline").info(escape(line))


def _exit(message: str, status: int) -> NoReturn:
    # names and values in the message must not add lines
    print("\n".join(map(escape, message.split("\n"))), file=sys.stderr)
    sys.exit(status)
