"""params.yaml -> typed, checked settings; a study -> its variants.

Everything a result depends on stands in `params.yaml`, and this module is the only one that reads it. A mistake is
reported with its dotted key, what was found and what is allowed (`UserError`), before anything is computed.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.errors import UserError
from pipeline.metrics import Task, measured
from pipeline.seeding import Seed

PATH = Path("params.yaml")


class Settings(BaseModel):
    """What every block of `params.yaml` is: strict about types, closed to unknown keys, unchangeable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Name the allowed keys, which pydantic's own message does not."""
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    allowed = ", ".join(cls.model_fields)
                    raise PydanticCustomError("unknown_key", "one of {allowed}", {"key": key, "allowed": allowed})
        return value


def _list(item: Any) -> Any:
    """A YAML list as a tuple; its items stay strict."""
    return Annotated[tuple[item, ...], Field(strict=False)]


Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


# --- data sets -------------------------------------------------------------------------------------------------------


class Images(Settings):
    """Real images with a fixed test set: scikit-learn's digits or a member of torchvision's IDX family."""

    source: Literal["digits", "fashion_mnist", "mnist", "kmnist"]
    scale: Literal["unit", "symmetric"]

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def features(self) -> int:
        return 64 if self.source == "digits" else 784


class Polynomial(Settings):
    """y = sum_i w_i x^i / i! + noise, for x ~ N(0, 1); drawn anew for every seed."""

    source: Literal["polynomial"]
    features: Annotated[int, Field(ge=1, le=100)]
    weights: _list(float)  # type: ignore[valid-type]  # of the powers 0, 1, ...; the rest are 0
    noise_sd: NonNegative
    train_examples: Count
    test_examples: Count

    @property
    def task(self) -> Task:
        return "regression"

    @model_validator(mode="after")
    def _weights_fit(self) -> "Polynomial":
        if len(self.weights) > self.features:
            allowed = f"at most as many weights as features ({self.features})"
            raise PydanticCustomError("weights", "{allowed}", {"key": "weights", "allowed": allowed})
        return self


class Linear(Settings):
    """y = b + sum_j w x_j + noise, for x ~ N(0, I) and one w for all inputs; drawn anew for every seed."""

    source: Literal["linear"]
    inputs: Count
    weight: float
    bias: float
    noise_sd: NonNegative
    train_examples: Count
    test_examples: Count

    @property
    def task(self) -> Task:
        return "regression"

    @property
    def features(self) -> int:
        return self.inputs


DatasetSettings = Annotated[Images | Polynomial | Linear, Discriminator("source")]


# --- one complete setting --------------------------------------------------------------------------------------------


class Zeros(Settings):
    """All 0."""

    name: Literal["zeros"]


class Constant(Settings):
    """All `value`: an equal start, whose symmetry nothing but dropout breaks."""

    name: Literal["constant"]
    value: float


class Normal(Settings):
    """N(0, std^2)."""

    name: Literal["normal"]
    std: NonNegative


class Uniform(Settings):
    """Uniform within `bound`."""

    name: Literal["uniform"]
    bound: NonNegative


class XavierUniform(Settings):
    """Uniform within gain * sqrt(6 / (fan_in + fan_out))."""

    name: Literal["xavier_uniform"]
    gain: Positive = 1.0


class XavierNormal(Settings):
    """N(0, gain^2 * 2 / (fan_in + fan_out))."""

    name: Literal["xavier_normal"]
    gain: Positive = 1.0


class KaimingUniform(Settings):
    """Uniform within sqrt(6 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_uniform"]


class KaimingNormal(Settings):
    """N(0, 2 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_normal"]


class TorchLinear(Settings):
    """What `torch.nn.Linear` starts with: uniform within 1 / sqrt(fan_in), weight and bias alike."""

    name: Literal["torch_linear"]


WeightInitializer = Annotated[
    Zeros | Constant | Normal | Uniform | XavierUniform | XavierNormal | KaimingUniform | KaimingNormal | TorchLinear,
    Discriminator("name"),
]
BiasInitializer = Annotated[Zeros | Constant | Normal | Uniform | TorchLinear, Discriminator("name")]


class Initialization(Settings):
    """What weights and biases start with. Without `model.bias` there is no bias to start."""

    weight: WeightInitializer
    bias: BiasInitializer


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list | tuple) else "one"


def _all_or_number(value: Any) -> str:
    return "all" if isinstance(value, str) else "number"


class Model(Settings):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: Annotated[
        Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")], Discriminator(_all_or_number)
    ]
    hidden: _list(Count)  # type: ignore[valid-type]
    activation: Literal["relu", "sigmoid", "tanh", "identity"]
    bias: bool
    dropout: Annotated[
        Annotated[Rate, Tag("one")] | Annotated[_list(Rate), Tag("many")],  # type: ignore[valid-type]
        Discriminator(_one_or_many),
    ]
    initialization: Initialization

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """One rate a hidden layer; a single number in `params.yaml` stands for all of them."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * len(self.hidden)

    @model_validator(mode="after")
    def _rates_fit(self) -> "Model":
        if len(self.dropout_rates) != len(self.hidden):
            allowed = f"one number, or a list with one rate for each of the {len(self.hidden)} hidden layers"
            raise PydanticCustomError("dropout", "{allowed}", {"key": "dropout", "allowed": allowed})
        return self


class SGD(Settings):
    """Stochastic gradient descent, as `torch.optim.SGD` has it."""

    name: Literal["sgd"]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative  # of the weights; never of the bias


class Schedule(Settings):
    """How long and in which batches; the last batch of an epoch may be short."""

    epochs: Count
    batch_size: Count
    evaluations: Annotated[int, Field(ge=1, le=100)]  # passes over training and test set, spread over the epochs


class Setting(Settings):
    """One complete setting of model and training, every field written out."""

    implementation: Literal["scratch", "concise"]
    model: Model
    loss: Literal["cross_entropy", "squared_error", "half_squared_error"]
    optimizer: SGD
    schedule: Schedule


# --- studies ---------------------------------------------------------------------------------------------------------


class StudySettings(Settings):
    """A study as written; `Study` is what it comes to."""

    question: str
    dataset: str
    metric: str
    base: dict[str, Any]
    grid: dict[str, Any] | None = None
    variants: dict[Id, dict[str, Any] | None] | None = None
    baseline: dict[str, Any] | str


class SeedSettings(Settings):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=100_000)]


class _File(Settings):
    seeds: SeedSettings
    device: Literal["cpu"]
    datasets: dict[Id, DatasetSettings]
    studies: dict[Id, StudySettings]


@dataclass(frozen=True)
class Variant:
    """One complete setting of a study.

    `factors` holds what the study varies, dotted key to value; `label` says the compared factors, `block` those that
    the baseline leaves free: a variant is compared with the `baseline` variant of its own block.
    """

    id: str
    label: str
    block: str
    baseline: str
    factors: Mapping[str, Any]
    setting: Setting

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
    task: Task
    metric: str
    compared: tuple[str, ...]  # dotted keys of the factors that tell a variant from its baseline
    blocked: tuple[str, ...]  # dotted keys of the factors within which variants are compared
    variants: tuple[Variant, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        """Dotted keys of all factors, compared ones first."""
        return self.compared + self.blocked

    @property
    def named(self) -> bool:
        """Whether a person named the variants (`variants:`) instead of spanning a grid."""
        return all(variant.label == variant.id for variant in self.variants)

    def variant(self, id: str) -> Variant:
        return next(variant for variant in self.variants if variant.id == id)


@dataclass(frozen=True)
class Params:
    """The whole of `params.yaml`, checked."""

    seeds: tuple[Seed, ...]
    device: str
    datasets: Mapping[str, Images | Polynomial | Linear]
    studies: Mapping[str, Study]


def load(*, path: Path = PATH, dataset: str | None = None, study: str | None = None) -> Params:
    """Read and check `params.yaml`.

    Args:
        path: The file.
        dataset: If given, this data set alone is checked and returned, and no study.
        study: If given, this study and its data set alone are checked and returned.

    Raises:
        UserError: If anything is wrong; one line a problem.
    """
    raw = _read(path)
    if not isinstance(raw, dict):
        raise UserError(f"{path}: found {_brief(raw)}, allowed: the keys {', '.join(_File.model_fields)}")
    if study is not None:
        found = _entry(raw, path, "studies", study)
        raw = {**raw, "studies": {study: found}}
        own = found.get("dataset") if isinstance(found, dict) else None
        if isinstance(own, str) and isinstance(raw.get("datasets"), dict) and own in raw["datasets"]:
            raw["datasets"] = {own: raw["datasets"][own]}
    elif dataset is not None:
        raw = {**raw, "studies": {}, "datasets": {dataset: _entry(raw, path, "datasets", dataset)}}
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(keys)}: found {found}, allowed: {allowed}"
            for keys, found, allowed in _problems(error, raw)
        ]
        raise UserError("\n".join(lines)) from None
    studies = {key: _study(key, value, file, path) for key, value in file.studies.items()}
    seeds = tuple(Seed(file.seeds.root, index) for index in range(file.seeds.count))
    return Params(seeds=seeds, device=file.device, datasets=file.datasets, studies=studies)


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if getattr(event, "anchor", None):
                # DVC changes the wrong value when `-S` meets an anchor, and says nothing.
                line = event.start_mark.line + 1
                raise UserError(
                    f"{path}: line {line}: found the anchor or alias '{event.anchor}', "
                    "allowed: none (`dvc exp run -S` mishandles them)"
                )
        # YAML 1.2, as DVC reads and writes it: 1e-05 is a number.
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"{path}: {where}{' '.join(problem.split())}") from None


def _entry(raw: dict[str, Any], path: Path, section: str, key: str) -> Any:
    entries = raw.get(section)
    if not isinstance(entries, dict) or key not in entries:
        allowed = ", ".join(map(str, entries)) if isinstance(entries, dict) else "a mapping"
        raise UserError(f"{path}: {section}.{key}: not found, allowed: {allowed}")
    return entries[key]


def _problems(error: ValidationError, raw: Any) -> Iterator[tuple[list[str], Any, str]]:
    """What pydantic found wrong in `raw`: the keys that lead there, what was found and what is allowed."""
    for item in error.errors():
        node: Any = raw
        keys: list[str] = []
        for key in item["loc"]:
            # pydantic adds the tag of a union to the place; only what the file really holds is a key of the file
            inside = key in node if isinstance(node, dict) else isinstance(node, list) and isinstance(key, int)
            if inside:
                node = node[key]
                keys.append(str(key))
        context, kind = item.get("ctx", {}), item["type"]
        allowed = item["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        if kind == "missing":
            yield [*keys, str(item["loc"][-1])], "nothing", "every field written out"
        elif "key" in context:
            found = node.get(context["key"]) if isinstance(node, dict) else node
            yield [*keys, str(context["key"])], "an unknown key" if kind == "unknown_key" else _brief(found), allowed
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            tag = str(context["discriminator"]).strip("'")
            found = _brief(node.get(tag)) if isinstance(node, dict) else _brief(node)
            yield [*keys, tag], found, str(context.get("expected_tags", f"a mapping with the key {tag}"))
        elif item["loc"][-1:] == ("[key]",):
            yield keys, f"the id {_brief(item['input'])}", "a-z, 0-9 and _"
        else:
            yield keys, _brief(node), allowed


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."


# --- from a study as written to its variants -------------------------------------------------------------------------

_Data = Images | Polynomial | Linear
_Expanded = tuple[list[Variant], tuple[str, ...], tuple[str, ...]]


def _study(key: str, written: StudySettings, file: _File, path: Path) -> Study:
    place = f"{path}: studies.{key}"
    if written.dataset not in file.datasets:
        raise UserError(f"{place}.dataset: found {written.dataset!r}, allowed: {', '.join(file.datasets)}")
    data = file.datasets[written.dataset]
    judged = [metric.name for metric in measured(data.task) if metric.better]
    if written.metric not in judged:
        raise UserError(f"{place}.metric: found {written.metric!r}, allowed: {', '.join(judged)}")
    if (written.grid is None) == (written.variants is None):
        raise UserError(f"{place}: found {'neither' if written.grid is None else 'both'}, allowed: grid or variants")

    _setting(written.base, {}, f"{place}.base", data)
    expand = _from_names if written.grid is None else _from_grid
    variants, compared, blocked = expand(written, place, data)
    for one, other in itertools.combinations(variants, 2):
        if one.id == other.id or one.setting == other.setting:
            raise UserError(f"{place}: found the same setting twice ({one.id}, {other.id}), allowed: once")
    return Study(
        id=key,
        question=" ".join(written.question.split()),
        dataset=written.dataset,
        task=data.task,
        metric=written.metric,
        compared=compared,
        blocked=blocked,
        variants=tuple(variants),
    )


def _setting(values: dict[str, Any], overridden: Mapping[str, str], place: str, data: _Data) -> Setting:
    """The typed setting.

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
            found = _brief(_get(values, leaf))
        return f"{there}: found {found}, allowed: {allowed}"

    try:
        setting = Setting.model_validate(values)
    except ValidationError as error:
        raise UserError("\n".join(refuse(*problem) for problem in _problems(error, values))) from None
    if (setting.loss == "cross_entropy") != (data.task == "classification"):
        allowed = "cross_entropy" if data.task == "classification" else "squared_error, half_squared_error"
        raise UserError(refuse(["loss"], repr(setting.loss), f"{allowed} (the data set's task is {data.task})"))
    features = setting.model.features
    if features != "all" and features > data.features:
        raise UserError(refuse(["model", "features"], str(features), f"all, or at most the data set's {data.features}"))
    return setting


def _from_names(written: StudySettings, place: str, data: _Data) -> _Expanded:
    named = {key: override or {} for key, override in (written.variants or {}).items()}
    if not named:
        raise UserError(f"{place}.variants: found none, allowed: at least one variant")
    if not isinstance(written.baseline, str) or written.baseline not in named:
        raise UserError(f"{place}.baseline: found {_brief(written.baseline)}, allowed: {', '.join(named)}")
    settings = {}
    for key, override in named.items():
        here = f"{place}.variants.{key}"
        values = _merge(written.base, override, here)
        settings[key] = _setting(values, {leaf: f"{here}.{leaf}" for leaf in _leaves(override)}, f"{place}.base", data)
    factors = tuple(dict.fromkeys(leaf for override in named.values() for leaf in _leaves(override)))
    variants = [
        Variant(
            id=key,
            label=key,
            block="",
            baseline=written.baseline,
            factors={factor: _get(_dump(setting), factor) for factor in factors},
            setting=setting,
        )
        for key, setting in settings.items()
    ]
    return variants, factors, ()


def _from_grid(written: StudySettings, place: str, data: _Data) -> _Expanded:
    axes = dict(_axes(written.grid or {}, written.base, f"{place}.grid", ()))
    if not axes:
        raise UserError(f"{place}.grid: found nothing, allowed: at least one factor with a list of values")
    if not isinstance(written.baseline, dict):
        raise UserError(f"{place}.baseline: found {_brief(written.baseline)}, allowed: a mapping, nested like the grid")
    fixed = dict(_fixed(written.baseline, axes, f"{place}.baseline", ()))
    if not fixed:
        raise UserError(f"{place}.baseline: found nothing, allowed: a value for one of {', '.join(axes)}")
    compared = tuple(factor for factor in axes if factor in fixed)
    blocked = tuple(factor for factor in axes if factor not in fixed)

    def setting(values: tuple[Any, ...], section: str) -> Setting:
        raw = written.base
        for factor, value in zip(axes, values, strict=True):
            raw = _put(raw, factor, value)
        return _setting(raw, {factor: f"{place}.{section}.{factor}" for factor in axes}, f"{place}.base", data)

    # a block's variants share the free factors; its baseline has the fixed values beside them
    found: list[tuple[Setting, Setting]] = []
    for values in itertools.product(*axes.values()):
        baseline = tuple(fixed.get(factor, value) for factor, value in zip(axes, values, strict=True))
        found.append((setting(values, "grid"), setting(baseline, "baseline")))

    def name(one: Setting) -> str:
        return "_".join(_leaf_id(factor, _get(_dump(one), factor)) for factor in axes)

    spanned = {name(one) for one, _ in found}
    variants = []
    for one, baseline_setting in found:
        values_of = {factor: _get(_dump(one), factor) for factor in axes}
        if name(baseline_setting) not in spanned:
            unknown = _dump(baseline_setting)
            factor = next(f for f in compared if all(_get(_dump(o), f) != _get(unknown, f) for o, _ in found))
            allowed = ", ".join(dict.fromkeys(_label(_get(_dump(o), factor)) for o, _ in found))
            raise UserError(f"{place}.baseline.{factor}: found {_brief(fixed[factor])}, allowed: {allowed}")
        variants.append(
            Variant(
                id=name(one),
                label=", ".join(_label(values_of[factor]) for factor in compared),
                block=", ".join(_label(values_of[factor]) for factor in blocked),
                baseline=name(baseline_setting),
                factors=values_of,
                setting=one,
            )
        )
    return variants, compared, blocked


def _dump(setting: Setting) -> dict[str, Any]:
    return setting.model_dump(mode="json", exclude_defaults=True)


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
        if isinstance(value, dict) and "name" not in value and isinstance(base[key], dict):
            merged[key] = _merge(base[key], value, f"{place}.{key}")
        else:
            merged[key] = value
    return merged


def _leaves(override: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for key, value in override.items():
        if isinstance(value, dict) and "name" not in value:
            yield from _leaves(value, (*prefix, key))
        else:
            yield ".".join((*prefix, key))


def _known(key: str, base: dict[str, Any], place: str) -> None:
    if key not in base:
        raise UserError(f"{place}: not in base, allowed: {', '.join(map(str, base))}")


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
        elif isinstance(node, dict) and isinstance(base[key], dict):
            yield from _axes(node, base[key], here, (*prefix, key))
        else:
            raise UserError(f"{here}: found {_brief(node)}, allowed: a list of values")


def _fixed(
    baseline: dict[str, Any], axes: Mapping[str, Any], place: str, prefix: tuple[str, ...]
) -> Iterator[tuple[str, Any]]:
    """The factors that the baseline fixes: dotted key and value."""
    for key, node in baseline.items():
        dotted = ".".join((*prefix, str(key)))
        if dotted in axes:
            yield dotted, node
        elif isinstance(node, dict) and any(factor.startswith(dotted + ".") for factor in axes):
            yield from _fixed(node, axes, place, (*prefix, str(key)))
        else:
            raise UserError(f"{place}.{dotted}: no factor of the grid, allowed: {', '.join(axes)}")


def _leaf_id(factor: str, value: Any) -> str:
    """`weight_decay_0p5`, `dropout_0p2_0p5`, `weight_normal_std_0p01`: a value as part of a file name."""
    return f"{factor.rsplit('.', 1)[-1]}_{_slug(value)}"


def _slug(value: Any) -> str:
    if isinstance(value, Mapping):
        return "_".join(
            _slug(item) if key == "name" else f"{key}_{_slug(item)}" for key, item in value.items() if item is not None
        )
    if isinstance(value, list | tuple):
        return "_".join(map(_slug, value)) or "none"
    text = _label(value).lower().replace("-", "m").replace("+", "").replace(".", "p")
    return re.sub(r"[^a-z0-9]+", "_", text)


def _label(value: Any) -> str:
    """A value as a person reads it: 0.5, [0.2, 0.5], normal(std=0.01)."""
    if isinstance(value, Mapping):
        rest = ", ".join(f"{key}={_label(item)}" for key, item in value.items() if key != "name")
        name = cast(str, value.get("name", ""))
        return f"{name}({rest})" if rest else name
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_label, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)
