"""Whether the process that asked for the work is still there: nobody waits for what an orphan trains."""

import functools
import os
import threading
import time

import psutil

from pipeline.project.errors import UserError


def lineage() -> tuple[int, ...]:
    """Who started this process: its parent; of a shell that only passed the command on, also who started the shell."""
    parent = os.getppid()
    try:
        shell = psutil.Process(parent)
        # DVC runs its commands by the person's shell, and not every shell gives its place to the command
        return (parent, shell.ppid()) if shell.cmdline()[-2:-1] == ["-c"] else (parent,)
    except psutil.Error:
        return (parent,)


# when this module is imported, not when training begins: torch alone takes two seconds, in which a parent can end
_STARTED_BY = lineage()


def demand() -> None:
    """Refuse to go on when the process that started this one has ended.

    Raises:
        UserError: If it has: an orphan is handed on to another parent at once.
    """
    if lineage() != _STARTED_BY:
        raise UserError(
            f"stopped: the process that started this one ({_STARTED_BY[-1]}) is gone, nobody waits for its results; "
            "`dvc repro` goes on where it stopped"
        )


@functools.cache  # one thread a process
def end_with(started_by: int) -> None:
    """End this process wherever it stands, within a second of its parent's end.

    For workers, which would wait for minutes for work that nobody gives them, and hold their memory.

    Args:
        started_by: Number of the parent.
    """

    def watch() -> None:
        while os.getppid() == started_by:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
