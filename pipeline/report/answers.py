"""The answer of a study in words, composed from its verdicts."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.analysis.judging import VERDICTS
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study
from pipeline.report.format import amount

_MAX_BLOCKS = 3  # with a sentence each; more blocks share one sentence
_MAX_NAMES = 5  # that are listed; more variants are counted


def answer(study: Study, table: pd.DataFrame, detectable: pd.Series, judging: Judging) -> str:
    """Return the answer in one sentence, or in one per block if there are few blocks and something is decided.

    A sentence begins with the largest effect among the better variants or, if none is better, among the worse ones.

    Args:
        table: One row per variant, `comparison.EFFECTS`, judged by the study's own metric.
        detectable: By variant, the effect that its seeds detect with 80 % power; NaN if undefined.
    """
    blocks = list(dict.fromkeys(table["block"]))
    if len(blocks) > _MAX_BLOCKS or not table["verdict"].isin(["better", "worse"]).any():
        return _sentence(study, table, detectable, judging)
    return " ".join(
        _sentence(study, table[table["block"] == block], detectable, judging, f"with {block}, " if block else "")
        for block in blocks
    )


def _sentence(study: Study, table: pd.DataFrame, detectable: pd.Series, judging: Judging, prefix: str = "") -> str:
    metric = METRICS[study.metric]
    rows = list(table[~table["is_baseline"]].itertuples())
    baselines = list(table.loc[table["is_baseline"], "variant"])
    across = len(baselines) > 1
    baseline = "the baseline" if across else study.spoken(baselines[0])
    decided = [row for verdict in ("better", "worse") for row in rows if row.verdict == verdict]
    if not rows:
        text = "there is one variant: nothing is compared"
    elif decided:
        verdict = decided[0].verdict
        first = max((row for row in decided if row.verdict == verdict), key=lambda row: _size(row.effect, metric))
        text = "" if verdict == "better" else f"nothing is better than {baseline}; "
        text += f"with {first.block}, " if across else ""
        text += _effect(first, study.spoken(first.variant), baseline, metric)
        text += _others([row for row in rows if row is not first], verdict, across)
    else:
        text = _undecided(rows, baseline, metric, detectable, judging, across)
    text = prefix + text
    return f"{text[0].upper()}{text[1:]}."


def _size(effect: float, metric: Metric) -> float:
    """Return a key that sorts effects by size; without an effect, judged by divergence alone, a row comes last."""
    if math.isnan(effect):
        return -math.inf
    if metric.scale == "linear":
        return abs(effect)
    # the logarithm's order without its last bits
    return max(effect, 1 / effect if effect else math.inf)


def _effect(row: Any, name: str, baseline: str, metric: Metric) -> str:
    if math.isnan(row.effect):
        return f"{name} is {row.verdict} than {baseline} ({row.note})"
    size, limits = amount(row.effect, row.effect_low, row.effect_high, metric)
    verb = "lowers" if row.effect < metric.zero_effect else "raises"
    evidence = f"95 % interval {limits}, n = {row.n}, {row.verdict}"
    return f"{name} {verb} the {metric.label} by {size} against {baseline} ({evidence})"


def _others(rows: Sequence[Any], first: str, across: bool) -> str:
    """Return the variants of `rows` by verdict, those with the verdict `first` first."""
    text = ""
    for verdict in sorted(VERDICTS, key=lambda verdict: verdict != first):
        labels = [row.label for row in rows if row.verdict == verdict]
        # across blocks several variants have the same label
        counted = len(labels) > _MAX_NAMES or across
        names = f"{len(labels)} variant{'s' if len(labels) > 1 else ''}" if counted else ", ".join(labels)
        text += f"; {'also ' if verdict == first else ''}{verdict}: {names}" if labels else ""
    return text


def _undecided(
    rows: Sequence[Any], baseline: str, metric: Metric, detectable: pd.Series, judging: Judging, across: bool
) -> str:
    """Return what is known if no variant is better or worse."""

    def formatted(effect: float) -> str:
        return amount(effect, effect, effect, metric)[0]

    n = rows[0].n
    if all(row.identical for row in rows):
        return f"every variant has the same {metric.label} as {baseline}, seed by seed (n = {n})"
    if all(row.verdict == "equivalent" for row in rows):
        margin = judging.margins.get(metric.name)
        within = f", within the margin of {formatted(margin)}" if margin else ""
        return f"every variant is equivalent to {baseline} in {metric.label}{within} (n = {n})"
    effects = [detectable[row.variant] for row in rows if row.verdict == "undecided"]
    known = [effect for effect in effects if not math.isnan(effect)]
    power = f" (n = {n}, which finds an effect of {formatted(max(known))} in 80 % of cases)" if known else ""
    return f"nothing is better or worse than {baseline} in {metric.label}{_others(rows, '', across)}{power}"
