"""`ablate show`: the table of a study, as the page has it."""

import pandas as pd

from ablate import names, rows
from ablate.text import Table
from pipeline.analysis.comparison import effects
from pipeline.analysis.judging import VERDICTS, floor
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS
from pipeline.project.variants import Study


def judged(study: str, metric: str | None = None) -> tuple[Study, str, pd.DataFrame]:
    """A study, the metric it is judged by, and the table of `comparison.effects`.

    Args:
        study: Its id.
        metric: By what, where not by the metric that the study declares.

    Raises:
        UserError: If there is no such study or metric, or no results.
    """
    project = names.project_with(study)
    one = project.studies[study]
    name = metric or one.metric
    names.check("metric", [name], [each.name for each in one.metrics], of=" for this study")
    results = artifacts.read_results(project, study)
    return one, name, effects(one, results, name, project.judging)


def tables(study: Study, name: str, found: pd.DataFrame, alpha: float) -> list[Table]:
    """The table as text."""
    metric = METRICS[name]
    cells = []
    for row in found.itertuples():
        own = [f"{row.block}, {row.label}" if row.block else row.label, f"{row.runs}"]
        own.append(rows.middle(row.estimate, row.low, row.high, metric))
        baseline = ["", "", "", "", "baseline", f"diverged: {row.diverged} of {row.runs}" if row.diverged else ""]
        cells.append(own + (baseline if row.is_baseline else rows.evidence(row, metric)))
    after = [words for words in (rows.summary(list(found["verdict"]), VERDICTS), floor(found, alpha)) if words]
    header = ["variant", "n", "estimate [95 %]", *rows.HEADER]
    before = [study.question]
    return [Table(f"{study.id}: {rows.direction(metric)}", header, cells, frozenset([0, 7, 8]), before, after)]
