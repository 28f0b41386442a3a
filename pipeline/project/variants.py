"""Expand a study as written into its variants: one complete, checked config each, and the baseline of each.

A variant starts from the `base` of the file, with the `base` of its study laid over it and its own differences over
both. An override of a key that the base does not have is an error, so no variant can differ from its baseline in
anything that it does not declare.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pipeline.core.config import problems
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.data import DatasetConfig
from pipeline.data.base import Facts
from pipeline.project.figures import NAMED
from pipeline.project.metrics import Metric, Trait, measured
from pipeline.project.schema import StudyConfig
from pipeline.training.config import RunConfig
from pipeline.training.kernels.arguments import REGRESSION_LOSSES

MAX_VARIANTS = 1000  # of a study: more fit into no figure and no table
MAX_ID = 200  # characters of a variant's id, which with an ending is a file name of at most 255 bytes


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

    `compared` are the dotted keys of the factors that tell a variant from its baseline, `blocked` those within whose
    values variants are compared. `split_correlations` is the share of the variance of a metric that all seeds have in
    common because they split one data set, by the part of the data that the metric is measured on
    (`analysis.statistics`). `simplest_first`: the variants are listed from the simplest to the most complex.
    """

    id: str
    question: str
    dataset: str
    metric: str
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

    def split_correlation_of(self, metric: Metric) -> float:
        """Return the share of the variance of this metric that all seeds have in common."""
        return self.split_correlations[metric.split]

    def variant(self, id: str) -> Variant:
        return next(variant for variant in self.variants if variant.id == id)


def expand(
    key: str, study: StudyConfig, written: Mapping[str, Any], datasets: Mapping[str, DatasetConfig], name: str
) -> Study:
    """Expand a study into its variants.

    Args:
        key: Id of the study.
        study: The study as written.
        written: All values of the file, as written.
        datasets: The data sets of the file, by id.
        name: What messages call the file.

    Raises:
        UserError: If it is wrong; each line begins with `name` and the dotted key.
    """
    where = f"{name}: studies.{key}"
    if study.dataset not in datasets:
        raise UserError(f"{where}.dataset: found {shorten(study.dataset)}, allowed: {join_short(datasets)}")
    dataset = datasets[study.dataset]
    data = dataset.facts()
    if (study.grid is None) == (study.variants is None):
        both = "neither" if study.grid is None else "both"
        raise UserError(f"{where}: found {both}, allowed: grid or variants")
    base = _Layers(name, key, written["base"], study.base)
    variants, compared, blocked = (
        _from_names(study, base, data) if study.grid is None else _from_grid(study, base, data)
    )
    _check_distinct(variants, where)
    configs = [variant.config for variant in variants]
    traits = _traits(configs, data)
    judged = [metric.name for metric in measured(traits) if metric.better]
    if study.metric not in judged:
        raise UserError(f"{where}.metric: found {shorten(study.metric)}, allowed: {join_short(judged)}")
    figures = [figure for figure, needed in NAMED.items() if needed <= traits]
    if study.figure is not None and study.figure not in figures:
        raise UserError(f"{where}.figure: found {study.figure!r}, allowed for this study: {', '.join(figures)}")
    validations = [config.data.validation for config in configs]
    return Study(
        id=key,
        question=" ".join(study.question.split()),
        dataset=study.dataset,
        metric=study.metric,
        traits=traits,
        figure=study.figure,
        split_correlations={split: dataset.split_correlation(split, validations) for split in _SPLITS},
        simplest_first=study.simplest == "first",
        compared=compared,
        blocked=blocked,
        variants=tuple(variants),
    )


_SPLITS = ("train", "validation", "test", "none")


def _traits(configs: Sequence[RunConfig], data: Facts) -> frozenset[Trait]:
    traits: dict[Trait, bool] = {
        data.task: True,
        "images": data.task == "classification" and data.source != "table",  # rows of a table are not images
        "validation": any(config.data.validation.folds for config in configs),
        "hidden": any(config.model.hidden for config in configs),
        "linear": data.task == "regression" and not any(config.model.hidden for config in configs),
        "shift": data.shifts,
        "stopping": any(config.training.early_stopping.name != "none" for config in configs),
    }
    return frozenset(trait for trait, present in traits.items() if present)


def _check_distinct(variants: Sequence[Variant], where: str) -> None:
    """Refuse two variants with one config, or with one id: two values may differ and be spelled alike in an id."""
    seen: dict[RunConfig | str, str] = {}
    for variant in variants:
        if len(variant.id) > MAX_ID:
            allowed = f"at most {MAX_ID} characters; named `variants` can be shorter"
            raise UserError(
                f"{where}.grid: found the id {shorten(variant.id)} of {len(variant.id)}, allowed: {allowed}"
            )
        for key in (variant.config, variant.id):
            if key in seen:
                pair = f"{shorten(seen[key])}, {shorten(variant.id)}"
                raise UserError(f"{where}: found the same config twice ({pair}), allowed: once")
            seen[key] = variant.id


# --- configs ---------------------------------------------------------------------------------------------------------


class _Layers:
    """The base of a study: the file's `base` with the study's own `base` over it. Lays variants over both."""

    def __init__(self, name: str, study: str, base: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        self.where = f"{name}: studies.{study}"
        self._layers = [(f"{name}: base", base), (f"{self.where}.base", own)]  # of which the first has every key
        self.values = overlay(base, own, f"{self.where}.base")

    def config(self, override: Mapping[str, Any], where: str, data: Facts) -> RunConfig:
        """Return the config of a variant; `where` is the place of its override in the file.

        Raises:
            UserError: If it is wrong, with the dotted key where each wrong value stands.
        """
        values = overlay(self.values, override, where)

        def line(keys: Sequence[str], found: str, allowed: str) -> str:
            place = next(place for place, layer in ((where, override), *reversed(self._layers)) if _has(layer, keys))
            key = f"{place}.{'.'.join(keys)}"
            sweep = {"nothing": "`-S '+{}=VALUE'` adds", "an unknown key": "`-S '~{}'` removes"}.get(found, "")
            hint = f" (in a sweep, {sweep.format(key.partition(': ')[2])} it)" if sweep else ""
            return f"{key}: found {found}, allowed: {allowed}{hint}"

        try:
            config = RunConfig.model_validate(values)
        except ValidationError as error:
            raise UserError("\n".join(line(*problem) for problem in problems(error, values))) from None
        for keys, allowed in _misfits(config, data):
            raise UserError(line(keys, shorten(_at(values, keys)), allowed))
        return config


def overlay(base: Mapping[str, Any], override: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return `base` with `override` laid over it key by key; a mapping with a `name` replaces the whole of the base's.

    Raises:
        UserError: If the base does not have a key; the line begins with `where`.
    """
    values = dict(base)
    for key, value in override.items():
        if key not in base:
            raise UserError(f"{where}.{key}: not in the base, which has a value for every key: {join_short(base)}")
        nested = isinstance(value, Mapping) and "name" not in value and isinstance(base[key], Mapping)
        values[key] = overlay(base[key], value, f"{where}.{key}") if nested else value
    return values


def _has(layer: Any, keys: Sequence[str]) -> bool:
    """Whether a layer decides the value under these keys: it has them, or a choice or list that replaces the value."""
    for depth, key in enumerate(keys):
        if not isinstance(layer, Mapping) or key not in layer:
            return depth > 0 and (not isinstance(layer, Mapping) or "name" in layer)
        layer = layer[key]
    return True


def _at(values: Any, keys: Sequence[str]) -> Any:
    """Return the value under these keys, or None: another variant may have a choice without such a key."""
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return None
        values = values[key]
    return values


def _misfits(config: RunConfig, data: Facts) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keys of a config that do not fit its data set, and what is allowed there."""
    classes = data.task == "classification"
    if (config.loss == "cross_entropy") != classes:
        losses = "cross_entropy" if classes else ", ".join(REGRESSION_LOSSES)
        yield ("loss",), f"{losses} (the data set's task is {data.task})"
    if config.model.features != "all" and config.model.features > data.features:
        yield ("model", "features"), f"all, or at most the data set's {data.features}"
    used = data.train_examples if config.data.examples == "all" else config.data.examples
    if used > data.train_examples:
        yield ("data", "examples"), f"all, or at most the data set's {data.train_examples}"
    for fold in (0, 1) if config.data.validation.folds else (0,):
        sizes = config.sizes(fold, data.train_examples)
        if fold and min(sizes.trained, sizes.validation) < 1:
            yield ("data", "validation"), f"a split that leaves examples on both sides (there are {used})"
        if config.training.early_stopping.name != "none" and min(sizes.trained, sizes.stopping) < 1:
            allowed = f"a fraction that leaves examples on both sides (there are {used})"
            yield ("training", "early_stopping"), allowed
    if config.label_smoothing and not classes:
        yield ("label_smoothing",), f"0 (the data set's task is {data.task})"
    if config.data.importance_weights.name != "none" and not data.shifts:
        yield ("data", "importance_weights"), f"none (the data set {data.source} does not shift)"


# --- variants --------------------------------------------------------------------------------------------------------

_Expanded = tuple[list[Variant], tuple[str, ...], tuple[str, ...]]


def _from_names(study: StudyConfig, base: _Layers, data: Facts) -> _Expanded:
    overrides = {key: override or {} for key, override in (study.variants or {}).items()}
    _check_count(f"{base.where}.variants", len(overrides))
    if not isinstance(study.baseline, str) or study.baseline not in overrides:
        raise UserError(f"{base.where}.baseline: found {shorten(study.baseline)}, allowed: {join_short(overrides)}")
    configs = {key: base.config(override, f"{base.where}.variants.{key}", data) for key, override in overrides.items()}
    factors = tuple(dict.fromkeys(leaf for override in overrides.values() for leaf in _leaves(override, base.values)))
    variants = [
        Variant(key, key, "", study.baseline, _factors(config, factors), config) for key, config in configs.items()
    ]
    return variants, factors, ()


def _from_grid(study: StudyConfig, base: _Layers, data: Facts) -> _Expanded:
    where = base.where
    axes = dict(_axes(study.grid or {}, base.values, f"{where}.grid"))
    _check_count(f"{where}.grid", math.prod(map(len, axes.values())) if axes else 0)
    if not isinstance(study.baseline, dict):
        raise UserError(f"{where}.baseline: found {shorten(study.baseline)}, allowed: a mapping, nested like the grid")
    fixed = dict(_fixed(study.baseline, axes, f"{where}.baseline"))
    if not fixed:
        raise UserError(f"{where}.baseline: found nothing, allowed: a value for one of {join_short(axes)}")
    compared = tuple(factor for factor in axes if factor in fixed)
    blocked = tuple(factor for factor in axes if factor not in fixed)
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    configs = [base.config(_nested(point), f"{where}.grid", data) for point in points]
    values = [_factors(config, axes) for config in configs]
    ids = ["_".join(f"{_last(factor)}_{_slug(value)}" for factor, value in factors.items()) for factors in values]
    variants = [
        Variant(
            id=id,
            label=", ".join(label(factors[factor]) for factor in compared),
            block=", ".join(_spoken(factor, factors[factor]) for factor in blocked),
            # the variants of a block share the free factors; its baseline has the fixed values beside them
            baseline=ids[points.index(point | fixed)],
            factors=factors,
            config=config,
        )
        for point, config, id, factors in zip(points, configs, ids, values, strict=True)
    ]
    return variants, compared, blocked


def _check_count(where: str, count: int) -> None:
    if not 1 <= count <= MAX_VARIANTS:
        raise UserError(f"{where}: found {count:,} variants, allowed: 1 to {MAX_VARIANTS:,}")


def _leaves(override: Mapping[str, Any], base: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of the values that an override replaces."""
    for key, value in override.items():
        if isinstance(value, Mapping) and "name" not in value and isinstance(base[key], Mapping):
            yield from _leaves(value, base[key], f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _axes(
    grid: Mapping[str, Any], base: Mapping[str, Any], where: str, prefix: str = ""
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the factors of a grid: dotted key and values."""
    overlay(base, dict.fromkeys(grid), where)  # refuses keys that the base does not have
    for key, node in grid.items():
        if isinstance(node, list) and node:
            yield f"{prefix}{key}", node
        elif isinstance(node, dict) and node and isinstance(base[key], Mapping):
            yield from _axes(node, base[key], f"{where}.{key}", f"{prefix}{key}.")
        else:
            raise UserError(f"{where}.{key}: found {shorten(node)}, allowed: a list of at least one value")


def _fixed(
    baseline: Mapping[str, Any], axes: Mapping[str, list[Any]], where: str, prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the factors that the baseline fixes: dotted key and value."""
    for key, node in baseline.items():
        factor = f"{prefix}{key}"
        if factor in axes:
            if node not in axes[factor]:
                allowed = join_short(dict.fromkeys(map(label, axes[factor])))
                raise UserError(f"{where}.{key}: found {shorten(node)}, allowed: {allowed}")
            yield factor, node
        elif isinstance(node, dict) and node and any(axis.startswith(f"{factor}.") for axis in axes):
            yield from _fixed(node, axes, f"{where}.{key}", f"{factor}.")
        else:
            raise UserError(f"{where}.{key}: not a factor of the grid, allowed: {join_short(axes)}")


def _nested(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return an override from values by dotted key."""
    override: dict[str, Any] = {}
    for factor, value in point.items():
        *path, last = factor.split(".")
        node = override
        for key in path:
            node = node.setdefault(key, {})
        node[last] = value
    return override


def _factors(config: RunConfig, factors: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    values = config.model_dump(mode="json")
    return {factor: _at(values, factor.split(".")) for factor in factors}


# --- text ------------------------------------------------------------------------------------------------------------


def _last(factor: str) -> str:
    return factor.rsplit(".", 1)[-1]


def _slug(value: Any) -> str:
    """Return a value as part of a file name: `0p5`, `0p2_0p5`, `normal_std_0p01`."""
    if isinstance(value, Mapping):
        return "_".join(_slug(item) if key == "name" else f"{key}_{_slug(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "_".join(map(_slug, value)) or "none"
    text = label(value).lower().replace("-", "m").replace("+", "").replace(".", "p")
    return re.sub(r"[^a-z0-9]+", "_", text)


def spoken(study: Study, variant: Variant) -> str:
    """Return the name of a variant in a sentence about its block: `tanh`, `weight decay 3`."""
    if study.named:
        return variant.label
    return ", ".join(_spoken(factor, variant.factors[factor]) for factor in study.compared)


def _spoken(factor: str, value: Any) -> str:
    """Return `tanh`, but `dropout 0.5` and `validation none`: a number or none needs the name of its factor."""
    text = label(value)
    says_all = isinstance(value, str | Mapping) and text != "none"
    return text if says_all else f"{_last(factor).replace('_', ' ')} {text}"


def label(value: Any) -> str:
    """Return the value of a factor as a user reads it.

    >>> label(0.50), label([0.2, 0.5]), label({"name": "normal", "std": 1.0}), label(True)
    ('0.5', '[0.2, 0.5]', 'normal(std=1)', 'true')
    """
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key}={label(item)}" for key, item in value.items() if key != "name")
        name = str(value.get("name", ""))
        return f"{name}({rest})" if rest else name
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(label, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)
