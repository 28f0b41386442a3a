"""The overview: the main effect of every study, in one figure for each scale of effects."""

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from pipeline.analysis.judging import DECIDED
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params
from pipeline.report import colours, drawing, forest
from pipeline.report.drawing import Drawing, Sketch
from pipeline.report.format import effect, effect_with_interval, magnitude
from pipeline.report.markdown import title
from pipeline.report.section import Report, Section

KEY = "overview"
_FEW = 4  # studies
_ROW, _GAP = 0.16, 0.03  # inches of an effect, and between two studies
_LABEL = 68  # characters of a line of the label of the axis
_BOLD, _SMALL = 4.9, 3.5  # points of a character of a study's name, and of the text beside it


@dataclass(frozen=True)
class MainEffect:
    """The effect that stands for a study.

    Attributes:
        scale: Scale of the effect: "ratio", "points", or, as differences of other metrics share none, the metric.
        compared: Variant and baseline in words.
        rule: "claim" if a claim names the variant, "largest" if its effect is the largest of several, else "only".
        claim: Verdict on that claim: "holds", "fails" or "undecided"; else empty.
        low, high: 95 % interval; of the largest effect, adjusted for the selection if it is decided.
        others: Effects of all other variants, their verdicts and their names.
    """

    study: str
    scale: str
    metric: str
    variant: str
    compared: str
    rule: str
    claim: str
    n: int
    effect: float
    low: float
    high: float
    verdict: str
    note: str
    margin: float | None
    others: tuple[tuple[float, str, str], ...]


SCALES = {"ratio": "Ratios to the baseline", "points": "Differences of accuracies in percentage points"}


def main_effects(report: Report) -> list[MainEffect]:
    """Return the main effect of every study that compares variants.

    It is that of the variant which the study's first claim about its own metric and baseline names, of a trend the last
    variant; without such a claim it is the largest.
    """
    claimed = _claimed(report.project)
    verdicts = dict(zip(report.claims["id"], report.claims["verdict"], strict=True))
    return [
        _main_effect(section, *claimed.get(section.study.id, ("", "")), verdicts)
        for section in report.sections
        if section.compared
    ]


def _claimed(project: Params) -> dict[str, tuple[str, str]]:
    """Return for studies with a claim about a verdict the first one's id and the variant that it names."""
    first: dict[str, tuple[str, str]] = {}
    for id, claim in project.claims.items():
        study = project.studies.get(claim.source)
        if study is None or claim.unknown or claim.metric != study.metric:
            continue
        trend = getattr(claim.config, "trend", None) or ("",)
        if variant := claim.judged or trend[-1]:
            first.setdefault(study.id, (id, variant))
    return first


def _main_effect(section: Section, claim: str, claimed: str, verdicts: Mapping[str, str]) -> MainEffect:
    study, metric = section.study, section.metric
    table = section.effects[study.metric].set_index("variant")
    compared = table[~table["is_baseline"]]
    rule = "claim" if claimed in compared.index else "largest" if len(compared) > 1 else "only"
    chosen = claimed if rule == "claim" else max(compared.index, key=lambda id: magnitude(compared.effect[id], metric))
    row = compared.loc[chosen]
    selected = rule == "largest" and row.verdict in DECIDED
    low, high = (row.selected_low, row.selected_high) if selected else (row.effect_low, row.effect_high)
    block = f" with {row.block}" if row.block else ""
    others = [
        (
            float(other.effect),
            str(other.verdict),
            f"{study.variant(id).name}: {effect(other.effect, metric)}, {other.verdict}",
        )
        for id, other in compared.iterrows()
        if id != chosen and not math.isnan(other.effect)
    ]
    return MainEffect(
        study=study.id,
        scale="ratio" if metric.scale == "log" else "points" if metric.unit == "fraction" else metric.name,
        metric=metric.name,
        variant=chosen,
        compared=f"{study.spoken(chosen)} against {study.variant(study.variant(chosen).baseline).label}{block}",
        rule=rule,
        claim=verdicts.get(claim, "") if rule == "claim" else "",
        n=int(row.n),
        effect=float(row.effect),
        low=float(low),
        high=float(high),
        verdict=row.verdict,
        note=row.note,
        margin=section.margin,
        others=tuple(others),
    )


def sketches(effects: Sequence[MainEffect]) -> list[Sketch]:
    """Return a figure for each scale that studies have, not drawn yet."""
    listed = []
    for scale in sorted(
        {row.scale for row in effects}, key=lambda scale: (scale not in SCALES, scale != "ratio", scale)
    ):
        rows = [row for row in effects if row.scale == scale]
        sources = tuple(str(artifacts.results_path(row.study)) for row in rows)
        largest = any(row.rule == "largest" for row in rows)
        caption = f"{SCALES.get(scale) or f'Differences of the {METRICS[scale].label}'}, with 95 % intervals." + (
            " * The largest effect of the study; of a decided one, the interval is adjusted for the selection."
            if largest
            else ""
        )
        listed.append(Sketch(scale, caption, sources, functools.partial(draw, rows)))
    return listed


def draw(effects: Sequence[MainEffect]) -> Drawing:
    """Draw main effects of one scale, one below the other, each below the name of its study, with its numbers."""
    rows, texts, numbers, top = [], [], [], _GAP
    common = _common_metric(effects)
    for main in effects:
        metric, name = METRICS[main.metric], drawing.short_name(title(main.study))
        # what is compared stands beside the name or, if it is long, below it
        room = int((72 * drawing.WIDTH - 10 - _BOLD * len(name)) / _SMALL)
        compared = drawing.short_name(_compared(main, common), int((72 * drawing.WIDTH - 10) / _SMALL))
        below = len(compared) > room
        texts.append((top + drawing.LINE / 2, top + (1.5 if below else 0.5) * drawing.LINE, compared))
        top += (2 if below else 1) * drawing.LINE
        ends = (main.effect, main.low, main.high)
        words = f"{name}, {main.compared}"
        rows.append(
            forest.Row(top, _ROW, words, main.verdict, ends, main.n, metric, {}, main.others, main.margin, main.note)
        )
        star = "*" if main.rule == "largest" and not math.isnan(main.effect) else ""
        value, limits = effect_with_interval(*ends, metric)
        numbers.append((top + _ROW / 2, f"{value.removesuffix(' points')}{star} {limits}".strip()))
        top += _ROW + _GAP
    figure, panels = drawing.grid(1, height=top + 0.3)
    (axes,) = panels.flat
    # the effects of many studies differ by orders of magnitude; the axis of few is not cut
    gap = 1.5 if len(rows) > _FEW else math.inf
    forest.draw(axes, rows, METRICS[effects[0].metric], top, gap=gap, share=1 / 2, numbers=False)
    axes.grid(False)
    axes.set_yticks([])
    for main, (line, beside, compared) in zip(effects, texts, strict=True):
        style = {"va": "center", "transform": axes.get_yaxis_transform()}
        name = axes.text(
            0, line, drawing.short_name(title(main.study)), fontweight="bold", fontsize=7.5, color=colours.LINK, **style
        )
        name.set_url(f"#{main.study}")
        place = {"xy": (0, beside), "xycoords": style["transform"]}
        if beside == line:
            place = {"xy": (1, 0.5), "xycoords": name, "xytext": (4, 0), "textcoords": "offset points"}
        note = axes.annotate(compared, va="center", fontsize=6.5, color=colours.QUIET, annotation_clip=False, **place)
        for text in (name, note):
            # text over the panel takes no room from it
            text.set_in_layout(False)
    values = axes.secondary_yaxis("right")
    values.set_yticks([middle for middle, _ in numbers], [text for _, text in numbers], fontsize=7)
    values.spines["right"].set_visible(False)
    values.tick_params(axis="y", length=0, pad=7)
    for tick, main in zip(values.get_yticklabels(), effects, strict=True):
        tick.set_color(colours.VERDICTS[main.verdict].colour)
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.spines["bottom"].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.set_xlabel(_label(effects), fontsize=7.5, loc="left")
    drawing.legend_below(figure, forest.legend_handles(axes, rows))
    return Drawing(figure, pd.DataFrame([asdict(main) for main in effects]).drop(columns="others"))


def _common_metric(effects: Sequence[MainEffect]) -> Metric:
    """Return the most frequent metric, of several the first."""
    return METRICS[Counter(main.metric for main in effects).most_common(1)[0][0]]


def _compared(main: MainEffect, common: Metric) -> str:
    """Return variant and baseline in words, the metric if it is not the common one, and that a claim does not hold."""
    metric = "" if main.metric == common.name else METRICS[main.metric].label
    claim = {"fails": "claim fails", "undecided": "claim undecided"}.get(main.claim, "")
    return "; ".join(filter(None, [main.compared, metric, claim]))


def _label(effects: Sequence[MainEffect]) -> str:
    """Return the label of the axis: the metric, what is computed of it, and the better side if all have the same."""
    metric = _common_metric(effects)
    unless = " unless named" if len({main.metric for main in effects}) > 1 else ""
    kind = "points against" if metric.unit == "fraction" else "ratio to" if metric.scale == "log" else "difference from"
    sides = {METRICS[main.metric].better for main in effects}
    (side,) = sides if len(sides) == 1 else (None,)
    better = {"lower": "; left is better", "higher": "; right is better", None: ""}[side]
    return drawing.wrapped(f"{metric.label}{unless}: {kind} the baseline{better}", _LABEL)
