"""`ablate figure`: a figure of a study or measurement as a file for a paper."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate import names
from ablate.text import Table
from pipeline.analysis.findings import findings
from pipeline.core.files import replacing
from pipeline.project import artifacts
from pipeline.report import drawing, measurement_figures, overview, section, study_figures
from pipeline.report.drawing import Sketch
from pipeline.report.figures import render
from pipeline.report.section import MeasurementSection, study_section


@dataclass(frozen=True)
class Figures:
    """The figures of a study or measurement, not drawn yet, and what they are drawn from."""

    id: str
    source: str
    sketches: Sequence[Sketch]


def of(key: str) -> Figures:
    """Return the figures of a study, of a measurement or of the overview, for the project in the current folder.

    Raises:
        UserError: If there is no such study or measurement, or no results.
    """
    project = names.project()
    names.check("study or measurement", [key], [overview.KEY, *project.studies, *project.measurements])
    if key == overview.KEY:
        report = section.read(project)
        return Figures(key, f"mlp-ablations, {project.title}", overview.sketches(overview.main_effects(report)))
    if key in project.measurements:
        config, measured = project.measurements[key], artifacts.read_measured(key)
        measurement = MeasurementSection(key, config, measured, findings(config, measured))
        return Figures(key, f"mlp-ablations, measurement {key}", measurement_figures.sketches(measurement))
    results, curves = artifacts.read_results(project, key), artifacts.read_curves(key)
    diagnostics = artifacts.read_diagnostics(key)
    study = study_section(project, project.studies[key], results, curves, diagnostics)
    digests = f"config {study.provenance.config}, data {study.provenance.data}, code {diagnostics.code}"
    return Figures(key, f"mlp-ablations, study {key}, {digests}", study_figures.sketches(study))


def table(figures: Figures) -> Table:
    """Return the names and captions of all figures."""
    rows = [[sketch.name, sketch.caption] for sketch in figures.sketches]
    return Table(f"{figures.id}: figures", ["name", "caption"], rows, frozenset([0, 1]))


def write(figures: Figures, name: str, files: Mapping[str, Path], width: float) -> list[str]:
    """Draw a figure, write it, and return its caption and the names of the files.

    At the default width, SVG, PNG and CSV have the bytes of the files in reports/.

    Args:
        figures: Of a study or measurement.
        name: Name of the figure.
        files: Path of each file by kind: pdf, svg, png, csv.
        width: In inches. The height stays as it is drawn, because rows and text need it at every width.

    Raises:
        UserError: If there is no such figure, or a file cannot be written.
    """
    sketches = {sketch.name: sketch for sketch in figures.sketches}
    names.check("figure", [name], sketches, of=f" for {figures.id}")
    contents = render(sketches[name], width)
    if "pdf" in files:
        contents["pdf"] = _pdf(sketches[name], width, f"{figures.id}: {name}", figures.source)
    for kind, path in files.items():
        with replacing(path) as temporary:
            temporary.write_bytes(contents[kind])
    return [sketches[name].caption, *(f"wrote {path}" for path in files.values())]


def _pdf(sketch: Sketch, width: float, title: str, source: str) -> bytes:
    """Return a figure as PDF without a date, so that the same results give the same bytes."""
    file = io.BytesIO()
    with drawing.style():
        figure = sketch.draw().figure
        figure.set_figwidth(width)
        figure.savefig(file, format="pdf", metadata={"Title": title, "Subject": source, "CreationDate": None})
    return file.getvalue()
