"""The config of a variant from its layers: the `base` of the file, the `base` of its study, its own differences.

Each layer is laid over those before it. A key that the base does not have is an error, so no variant can differ from
its baseline in anything that it does not declare.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline.core.config import problems
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.nested import value_at
from pipeline.data.base import Facts
from pipeline.training.config import RunConfig
from pipeline.training.kernels.arguments import REGRESSION_LOSSES

# what a user who sweeps over a choice with other options has to add to the command
_IN_A_SWEEP = {"nothing": "`-S '+{}=VALUE'` adds it", "an unknown key": "`-S '~{}'` removes it"}


class Layer(NamedTuple):
    """A part of a config, and where it stands: file and dotted key."""

    where: str
    values: Mapping[str, Any]


def is_choice(value: Any) -> bool:
    """Return whether a value is a choice with its options, such as `{name: normal, std: 0.01}`."""
    return isinstance(value, Mapping) and "name" in value


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """Lay each layer over those before it, key by key; a choice replaces all of the choice below it.

    Raises:
        UserError: If the first layer, which is complete, does not have a key.
    """
    first, *others = layers
    merged = dict(first.values)
    for layer in others:
        merged = _overlay(merged, layer.values, layer.where)
    return merged


def resolve(layers: Sequence[Layer], data: Facts) -> RunConfig:
    """Return the complete config of a variant, checked against the data set.

    Raises:
        UserError: If it is wrong; one line per mistake, with the place of the layer that has the wrong value.
    """
    values = merge(layers)
    try:
        config = RunConfig.model_validate(values)
    except ValidationError as error:
        mistakes = list(problems(error, values))
    else:
        mistakes = [
            (dotted.split("."), shorten(value_at(values, dotted)), allowed)
            for dotted, allowed in _misfits(config, data)
        ]
        if not mistakes:
            return config
    raise UserError("\n".join(_line(layers, *mistake) for mistake in mistakes))


def _overlay(base: Mapping[str, Any], override: Mapping[str, Any], where: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        if key not in base:
            raise UserError(f"{where}.{key}: not in the base, which has a value for every key: {join_short(base)}")
        nested = isinstance(value, Mapping) and isinstance(base[key], Mapping) and not is_choice(value)
        merged[key] = _overlay(base[key], value, f"{where}.{key}") if nested else value
    return merged


def _line(layers: Sequence[Layer], keys: Sequence[str], found: str, allowed: str) -> str:
    layer = next(layer for layer in reversed(layers) if _decides(layer.values, keys))
    place = f"{layer.where}.{'.'.join(keys)}"
    hint = _IN_A_SWEEP.get(found, "").format(place.partition(": ")[2])
    return f"{place}: found {found}, allowed: {allowed}{f' (in a sweep, {hint})' if hint else ''}"


def _decides(layer: Any, keys: Sequence[str]) -> bool:
    """Return whether a layer has these keys, or a choice or list in their place."""
    for depth, key in enumerate(keys):
        if not isinstance(layer, Mapping) or key not in layer:
            return depth > 0 and (not isinstance(layer, Mapping) or is_choice(layer))
        layer = layer[key]
    return True


def _misfits(config: RunConfig, data: Facts) -> Iterator[tuple[str, str]]:
    """Yield the dotted keys of a config that do not fit its data set, and what is allowed there."""
    classes = data.task == "classification"
    if (config.loss == "cross_entropy") != classes:
        losses = "cross_entropy" if classes else ", ".join(REGRESSION_LOSSES)
        yield "loss", f"{losses} (the data set's task is {data.task})"
    if config.model.features != "all" and config.model.features > data.features:
        yield "model.features", f"all, or at most the data set's {data.features}"
    used = data.train_examples if config.data.examples == "all" else config.data.examples
    if used > data.train_examples:
        yield "data.examples", f"all, or at most the data set's {data.train_examples}"
    folds = (0, 1) if config.data.validation.folds else (0,)
    sizes = [config.sizes(fold, data.train_examples) for fold in folds]
    both_sides = f"that leaves examples on both sides (there are {used})"
    if any(min(size.trained, size.validation) < 1 for size in sizes[1:]):
        yield "data.validation", f"a split {both_sides}"
    stops = config.training.early_stopping.name != "none"
    if stops and any(min(size.trained, size.stopping) < 1 for size in sizes):
        yield "training.early_stopping", f"a fraction {both_sides}"
    if config.label_smoothing and not classes:
        yield "label_smoothing", f"0 (the data set's task is {data.task})"
    if config.data.importance_weights.name != "none" and not data.shifts:
        yield "data.importance_weights", "none (the data set does not shift)"
