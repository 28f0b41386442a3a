import sys

import pytest
from typer.testing import CliRunner

from pipeline import cli
from pipeline.project.errors import UserError


def test_check_says_how_many_runs_each_study_has(params_file, in_folder):
    params_file()
    result = CliRunner().invoke(cli.app, ["check"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "weight_decay: 2 variants, 3 seeds, 6 runs",
        "activation: 4 variants, 3 seeds, 12 runs",
        "params.yaml is valid",
    ]


def test_check_notes_claims_about_what_is_not_there(params_file, in_folder):
    claim = {"claim": "?", "probe": "gone", "quantity": "x", "against": 1.0, "expected": "higher"}
    params_file({"claims.c": claim})
    result = CliRunner().invoke(cli.app, ["check"])
    assert result.exit_code == 0
    assert "params.yaml: claims.c.probe: found 'gone', there is product; not measured" in result.output


def test_check_of_one_study_leaves_the_others_alone(params_file, in_folder):
    params_file({"studies.activation.metric": "nonsense"})
    assert CliRunner().invoke(cli.app, ["check", "weight_decay"]).exit_code == 0
    assert isinstance(CliRunner().invoke(cli.app, ["check"]).exception, UserError)


def test_a_mistake_ends_the_command_with_status_2(params_file, in_folder, monkeypatch, capsys):
    params_file({"seeds.count": 0})
    monkeypatch.setattr(sys, "argv", ["ablate", "check"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("params.yaml: seeds.count: found 0, allowed: ")
