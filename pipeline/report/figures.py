"""All figures of a report: unchanged ones come from a cache, the others are drawn by one process per core.

The key of a figure is a digest of the tables of its study or measurement, of the code and of the libraries that draw.
`ABLATE_STORE` selects a folder other than the one in the user's cache, or `off`.
"""

import contextlib
import ctypes
import gc
import logging
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path

from pipeline.core.cache import Cache, folder_of_user
from pipeline.core.cores import threads
from pipeline.core.progress import progress
from pipeline.report import drawing, measurement_figures, study_figures
from pipeline.report.digest import digest
from pipeline.report.drawing import Picture, Sketch
from pipeline.report.section import Report

log = logging.getLogger(__name__)

LIMIT = 2**27  # bytes of the cache: about 70 reports of the default project
_PACKAGE = Path(__file__).parent.parent
_LIBRARIES = ("contourpy", "kiwisolver", "matplotlib", "numpy", "pandas", "pillow", "pyparsing", "seaborn")
_PER_PROCESS = 4  # figures that outweigh the fork of a process
_COLLECTED = 10  # figures between two garbage collections
_PR_SET_PDEATHSIG = 1  # of Linux

_sketches: list[Sketch] = []  # forked processes inherit them: functions that draw cannot be sent to another process


def draw(report: Report, processes: int | None = None) -> dict[str, list[Picture]]:
    """Return all figures by id of the study or measurement; `processes` defaults to what is safe and pays."""
    sections = {section.study.id: section for section in report.sections}
    measurements = {section.id: section for section in report.measurements}
    sketches = {key: study_figures.sketches(section) for key, section in sections.items()}
    sketches |= {key: measurement_figures.sketches(section) for key, section in measurements.items()}
    cache, code = Cache(folder_of_user("figures"), ".svg", "figures", LIMIT), _code()
    sources = {key: digest((code, section)) for key, section in {**sections, **measurements}.items()}
    keys = {(key, sketch.name): digest((sources[key], sketch.name)) for key in sketches for sketch in sketches[key]}
    drawn = {figure: content.decode() for figure, key in keys.items() if (content := cache.get(key)) is not None}
    missing = [(key, sketch) for key in sketches for sketch in sketches[key] if (key, sketch.name) not in drawn]
    log.info("report: %d figures to draw, %d taken from the cache", len(missing), len(drawn))
    svgs = _draw_all([sketch for _, sketch in missing], _processes(len(missing)) if processes is None else processes)
    for (key, sketch), svg in zip(missing, svgs, strict=True):
        drawn[key, sketch.name] = svg
        cache.put(keys[key, sketch.name], svg.encode())
    if missing:
        cache.prune()
    return {
        key: [Picture(sketch.name, sketch.caption, drawn[key, sketch.name]) for sketch in listed]
        for key, listed in sketches.items()
    }


def _code() -> str:
    """Return a digest of everything besides a section that decides what a figure shows.

    The whole package is part of it: to track what drawing calls would save seconds after an edit and could be wrong.
    """
    sources = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    return digest([sources, [version(name) for name in _LIBRARIES]])


def _processes(figures: int) -> int:
    """Return how many processes draw: one if this one has threads, which a fork would lose, or is not on Linux.

    On macOS the system's libraries do not survive a fork. New interpreters do not pay: each imports matplotlib.
    """
    tasks = Path("/proc/self/task")
    if sys.platform != "linux" or not tasks.is_dir() or len(list(tasks.iterdir())) > 1:
        return 1
    return max(1, min(threads(), figures // _PER_PROCESS))


def _draw_all(sketches: Sequence[Sketch], processes: int) -> list[str]:
    """Draw figures; if one of several processes dies, such as for lack of memory, this one draws them all."""
    _sketches[:] = sketches
    drawn: list[str] = []
    with _without_collector(), progress("report", len(sketches), "figure") as show, contextlib.ExitStack() as stack:
        numbers = range(len(sketches))
        try:
            if processes == 1:
                svgs: Iterator[str] = map(_draw, numbers)
            else:
                fork = multiprocessing.get_context("fork")
                executor = ProcessPoolExecutor(processes, fork, initializer=_end_with_parent)
                stack.callback(executor.shutdown, cancel_futures=True)
                svgs = executor.map(_draw, numbers)
            for svg in svgs:
                drawn.append(svg)
                show(len(drawn))
        except BrokenProcessPool:
            return _draw_all(sketches, 1)
    return drawn


def _draw(number: int) -> str:
    if number % _COLLECTED == 0:
        gc.collect()
    return drawing.svg(_sketches[number].draw)


def _end_with_parent() -> None:
    """Let the kernel end this process if its parent is killed, and let the parent alone react to Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Disable garbage collection while figures are drawn: with so many live objects it takes a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
