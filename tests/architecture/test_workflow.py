"""The workflow against the repository: what it calls is there, and its steps do what they say."""

import re
import subprocess

import pytest
from ruamel.yaml import YAML
from samples import ROOT
from typer.main import get_command

from pipeline import cli

WORKFLOW = YAML(typ="safe", pure=True).load(ROOT / ".github" / "workflows" / "tests.yml")
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
RUN = "\n".join(step["run"] for step in STEPS if "run" in step)


def test_it_runs_on_pushes_and_pull_requests_with_no_more_rights_than_a_comment_needs():
    assert set(WORKFLOW["on"]) == {"push", "pull_request"}
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_actions_are_pinned_to_a_version():
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used)


def test_targets_and_commands_that_it_calls_are_there():
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    called = re.findall(r"^make (\S+)", RUN, flags=re.MULTILINE)
    assert called
    assert set(called) <= set(targets)
    compare = get_command(cli.app).commands["compare"]
    options = {name for parameter in compare.params for name in parameter.opts}
    assert {"--markdown"} == set(re.findall(r"ablate compare .* (--\w+)", RUN)) <= options
    for name in re.findall(r"\S*dvc\.yaml", RUN):
        assert (ROOT / name.rstrip(";")).is_file()


def test_each_step_is_a_shell_script():
    for step in STEPS:
        if "run" in step:
            subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)


SILENT, DUE = "echo \"Stage 'check' didn't change, skipping\"", "echo \"Running stage 'check':\""


@pytest.mark.parametrize(
    ("dvc", "status"),
    [
        (SILENT, 0),
        (DUE, 1),
        (f"[ $4 = book/dvc.yaml ] || {DUE}", 1),
        (f"[ $4 = dvc.yaml ] || {DUE}", 1),
        ("return 3", 3),
    ],
)
def test_a_stage_that_would_run_fails_the_step(dvc, status, tmp_path):
    (script,) = [step["run"] for step in STEPS if "dry" in step.get("run", "")]
    # as GitHub runs it, with another dvc
    script = f"dvc() {{ {dvc}; }}\n" + script.replace(". .venv/bin/activate\n", "")
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status
