"""`ablate show`: the table of a study, as on the page."""

import pandas as pd

from ablate import names, text
from ablate.text import Table
from pipeline.analysis.comparison import effects
from pipeline.analysis.judging import why_underpowered
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS
from pipeline.project.params import Params
from pipeline.report import format, suspicion
from pipeline.report.format import count_verdicts, interval, number


def judged(project: Params, key: str, metric: str | None = None) -> tuple[str, pd.DataFrame]:
    """Return the metric that a study is judged by, its own unless another is given, and `comparison.effects`.

    Raises:
        UserError: If the study has no such metric or no results.
    """
    study = project.studies[key]
    metric = metric or study.metric
    names.check("metric", [metric], [known.name for known in study.metrics], of=" for this study")
    return metric, effects(study, artifacts.read_results(project, key), metric, project.judging_of(study))


def table(project: Params, key: str, name: str, rows: pd.DataFrame) -> Table:
    """Return the table for the terminal."""
    study, metric = project.studies[key], METRICS[name]
    cells = []
    for row in rows.itertuples():
        estimate = f"{number(row.estimate, metric)} {interval(row.low, row.high, metric)}".strip()
        evidence = text.evidence(row, metric)
        if row.is_baseline:
            evidence[-2:] = ["baseline", f"diverged: {row.diverged} of {row.runs}" if row.diverged else ""]
        n = format.cells(row, metric)["n"]
        cells.append([study.variant(row.variant).name, n, estimate, *evidence])
    in_table = suspicion.evidence(study.dataset, project.datasets[study.dataset])
    leak = suspicion.sentences(study, artifacts.read_results(project, key), in_table)
    lines = [
        count_verdicts(list(rows["verdict"])),
        why_underpowered(rows, project.judging.alpha),
        f"possible leak: {leak}" if leak else "",
    ]
    after = [line for line in lines if line]
    header = ["variant", "n", "estimate [95 %]", *text.EVIDENCE]
    before = [study.question, *([f"caveat: {study.caveat}"] if study.caveat else [])]
    return Table(f"{key}: {text.direction(metric)}", header, cells, frozenset([0, 7, 8]), before, after)
