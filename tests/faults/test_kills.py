"""Stages that are killed at chosen moments: no half file where a result belongs; the next run gives the same bits."""

import subprocess

import numpy as np
import pytest
from samples import ROOT, Project

pytestmark = pytest.mark.slow

# stage, phase, and about how many moments the phase has
PHASES = [
    ("train", "training", 370),
    ("train", "writing", 180),
    ("train", "renaming", 8),
    ("report", "drawing", 2000),
    ("report", "renaming", 10),
]
SIGNALS = ["KILL", "TERM", "INT"]


@pytest.fixture(scope="module")
def before(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """Return the project before its study is trained, and before it is reported."""
    folder = tmp_path_factory.mktemp("before")
    projects = {}
    for stage, target in (("train", "data@linear"), ("report", "train@weight_decay")):
        projects[stage] = Project(folder / stage)
        finished.run("git", "clone", "-q", ".", str(projects[stage].folder))
        projects[stage].run("git", "rm", "-rq", "reports", "dvc.lock")
        projects[stage].commit("no results")
        projects[stage].run("dvc", "repro", target)
    return projects


def killed(project: Project, at: str) -> int:
    """Run `dvc repro` whose stage dies at a moment (stage, phase, number of the moment, signal); return the status."""
    died = project.folder.with_suffix(".died")
    dying = {"PYTHONPATH": str(ROOT / "tests" / "faults" / "dying"), "DIES_AT": at, "DIED": str(died)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # in its own group, or Ctrl-C would end the tests too
    with subprocess.Popen(
        ["dvc", "repro"], cwd=project.folder, env={**project.environment, **dying}, start_new_session=True, **pipes
    ) as process:
        output, errors = process.communicate(timeout=120)
    assert died.exists(), f"no such moment: {at}\n{output}{errors}"
    assert process.returncode != 0
    assert "Traceback" not in errors
    return process.returncode


def changed(project: Project, finished: Project) -> list[str]:
    """Return the files that are neither temporary nor as in the finished project."""
    whole = finished.files()
    files = {path: content for path, content in project.files().items() if not path.endswith(".tmp")}
    return [path for path, content in files.items() if whole.get(path) != content]


@pytest.mark.parametrize("number", range(len(PHASES)), ids=[f"{stage}-{phase}" for stage, phase, _ in PHASES])
def test_a_stage_that_is_killed(number, before, finished, tmp_path, tally, many):
    stage, phase, moments = PHASES[number]
    random = np.random.default_rng(number)
    for repetition in range(many(10)):
        signal = SIGNALS[(1 + number + repetition) % len(SIGNALS)]
        project = before[stage].copy(tmp_path / f"{repetition}")
        killed(project, f"{stage} {phase} {random.integers(1, moments + 1)} {signal}")
        temporary = [path for path in project.files() if path.endswith(".tmp")]
        assert signal == "KILL" or not temporary, "temporary files are deleted unless it was SIGKILL"
        assert changed(project, finished) == []
        assert ".tmp" not in project.run("git", "status", "--porcelain", "-uall").stdout
        project.run("dvc", "repro")
        assert (project.files(), project.lock()) == (finished.files(), finished.lock())
        tally("kills", f"{stage} while {phase}, by SIG{signal}", "no half file, same bits")


def test_git_and_dvc_do_not_see_temporary_files(finished_copy, tally):
    for folder in ("reports/results", "reports/metrics", "reports/figures"):
        (finished_copy.folder / folder / ".half.csv.1.tmp").write_text("half")
    assert finished_copy.run("git", "status", "--porcelain", "-uall").stdout == ""
    assert "up to date" in finished_copy.run("dvc", "status", "dvc.yaml").stdout
    tally("kills", "file that is being written", "neither git nor DVC sees it")


@pytest.mark.parametrize(
    ("phase", "moment", "signal", "kept"),
    [("renaming", 5, "KILL", 2), ("training", 80, "PARENT", 6)],
    ids=["the stage", "dvc, whose stage then ends by itself"],
)
def test_a_killed_stage_keeps_the_finished_runs(phase, moment, signal, kept, before, finished, tmp_path, tally):
    project = before["train"].copy(tmp_path / "project")
    project.environment["ABLATE_STORE"] = str(tmp_path / "store")
    status = killed(project, f"train {phase} {moment} {signal}")
    # the last process that holds the pipes closes them, so the stage has ended too
    assert signal != "PARENT" or status == -9
    assert changed(project, finished) == []
    again = project.run("dvc", "repro")
    assert f"weight_decay: {6 - kept} runs to train, {kept} taken from the store" in again.stderr
    assert (project.files(), project.lock()) == (finished.files(), finished.lock())
    tally("kills", f"while {phase}, by {signal}", "finished runs are kept, same bits")
