"""All figures of a report: unchanged ones come from a cache, the others are drawn by one process per core.

The key of a figure is a digest of the tables of its study or measurement, of the code and of the libraries that draw.
`ABLATE_STORE` selects a folder other than the one in the user's cache, or `off`.
"""

import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
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
_PER_PROCESS = 4  # figures, which take longer than to fork
_COLLECTED = 10  # figures after which their memory is collected
_TOKEN = 4  # bytes
_TOKENS = 4096  # fit into a pipe


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
    """Draw figures; a process takes the next as soon as it has drawn one. Those of a process that dies are drawn again.

    The processes share a pipe from which each reads the numbers of the next figures; none waits for another.
    """
    if not sketches:
        return []
    step = 1 + len(sketches) // _TOKENS
    tokens, end = os.pipe()
    os.write(end, b"".join(start.to_bytes(_TOKEN) for start in range(0, len(sketches), step)))
    os.close(end)
    drawn: dict[int, str] = {}

    def take(show: Callable[[int], None]) -> None:
        """Draw figures until none is left to take."""
        while token := os.read(tokens, _TOKEN):
            start = int.from_bytes(token)
            for number in range(start, min(start + step, len(sketches))):
                drawn[number] = drawing.svg(sketches[number].draw)
                if len(drawn) % _COLLECTED == 0:
                    gc.collect()
            show(min(start + step, len(sketches)))

    with _without_collector(), contextlib.ExitStack() as stack:
        stack.callback(os.close, tokens)
        helpers = [stack.enter_context(_helper(take, drawn)) for _ in range(processes - 1)]
        with progress("report", len(sketches), "figure") as show:
            take(show)
            for results in helpers:
                drawn |= _received(results)
            for number, sketch in enumerate(sketches):
                if number not in drawn:
                    drawn[number] = drawing.svg(sketch.draw)
            show(len(sketches))
    return [drawn[number] for number in range(len(sketches))]


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Search no garbage while figures are drawn: that takes a fifth of the time, as there are many live objects."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextlib.contextmanager
def _helper(take: Callable[[Callable[[int], None]], None], drawn: dict[int, str]) -> Iterator[int]:
    """Fork a process that draws, too; yields the pipe into which it writes its figures at last."""
    results, end = os.pipe()
    parent, process = os.getpid(), os.fork()
    if not process:
        try:
            _help(take, drawn, end, parent)
        finally:
            os._exit(0)  # the exits, buffers and files of the parent are not this process's
    os.close(end)
    try:
        yield results
    finally:
        os.close(results)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _help(take: Callable[[Callable[[int], None]], None], drawn: dict[int, str], end: int, parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)

    def end_with_parent(_: int) -> None:
        if os.getppid() != parent:
            os._exit(0)

    # an error ends this process without a result, and the parent, which draws the figure again, reports it
    with contextlib.suppress(Exception):
        take(end_with_parent)
        with os.fdopen(end, "w", encoding="utf-8") as file:
            json.dump(drawn, file)


def _received(results: int) -> dict[int, str]:
    """Return the figures of another process, none if it did not come to its end."""
    with os.fdopen(os.dup(results), encoding="utf-8") as file, contextlib.suppress(ValueError):
        return {int(number): svg for number, svg in json.load(file).items()}
    return {}
