"""The workflows against the repository: what they call is there, and their steps do what they say."""

import itertools
import re
import shlex
import subprocess

import pytest
from ruamel.yaml import YAML
from samples import ROOT
from typer.main import get_command

from ablate import cli

WORKFLOWS = {path.stem: YAML(typ="safe", pure=True).load(path) for path in (ROOT / ".github" / "workflows").iterdir()}


def scripts(name: str) -> list[str]:
    return [step["run"] for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"] if "run" in step]


def test_workflows_have_few_rights_and_use_pinned_actions():
    assert WORKFLOWS["tests"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert WORKFLOWS["vulnerabilities"]["permissions"] == {"contents": "read"}
    steps = [step for workflow in WORKFLOWS.values() for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used)


def test_the_audit_reads_every_lock_at_every_change_and_every_week():
    assert set(WORKFLOWS["vulnerabilities"]["on"]) == {"push", "pull_request", "schedule"}
    arguments = shlex.split(scripts("vulnerabilities")[-1])
    read = [value for option, value in itertools.pairwise(arguments) if option == "--requirement"]
    assert set(read) == {path.name for path in ROOT.glob("requirements*.txt")}
    assert "--strict" in arguments  # a package that cannot be looked up fails the step


def test_targets_and_commands_that_are_called_are_there():
    text = "\n".join(scripts("tests"))
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    called = re.findall(r"^make (\S+)", text, flags=re.MULTILINE)
    assert called
    assert set(called) <= set(targets)
    options = {name for parameter in get_command(cli.app).commands["compare"].params for name in parameter.opts}
    assert {"--markdown"} == set(re.findall(r"ablate compare .* (--\w+)", text)) <= options
    for name in re.findall(r"\S*dvc\.yaml", text):
        assert (ROOT / name.rstrip(";")).is_file()


SILENT, DUE = "echo \"Stage 'check' didn't change, skipping\"", "echo \"Running stage 'check':\""


@pytest.mark.parametrize(
    ("dvc", "status"),
    [(SILENT, 0), (f"[ $4 = book/dvc.yaml ] || {DUE}", 1), (f"[ $4 = dvc.yaml ] || {DUE}", 1), ("return 3", 3)],
)
def test_a_stage_that_would_run_fails_the_step(dvc, status, tmp_path):
    (script,) = [script for script in scripts("tests") if "dry" in script]
    # as GitHub runs it, with another dvc
    script = f"dvc() {{ {dvc}; }}\n" + script.replace(". .venv/bin/activate\n", "")
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
