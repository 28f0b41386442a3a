"""Functions that draw a figure and list its marks, and studies with invented results to draw."""

import math
import tempfile
import types
from pathlib import Path

import pandas as pd
from report import invented
from samples import SMALL, laid_over, write_params

from pipeline.project import artifacts, params
from pipeline.report import drawing, study_figures, svg
from pipeline.report.section import Section, study_section


def drawn(figure: str, section: Section) -> types.SimpleNamespace:
    """Draw a figure, laid out as in a file; return it with its data and its SVG."""
    with drawing.style():
        made = study_figures.FIGURES[figure][2](section)
        return types.SimpleNamespace(figure=made.figure, data=made.data, svg=svg.write(made.figure))


def panels(figure: str, section: Section) -> list:
    return drawn(figure, section).figure.get_axes()


def made_up(study: str) -> Section:
    """The section of a study with invented results."""
    return next(section for section in invented.made()[3].sections if section.study.id == study)


def built(grid: dict, baseline, value, *, metric="test_loss", seeds=5, diverged=()) -> Section:
    """Build the section of a study of the small project, each loss and accuracy of which is `value`.

    Args:
        grid: `grid` or `variants` of the study.
        baseline: Its baseline.
        value: Function of metric, place of the variant and seed.
        diverged: Places of variants all of whose runs diverge.
    """
    changes = {
        "studies": {"awkward": {"question": "?", "dataset": "images", "metric": metric, **grid, "baseline": baseline}},
        "datasets.linear": ...,
        "measurements": {},
        "seeds.count": seeds,
    }
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_params(Path(folder), laid_over(SMALL, changes)))
    study = project.studies["awkward"]
    rows, curves = [], []
    for place, variant in enumerate(study.variants):
        for seed in range(seeds):
            row = {"variant": variant.id, "seed_root": 0, "seed_index": seed, "fold": 0, "data": "fixed"}
            lost = place in diverged
            row["status"] = "diverged" if lost else "finished"
            row |= {
                one.name: math.nan if lost and one.trained else value(one.name, place, seed) for one in study.metrics
            }
            rows.append(row)
        for split in ("train", "test"):
            for epoch in range(0 if place in diverged else 3):
                estimate = value(f"{split}_loss", place, 0) * 0.9**epoch
                curves.append([variant.id, split, epoch + 1, estimate, estimate * 0.9, estimate * 1.1])
    tables = {name: pd.DataFrame(columns=columns) for name, columns in artifacts.DIAGNOSTICS.items()}
    nothing = artifacts.Diagnostics(**tables, environment={"numpy": "0"}, code="0" * 12)
    loss = pd.DataFrame(curves, columns=artifacts.CURVE_COLUMNS)
    return study_section(project, study, pd.DataFrame(rows), loss, nothing)


def many(count: int = 20) -> Section:
    """A section of a study with 20 learning rates, of which the second alone differs."""
    return built(
        {"grid": {"optimizer": {"learning_rate": [round(0.01 * n, 2) for n in range(1, count + 1)]}}},
        {"optimizer": {"learning_rate": 0.01}},
        lambda study, variant, seed: 1.0 + 0.02 * seed + (1.0 if variant == 1 else 0.0005 * (seed - 1) * variant),
    )
