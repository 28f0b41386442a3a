"""A study as written -> its variants: one complete, typed config each, and the baseline it is compared with.

No variant can differ from its baseline in anything that it does not declare: an override that `base` does not have is
an error, and everything else comes from `base`.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from pipeline.core.config import LARGEST_NETWORK, problems
from pipeline.core.errors import UserError, in_bytes, join_short, shorten
from pipeline.data.config import DatasetConfig, Described, Generated, Table
from pipeline.project.metrics import Metric, Trait, measured
from pipeline.project.schema import FigureName, StudyConfig
from pipeline.training.config import RunConfig


@dataclass(frozen=True)
class Variant:
    """One complete config of a study.

    `factors` holds what the study varies, dotted key to value; `label` says the compared factors, `block` those that
    the baseline leaves free: a variant is compared with the `baseline` variant of its own block.
    """

    id: str
    label: str
    block: str
    baseline: str
    factors: Mapping[str, Any]
    config: RunConfig

    @property
    def folds(self) -> range:
        """Of its runs with one seed: 0 trains on all examples, each other leaves a part out."""
        return range(self.config.data.validation.folds + 1)

    def written_factors(self) -> dict[str, str | float | int | None]:
        """The factors as the cells of a table: numbers and words as they are, lists and mappings as JSON."""
        return {
            key: json.dumps(value) if isinstance(value, bool | list | dict) else value
            for key, value in self.factors.items()
        }


@dataclass(frozen=True)
class Study:
    """A question, a data set and the variants that answer it."""

    id: str
    question: str
    dataset: str
    metric: str
    traits: frozenset[Trait]
    figure: FigureName | None
    split_correlation: (
        float  # of validation where one fixed data set is split anew for every seed (analysis/statistics.py)
    )
    simplest_first: bool  # whether variants are listed from the simplest to the most complex, or the other way round
    compared: tuple[str, ...]  # dotted keys of the factors that tell a variant from its baseline
    blocked: tuple[str, ...]  # dotted keys of the factors within which variants are compared
    variants: tuple[Variant, ...]
    table: Table | None = None  # the data set, where it is one table that is split anew for every seed

    @property
    def factors(self) -> tuple[str, ...]:
        """Dotted keys of all factors, compared ones first."""
        return self.compared + self.blocked

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured for its runs."""
        return measured(self.traits)

    @property
    def named(self) -> bool:
        """Whether a user named the variants (`variants:`) instead of spanning a grid."""
        return all(variant.label == variant.id for variant in self.variants)

    def split_correlation_of(self, metric: Metric) -> float:
        """How much of the variance the seeds share in this metric."""
        return self.split_correlations[metric.split]

    @property
    def split_correlations(self) -> Mapping[str, float]:
        """How much of the variance the seeds share in what is measured on each part of the data (or on none)."""
        found = {part: self.table.split_correlation(part) if self.table else 0.0 for part in ("train", "test", "none")}
        return found | {"validation": self.split_correlation}

    def variant(self, id: str) -> Variant:
        return next(variant for variant in self.variants if variant.id == id)


MOST_VARIANTS = 1000  # of a study: more are no figure and no table
LONGEST_VARIANT = 200  # bytes of its id, which with an ending is the name of a file, of at most 255

_Expanded = tuple[list[Variant], tuple[str, ...], tuple[str, ...]]


def expand(key: str, written: StudyConfig, datasets: Mapping[str, DatasetConfig], path: Path) -> Study:
    """A study as written to its variants.

    Raises:
        UserError: If it is wrong; each line begins with `path` and the dotted key.
    """
    place = f"{path}: studies.{key}"
    if written.dataset not in datasets:
        raise UserError(f"{place}.dataset: found {shorten(written.dataset)}, allowed: {join_short(datasets)}")
    dataset = datasets[written.dataset]
    data = described(dataset)
    if (written.grid is None) == (written.variants is None):
        raise UserError(f"{place}: found {'neither' if written.grid is None else 'both'}, allowed: grid or variants")

    _config(written.base, {}, f"{place}.base", data)
    span = _from_names if written.grid is None else _from_grid
    variants, compared, blocked = span(written, place, data)
    seen: dict[RunConfig | str, str] = {}
    for variant in variants:
        if len(variant.id) > LONGEST_VARIANT:
            named = f"at most {LONGEST_VARIANT} characters; named `variants` can be shorter"
            raise UserError(f"{place}.grid: found the id {shorten(variant.id)} of {len(variant.id)}, allowed: {named}")
        # two values may also differ and still be spelled alike in an id
        for own in (variant.config, variant.id):
            if own in seen:
                twice = f"{shorten(seen[own])}, {shorten(variant.id)}"
                raise UserError(f"{place}: found the same config twice ({twice}), allowed: once")
            seen[own] = variant.id
    traits = _traits([variant.config for variant in variants], data)
    judged = [metric.name for metric in measured(traits) if metric.better]
    if written.metric not in judged:
        raise UserError(f"{place}.metric: found {shorten(written.metric)}, allowed: {join_short(judged)}")
    figures = [name for name in get_args(FigureName) if _FIGURES.get(name, frozenset()) <= traits]
    if isinstance(dataset, Table):
        figures = [name for name in figures if name != "predictions"]  # rows of a table are no pictures
    if written.figure is not None and written.figure not in figures:
        allowed = ", ".join(figures)
        raise UserError(f"{place}.figure: found {written.figure!r}, allowed for this study: {allowed}")
    return Study(
        id=key,
        question=" ".join(written.question.split()),
        dataset=written.dataset,
        metric=written.metric,
        traits=traits,
        figure=written.figure,
        split_correlation=_split_correlation(dataset, [variant.config for variant in variants]),
        simplest_first=written.simplest == "first",
        compared=compared,
        blocked=blocked,
        variants=tuple(variants),
        table=dataset if isinstance(dataset, Table) else None,
    )


def described(data: DatasetConfig) -> Described:
    """What is known of a data set before it is made: most say it themselves, a table is read.

    Raises:
        UserError: If a table can not be read or is not as its configs say.
    """
    if not isinstance(data, Table):
        return data
    # what it imports nobody needs to wait for who has no table
    from pipeline.data import columns as table

    return table.facts(data)


def _split_correlation(data: DatasetConfig, configs: Sequence[RunConfig]) -> float:
    """As `Study.split_correlation`."""
    if isinstance(data, Generated):
        return 0.0
    validations = [config.data.validation for config in configs]
    if isinstance(data, Table):
        return data.split_correlation("validation", max(one.validated for one in validations))
    return max(one.split_correlation for one in validations)


# what a study must have for a figure that it names
_FIGURES: Mapping[str, frozenset[Trait]] = {
    "predictions": frozenset(["classification"]),
    "weights": frozenset(["linear"]),
    "ridge": frozenset(["linear"]),
    "selection": frozenset(["validation"]),
    "shift": frozenset(["shift"]),
    "layers": frozenset(["hidden"]),
}


def _traits(configs: Sequence[RunConfig], data: Described) -> frozenset[Trait]:
    held: dict[Trait, bool] = {
        data.task: True,
        "validation": any(config.data.validation.folds for config in configs),
        "hidden": any(config.model.hidden for config in configs),
        "linear": data.task == "regression" and not any(config.model.hidden for config in configs),
        "shift": data.shifts,
        "stopping": any(config.training.early_stopping.name != "none" for config in configs),
    }
    return frozenset(trait for trait, holds in held.items() if holds)


def _config(values: dict[str, Any], overridden: Mapping[str, str], place: str, data: Described) -> RunConfig:
    """The typed config.

    `place` is where `values` stand in the file, except for the dotted keys in `overridden`, which stand elsewhere.
    """

    def where(keys: list[str]) -> tuple[str, str | None]:
        dotted = ".".join(keys)
        for leaf, there in overridden.items():
            if dotted == leaf or dotted.startswith(leaf + "."):
                return there, leaf
        return f"{place}.{dotted}", None

    def refuse(keys: list[str], found: str, allowed: str) -> str:
        there, leaf = where(keys)
        if leaf is not None:
            found = shorten(_get(values, leaf))
        return f"{there}: found {found}, allowed: {allowed}"

    try:
        config = RunConfig.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(refuse(*problem) for problem in problems(error, values))) from None
    if (config.loss == "cross_entropy") != (data.task == "classification"):
        allowed = "cross_entropy" if data.task == "classification" else "squared_error, half_squared_error"
        raise UserError(refuse(["loss"], repr(config.loss), f"{allowed} (the data set's task is {data.task})"))
    features = config.model.features
    if features != "all" and features > data.features:
        raise UserError(refuse(["model", "features"], str(features), f"all, or at most the data set's {data.features}"))
    used, most = config.data.examples, data.train_examples
    if used != "all" and used > most:
        raise UserError(refuse(["data", "examples"], str(used), f"all, or at most the data set's {most}"))
    had = most if used == "all" else used
    if config.data.validation.folds and min(config.sizes(1, most)[:2]) < 1:
        allowed = f"a split that leaves examples on both sides ({had} to be had)"
        raise UserError(refuse(["data", "validation"], shorten(values["data"]["validation"]), allowed))
    if config.training.early_stopping.name != "none":
        folds = [config.sizes(fold, most) for fold in (0, 1 if config.data.validation.folds else 0)]
        if min(min(own.trained, own.stopping) for own in folds) < 1:
            allowed = f"a fraction that leaves examples on both sides ({had} to be had)"
            found = shorten(values["training"]["early_stopping"])
            raise UserError(refuse(["training", "early_stopping"], found, allowed))
    if config.label_smoothing and data.task != "classification":
        allowed = f"0 (the data set's task is {data.task})"
        raise UserError(refuse(["label_smoothing"], str(config.label_smoothing), allowed))
    if config.data.importance_weights.name != "none" and not data.shifts:
        allowed = f"none (the data set {data.source} does not shift)"
        raise UserError(refuse(["data", "importance_weights"], repr(config.data.importance_weights.name), allowed))
    size = _bytes(config, data)
    if size > LARGEST_NETWORK:
        allowed = f"a network that needs at most {in_bytes(LARGEST_NETWORK)}; this one needs {in_bytes(size)}"
        raise UserError(refuse(["model", "hidden"], shorten(list(config.model.hidden)), allowed))
    return config


def _bytes(config: RunConfig, data: Described) -> int:
    """About what one run needs while it trains and is measured, in bytes.

    Weights, their gradients, what an optimizer keeps of them and the best ones so far in single precision, and once
    more all of them in double precision; what each layer gives for a batch; the product of all layers, which has a row
    for each input.
    """
    features: int = data.features if config.model.features == "all" else config.model.features
    widths: list[int] = [features, *config.model.hidden, data.outputs]
    weights = sum(before * after for before, after in itertools.pairwise(widths))
    # also a short batch is evaluated in blocks
    rows = max(512, min(config.training.batch_size, data.train_examples))
    return 4 * (8 * weights + 4 * rows * sum(widths)) + 16 * features * max(widths[1:])


def _from_names(written: StudyConfig, place: str, data: Described) -> _Expanded:
    named = {key: override or {} for key, override in (written.variants or {}).items()}
    if not named:
        raise UserError(f"{place}.variants: found none, allowed: at least one variant")
    if not isinstance(written.baseline, str) or written.baseline not in named:
        raise UserError(f"{place}.baseline: found {shorten(written.baseline)}, allowed: {join_short(named)}")
    _check_count(f"{place}.variants", len(named))
    configs = {}
    for key, override in named.items():
        here = f"{place}.variants.{key}"
        values = _merge(written.base, override, here)
        leaves = {leaf: f"{here}.{leaf}" for leaf in _leaves(override, written.base)}
        configs[key] = _config(values, leaves, f"{place}.base", data)
    factors = tuple(dict.fromkeys(leaf for override in named.values() for leaf in _leaves(override, written.base)))
    variants = [
        Variant(
            id=key,
            label=key,
            block="",
            baseline=written.baseline,
            factors={factor: _get(_dump(config), factor) for factor in factors},
            config=config,
        )
        for key, config in configs.items()
    ]
    return variants, factors, ()


def _from_grid(written: StudyConfig, place: str, data: Described) -> _Expanded:
    axes = dict(_axes(written.grid or {}, written.base, f"{place}.grid", ()))
    if not axes:
        raise UserError(f"{place}.grid: found nothing, allowed: at least one factor with a list of values")
    _check_count(f"{place}.grid", math.prod(len(values) for values in axes.values()))
    if not isinstance(written.baseline, dict):
        raise UserError(
            f"{place}.baseline: found {shorten(written.baseline)}, allowed: a mapping, nested like the grid"
        )
    fixed = dict(_fixed(written.baseline, axes, f"{place}.baseline", ()))
    if not fixed:
        raise UserError(f"{place}.baseline: found nothing, allowed: a value for one of {join_short(axes)}")
    compared = tuple(factor for factor in axes if factor in fixed)
    blocked = tuple(factor for factor in axes if factor not in fixed)

    def config(values: tuple[Any, ...], section: str) -> RunConfig:
        raw = written.base
        for factor, value in zip(axes, values, strict=True):
            raw = _put(raw, factor, value)
        return _config(raw, {factor: f"{place}.{section}.{factor}" for factor in axes}, f"{place}.base", data)

    # a block's variants share the free factors; its baseline has the fixed values beside them
    found: list[tuple[RunConfig, RunConfig]] = []
    for values in itertools.product(*axes.values()):
        baseline = tuple(fixed.get(factor, value) for factor, value in zip(axes, values, strict=True))
        found.append((config(values, "grid"), config(baseline, "baseline")))

    def name(one: RunConfig) -> str:
        return "_".join(_leaf_id(factor, _get(_dump(one), factor)) for factor in axes)

    spanned = {one: name(one) for one, _ in found}
    variants = []
    for one, baseline_setting in found:
        values_of = {factor: _get(_dump(one), factor) for factor in axes}
        if baseline_setting not in spanned:
            unknown = _dump(baseline_setting)
            factor = next(f for f in compared if all(_get(_dump(o), f) != _get(unknown, f) for o, _ in found))
            allowed = join_short(dict.fromkeys(label(_get(_dump(o), factor)) for o, _ in found))
            raise UserError(f"{place}.baseline.{factor}: found {shorten(fixed[factor])}, allowed: {allowed}")
        variants.append(
            Variant(
                id=spanned[one],
                label=", ".join(label(values_of[factor]) for factor in compared),
                block=", ".join(_spoken(factor, values_of[factor]) for factor in blocked),
                baseline=spanned[baseline_setting],
                factors=values_of,
                config=one,
            )
        )
    return variants, compared, blocked


def _dump(config: RunConfig) -> dict[str, Any]:
    # as written: what was left out stays out, what equals a default stays in
    return config.model_dump(mode="json", exclude_unset=True)


def _get(values: Mapping[str, Any], dotted: str) -> Any:
    node: Any = values
    for key in dotted.split("."):
        # a factor inside a choice that another variant replaced: initialization.weight.std has no value for Xavier
        if not isinstance(node, Mapping) or key not in node:
            return None
        node = node[key]
    return node


def _put(values: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    keys = dotted.split(".")
    changed = deepcopy(values)
    node = changed
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    return changed


def _merge(base: dict[str, Any], override: dict[str, Any], place: str) -> dict[str, Any]:
    """`base` with `override` laid over it; a mapping with a `name` is a choice and replaces the base's whole."""
    merged = deepcopy(base)
    for key, value in override.items():
        _known(key, base, f"{place}.{key}")
        if _goes_deeper(value, base[key]):
            merged[key] = _merge(base[key], value, f"{place}.{key}")
        else:
            merged[key] = value
    return merged


def _goes_deeper(value: Any, under: Any) -> bool:
    """Whether a value of an override is laid over that of the base key by key, instead of taking its place."""
    return isinstance(value, dict) and "name" not in value and isinstance(under, dict)


def _leaves(override: dict[str, Any], base: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for key, value in override.items():
        if _goes_deeper(value, base[key]):
            yield from _leaves(value, base[key], (*prefix, key))
        else:
            yield ".".join((*prefix, key))


def _known(key: str, base: dict[str, Any], place: str) -> None:
    if key not in base:
        raise UserError(f"{place}: not in base, which needs a value for every factor; it has: {join_short(base)}")


def _check_count(place: str, count: int) -> None:
    if count > MOST_VARIANTS:
        raise UserError(f"{place}: found {count:,} variants, allowed: at most {MOST_VARIANTS:,}")


def _axes(
    grid: dict[str, Any], base: dict[str, Any], place: str, prefix: tuple[str, ...]
) -> Iterator[tuple[str, list[Any]]]:
    """The factors of a grid: dotted key and values."""
    for key, node in grid.items():
        here = f"{place}.{key}"
        _known(key, base, here)
        if isinstance(node, list):
            if not node:
                raise UserError(f"{here}: found an empty list, allowed: at least one value")
            yield ".".join((*prefix, key)), node
        elif isinstance(node, dict) and node and isinstance(base[key], dict):
            yield from _axes(node, base[key], here, (*prefix, key))
        else:
            raise UserError(f"{here}: found {shorten(node)}, allowed: a list of values")


def _fixed(
    baseline: dict[str, Any], axes: Mapping[str, Any], place: str, prefix: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    """The factors that the baseline fixes: dotted key and value."""
    for key, node in baseline.items():
        dotted = ".".join((*prefix, str(key)))
        if dotted in axes:
            yield dotted, node
        elif isinstance(node, dict) and node and any(factor.startswith(dotted + ".") for factor in axes):
            yield from _fixed(node, axes, place, (*prefix, str(key)))
        else:
            raise UserError(f"{place}.{dotted}: no factor of the grid, allowed: {join_short(axes)}")


def _leaf_id(factor: str, value: Any) -> str:
    """`weight_decay_0p5`, `dropout_0p2_0p5`, `weight_normal_std_0p01`: a value as part of a file name."""
    return f"{factor.rsplit('.', 1)[-1]}_{_slug(value)}"


def _slug(value: Any) -> str:
    if isinstance(value, Mapping):
        return "_".join(_slug(item) if key == "name" else f"{key}_{_slug(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "_".join(map(_slug, value)) or "none"
    text = label(value).lower().replace("-", "m").replace("+", "").replace(".", "p")
    return re.sub(r"[^a-z0-9]+", "_", text)


def spoken(study: Study, variant: Variant) -> str:
    """What a sentence calls a variant, within its block: `tanh`, `weight decay 3`."""
    if study.named:
        return variant.label
    return ", ".join(_spoken(factor, variant.factors[factor]) for factor in study.compared)


def _spoken(factor: str, value: Any) -> str:
    """`tanh`, but `dropout 0.5` and `validation none`: neither a number nor nothing says what it is of."""
    words = label(value)
    return (
        words
        if isinstance(value, str | Mapping) and words != "none"
        else f"{factor.rsplit('.', 1)[-1].replace('_', ' ')} {words}"
    )


def label(value: Any) -> str:
    """A value of a factor as a user reads it.

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
