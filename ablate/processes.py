"""Start programs and make a temporary folder; both end with the command, also if a signal ends it.

A program gets no terminal, so that it cannot ask a question and wait for the answer.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

import psutil

from pipeline.core.errors import UserError

_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_FULL = 2**20  # bytes: a file system with less is full
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HELD: list[int] = []  # while signals are postponed: 0, then the signals that arrived


class Ended(NamedTuple):
    """A program that has ended."""

    status: int
    output: bytes
    errors: str


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is deleted at the end, also after Ctrl-C, SIGTERM or a closed terminal; report a full disk."""
    with _one_interrupt():
        try:
            made = tempfile.mkdtemp(prefix="ablate-")
        except OSError as error:
            place = os.environ.get("TMPDIR") or "a temporary folder"
            raise UserError(f"{place}: cannot be written ({error.strerror}); TMPDIR names another folder") from None
        try:
            yield Path(made)
        except UserError:
            if shutil.disk_usage(made).free < _FULL:
                problem = "no space left for a copy of the commit and its results"
                raise UserError(f"{Path(made).parent}: {problem}; TMPDIR names another folder") from None
            raise
        finally:
            with _without_interrupts():
                shutil.rmtree(made, ignore_errors=True)


def captured(command: Sequence[str], folder: Path, environment: Mapping[str, str], silence: float) -> Ended:
    """Run a program and return its output; end it if it writes nothing for `silence` seconds.

    Raises:
        TimeoutError: If it was ended.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with _started(command, folder, environment, output, errors) as process:
            written, changed = 0, time.monotonic()
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                now = sum(os.fstat(file.fileno()).st_size for file in (output, errors))
                if now != written:
                    written, changed = now, time.monotonic()
                elif time.monotonic() - changed > silence:
                    raise TimeoutError
        output.seek(0)
        errors.seek(0)
        return Ended(process.returncode, output.read(), errors.read().decode(errors="replace"))


def shown(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program whose output goes to standard error; return its exit status."""
    with _started(command, folder, environment, 2, 2) as process:
        return process.wait()


@contextlib.contextmanager
def _started(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    errors: IO[bytes] | int,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a session of its own; at the end, end all of its processes."""
    sys.stderr.flush()
    process = None
    try:
        with _held_back():  # a signal between start and return would leave the program running
            process = subprocess.Popen(  # noqa: S603  # never through a shell
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        yield process
    finally:
        if process:
            with _without_interrupts():
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the processes of a session by SIGTERM, after the time for cleanup by SIGKILL."""
    until = time.monotonic() + _GRACE
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS forbids signals to ended processes
        os.killpg(process.pid, signal.SIGTERM)
        while process.poll() is None or _is_alive(process.pid):
            if time.monotonic() > until:
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.02)
    process.wait()


def _is_alive(group: int) -> bool:
    """Return whether a process of a group runs; a zombie, which waits for its parent, does not."""
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """Make the first signal raise an exception, also that of a closed terminal; ignore later ones.

    A second Ctrl-C would interrupt the cleanup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    def end(number: int, frame: FrameType | None) -> None:
        if _HELD:
            _HELD.append(number)
            return
        with _without_interrupts(restored=False):
            handler = handlers[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)
            sys.exit(128 + number)

    for number, handler in handlers.items():
        if handler != signal.SIG_IGN:  # as `nohup` does
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Postpone signals to the end of the block."""
    _HELD.append(0)
    try:
        yield
    finally:
        came = _HELD[1:]
        _HELD.clear()
        for number in came[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def _without_interrupts(restored: bool = True) -> Iterator[None]:
    """Ignore signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items() if restored else ():
            signal.signal(number, handler)
