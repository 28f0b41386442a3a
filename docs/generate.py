"""`make reference`: the pages of docs/reference/, from the code.

Every parameter from the config classes in pipeline/, every command from ablate/cli.py, every metric from
pipeline/project/metrics.py, every function for notebooks from ablate/frames.py. The pages are committed, and
tests/documentation/test_reference.py fails when one is not current.
"""

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Discriminator, Tag
from pydantic.fields import FieldInfo
from typer.main import get_command

from ablate import cli, frames
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import File

FOLDER = Path(__file__).parent / "reference"


# --- parameters ------------------------------------------------------------------------------------------------------


class UndescribedError(Exception):
    """A field or a block that does not say what it means."""


@dataclass
class Block:
    """A class of configs and where it stands in `params.yaml`."""

    model: type[BaseModel]
    places: list[str] = field(default_factory=list)
    chosen_by: str = ""  # the value that chooses it among others, such as `name: normal`


def parameters(root: type[BaseModel] = File) -> str:
    """The page of all parameters: one section for each class that can stand in the file."""
    blocks: dict[type[BaseModel], Block] = {}
    _collect(root, "", "", blocks)
    sections = [_section(block, blocks) for block in blocks.values()]
    return "\n\n".join([_PARAMETERS.strip(), *sections]) + "\n"


_PARAMETERS = """
# Parameters

Every key of `params.yaml`, by the block that it stands in. `<id>` is an id that you choose, `[]` an entry of a list. A
key without a default must be written out; a key that is not listed here is refused. Numbers are finite.

`make reference` generates this page from the config classes in `pipeline/`.
"""


def _collect(model: type[BaseModel], place: str, chosen_by: str, blocks: dict[type[BaseModel], Block]) -> None:
    block = blocks.setdefault(model, Block(model, chosen_by=chosen_by))
    block.places.append(place)
    for name, hint in _hints(model).items():
        below = f"{place}.{name}" if place else name
        for other, path, tag in _models(hint, below):
            _collect(other, path, tag, blocks)


def _hints(model: type[BaseModel]) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}


def _models(hint: Any, place: str) -> Iterator[tuple[type[BaseModel], str, str]]:
    """The classes of configs that a value of this type may be: class, place, what chooses it."""
    one = Type.of(hint)
    if one.origin is dict:
        yield from _models(one.arguments[1], f"{place}.<id>")
    elif one.origin is tuple:
        yield from _models(one.arguments[0], f"{place}[]")
    elif one.origin is Union:
        for argument in one.arguments:
            for model, path, tag in _models(argument, place):
                yield model, path, tag or _chosen_by(model, one.discriminator) or Type.of(argument).tag
    elif isinstance(one.plain, type) and issubclass(one.plain, BaseModel):
        yield one.plain, place, ""


def _chosen_by(model: type[BaseModel], key: str) -> str:
    """Which value of the discriminating key stands for this class, as it is written in the file."""
    if not key:
        return ""
    return f"{key}: " + ", ".join(get_args(Type.of(_hints(model)[key]).plain))


class Type(NamedTuple):
    """A type hint taken apart: what is inside of `Annotated`, and what is said of it there."""

    plain: Any
    origin: Any
    arguments: tuple[Any, ...]
    limits: dict[str, Any]
    discriminator: str
    tag: str

    @classmethod
    def of(cls, hint: Any) -> "Type":
        """Take it apart."""
        limits: dict[str, Any] = {}
        discriminator, tag = "", ""
        while get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            for note in notes:
                if isinstance(note, Discriminator) and isinstance(note.discriminator, str):
                    discriminator = note.discriminator
                if isinstance(note, Tag):
                    tag = note.tag.replace("_", " ")
                for one in note.metadata if isinstance(note, FieldInfo) else ():
                    limits |= {key: getattr(one, key) for key in _LIMITS if getattr(one, key, None) is not None}
        origin = get_origin(hint)
        return cls(hint, Union if origin is types.UnionType else origin, get_args(hint), limits, discriminator, tag)


_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")


def _section(block: Block, blocks: Mapping[type[BaseModel], Block]) -> str:
    model = block.model
    words = _words_of(model)
    lines = [f"## {_title(block)}", "", words]
    if len(block.places) > 1:
        lines += ["", "Also at " + ", ".join(f"`{place}`" for place in block.places[1:]) + "."]
    lines += ["", "| key | value | default | meaning |", "|---|---|---|---|"]
    for name, hint in _hints(model).items():
        info = model.model_fields[name]
        below = f"{block.places[0]}.{name}" if block.places[0] else name
        value = _value(hint, blocks)
        if not info.is_required() and info.default is None:
            value = value.removesuffix(" or nothing")
        cells = [f"`{below}`", value, "" if info.is_required() else _default(info.default)]
        lines.append("| " + " | ".join(_cell(cell) for cell in [*cells, _described(model, name)]) + " |")
    return "\n".join(lines)


def _title(block: Block) -> str:
    place = f"`{block.places[0]}`" if block.places[0] else "The file"
    return f"{place}: `{block.chosen_by}`" if block.chosen_by else place


def anchor(title: str) -> str:
    """What a heading is linked by, on GitHub as on the site."""
    return re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _words_of(model: type[BaseModel]) -> str:
    if not model.__doc__ or "__doc__" not in vars(model):
        raise UndescribedError(f"{model.__name__} has no docstring")
    return inspect.cleandoc(model.__doc__)


def _described(model: type[BaseModel], name: str) -> str:
    """The docstring beneath the field, in the class or in the one that it has the field from."""
    for owner in model.__mro__:
        if name in inspect.get_annotations(owner):
            if words := attribute_docstrings(owner).get(name):
                return " ".join(words.split())
            if name in ("name", "source", "kind"):  # the discriminator of a choice
                return "Selects this."
            raise UndescribedError(f"{owner.__name__}.{name} has no docstring beneath it")
    raise AssertionError(name)


def attribute_docstrings(model: type) -> dict[str, str]:
    """The strings that stand beneath the annotated names of a class."""
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(found, ast.ClassDef)
    words = {}
    for one, below in pairwise(found.body):
        match one, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                words[name] = said
    return words


def _value(hint: Any, blocks: Mapping[type[BaseModel], Block]) -> str:
    """What may stand there."""
    one = Type.of(hint)
    if one.origin is Literal:
        return ", ".join(f"`{value}`" for value in one.arguments)
    if one.origin is Union:
        return _choice(one, blocks)
    if one.origin is tuple:
        item = _value(one.arguments[0], blocks)
        return f"list{_length(one.limits, 'values')}, each: {item}"
    if one.origin is dict:
        key, value = (_value(each, blocks) for each in one.arguments)
        return "mapping" if one.arguments[1] is Any else f"mapping of {key} to: {value}"
    if isinstance(one.plain, type) and issubclass(one.plain, BaseModel):
        return _link(one.plain, blocks)
    if one.plain is str:
        if one.limits.get("pattern") == r"^[a-z0-9_]+$":
            return f"id (a-z, 0-9, _; at most {one.limits['max_length']})"
        return f"text{_length(one.limits, 'characters')}"
    return _NAMES[one.plain] + _range(one.limits)


_NAMES = {int: "whole number", float: "number", bool: "`true`, `false`", Any: "anything"}


def _choice(one: Type, blocks: Mapping[type[BaseModel], Block]) -> str:
    given = [argument for argument in one.arguments if argument is not type(None)]
    plain = [Type.of(argument).plain for argument in given]
    if one.discriminator:
        return f"by `{one.discriminator}`: " + ", ".join(
            f"[{', '.join(f'`{tag}`' for tag in get_args(Type.of(_hints(model)[one.discriminator]).plain))}]"
            f"(#{anchor(_title(blocks[model]))})"
            for model in plain
        )
    words = " or ".join(_value(argument, blocks) for argument in given)
    return words if len(given) == len(one.arguments) else f"{words} or nothing"


def _link(model: type[BaseModel], blocks: Mapping[type[BaseModel], Block]) -> str:
    return f"[{blocks[model].chosen_by or 'block'}](#{anchor(_title(blocks[model]))})"


def _range(limits: Mapping[str, Any]) -> str:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    said = [f"{word} {_number(limits[key])}" for key, word in words.items() if key in limits]
    between = " " if {"ge", "le"} <= limits.keys() else ", "
    return " " + between.join(said) if said else ""


def _length(limits: Mapping[str, Any], things: str) -> str:
    least, most = limits.get("min_length", 0), limits.get("max_length")
    if most is None:
        return f" of at least {least:,} {things}" if least else ""
    return f" of {least:,} to {most:,} {things}" if least else f" of at most {most:,} {things}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _default(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return ", ".join(f"`{key}: {one}`" for key, one in value.model_dump().items())
    return f"`{value!r}`" if not isinstance(value, str) else f'`"{value}"`' if not value else f"`{value}`"


# --- metrics ---------------------------------------------------------------------------------------------------------

_METRICS = """
# Metrics

The metrics of every run, in the order of the columns in `reports/results/`. A metric with a better direction has
verdicts and can be the `metric` of a study; the others have effects only. On the log scale an estimate is a geometric
mean and an effect a ratio; on the linear scale a mean and a difference ([Statistics](../statistics.md) explains why).
"Only of" names what a study must have for the metric to be measured.

`make reference` generates this page from `pipeline/project/metrics.py`.
"""


def metrics() -> str:
    """The page of all metrics."""
    lines = [_METRICS.strip(), "", "| name | what | on | better | scale | only of |", "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_metric, METRICS.values())]) + "\n"


def _metric(one: Metric) -> str:
    what = one.label + (f", {one.unit}" if one.unit else "")
    split = "" if one.split == "none" else one.split
    return f"| `{one.name}` | {what} | {split} | {one.better or ''} | {one.scale} | {', '.join(sorted(one.needs))} |"


# --- commands --------------------------------------------------------------------------------------------------------

_COMMANDS = """
# Commands

`ablate --help` and `ablate COMMAND --help` say the same in a terminal. Every command works on the project in the
current folder. Exit status 0: done; 1: `compare --fail-on` or `verify` found what it looks for; 2: mistakes, one line
each.

`make reference` generates this page from `ablate/cli.py`.
"""


def commands() -> str:
    """The page of all commands of `ablate`."""
    group: Any = get_command(cli.app)
    sections = [_command(name, one) for name, one in group.commands.items()]
    return "\n\n".join([_COMMANDS.strip(), *sections]) + "\n"


def _command(name: str, one: Any) -> str:
    words, _, examples = inspect.cleandoc(one.help).partition("\n\nExamples:\n")
    if not examples:
        raise UndescribedError(f"ablate {name} has no example")
    lines = [f"## `ablate {name}`", "", words, "", "```sh", inspect.cleandoc(examples), "```", ""]
    lines += ["| argument or option | meaning | default |", "|---|---|---|", *map(_parameter, one.params)]
    return "\n".join(lines)


def _parameter(one: Any) -> str:
    if not one.help:
        raise UndescribedError(f"{one.name} has no help")
    shown = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    if one.param_type_name == "argument":
        shown = f"`{(one.metavar or one.name.upper()).strip('[]')}`"
    words = one.help
    kind = one.type_descriptor.annotation
    (kind,) = get_args(kind) or (kind,)
    if issubclass(kind, Enum):
        words += " One of " + ", ".join(f"`{choice.value}`" for choice in kind) + "."
    default = "" if one.default is None or one.default is False or one.default == [] else f"`{one.default}`"
    return f"| {shown} | {_cell(words)} | {default} |"


# --- functions for notebooks ------------------------------------------------------------------------------------------

_PYTHON = """
# Python

The results of the project in the current folder as [pandas](https://pandas.pydata.org) frames, for notebooks and
scripts in the environment of the project. [An example notebook](../how-to/notebook.ipynb) shows them with their output.
Verdicts follow the same rules as those of the page ([Statistics](../statistics.md)).

`make reference` generates this page from `ablate/frames.py`.
"""
_PART = re.compile(r"^(Args|Returns|Raises|Examples):$", flags=re.MULTILINE)


def python(module: types.ModuleType = frames) -> str:
    """The page of the functions of a module: all public ones that it defines."""
    functions = [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    return "\n\n".join([_PYTHON.strip(), *map(_function, functions)]) + "\n"


def _function(function: types.FunctionType) -> str:
    name = function.__name__
    words, *rest = _PART.split(inspect.getdoc(function) or "")
    parts = {title: textwrap.dedent(text).strip("\n") for title, text in zip(rest[::2], rest[1::2], strict=True)}
    described = _entries(parts.get("Args", ""))
    parameters = inspect.signature(function).parameters
    if missing := [each for each in ("Returns", "Examples") if each not in parts] + sorted(
        parameters - described.keys()
    ):
        raise UndescribedError(f"{function.__module__}.{name} does not describe {', '.join(missing)}")
    lines = [f"## `{name}`", "", "```text", _call(name, parameters), "```", "", words.strip()]
    if parameters:
        lines += ["", "| argument | type | meaning |", "|---|---|---|"]
        lines += [
            "| " + " | ".join(map(_cell, (f"`{key}`", _type(one.annotation), described[key]))) + " |"
            for key, one in parameters.items()
        ]
    lines += ["", f"**Returns:** {_flow(parts['Returns'])}"]
    lines += [
        line
        for error, when in _entries(parts.get("Raises", "")).items()
        for line in ("", f"**Raises** `{error}`: {when}")
    ]
    lines += ["", "```python", f"from {function.__module__} import {name}", "", parts["Examples"], "```"]
    return "\n".join(lines)


def _entries(text: str) -> dict[str, str]:
    """The entries `name: text` of a part of a docstring; further lines of an entry are indented."""
    entries = re.split(r"^(\w+): ", text, flags=re.MULTILINE)[1:]
    return {name: _flow(words) for name, words in zip(entries[::2], entries[1::2], strict=True)}


def _flow(text: str) -> str:
    return " ".join(text.split())


def _call(name: str, parameters: Mapping[str, inspect.Parameter]) -> str:
    """The function as it is called, without types."""
    shown = [inspect.Parameter(one.name, one.kind, default=one.default) for one in parameters.values()]
    return f"{name}{inspect.Signature(shown)}"


def _type(annotation: Any) -> str:
    return " or ".join(
        f"`{'None' if one is type(None) else one.__name__}`" for one in get_args(annotation) or [annotation]
    )


# --- all of them -----------------------------------------------------------------------------------------------------

PAGES: Mapping[str, Callable[[], str]] = {
    "parameters.md": parameters,
    "commands.md": commands,
    "metrics.md": metrics,
    "python.md": python,
}


def main(arguments: Sequence[str]) -> int:
    """Write all pages; with `--check` write none, and name those that are not current."""
    stale = []
    for name, page in PAGES.items():
        path = FOLDER / name
        if not path.is_file() or path.read_text(encoding="utf-8") != page():
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(page(), encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"not current: {', '.join(stale)}; run `make reference`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
