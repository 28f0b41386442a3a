"""The pages that are made from the code: current, whole, and true of every kind of type that configs use."""

import inspect
import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Discriminator, Field
from typer.main import get_command

from ablate import cli
from docs import generate
from pipeline.core.config import Config
from pipeline.project.metrics import METRICS


@pytest.mark.parametrize("name", generate.PAGES)
def test_the_committed_page_is_what_the_code_says(name):
    assert (generate.FOLDER / name).read_text() == generate.PAGES[name](), "run `make reference`"


def test_a_page_that_is_not_current_is_named_and_then_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "metrics.md" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "metrics.md").write_text("# Metrics\n")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out == "not current: metrics.md; run `make reference`\n"


def test_there_is_no_other_page():
    assert {path.name for path in generate.FOLDER.iterdir()} == set(generate.PAGES)


def leaves(config: type[Config]) -> set[type[Config]]:
    """The config classes that stand in a file: those without subclasses."""
    below = config.__subclasses__()
    return {leaf for subclass in below for leaf in leaves(subclass)} if below else {config}


def test_every_config_class_is_on_the_page():
    page = generate.parameters()
    configs = {config for config in leaves(Config) if config.__module__.startswith("pipeline.")}
    assert len(configs) > 30
    for config in configs:
        assert inspect.cleandoc(config.__doc__) in page, config
        for field in config.model_fields:
            assert re.search(rf"[.`]{field}`", page), (config, field)


def test_every_link_within_the_page_leads_to_a_heading():
    page = generate.parameters()
    headings = [generate.anchor(line.removeprefix("## ")) for line in page.splitlines() if line.startswith("## ")]
    assert len(set(headings)) == len(headings)
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert len(links) > 20
    assert links <= set(headings)


def test_every_command_option_and_metric_is_on_its_page():
    page = generate.commands()
    for name, command in get_command(cli.app).commands.items():
        assert f"## `ablate {name}`" in page
        for option in (one for parameter in command.params for one in parameter.opts if one.startswith("-")):
            assert f"`{option}`" in page
    assert all(f"| `{name}` |" in generate.metrics() for name in METRICS)


class Fixed(BaseModel):
    """Always the same."""

    name: Literal["fixed"]
    """Selects it."""
    rate: Annotated[float, Field(gt=0, lt=1)]
    """A share."""


class Stepped(BaseModel):
    """Changes at steps."""

    name: Literal["stepped", "staged"]
    """Selects it."""
    at: Annotated[tuple[Annotated[int, Field(ge=1, le=2000)], ...], Field(min_length=1, max_length=9)]
    """Epochs of a step | a stage."""


class Sample(BaseModel):
    """One of everything."""

    rates: Annotated[Fixed | Stepped, Discriminator("name")]
    """How it changes."""
    many: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=60)], Fixed] = {}
    """Some more."""
    words: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    """Text."""
    start: Fixed = Fixed(name="fixed", rate=0.5)
    """What it begins with."""
    maybe: bool | None = None
    """Or not."""
    free: dict[str, Any] | str
    """Anything."""


def test_each_kind_of_type_is_written_out():
    page = generate.parameters(Sample)
    for line in (
        "| `rates` | by `name`: [`fixed`](#rates-name-fixed), "
        "[`stepped`, `staged`](#rates-name-stepped-staged) |  | How it changes. |",
        "| `many` | mapping of id (a-z, 0-9, _; at most 60) to: [name: fixed](#rates-name-fixed) | `{}` | Some more. |",
        "| `words` | text of 1 to 5 characters | `a` | Text. |",
        "| `start` | [name: fixed](#rates-name-fixed) | `name: fixed`, `rate: 0.5` | What it begins with. |",
        "| `maybe` | `true`, `false` | none | Or not. |",
        "| `free` | mapping or text |  | Anything. |",
        "## `rates`: `name: fixed`",
        "Also at `many.<id>`, `start`.",
        "| `rates.rate` | number above 0, below 1 |  | A share. |",
        "| `rates.at` | list of 1 to 9 values, each: whole number from 1 to 2,000 |  | Epochs of a step \\| a stage. |",
    ):
        assert line in page.splitlines(), page


def test_a_field_without_a_description_is_an_error():
    class Silent(BaseModel):
        """Says what it is, but not of what."""

        said: int
        """Something."""
        unsaid: int

    with pytest.raises(generate.UndescribedError, match=r"Silent\.unsaid"):
        generate.parameters(Silent)


def test_a_class_without_a_description_is_an_error():
    class Silent(BaseModel):
        said: int
        """Something."""

    with pytest.raises(generate.UndescribedError, match="Silent has no docstring"):
        generate.parameters(Silent)
