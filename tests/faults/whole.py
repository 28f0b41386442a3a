"""All stages of the project in the current folder, one after the other in this process, and what they must leave."""

import functools
import json
import re
from collections.abc import Callable, Iterator

import pandas as pd

from pipeline.project import artifacts, params
from pipeline.stages import check, data, measure, report, train


def stages() -> Iterator[Callable[[], None]]:
    """Return calls of the stages, in their order, for the current `params.yaml`."""
    project = params.load()
    yield lambda: check.main([])
    for main, keys in (
        (data.main, project.datasets),
        (measure.main, project.measurements),
        (train.main, project.studies),
    ):
        yield from (functools.partial(main, [key]) for key in keys)
    yield lambda: report.main([])


def run() -> params.Params:
    """Run all stages."""
    for stage in stages():
        stage()
    return params.load()


def rows(study: str) -> pd.DataFrame:
    """Return the results of a study, read without the project's own reader."""
    return pd.read_csv(artifacts.results_path(study))


def refuse(constant: str) -> None:
    """Python writes and reads NaN and Infinity, which are not JSON."""
    raise AssertionError(constant)


def check_counted(project: params.Params) -> int:
    """Return the number of diverged runs: the same in results, metrics, figure and page, with no number for them."""
    page = artifacts.PAGE.read_text(encoding="utf-8")
    total = 0
    for study in project.studies:
        table = rows(study)
        diverged = table["status"] == "diverged"
        metrics = ["train_loss", "test_loss", "weight_norm"]
        assert table.loc[diverged, metrics].isna().all(axis=None)
        assert table.loc[~diverged & (table["fold"] == 0), metrics].notna().all(axis=None)
        whole = table[table["fold"] == 0]
        counts = (whole["status"] == "diverged").groupby(whole["variant"]).sum()
        written = json.loads((artifacts.METRICS / f"{study}.json").read_text(encoding="utf-8"), parse_constant=refuse)
        metric = project.studies[study].metric
        worst = whole[whole["status"] == "finished"].groupby("variant")[metric].min()
        # the geometric mean of a loss of 0 is undefined
        assert set(written) == set(worst.index[(worst > 0) | ("accuracy" in metric)])
        figure = (artifacts.FIGURES / f"{study}_effects.svg").read_text(encoding="utf-8")
        drawn = [int(count) for count in re.findall(r"(\d+) of \d+ runs diverged", figure)]
        assert sorted(drawn) == sorted(count for count in counts if count)
        if counts.sum():
            assert f"{counts.sum()} of {len(whole)} runs diverged" in page
            # the number of runs that finished stands beside every variant
            seeds = whole["variant"].value_counts()
            cells = [
                f'<td data-name="n">{seeds[id] - count} of {seeds[id]}</td>' for id, count in counts.items() if count
            ]
            assert all(page.count(cell) >= cells.count(cell) for cell in cells)
        total += int(counts.sum())
    return total
