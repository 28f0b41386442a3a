"""Expand a study as written into its variants: one complete, checked config each, and the baseline of each."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.nested import flatten, nest, value_at
from pipeline.data import DatasetConfig
from pipeline.data.base import Facts
from pipeline.project.figures import NAMED
from pipeline.project.labels import id_of, label, spoken
from pipeline.project.layers import Layer, is_choice, merge, resolve
from pipeline.project.metrics import METRICS, Metric, Trait, measured
from pipeline.project.schema import StudyConfig
from pipeline.training.config import RunConfig

MAX_VARIANTS = 1000  # of a study: no figure or table can hold more
MAX_ID = 200  # characters of a variant's id: with a suffix it must fit into a file name of 255 bytes


@dataclass(frozen=True)
class Variant:
    """One complete config of a study.

    `factors` holds what the study varies, by dotted key; `label` names the values of the compared factors, `block`
    those of the factors that the baseline leaves free. A variant is compared with the `baseline` of its own block.
    """

    id: str
    label: str
    block: str
    baseline: str
    factors: Mapping[str, Any]
    config: RunConfig

    @property
    def name(self) -> str:
        """Block and label."""
        return f"{self.block}, {self.label}" if self.block else self.label

    @property
    def folds(self) -> range:
        """Folds that are trained with each seed: 0 trains on all examples, each other leaves a part out."""
        return range(self.config.data.validation.folds + 1)

    def written_factors(self) -> dict[str, str | float | int | None]:
        """Return the factors as the cells of a table: numbers and text as they are, lists and mappings as JSON."""
        return {
            key: json.dumps(value) if isinstance(value, bool | list | dict) else value
            for key, value in self.factors.items()
        }


@dataclass(frozen=True)
class Study:
    """A question, a data set, and the variants that answer the question.

    `compared` are the dotted keys of the factors that distinguish a variant from its baseline. Variants are compared
    only if they have the same values of the `blocked` factors. `split_correlations` holds q / (1 - q), the second term
    of Nadeau and Bengio's corrected variance (`analysis.statistics.estimate_mean`), by the part of the data that a
    metric is measured on. `simplest_first`: the variants are listed from the simplest to the most complex. `margin` and
    `seeds` are None if the study has those of its metric and its data set.
    """

    id: str
    question: str
    dataset: str
    metric: str
    asks: Literal["difference", "agreement", "choice"]
    margin: float | None
    caveat: str
    seeds: int | None
    traits: frozenset[Trait]
    figure: str | None
    split_correlations: Mapping[str, float]
    simplest_first: bool
    compared: tuple[str, ...]
    blocked: tuple[str, ...]
    variants: tuple[Variant, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        """Dotted keys of all factors, compared ones first."""
        return self.compared + self.blocked

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that are measured for each of its runs."""
        return measured(self.traits)

    @property
    def named(self) -> bool:
        """Whether the user named the variants (`variants:`) instead of spanning a grid."""
        return all(variant.label == variant.id for variant in self.variants)

    @property
    def labels(self) -> list[str]:
        """The distinct labels of the variants, in order."""
        return list(dict.fromkeys(variant.label for variant in self.variants))

    @property
    def blocks(self) -> list[str]:
        """The distinct blocks, in order."""
        return list(dict.fromkeys(variant.block for variant in self.variants))

    @property
    def score(self) -> Literal["accuracy", "loss"]:
        """The kind of metric that the study is judged by; a gap is one between losses or between accuracies."""
        return "accuracy" if METRICS[self.metric].unit == "fraction" else "loss"

    def split_correlation_of(self, metric: Metric) -> float:
        """Return q / (1 - q) of a metric."""
        return self.split_correlations[metric.split]

    def variant(self, id: str) -> Variant:
        return next(variant for variant in self.variants if variant.id == id)

    def spoken(self, id: str) -> str:
        """Return the name of a variant as prose uses it, without its block: `weight decay 3 and dropout 0.5`."""
        variant = self.variant(id)
        parts = [spoken({factor: variant.factors[factor]}) for factor in self.compared]
        return variant.label if self.named else " and ".join(parts)


# variants, and the dotted keys of the compared and of the blocked factors
_Expanded = tuple[list[Variant], tuple[str, ...], tuple[str, ...]]


def expand(
    key: str, study: StudyConfig, written: Mapping[str, Any], datasets: Mapping[str, DatasetConfig], name: str
) -> Study:
    """Expand a study into its variants.

    Args:
        key: Id of the study.
        study: The study as written.
        written: All values of the file, as written.
        datasets: The data sets of the file, by id.
        name: Name of the file in messages.

    Raises:
        UserError: If the study is invalid; each line begins with `name` and the dotted key.
    """
    where = f"{name}: studies.{key}"
    if study.dataset not in datasets:
        raise UserError(f"{where}.dataset: found {shorten(study.dataset)}, allowed: {join_short(datasets)}")
    dataset = datasets[study.dataset]
    data = dataset.facts()
    base = [Layer(f"{name}: base", written["base"]), Layer(f"{where}.base", study.base)]
    if study.grid is not None and study.variants is None:
        variants, compared, blocked = _from_grid(where, study.grid, study.baseline, base, data)
    elif study.variants is not None and study.grid is None:
        variants, compared, blocked = _from_names(where, study.variants, study.baseline, base, data)
    else:
        raise UserError(f"{where}: found {'both' if study.grid is not None else 'neither'}, allowed: grid or variants")
    _check_distinct(variants, where)
    configs = [variant.config for variant in variants]
    traits = _traits(configs, data)
    judged = [metric.name for metric in measured(traits) if metric.random]
    if study.metric not in judged:
        raise UserError(f"{where}.metric: found {shorten(study.metric)}, allowed: {join_short(judged)}")
    if study.margin is not None and study.margin <= 1 and METRICS[study.metric].scale == "log":
        allowed = f"a ratio above 1 for {study.metric}, which is compared as a ratio"
        raise UserError(f"{where}.margin: found {study.margin:g}, allowed: {allowed}")
    if study.asks == "choice" and "validation" not in traits:
        raise UserError(f"{where}.asks: found 'choice', allowed: choice only with data.validation, which chooses")
    figures = [figure for figure, needed in NAMED.items() if needed <= traits]
    if study.figure is not None and study.figure not in figures:
        raise UserError(f"{where}.figure: found {study.figure!r}, allowed for this study: {', '.join(figures)}")
    validations = [config.data.validation for config in configs]
    return Study(
        id=key,
        question=" ".join(study.question.split()),
        dataset=study.dataset,
        metric=study.metric,
        asks=study.asks,
        margin=study.margin,
        caveat=" ".join((study.caveat or "").split()),
        seeds=study.seeds,
        traits=traits,
        figure=study.figure,
        split_correlations={
            split: dataset.split_correlation(split, validations) for split in ("train", "validation", "test", "none")
        },
        simplest_first=study.simplest == "first",
        compared=compared,
        blocked=blocked,
        variants=tuple(variants),
    )


def _from_names(
    where: str, variants: Mapping[str, Any], baseline: Any, base: Sequence[Layer], data: Facts
) -> _Expanded:
    overrides = {id: override or {} for id, override in variants.items()}
    _check_count(f"{where}.variants", len(overrides))
    if not isinstance(baseline, str) or baseline not in overrides:
        raise UserError(f"{where}.baseline: found {shorten(baseline)}, allowed: {join_short(overrides)}")
    configs = {
        id: resolve([*base, Layer(f"{where}.variants.{id}", override)], data) for id, override in overrides.items()
    }
    leaves = [flatten(override, lambda _, value: is_choice(value)) for override in overrides.values()]
    factors = tuple(dict.fromkeys(itertools.chain(*leaves)))
    expanded = [Variant(id, id, "", baseline, _values(config, factors), config) for id, config in configs.items()]
    return expanded, factors, ()


def _from_grid(where: str, grid: Mapping[str, Any], baseline: Any, base: Sequence[Layer], data: Facts) -> _Expanded:
    merge([*base, Layer(f"{where}.grid", grid)])  # refuses keys that the base does not have
    axes = flatten(grid)
    for factor, values in axes.items():
        if not isinstance(values, list) or not values:
            allowed = "a list of at least one value"
            raise UserError(f"{where}.grid.{factor}: found {shorten(values)}, allowed: {allowed}")
    _check_count(f"{where}.grid", math.prod(map(len, axes.values())) if axes else 0)
    fixed = _fixed(baseline, axes, f"{where}.baseline")
    compared = tuple(factor for factor in axes if factor in fixed)
    blocked = tuple(factor for factor in axes if factor not in fixed)
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    configs = [resolve([*base, Layer(f"{where}.grid", nest(point))], data) for point in points]
    factors = [_values(config, axes) for config in configs]
    ids = list(map(id_of, factors))
    variants = [
        Variant(
            id=id,
            label=", ".join(label(values[factor]) for factor in compared),
            block=spoken({factor: values[factor] for factor in blocked}),
            # the variants of a block share the free factors; its baseline has the fixed values beside them
            baseline=ids[points.index(point | fixed)],
            factors=values,
            config=config,
        )
        for point, config, id, values in zip(points, configs, ids, factors, strict=True)
    ]
    return variants, compared, blocked


def _fixed(baseline: Any, axes: Mapping[str, list[Any]], where: str) -> dict[str, Any]:
    """Return the values that the baseline of a grid fixes, by dotted key; the other factors form blocks."""
    if not isinstance(baseline, dict):
        raise UserError(f"{where}: found {shorten(baseline)}, allowed: a mapping, nested like the grid")
    if not baseline:
        raise UserError(f"{where}: found nothing, allowed: a value for one of {join_short(axes)}")
    fixed = flatten(baseline, lambda dotted, _: dotted in axes)
    for factor, value in fixed.items():
        if factor not in axes:
            raise UserError(f"{where}.{factor}: not a factor of the grid, allowed: {join_short(axes)}")
        if value not in axes[factor]:
            allowed = join_short(dict.fromkeys(map(label, axes[factor])))
            raise UserError(f"{where}.{factor}: found {shorten(value)}, allowed: {allowed}")
    return fixed


def _values(config: RunConfig, factors: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of factors; None if the chosen option lacks the key, such as momentum under Adam."""
    values = config.model_dump(mode="json")
    return {factor: value_at(values, factor) for factor in factors}


def _check_count(where: str, count: int) -> None:
    if not 1 <= count <= MAX_VARIANTS:
        raise UserError(f"{where}: found {count:,} variants, allowed: 1 to {MAX_VARIANTS:,}")


def _check_distinct(variants: Sequence[Variant], where: str) -> None:
    """Refuse two variants with the same config or the same id; distinct values can give one id."""
    seen: dict[RunConfig | str, str] = {}
    for variant in variants:
        if len(variant.id) > MAX_ID:
            found = f"the id {shorten(variant.id)} of {len(variant.id)}"
            allowed = f"at most {MAX_ID} characters; named `variants` can be shorter"
            raise UserError(f"{where}.grid: found {found}, allowed: {allowed}")
        for what, key in (("config", variant.config), ("id", variant.id)):
            if key in seen:
                pair = f"{shorten(seen[key])}, {shorten(variant.id)}"
                raise UserError(f"{where}: found the same {what} twice ({pair}), allowed: once")
            seen[key] = variant.id


def _traits(configs: Sequence[RunConfig], data: Facts) -> frozenset[Trait]:
    traits: dict[Trait, bool] = {
        data.task: True,
        "images": data.images,
        "validation": any(config.data.validation.folds for config in configs),
        "hidden": any(config.model.hidden for config in configs),
        "linear": data.task == "regression" and not any(config.model.hidden for config in configs),
        "shift": data.shifts,
        "stopping": any(config.training.early_stopping.name != "none" for config in configs),
    }
    return frozenset(trait for trait, present in traits.items() if present)
