"""Files that are never half written."""

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from pipeline.core.errors import UserError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, beside `path`; on success it takes `path`'s place in one step, on failure it goes.

    What a writer left that was killed goes too; until then git and DVC ignore it by its name.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            if _abandoned(left):
                left.unlink(missing_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(NotADirectoryError):
            temporary.unlink(missing_ok=True)


def _abandoned(path: Path) -> bool:
    """Whether a file is a temporary one whose writer is gone."""
    *_, writer, ending = path.name.split(".")
    return path.name.startswith(".") and ending == "tmp" and writer.isdecimal() and not psutil.pid_exists(int(writer))


def temporary(path: Path) -> bool:
    """Whether a file is a temporary one whose writer still runs."""
    return path.name.startswith(".") and path.suffix == ".tmp" and not _abandoned(path)
