"""Sections of the small project, trained once for all tests of the report."""

import functools
import tempfile
from pathlib import Path

from samples import SMALL, laid_over, write_params

from pipeline import artifacts, data, params
from pipeline.analysis import summary
from pipeline.execution import chunks
from pipeline.report.section import Section, section

NAMED = {
    "studies.named": laid_over(
        SMALL["studies"]["weight_decay"],
        {"grid": ..., "variants": {"plain": None, "wild": {"optimizer": {"learning_rate": 1e6}}}, "baseline": "plain"},
    )
}


@functools.cache
def made(count: int = 3) -> tuple[params.Params, list[Section]]:
    """The small project and one more study, of which a named variant diverges."""
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_params(Path(folder), laid_over(SMALL, {**NAMED, "seeds.count": count})))
    sections = []
    for study in project.studies.values():
        dataset = data.make(project.datasets[study.dataset], project.seeds)
        trained = chunks.train(study, project.seeds, dataset, "cpu")
        probes = artifacts.Probes(trained.layers, chunks.environment("cpu"))
        sections.append(section(study, trained.results, summary.curves(trained.curves), probes))
    return project, sections
