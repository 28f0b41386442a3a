"""All figures of a report: unchanged ones come from a cache, the others are drawn.

The key of a figure is a digest of the tables of its study or measurement, of the code and of the libraries that draw.
`ABLATE_STORE` selects a folder other than the one in the user's cache, or `off`.
"""

import contextlib
import gc
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from pipeline.core import forks
from pipeline.core.cache import Cache, folder_of_user
from pipeline.core.progress import progress
from pipeline.report import measurement_figures, overview, png, study_figures, svg
from pipeline.report.digest import digest
from pipeline.report.drawing import WIDTH, Picture, Sketch, style
from pipeline.report.section import Report

log = logging.getLogger(__name__)

LIMIT = 2**27  # bytes of the cache: about 25 reports of the default project
KINDS = ("svg", "png", "csv")  # the files of a figure
Files = dict[str, bytes]
_PACKAGE = Path(__file__).parent.parent
_LIBRARIES = ("contourpy", "kiwisolver", "matplotlib", "numpy", "pandas", "pillow", "pyparsing", "seaborn")
_DPI = 192  # pixels per inch of a PNG, twice those of a screen
_COLLECTED = 10  # figures between two garbage collections


def draw(report: Report) -> dict[str, list[Picture]]:
    """Return all figures by id of the study or measurement, those of the overview under `overview.KEY`."""
    sections = {section.study.id: section for section in report.sections}
    measurements = {section.id: section for section in report.measurements}
    rows = overview.main_effects(report)
    sketches = {overview.KEY: overview.sketches(rows)}
    sketches |= {key: study_figures.sketches(section) for key, section in sections.items()}
    sketches |= {key: measurement_figures.sketches(section) for key, section in measurements.items()}
    cache, code = Cache(folder_of_user("figures"), ".figure", "figures", LIMIT), _code()
    tables = {overview.KEY: [asdict(row) for row in rows], **sections, **measurements}
    keys: dict[tuple[str, Sketch], str] = {}
    for id, content in tables.items():
        source = digest((code, content))
        keys |= {(id, sketch): digest((source, sketch.name)) for sketch in sketches[id]}
    files = {figure: contents for figure, key in keys.items() if (contents := _cached(cache, key)) is not None}
    missing = [figure for figure in keys if figure not in files]
    log.info("report: %d figures to draw, %d taken from the cache", len(missing), len(files))
    drawn = _draw_all(missing)
    for figure, contents in zip(missing, drawn, strict=True):
        files[figure] = contents
        for kind in KINDS:
            cache.put(digest((keys[figure], kind)), contents[kind])
    if missing:
        cache.prune()
    pictures: dict[str, list[Picture]] = {id: [] for id in tables}
    for id, sketch in keys:
        stored = files[id, sketch]
        vector, table = stored["svg"].decode(), stored["csv"].decode()
        pictures[id].append(Picture(sketch.name, sketch.caption, sketch.sources, vector, stored["png"], table))
    return pictures


def _cached(cache: Cache, key: str) -> Files | None:
    """Return the files of a figure from the cache, or None if one is missing."""
    contents = {kind: content for kind in KINDS if (content := cache.get(digest((key, kind)))) is not None}
    return contents if len(contents) == len(KINDS) else None


def _code() -> str:
    """Return a digest of everything besides a section that decides what a figure shows.

    The whole package is part of it: to track what drawing calls would save seconds after an edit and could be wrong.
    """
    sources = [path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))]
    return digest([sources, [version(name) for name in _LIBRARIES]])


def _draw_all(figures: Sequence[tuple[str, Sketch]]) -> list[Files]:
    sketches = list(enumerate(sketch for _, sketch in figures))
    drawn = []
    with (
        _without_collector(),
        progress("report", len(figures), "figure") as show,
        contextlib.closing(forks.in_order(_draw, sketches)) as results,
    ):
        for (id, sketch), files in zip(figures, results, strict=True):
            drawn.append(files)
            show(len(drawn), f"{id} {sketch.name}".strip())
    return drawn


def _draw(numbered: tuple[int, Sketch]) -> Files:
    number, sketch = numbered
    if number % _COLLECTED == 0:
        gc.collect()
    return render(sketch)


def render(sketch: Sketch, width: float = WIDTH) -> dict[str, bytes]:
    """Draw a figure, `width` inches wide, and return its files by `KINDS`; the same tables give the same bytes."""
    with style():
        drawing = sketch.draw()
        drawing.figure.set_figwidth(width)
        # the PNG takes over the layout of the SVG
        vector, raster = svg.write(drawing.figure), png.draw(drawing.figure, _DPI)
    table = drawing.data.to_csv(index=False, lineterminator="\n", float_format="%.7g")
    return dict(zip(KINDS, (vector.encode(), raster, table.encode()), strict=True))


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
