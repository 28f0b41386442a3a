import io
import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from trained import fill
from typer.main import get_command
from typer.testing import CliRunner

from ablate import cli, revisions, show
from pipeline.analysis.comparison import EFFECTS
from pipeline.project import params

VALUES = np.linspace(0.8, 0.9, 8)


def output(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.exception
    return done.output


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
    assert output("show", "activation").startswith("activation: test accuracy, higher is better\n")
    shown = output("show", "activation", "--metric", "test_loss", "--markdown")
    assert "**activation: test loss, lower is better**" in shown
    rows = json.loads(output("show", "activation", "--json"))
    assert [(row["verdict"], row["p"] is None) for row in rows] == [("", True)] * 2 + [("better", False)] * 2


def test_show_prints_csv_with_all_digits_and_refuses_two_formats(trained):
    rows = pd.read_csv(io.StringIO(output("show", "activation", "--csv")))
    _, shown = show.judged(params.load(), "activation")
    assert list(rows.columns) == EFFECTS
    numbers = shown.select_dtypes("number")
    assert "p_adjusted" in numbers
    pd.testing.assert_frame_equal(rows[numbers.columns], numbers, check_exact=True, check_dtype=False)
    refused = CliRunner().invoke(cli.app, ["show", "activation", "--csv", "--latex"])
    assert "found --latex, --csv, allowed: one of --markdown" in str(refused.exception)


def test_a_locale_that_can_not_spell_a_table_still_gets_it(trained):
    """`LC_ALL=C` of a service or a container, and Python told not to take UTF-8 instead: no multiplication sign."""
    command = [sys.executable, "-c", "from ablate.cli import main; main()", "show", "activation", "--metric=test_loss"]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
    for options in ([], ["--markdown"]):
        done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "\\xd7 " in done.stdout


def test_power_and_plan_take_their_options(trained):
    shown = output("power", "activation", "--seeds", "5", "--effect", "0.01", "--power", "0.9")
    for words in ("5 seeds cannot show any effect", "seeds for ± 1.00 points", "90 %"):
        assert words in shown
    assert "2 experiments" in output("plan", "weight_decay", "-S", "seeds.count=2,3")
    assert CliRunner().invoke(cli.app, ["power", "activation", "--seeds", "0"]).exit_code == 2


def test_a_verdict_may_fail_a_script(monkeypatch):
    now = revision("new", {"s": results({"a": VALUES - 0.1})})
    sides = {"old": revision("old", {"s": results({"a": VALUES})}), None: now}
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    for options, status in (([], 0), (["--fail-on", "better"], 0), (["--fail-on", "better", "--fail-on", "worse"], 1)):
        assert CliRunner().invoke(cli.app, ["compare", "old", *options]).exit_code == status
    assert CliRunner().invoke(cli.app, ["compare", "old", "--fail-on", "nonsense"]).exit_code == 2


def test_a_gate_that_too_few_seeds_can_never_close_ends_with_status_2_and_one_line(monkeypatch, capsys):
    """Two rows of six seeds: the smallest adjusted p is 0.0625, so the gate would pass whatever has happened."""
    tables = [{key: results({"a": values[:6]}) for key in ("s", "t")} for values in (VALUES, VALUES - 0.1)]
    sides = {"old": revision("old", tables[0]), None: revision("new", tables[1])}
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    for options, status in (
        ([], 0),
        (["--fail-on", "worse"], 2),
        (["--fail-on", "not comparable"], 0),
        # each study can be decided by itself
        (["--fail-on", "worse", "--study", "s"], 1),
        (["--fail-on", "better", "--study", "s"], 0),
    ):
        monkeypatch.setattr(sys, "argv", ["ablate", "compare", "old", *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert (ended.value.code or 0) == status, options
        errors = capsys.readouterr().err.splitlines()
        reason = "6 seeds cannot decide a family of 2: at least 7 are needed"
        assert errors == ([f"--fail-on: {reason}; --study selects fewer rows"] if status == 2 else [])


def test_a_metric_without_better_direction_may_fail_a_script(monkeypatch):
    metric = {"s": "loss_gap"}
    sides = {
        name: revision(name or "new", {"s": results({"a": values}, "loss_gap")}, metric)
        for name, values in (("old", VALUES), (None, VALUES - 0.1))
    }
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    for verdict, status in (("higher", 0), ("worse", 0), ("lower", 1)):
        assert CliRunner().invoke(cli.app, ["compare", "old", "--fail-on", verdict]).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["show", "--help"], {"pandas", "scipy"}),
        (["figure", "--help"], {"pandas", "scipy"}),
        (["check"], {"scipy"}),
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


def test_help_begins_with_first_steps_and_every_command_has_examples_that_are_valid():
    assert "First steps" in output("--help")
    for name, command in get_command(cli.app).commands.items():
        _, _, examples = command.help.partition("Examples:\n")
        assert examples
        for example in examples.strip().splitlines():
            program, called, *arguments = shlex.split(example)
            assert (program, called) == ("ablate", name)
            # parsed, not run
            command.make_context(called, arguments, resilient_parsing=False)
