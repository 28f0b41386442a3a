"""The figures of effects, which `study_figures` registers: rows with intervals and, of two factors, a heat map."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.statistics import logarithms
from pipeline.project.labels import label
from pipeline.project.metrics import Metric
from pipeline.report import colours, drawing, forest
from pipeline.report.drawing import Drawing
from pipeline.report.format import cells, described, effect, number, significant
from pipeline.report.section import Section
from pipeline.report.svg import tip

_LOW_ROW = 0.19  # inches of a row of effects among many
_MANY_ROWS = 12
_HEADING, _AXIS = 14, 56  # characters of a line of the heading of levels, and below the axis
_MAX_INTERACTIONS = 6  # that are drawn; more stand in the table alone
_WIDE, _FULL = 4, 6  # columns of a heat map whose cells have room for text and for numbers


def effects(section: Section) -> Drawing:
    """Draw the effect of every seed, their mean with its interval, and the margin, with the level beside it."""
    seeds = effects_of_seeds(section)
    lines = _Lines(section)
    lines.add(drawing.factor_label(section.study), drawing.wrapped(section.metric.label, _HEADING), bold=True)
    for block in section.study.blocks:
        lines.add_block(block, seeds)
    lines.add_interactions()
    figure, panels = drawing.grid(1, height=lines.top + 0.3)
    (axes,) = panels.flat
    forest.draw(axes, lines.rows, section.metric, lines.top, gap=3, share=1 / 3, numbers=True)
    middles, labels, levels, bold = zip(*lines.labels, strict=True)
    axes.set_yticks(middles, labels)
    right = axes.secondary_yaxis("right")
    right.set_yticks(middles, levels)
    right.spines["right"].set_visible(False)
    for side in (axes, right):
        side.tick_params(axis="y", length=0, pad=6)
        for tick, is_bold in zip(side.get_yticklabels(), bold, strict=True):
            tick.set_fontweight("bold" if is_bold else "normal")
    axes.set_xlabel(_effect_label(section))
    drawing.legend_below(figure, forest.legend_handles(axes, lines.rows))
    return Drawing(figure, _effects_data(section, seeds))


class _Lines:
    """The lines of the figure of effects, from top to bottom.

    Attributes:
        rows: Their effects; headings have none.
        labels: For each line its middle, label, level at the right, and True if it is bold.
        top: Inches of all lines.
    """

    def __init__(self, section: Section) -> None:
        self._section, self._table = section, section.effects[section.metric.name]
        self.rows: list[forest.Row] = []
        self.labels: list[tuple[float, str, str, bool]] = []
        self.top = 0.0

    def add(self, label: str, level: str = "", *, bold: bool = False) -> tuple[float, float]:
        """Add a line and return its top and height."""
        name = "\n".join(drawing.wrapped(drawing.short_name(line)) for line in label.split("\n"))
        least = _LOW_ROW if len(self._table) > _MANY_ROWS or bold else forest.TALL
        top, height = self.top, max(least, drawing.LINE * (1 + max(name.count("\n"), level.count("\n"))))
        self.labels.append((top + height / 2, name, level, bold))
        self.top += height
        return top, height

    def add_block(self, block: str, seeds: dict[str, dict[int, float]]) -> None:
        """Add the variants of a block, the baseline first; those that are folded share a line."""
        if block:
            self.add(block, bold=True)
        group = self._table[self._table["block"] == block]
        first = {ids[0]: ids for ids in self._section.folded}
        folded = {id for ids in self._section.folded for id in ids}
        for row in pd.concat([group[group["is_baseline"]], group[~group["is_baseline"]]]).itertuples():
            if row.variant in first:
                self._add_folded([one for one in group.itertuples() if one.variant in first[row.variant]])
            elif row.variant not in folded:
                self._add_variant(row, seeds.get(row.variant, {}))

    def _add_variant(self, row: Any, seeds: dict[int, float]) -> None:
        symbol = colours.VERDICTS[row.verdict or "not comparable"].symbol
        note = f"{symbol} {row.diverged} of {row.runs} runs diverged" if row.diverged else row.verdict or "baseline"
        # the seeds that finished, alone, would flatter a variant
        points = {} if math.isnan(row.effect) else seeds
        margin = None if row.is_baseline else self._section.margin
        level = cells(row, self._section.metric)["estimate"]
        self._add_row(row, row.label, level, points=points, margin=margin, note=note)

    def _add_folded(self, rows: list[Any]) -> None:
        metric = self._section.metric
        marks = tuple((row.effect, row.verdict, f"{row.label}: {effect(row.effect, metric)}") for row in rows)
        place = self.add(f"{rows[0].label} to {rows[-1].label}\n({len(rows)} variants)", _range(rows, metric))
        none = (math.nan, math.nan, math.nan)
        margin = self._section.margin
        self.rows.append(forest.Row(*place, "", rows[0].verdict, none, rows[0].n, metric, others=marks, margin=margin))

    def add_interactions(self) -> None:
        """Add the interactions, unless they are many."""
        if 0 < len(self._section.interactions) <= _MAX_INTERACTIONS:
            self.add("interaction", bold=True)
            for row in self._section.interactions.itertuples():
                self._add_row(row, row.term, "", note=row.note)

    def _add_row(self, row: Any, label: str, level: str, **others: Any) -> None:
        numbers = (row.effect, row.effect_low, row.effect_high)
        place = self.add(label, level)
        self.rows.append(forest.Row(*place, label, row.verdict, numbers, row.n, self._section.metric, **others))


def _range(rows: Sequence[Any], metric: Metric) -> str:
    """Return the smallest and the largest estimate of rows."""
    estimates = [row.estimate for row in rows]
    ends = list(dict.fromkeys(number(value, metric) for value in (min(estimates), max(estimates))))
    return " to\n".join(ends)


def effects_of_seeds(section: Section) -> dict[str, dict[int, float]]:
    """Return for each variant the effect against its baseline by seed, where both runs finished."""
    study, metric = section.study, section.metric
    finished = section.results[section.results["status"] == "finished"]
    values = finished.pivot(index="seed_index", columns="variant", values=metric.name)
    effects = {}
    for variant in study.variants:
        if variant.id != variant.baseline and {variant.id, variant.baseline} <= set(values):
            pair = values[variant.id], values[variant.baseline]
            with np.errstate(divide="ignore", invalid="ignore"):
                effect = pair[0] / pair[1] if metric.scale == "log" else pair[0] - pair[1]
            effects[variant.id] = {
                int(seed): float(value)
                for seed, value in effect.items()
                if np.isfinite(value) and (value > 0 or metric.scale == "linear")
            }
    return effects


def _effect_label(section: Section) -> str:
    """Return the label of the axis of effects, with an arrow towards the better side."""
    metric = section.metric
    sign, unit = "/" if metric.scale == "log" else "−", ", points" if metric.unit == "fraction" else ""
    name = f"{metric.label} {sign} that of the baseline{unit}"
    space = "\N{NO-BREAK SPACE}" * 3  # a browser joins other spaces
    arrows = {"lower": f"← better{space}{name}", "higher": f"{name}{space}better →", None: name}
    return drawing.wrapped(arrows[metric.better], _AXIS)


def _effects_data(section: Section, seeds: dict[str, dict[int, float]]) -> pd.DataFrame:
    """Return a row for each variant, and below one for each of its seeds."""
    columns = ["variant", "label", "block", "n", "diverged", "estimate", "low", "high"]
    columns += ["effect", "effect_low", "effect_high", "verdict"]
    table = section.effects[section.metric.name][columns]
    of_seeds = [
        {"variant": variant, "seed_index": seed, "effect": value}
        for variant, values in seeds.items()
        for seed, value in values.items()
    ]
    whole = pd.concat([table, pd.DataFrame(of_seeds, columns=["variant", "seed_index", "effect"])])
    whole["seed_index"] = whole["seed_index"].astype("Int64")
    return whole[["variant", "label", "block", "seed_index", *columns[3:]]]


def heat(section: Section) -> Drawing:
    """Draw the effects of two factors as a table of colours, with their numbers."""
    study, metric = section.study, section.metric
    levels = {
        factor: list(dict.fromkeys(label(variant.factors[factor]) for variant in study.variants))
        for factor in study.compared
    }
    # the page has more room below than beside
    first, second = sorted(levels, key=lambda factor: -len(levels[factor]))
    rows, columns = levels[first], levels[second]
    table = section.effects[metric.name].set_index("variant")
    effects = table["effect"].fillna(metric.zero_effect)
    sizes = logarithms(effects) if metric.scale == "log" else effects.to_numpy()
    largest = float(np.abs(np.nan_to_num(sizes)).max()) or 1.0
    gains = dict(
        zip(table.index, (-1 if metric.better == "lower" else 1) * np.nan_to_num(sizes) / largest, strict=True)
    )
    figure, panels = drawing.grid(1, height=0.45 * len(rows) + 0.4)
    (axes,) = panels.flat
    for variant in study.variants:
        place = columns.index(label(variant.factors[second])), rows.index(label(variant.factors[first]))
        numbers, gain = table.loc[variant.id], gains[variant.id]
        texts = cells(numbers, metric)
        text, size = _in_cell(numbers, texts, metric, len(columns)), 7 if len(columns) <= _WIDE else 6
        cell = drawing.colour_cell(axes, *place, gain, text, size)
        words = f"{texts['effect']} {texts['effect_interval']} {numbers.verdict}".strip() or "baseline"
        tip(cell, f"{described(numbers, metric, variant.label)}; {words}, n = {texts['n']}")
    drawing.label_cells(axes, *([drawing.wrapped(name, 14) for name in names] for names in (columns, rows)))
    axes.set(xlabel=drawing.factor_name(second), ylabel=drawing.factor_name(first))
    shown = ["variant", "label", "estimate", "low", "high", "effect", "effect_low", "effect_high", "verdict"]
    return Drawing(figure, table.reset_index()[shown])


def _in_cell(row: Any, texts: Mapping[str, str], metric: Metric, columns: int) -> str:
    """Return the text of a cell of a heat map: of many columns the verdict alone."""
    if not row.verdict:
        return f"{texts['estimate']}\nbaseline" if columns <= _FULL else "base"
    symbol = colours.VERDICTS[row.verdict].symbol
    if columns > _FULL:
        return symbol
    # three digits also of an effect close to 1
    size = significant(row.effect) if metric.scale == "log" else texts["effect"].removesuffix(" points")
    if metric.scale == "log" and columns <= _WIDE:
        size = f"× {size}"
    return f"{texts['estimate']}\n{symbol} {size}" if texts["effect"] else f"{texts['estimate']}\n{symbol} diverged"
