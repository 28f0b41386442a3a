"""`ablate power`: which effect so many seeds can find, and how many seeds an effect needs."""

import pandas as pd

from ablate import names, rows
from ablate.text import Table
from pipeline.analysis import power
from pipeline.analysis.significance import least_of_pairs
from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.variants import Study
from pipeline.report.numbers import digits, effect


def tables(
    study: str, *, metric: str | None, seeds: int | None, size: float | None, sd: float | None, wanted: float
) -> list[Table]:
    """What so many seeds can show of a study.

    Args:
        study: Its id.
        metric: By which it is judged, where not by the one that it declares.
        seeds: How many; as many as `params.yaml` asks for where none are given.
        size: Effect that is looked for: a difference, or of losses a ratio; the metric's margin where none is given.
        sd: Of the differences within pairs, of losses of log ratios; what the runs there are show where none is given.
        wanted: Probability of finding an effect.

    Raises:
        UserError: If there is no such study or metric, an argument is out of range, or there are neither runs nor `sd`.
    """
    project = names.project_with(study)
    one = project.studies[study]
    name = metric or one.metric
    kind = _judged(name, one)
    count = seeds if seeds is not None else len(project.seeds_of(one.dataset))
    size = size if size is not None else project.judging.margins.get(name)
    if size is not None and (size <= 0 or (kind.scale == "log" and size == 1)):
        allowed = "a ratio above 0 that is not 1" if kind.scale == "log" else "a difference above 0"
        raise UserError(f"effect: found {size:g}, allowed: {allowed}")
    results = None if sd is not None else artifacts.read_results(project, study)
    alpha = project.judging.alpha
    found = power.of_study(one, results, name, alpha, count, size, sd, wanted)
    return [_table(one, kind, found, alpha, count, size, wanted)]


def _judged(name: str, study: Study) -> Metric:
    names.check("metric", [name], [metric.name for metric in study.metrics if metric.better], of=" for this study")
    return METRICS[name]


def _table(
    study: Study, metric: Metric, found: pd.DataFrame, alpha: float, seeds: int, size: float | None, wanted: float
) -> Table:
    family = len(found)
    title = f"{study.id}: {rows.direction(metric)}"
    if not family:
        return Table(title, before=["one variant: nothing to compare"])
    needed = power.fewest(family, alpha, study.split_correlation_of(metric))
    before = [
        f"{family} variants are judged together (Holm, alpha {digits(alpha)}), which takes at least {needed} seeds"
    ]
    if seeds < needed:
        least = min(1.0, family * least_of_pairs(seeds))
        words = f"{seeds} seed{'s' if seeds > 1 else ''} can not show anything"
        before.insert(0, f"{words}: the smallest adjusted p is {digits(least, 2)}")
    spread = "sd of log ratios" if metric.scale == "log" else "sd of differences"
    header = [
        "variant",
        "n",
        spread,
        f"{seeds} seeds find" if seeds > 1 else "1 seed finds",
        "seeds" if size is None else f"seeds for {_size(size, metric)}",
    ]
    cells = []
    for row in found.itertuples():
        known = pd.notna(row.sd)
        smallest = _size(row.detectable, metric) if pd.notna(row.detectable) else "nothing"
        enough = f"{row.seeds}" if row.seeds else f"more than {power.MOST_SEEDS:,}"
        name = f"{row.block}, {row.label}" if row.block else row.label
        cells.append(
            [
                name,
                f"{row.n}" if row.n else "",
                digits(row.sd, 3) if known else "unknown",
                smallest if known else "",
                enough if known and size is not None else "",
            ]
        )
    after = [
        f"found with a probability of {digits(100 * wanted, 3)} %, whatever the other variants show "
        f"(at alpha / {family})"
    ]
    if found["sd"].isna().any():
        after.append("unknown: fewer than 2 seeds, or runs that diverged")
    return Table(title, header, cells, before=before, after=after)


def _size(value: float, metric: Metric) -> str:
    """An effect without its sign; of a loss its ratio, in whichever direction."""
    return effect(value, metric).replace("+", "")
