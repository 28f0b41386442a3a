"""Progress of a command on standard error: a spinner on a terminal, otherwise a line every two seconds.

Modules of `ablate` log their steps; only the latest is shown. Without a terminal, a command that ends within two
seconds prints none.
"""

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator

from rich.console import Console

INTERVAL = 2.0  # seconds between two lines
_LOG = logging.getLogger("ablate")


class _Latest(logging.Handler):
    """The latest step and when it began."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message, self.begun = message, time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        self.message, self.begun = record.getMessage(), time.monotonic()

    def __rich__(self) -> str:
        return f"{self.message} ({time.monotonic() - self.begun:.0f} s)"


@contextlib.contextmanager
def shown(message: str) -> Iterator[None]:
    """Show `message`, then each step that is logged."""
    latest, console = _Latest(message), Console(stderr=True, markup=False, emoji=False, highlight=False)
    level, propagate = _LOG.level, _LOG.propagate
    _LOG.addHandler(latest)
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
    try:
        with console.status(latest) if console.is_terminal else _lines(latest):
            yield
    finally:
        _LOG.removeHandler(latest)
        _LOG.setLevel(level)
        _LOG.propagate = propagate


@contextlib.contextmanager
def _lines(latest: _Latest) -> Iterator[None]:
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(INTERVAL):
            print(latest.__rich__(), file=sys.stderr, flush=True)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
