"""`ablate power`: which effects n seeds can detect, and how many seeds an effect needs."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate import names, text
from ablate.text import Table
from pipeline.analysis import power
from pipeline.analysis.significance import min_p
from pipeline.core.config import MAX_SEEDS
from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study
from pipeline.report import format
from pipeline.report.format import digits


@dataclass(frozen=True)
class Power:
    """Power of a study with `seeds` seeds; `rows` is the table of `analysis.power.of_study`."""

    study: Study
    metric: Metric
    judging: Judging
    seeds: int
    size: float | None
    rows: pd.DataFrame


def compute(
    key: str, *, metric: str | None, seeds: int | None, size: float | None, sd: float | None, probability: float
) -> Power:
    """Compute what n seeds can show about each variant of a study.

    Args:
        key: Id of the study.
        metric: Judge by this metric; default: the metric of the study.
        seeds: Number of seeds; default: that of `params.yaml`.
        size: Effect to detect: a difference, for losses a ratio; default: the margin of the metric.
        sd: Standard deviation of the differences within pairs, for losses of log ratios; default: that of the runs.
        probability: Wanted power.

    Raises:
        UserError: If there is no such study or metric, an argument is out of range, or there are neither runs nor `sd`.
    """
    project = names.project(key)
    study = project.studies[key]
    judging = project.judging_of(study)
    name = metric or study.metric
    names.check("metric", [name], [known.name for known in study.metrics if known.random], of=" for this study")
    judged = METRICS[name]
    seeds = seeds or len(project.seeds_of(study))
    size = judging.margins.get(name) if size is None else size
    if size is not None and (size <= 0 or (judged.scale == "log" and size == 1)):
        allowed = "a ratio above 0 that is not 1" if judged.scale == "log" else "a difference above 0"
        raise UserError(f"effect: found {size:g}, allowed: {allowed}")
    results = None if sd is not None else artifacts.read_results(project, key)
    rows = power.of_study(study, results, name, judging, seeds, size, sd, probability)
    return Power(study, judged, judging, seeds, size, rows)


def table(
    key: str, *, metric: str | None, seeds: int | None, size: float | None, sd: float | None, probability: float
) -> Table:
    """Return `compute` as a table for the terminal."""
    found = compute(key, metric=metric, seeds=seeds, size=size, sd=sd, probability=probability)
    study, judged, seeds, size, rows = found.study, found.metric, found.seeds, found.size, found.rows
    alpha, margin = found.judging.alpha, found.judging.margins.get(judged.name)
    title, family = f"{key}: {text.direction(judged)}", len(rows)
    if not family:
        return Table(title, before=["one variant: nothing to compare"])
    needed = power.min_seeds(family, alpha, study.split_correlation_of(judged))
    plural = "s" if seeds > 1 else ""
    before = []
    if seeds < needed:
        smallest = digits(min(1.0, family * min_p(seeds, seeds)), 2)
        before.append(f"{seeds} seed{plural} cannot show any effect: the smallest adjusted p is {smallest}")
    together = f"{family} variants are judged together (Holm, alpha {digits(alpha)})"
    before.append(f"{together}: at least {needed} seeds are needed")
    header = [
        "variant",
        "n",
        f"sd of {'log ratios' if judged.scale == 'log' else 'differences'}",
        f"{seeds} seed{plural} detect{'' if plural else 's'}",
        "seeds" if size is None else f"seeds for {format.size(size, judged)}",
        "seeds for equivalent" if margin else "",
    ]
    cells = [_cells(row, judged, asked=size is not None, margin=margin is not None) for row in rows.itertuples()]
    percent, words = digits(100 * probability, 3), "higher or lower" if judged.better is None else "better or worse"
    after = [
        f"detected: {words} with a probability of {percent} %, whatever the other variants show (at alpha / {family})"
    ]
    if margin:
        within = format.within(margin, judged)
        after.append(f"equivalent: if there is no effect, the interval lies within {within} with that probability")
    if size is not None and margin and _distance(size, judged) < _distance(margin, judged):
        after.append(f"{format.size(size, judged)} lies within the margin: the verdict to expect of it is equivalent")
    if rows["sd"].isna().any():
        after.append("unknown: fewer than 2 seeds, or runs that diverged")
    return Table(title, header, cells, before=before, after=after)


def _distance(effect: float, metric: Metric) -> float:
    return max(effect, 1 / effect) if metric.scale == "log" else effect


def _cells(row: Any, metric: Metric, *, asked: bool, margin: bool) -> list[str]:
    cells = [f"{row.block}, {row.label}" if row.block else row.label, f"{row.n}" if row.n else ""]
    if pd.isna(row.sd):
        return [*cells, "unknown", "", "", ""]
    smallest = format.size(row.detectable, metric) if pd.notna(row.detectable) else "nothing"
    seeds, equivalent = (f"{count}" if count else f"more than {MAX_SEEDS:,}" for count in (row.seeds, row.equivalent))
    return [*cells, digits(row.sd, 3), smallest, seeds if asked else "", equivalent if margin else ""]
