"""Atomic writes: a file is never half written."""

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from pipeline.core.errors import UserError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, renamed to `path` atomically on success, deleted on failure.

    Also deletes temporary files of `path` whose writers were killed; git and DVC ignore these by their name.

    Raises:
        UserError: If the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            if not is_being_written(leftover):
                leftover.unlink(missing_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):  # the folder cannot be written, and the error above says why
            temporary.unlink(missing_ok=True)


def is_being_written(path: Path) -> bool:
    """Return whether `path` is a temporary file whose writer is still running."""
    if not path.name.startswith(".") or path.suffix != ".tmp":
        return False
    writer = path.name.split(".")[-2]
    return not writer.isdecimal() or psutil.pid_exists(int(writer))
