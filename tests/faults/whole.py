"""All stages of the project in the current folder, one after the other in this process, and what they must leave."""

import json
import re

import pandas as pd

from pipeline.project import artifacts, params
from pipeline.stages import check, data, report, train
from pipeline.stages import measure as measurement


def run() -> params.Params:
    """Check, make data, measure, train and report."""
    check.main([])
    project = params.load()
    for key in project.datasets:
        data.main([key])
    for key in project.measurements:
        measurement.main([key])
    for key in project.studies:
        train.main([key])
    report.main([])
    return project


def check_counted(project: params.Params) -> int:
    """How many runs diverged: as many in the results as in metrics, page and figure, and nothing undefined in them."""
    page = artifacts.PAGE.read_text(encoding="utf-8")
    total = 0
    for key, study in project.studies.items():
        results = rows(key)
        trained = [metric.name for metric in study.metrics if metric.trained and metric.split != "validation"]
        lost = results["status"] == "diverged"
        assert results.loc[lost, trained].isna().all(axis=None)
        assert results.loc[~lost & (results["fold"] == 0), ["train_loss", "test_loss"]].notna().all(axis=None)
        whole = results[results["fold"] == 0]
        counts = (whole["status"] == "diverged").groupby(whole["variant"]).sum()
        for variant in study.variants:
            text = (artifacts.METRICS / key / f"{variant.id}.json").read_text(encoding="utf-8")
            metrics = json.loads(text, parse_constant=refuse)
            assert metrics["diverged"] == counts[variant.id]
            assert metrics["runs"] == (whole["variant"] == variant.id).sum()
        figure = (artifacts.FIGURES / f"{key}_effects.svg").read_text(encoding="utf-8")
        drawn = [int(count) for count in re.findall(r"(\d+) of \d+ runs diverged", figure)]
        assert sorted(drawn) == sorted(count for count in counts if count)
        if counts.sum():
            assert f"{counts.sum()} of {len(whole)} runs diverged" in page
            assert page.count("diverged)</span>") >= (counts > 0).sum()
        total += int(counts.sum())
    return total


def refuse(constant: str) -> None:
    """Python reads and writes NaN and Infinity, which are no JSON."""
    raise AssertionError(constant)


def rows(study: str) -> pd.DataFrame:
    """The results of a study, one row a run, read from its file without the project's own reader."""
    return pd.read_csv(artifacts.results_path(study))
