"""What a study answers, in words made from its verdicts."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.analysis.judging import VERDICTS
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study, spoken
from pipeline.report.numbers import amount, size

_MOST_BLOCKS = 3  # that have a sentence each; of more, one sentence says it of all
_MOST_NAMES = 5  # that are listed; of more, their number


def answer(study: Study, table: pd.DataFrame, detectable: pd.Series, judging: Judging) -> str:
    """The answer in one sentence; where something is decided within a few blocks, in one for each.

    The variant that a sentence begins with has the largest effect of those that are better or, where none is, of those
    that are worse.

    Args:
        study: Its factors say how variants are called.
        table: One row a variant, `comparison.EFFECTS`, judged by the study's own metric.
        detectable: By variant, the effect that its seeds find in 80 % of cases; undefined (NaN) where there is none.
        judging: Margins.
    """
    blocks = list(dict.fromkeys(table["block"]))
    if len(blocks) > _MOST_BLOCKS or not table["verdict"].isin(["better", "worse"]).any():
        return _sentence(study, table, detectable, judging, "")
    return " ".join(
        _sentence(study, table[table["block"] == block], detectable, judging, f"with {block}, " if block else "")
        for block in blocks
    )


def _sentence(study: Study, table: pd.DataFrame, detectable: pd.Series, judging: Judging, where: str) -> str:
    metric = METRICS[study.metric]
    rows = list(table[~table["is_baseline"]].itertuples())
    baselines = [study.variant(one) for one in table.loc[table["is_baseline"], "variant"]]
    across = len(baselines) > 1
    baseline = "the baseline" if across else spoken(study, baselines[0])
    if not rows:
        return _whole(f"{where}there is one variant: nothing is compared")
    for verdict in ("better", "worse"):
        decided = [row for row in rows if row.verdict == verdict]
        if decided:
            first = max(decided, key=lambda row: _extent(row.effect, metric))
            none = "" if verdict == "better" else f"nothing is better than {baseline}; "
            block = f"with {first.block}, " if across else ""
            words = _statement(first, spoken(study, study.variant(first.variant)), baseline, metric)
            return _whole(
                where + none + block + words + _rest([row for row in rows if row is not first], verdict, across)
            )
    return _whole(where + _undecided(rows, baseline, metric, detectable, judging, across))


def _extent(effect: float, metric: Metric) -> float:
    """How large an effect is; what was judged by divergence alone has none and stands behind all others."""
    if math.isnan(effect):
        return -math.inf
    if metric.scale == "linear":
        return abs(effect)
    # the logarithm's order without its last bits
    return max(effect, 1 / effect if effect else math.inf)


def _statement(row: Any, name: str, baseline: str, metric: Metric) -> str:
    if math.isnan(row.effect):
        return f"{name} is {row.verdict} than {baseline} ({row.note})"
    extent, limits = amount(row.effect, row.effect_low, row.effect_high, metric)
    verb = "lowers" if row.effect < metric.none else "raises"
    evidence = f"95 % interval {limits}, n = {row.n}, {row.verdict}"
    return f"{name} {verb} the {metric.label} by {extent} against {baseline} ({evidence})"


def _rest(rows: Sequence[Any], said: str, across: bool) -> str:
    """The verdicts of the other variants, those of the kind that was just `said` first."""
    parts = []
    for verdict in sorted(VERDICTS, key=lambda one: one != said):
        alike = [row for row in rows if row.verdict == verdict]
        if alike:
            parts.append(f"; {'also ' if verdict == said else ''}{verdict}: {_names(alike, across)}")
    return "".join(parts)


def _names(rows: Sequence[Any], across: bool) -> str:
    # across blocks several variants have one name
    if len(rows) > _MOST_NAMES or across:
        return f"{len(rows)} variant{'s' if len(rows) > 1 else ''}"
    return ", ".join(row.label for row in rows)


def _undecided(
    rows: Sequence[Any], baseline: str, metric: Metric, detectable: pd.Series, judging: Judging, across: bool
) -> str:
    """Nothing is better and nothing worse: what is known instead."""
    if all(row.identical for row in rows):
        return f"every variant has the same {metric.label} as {baseline}, seed by seed (n = {rows[0].n})"
    if all(row.verdict == "equivalent" for row in rows):
        margin = judging.margins.get(metric.name)
        within = f", within the margin of {size(margin, metric)}" if margin else ""
        return f"every variant is equivalent to {baseline} in {metric.label}{within} (n = {rows[0].n})"
    words = f"nothing is better or worse than {baseline} in {metric.label}{_rest(rows, '', across)}"
    found = [detectable[row.variant] for row in rows if row.verdict == "undecided"]
    known = [one for one in found if not math.isnan(one)]
    if known:
        words += f" (n = {rows[0].n}, which finds an effect of {size(max(known), metric)} in 80 % of cases)"
    return words


def _whole(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
