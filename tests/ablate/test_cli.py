import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from revisions_of import results, revision
from trained import fill
from typer.main import get_command
from typer.testing import CliRunner

from ablate import cli, revisions
from pipeline.core.errors import UserError

VALUES = np.linspace(0.8, 0.9, 8)


def test_check_prints_a_report_or_resolved_configs(params_file, in_folder):
    params_file()
    assert "activation: 4 variants, 3 seeds, 12 runs" in CliRunner().invoke(cli.app, ["check"]).output
    shown = CliRunner().invoke(cli.app, ["check", "weight_decay"])
    assert shown.output.splitlines() == ["weight_decay: 2 variants, 3 seeds, 6 runs", "params.yaml is valid"]
    shown = CliRunner().invoke(cli.app, ["check", "--resolved", "weight_decay"])
    assert shown.output.startswith("weight_decay:\n  dataset: {")


def test_a_mistake_ends_the_command_with_status_2(params_file, in_folder, monkeypatch, capsys):
    params_file({"seeds.count": 0})
    monkeypatch.setattr(sys, "argv", ["ablate", "check"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("params.yaml: seeds.count: found 0, allowed: ")


@pytest.fixture
def trained(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()


def test_show_prints_a_table_markdown_or_json(trained):
    shown = CliRunner().invoke(cli.app, ["show", "activation"])
    assert shown.output.splitlines()[0] == "activation: test accuracy, higher is better"
    shown = CliRunner().invoke(cli.app, ["show", "activation", "--metric", "test_loss", "--markdown"])
    assert "**activation: test loss, lower is better**" in shown.output
    rows = json.loads(CliRunner().invoke(cli.app, ["show", "activation", "--json"]).output)
    assert [row["verdict"] for row in rows] == ["", "", "better", "better"]


def test_a_locale_that_can_not_spell_a_table_still_gets_it(trained):
    """`LC_ALL=C` of a service or a container, and Python told not to take UTF-8 instead: no multiplication sign."""
    command = [sys.executable, "-c", "from ablate.cli import main; main()", "show", "activation", "--metric=test_loss"]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
    for options in ([], ["--markdown"]):
        done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "\\xd7 " in done.stdout


def test_power_and_plan_take_their_options(trained):
    shown = CliRunner().invoke(cli.app, ["power", "activation", "--seeds", "5", "--effect", "0.01", "--power", "0.9"])
    assert "5 seeds cannot show any effect" in shown.output
    assert "seeds for 1.00 points" in shown.output
    assert "90 %" in shown.output
    shown = CliRunner().invoke(cli.app, ["plan", "weight_decay", "-S", "seeds.count=2,3"])
    assert "2 experiments" in shown.output
    assert CliRunner().invoke(cli.app, ["power", "activation", "--seeds", "0"]).exit_code == 2


def test_a_verdict_may_fail_a_script(monkeypatch):
    now = revision("new", {"s": results({"a": VALUES - 0.1})})
    sides = {"old": revision("old", {"s": results({"a": VALUES})}), None: now}
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    for options, status in (([], 0), (["--fail-on", "better"], 0), (["--fail-on", "better", "--fail-on", "worse"], 1)):
        assert CliRunner().invoke(cli.app, ["compare", "old", *options]).exit_code == status
    assert CliRunner().invoke(cli.app, ["compare", "old", "--fail-on", "nonsense"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["--help"], {"pandas", "scipy"}),
        (["show", "--help"], {"pandas", "scipy"}),
        (["check"], {"scipy"}),
        (["show", "activation"], set()),
        (["power", "activation"], set()),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments, also, trained):
    """Seconds that a user would wait for a table."""
    code = "import sys, ablate.cli as c\ntry:\n c.app(sys.argv[1:])\nexcept SystemExit:\n pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "ablate.cli" in loaded
    assert not loaded & ({"torch", "numba", "dvc", "matplotlib", "seaborn", "polars"} | also)


def test_outside_of_a_project_it_says_to_change_into_one(in_folder):
    for arguments in (["check"], ["show", "x"], ["plan"], ["power", "x"]):
        error = CliRunner().invoke(cli.app, arguments).exception
        assert isinstance(error, UserError)
        assert str(error).startswith("params.yaml: not found; change into the folder of a project")
    for arguments in (["--help"], ["check", "--help"]):
        assert CliRunner().invoke(cli.app, arguments).exit_code == 0


def test_help_begins_with_first_steps_and_every_command_has_examples_that_are_valid():
    assert "First steps" in CliRunner().invoke(cli.app, ["--help"]).output
    for name, command in get_command(cli.app).commands.items():
        _, _, examples = command.help.partition("Examples:\n")
        assert examples
        for example in examples.strip().splitlines():
            program, called, *arguments = shlex.split(example)
            assert (program, called) == ("ablate", name)
            # parsed, not run
            command.make_context(called, arguments, resilient_parsing=False)
