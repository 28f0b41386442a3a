"""Work on many items in forked processes, which inherit all that this process has read and imported."""

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.cores import threads

Item = TypeVar("Item")
Result = TypeVar("Result")

_PER_PROCESS = 4  # items that outweigh the fork of a process
_PR_SET_PDEATHSIG = 1  # of Linux

_inherited: list[Any] = []  # in a forked process, the function and its items, which need not be picklable


def in_order(work: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result]:
    """Yield the result for each item, in their order, from one process per core; close it if it is not exhausted.

    If one of several processes dies, such as for lack of memory, this one does what is left.
    """
    count, done = _processes(len(items)), 0
    if count > 1:
        fork = multiprocessing.get_context("fork")
        executor = ProcessPoolExecutor(count, fork, initializer=_begin, initargs=(work, items))
        try:
            for result in executor.map(_work, range(len(items))):
                done += 1
                yield result
        except BrokenProcessPool:
            pass
        finally:
            executor.shutdown(cancel_futures=True)
    for item in items[done:]:
        yield work(item)


def _processes(items: int) -> int:
    """Return how many processes to use: one if this one has threads, which a fork would lose, or is not on Linux.

    On macOS the system's libraries do not survive a fork. New interpreters do not pay: each imports all libraries.
    """
    tasks = Path("/proc/self/task")
    if sys.platform != "linux" or not tasks.is_dir() or len(list(tasks.iterdir())) > 1:
        return 1
    return max(1, min(threads(), items // _PER_PROCESS))


def _work(number: int) -> Any:
    work, items = _inherited
    return work(items[number])


def _begin(*inherited: Any) -> None:
    """Keep what `_work` needs, let the kernel end this process if its parent is killed, and ignore Ctrl-C."""
    _inherited[:] = inherited
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
