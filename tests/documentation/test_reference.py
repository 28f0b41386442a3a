"""The pages that are made from the code: current and whole."""

import inspect
import re
import types

import pytest
from pydantic import BaseModel
from typer.main import get_command

from ablate import cli, frames
from docs import generate
from pipeline.core.config import Config
from pipeline.project.metrics import METRICS


def test_the_committed_pages_are_what_the_code_says():
    committed = {path.name: path.read_text() for path in generate.FOLDER.iterdir()}
    assert committed == {name: page() for name, page in generate.PAGES.items()}, "run `make reference`"


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


def leaves(config: type[Config]) -> set[type[Config]]:
    """Return the config classes without subclasses."""
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


def test_every_command_option_and_metric_is_on_its_page():
    page = generate.commands()
    for name, command in get_command(cli.app).commands.items():
        assert f"## `ablate {name}`" in page
        for option in (one for parameter in command.params for one in parameter.opts if one.startswith("-")):
            assert f"`{option}`" in page
    assert all(f"| `{name}` |" in generate.metrics() for name in METRICS)


def test_every_function_for_notebooks_is_on_its_page_with_its_arguments():
    page = generate.python()
    sections = {part.split("`")[0]: part for part in page.split("## `")[1:]}
    assert list(sections) == ["runs", "curves", "judged", "claims", "power"]
    for name, section in sections.items():
        for argument in inspect.signature(getattr(frames, name)).parameters:
            assert f"| `{argument}` |" in section
        assert f"import {name}\n" in section


def test_a_function_that_does_not_describe_an_argument_is_an_error():
    module = types.ModuleType("own")
    source = '''def plot(study):
    """Plot it.

    Returns:
        A figure.
    """'''
    exec(source, vars(module))  # noqa: S102
    with pytest.raises(generate.UndescribedError, match=r"own\.plot does not describe Examples, study"):
        generate.python(module)


def test_a_class_or_a_field_without_a_description_is_an_error():
    class Field(BaseModel):
        """A class with a docstring."""

        said: int
        """Something."""
        unsaid: int

    class Silent(BaseModel):
        said: int
        """Something."""

    for model, words in ((Field, r"Field\.unsaid"), (Silent, "Silent has no docstring")):
        with pytest.raises(generate.UndescribedError, match=words):
            generate.parameters(model)
