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

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: YAML(typ="safe", pure=True).load(path) for path in sorted(FOLDER.iterdir())}
WORKFLOW = WORKFLOWS["tests"]


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


STEPS = steps(WORKFLOW)
EVERY_STEP = [step for workflow in WORKFLOWS.values() for step in steps(workflow)]
RUN = "\n".join(step["run"] for step in STEPS if "run" in step)


def test_it_runs_on_pushes_and_pull_requests_with_no_more_rights_than_a_comment_needs():
    assert set(WORKFLOW["on"]) == {"push", "pull_request"}
    assert WORKFLOW["permissions"] == {"contents": "read", "pull-requests": "write"}


def test_known_vulnerabilities_are_looked_up_at_every_change_and_every_week():
    workflow = WORKFLOWS["vulnerabilities"]
    assert set(workflow["on"]) == {"push", "pull_request", "schedule"}
    (when,) = workflow["on"]["schedule"]
    minute, hour, day, month, weekday = when["cron"].split()
    assert minute.isdecimal()
    assert hour.isdecimal()
    assert (day, month) == ("*", "*")
    assert weekday in set("0123456")
    assert workflow["permissions"] == {"contents": "read"}


def test_the_audit_reads_every_lock_with_a_tool_of_a_fixed_version():
    scripts = [step["run"] for step in steps(WORKFLOWS["vulnerabilities"]) if "run" in step]
    install, audit = scripts
    assert re.fullmatch(r"python -m pip install --disable-pip-version-check pip-audit==\d+(\.\d+)+", install)
    command, *arguments = shlex.split(audit)
    assert command == "pip-audit"
    read = [value for option, value in itertools.pairwise(arguments) if option == "--requirement"]
    assert set(read) == {path.name for path in ROOT.glob("requirements*.txt")}
    # a package that cannot be looked up fails the step
    assert "--strict" in arguments
    assert {"--no-deps", "--disable-pip"} <= set(arguments)


def test_what_the_audit_ignores_is_explained_and_ends_with_the_version_that_has_it():
    text = (FOLDER / "vulnerabilities.yml").read_text()
    lock = (ROOT / "requirements.txt").read_text().splitlines()
    ignored = re.findall(r"--ignore-vuln (\S+)", text)
    for name in ignored:
        (package, pin) = re.findall(rf"^\s*# {name}: (\S+) (\S+) ", text, flags=re.MULTILINE)[0]
        assert f"{package}=={pin}" in lock
    assert len(set(ignored)) == len(re.findall(r"^\s*# CVE-", text, flags=re.MULTILINE))


def test_actions_are_pinned_to_a_version():
    used = [step["uses"] for step in EVERY_STEP if "uses" in step]
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
    for step in EVERY_STEP:
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
