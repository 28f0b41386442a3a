"""The answer of a study in words, composed from its verdicts."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from pipeline.analysis.judging import DECIDED, VERDICTS
from pipeline.analysis.selection import RULES
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study
from pipeline.report.format import count_verdicts, effect_with_interval, magnitude, points_in_examples, size, within

_MAX_BLOCKS = 3  # with a sentence each; more blocks share one sentence
_MAX_NAMES = 5  # with one verdict that are listed; more are counted
_MAX_CHOICES = 3  # that are listed
_PREPOSITIONS = {"equivalent": "to", "undecided": "against", "not comparable": "with"}


def answer(
    study: Study,
    table: pd.DataFrame,
    detectable: pd.Series,
    judging: Judging,
    *,
    examples: int,
    interactions: pd.DataFrame,
    choices: pd.DataFrame,
    costs: pd.DataFrame,
) -> str:
    """Return the answer: what validation chooses, if the study asks that, the verdicts, and the interactions.

    Variants with a decided verdict are listed with their effects, in the order of the study; of many, the one with the
    largest effect, marked as such. Their intervals are adjusted for the selection of rows by p.

    Args:
        table: One row per variant, `comparison.EFFECTS`, judged by the study's own metric.
        detectable: By variant, the effect that its seeds detect with 80 % power; NaN if undefined.
        judging: Error rate and margins of the study.
        examples: Number of test examples.
        interactions: `interactions.INTERACTIONS`.
        choices, costs: Of `selection`; empty if the study does not validate.
    """
    sentences = list(_choices(study, choices, costs)) if study.asks == "choice" else []
    blocks = list(dict.fromkeys(table["block"]))
    if len(blocks) > _MAX_BLOCKS or not table["verdict"].isin(DECIDED).any():
        sentences.append(_sentence(study, table, detectable, judging))
    else:
        for block in blocks:
            rows = table[table["block"] == block]
            sentences.append(_sentence(study, rows, detectable, judging, f"with {block}: " if block else ""))
    metric = METRICS[study.metric]
    if len(interactions) and interactions["identical"].all():
        # nothing differs, which the verdicts say
        interactions = interactions[:0]
    if len(interactions):
        sentences.append(_interactions(interactions, metric))
    if table["n"].max() > 1 and (~table["is_baseline"]).any():
        shown = study.asks == "choice" or 0 < len(interactions) <= _MAX_NAMES
        points = points_in_examples(metric, examples) if any("points" in sentence for sentence in sentences) else ""
        sentences.append(_basis(table, judging.alpha, points, others=shown))
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _sentence(study: Study, table: pd.DataFrame, detectable: pd.Series, judging: Judging, prefix: str = "") -> str:
    """Return the verdicts of a block, or of all blocks together."""
    metric = METRICS[study.metric]
    rows = list(table[~table["is_baseline"]].itertuples())
    baselines = list(table.loc[table["is_baseline"], "variant"])
    across = len(baselines) > 1
    baseline = study.spoken(baselines[0])  # the same in every block
    if not rows:
        return f"{prefix}there is one variant: nothing is compared."
    if all(row.identical and not row.diverged for row in rows):
        return f"{prefix}every variant has the same {metric.label} as {baseline}, seed by seed."

    def name(row: Any) -> str:
        return f"{study.spoken(row.variant)} with {row.block}" if across else study.spoken(row.variant)

    def detail(row: Any) -> str:
        if row.verdict in DECIDED:
            return _effect(row, metric)
        if row.verdict == "undecided" and not math.isnan(detectable[row.variant]):
            return f"80 % power from {size(detectable[row.variant], metric)}"
        return row.note if row.verdict == "not comparable" else ""

    order = sorted(VERDICTS, key=lambda verdict: verdict != "equivalent") if study.asks == "agreement" else VERDICTS
    decided = any(row.verdict in (*DECIDED, "equivalent") for row in rows)
    parts = [] if decided else [f"nothing is decided against {baseline} in {metric.label}"]
    for verdict in order:
        group = [row for row in rows if row.verdict == verdict]
        if not group:
            continue
        words = verdict
        if not parts:
            words += f" {_PREPOSITIONS.get(verdict, 'than')} {baseline} in {metric.label}"
        margin = judging.margins.get(metric.name)
        if verdict == "equivalent" and margin is not None:
            words += f" (within {within(margin, metric)})"
        parts.append(f"{words}: {_listed(group, name, detail, metric)}")
    return f"{prefix}{'; '.join(parts)}."


def _listed(rows: Sequence[Any], name: Callable[[Any], str], detail: Callable[[Any], str], metric: Metric) -> str:
    """Return rows with one verdict: their names and details, or their number and the largest effect among them."""

    def with_detail(row: Any) -> str:
        return f"{name(row)} ({detail(row)})" if detail(row) else name(row)

    if len(rows) <= _MAX_NAMES:
        return ", ".join(map(with_detail, rows))
    counted = f"{len(rows)} variants"
    if rows[0].verdict not in DECIDED:
        return counted
    if all(math.isnan(row.effect) for row in rows):
        return f"{counted}, whose runs diverged"
    largest = max(rows, key=lambda row: magnitude(row.effect, metric))
    return f"{counted}, of which {name(largest)} has the largest effect ({detail(largest)})"


def _effect(row: Any, metric: Metric) -> str:
    """Return an effect with its interval for selected rows, or the reason of a verdict without one."""
    if math.isnan(row.effect):
        return str(row.note)
    return _with_limits(row.effect, row.selected_low, row.selected_high, metric)


def _with_limits(value: float, low: float, high: float, metric: Metric) -> str:
    """Return an effect and its interval as they stand in a sentence."""
    text, limits = effect_with_interval(value, low, high, metric)
    return f"{text} {'in every seed' if low == high else limits}".strip()


def _interactions(table: pd.DataFrame, metric: Metric) -> str:
    kind = "ratio of ratios" if metric.scale == "log" else "difference of differences"
    if len(table) > _MAX_NAMES:
        return f"{len(table)} interactions ({kind}): {count_verdicts(list(table['verdict']))}."
    parts = []
    for row in table.itertuples():
        numbers = _with_limits(row.effect, row.effect_low, row.effect_high, metric)
        parts.append(f"{row.term}{'' if math.isnan(row.effect) else f' {numbers}'}, {row.verdict}")
    return f"Interaction{'s' if len(parts) > 1 else ''} ({kind}): {'; '.join(parts)}."


def _choices(study: Study, choices: pd.DataFrame, costs: pd.DataFrame) -> Iterator[str]:
    """Yield, for each block and rule, what validation chooses and what that costs on the test set.

    Rules that choose the same share a sentence.
    """
    metric = METRICS[f"test_{study.score}"]
    rules: dict[tuple[str, str], list[str]] = {}
    for row in costs.itertuples():
        group = choices[(choices["block"] == row.block) & (choices["rule"] == row.rule)]
        counts = group["variant"].value_counts()
        ids = sorted((variant.id for variant in study.variants if variant.id in counts), key=lambda id: -counts[id])
        names = [f"{study.spoken(id)} ({counts[id]} of {row.n} seeds)" for id in ids[:_MAX_CHOICES]]
        more = len(ids) - _MAX_CHOICES
        others = f" and {more} other{'s' if more > 1 else ''}" if more > 0 else ""
        cost = _with_limits(row.estimate, row.low, row.high, metric)
        chosen = f"chooses {', '.join(names)}{others}: {metric.label} {cost} against the best variant of each test set."
        rules.setdefault((f"with {row.block}, " if row.block else "", chosen), []).append(RULES[row.rule])
    for (where, chosen), names in rules.items():
        yield f"{where}validation ({'; '.join(names)}) {chosen}"


def _basis(table: pd.DataFrame, alpha: float, points: str, *, others: bool) -> str:
    """Return what the intervals are, and how many seeds and test examples they rest on.

    Args:
        points: How many test examples a percentage point is, if points are shown.
        others: Whether the answer shows intervals of choices or interactions, too, which are not adjusted.
    """
    compared = table[~table["is_baseline"]]
    family, selected = int(compared["p"].notna().sum()), int((compared["p_adjusted"] <= alpha).sum())
    parts = [f"n = {int(compared['n'].max())}", points]
    if compared["selected_low"].notna().any():
        which = "those of variants " if others else ""
        selection = f"adjusted for the selection of {selected} of {family}"
        parts.insert(0, "95 % intervals" + (f", {which}{selection}" if selected < family else ""))
    elif others:
        parts.insert(0, "95 % intervals")
    return f"({'; '.join(filter(None, parts))}.)"
