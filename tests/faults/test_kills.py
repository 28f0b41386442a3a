"""Stages that are killed at chosen moments: no half file where a result belongs; the next run gives the same bits."""

import itertools
import subprocess

import numpy as np
import pytest
from conftest import small_project
from ruamel.yaml import YAML
from samples import ROOT, Project

pytestmark = pytest.mark.xdist_group("kills")

# stage, phase, and about how many moments the phase has
PHASES = [
    ("train", "reading", 4),
    ("train", "training", 370),
    ("train", "writing", 180),
    ("train", "renaming", 10),
    ("report", "reading", 13),
    ("report", "drawing", 2000),
    ("report", "writing", 5),
    ("report", "renaming", 10),
]
MOMENTS = 50  # over all phases
SIGNALS = ["KILL", "TERM", "INT"]


def files(project: Project) -> dict[str, bytes]:
    """Everything where results belong, by path."""
    paths = itertools.chain.from_iterable((project.folder / top).rglob("*") for top in ("data", "reports"))
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in paths if path.is_file()}


def state(project: Project) -> tuple[dict[str, bytes], object]:
    """All results, and `dvc.lock` without the order of its stages, which is that in which they ended."""
    return files(project), YAML(typ="safe", pure=True).load(project.read("dvc.lock"))


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project before its study is trained, before it is reported, and after that."""
    folder = tmp_path_factory.mktemp("states")
    done = small_project(folder / "done")
    done.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    done.write_params({"studies.activation": ..., "datasets.images": ...})
    done.commit("one study")
    projects = {"done": done}
    for stage, target in (("train", "data@linear"), ("report", "train@weight_decay")):
        done.run("dvc", "repro", target)
        projects[stage] = done.copy(folder / stage)
    done.run("dvc", "repro")
    return projects


def killed(project: Project, at: str) -> subprocess.CompletedProcess[str]:
    """Run `dvc repro` whose stage dies at a moment: stage, phase, number of the moment and signal."""
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
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


@pytest.mark.parametrize("number", range(len(PHASES)), ids=[f"{stage}-{phase}" for stage, phase, _ in PHASES])
def test_a_stage_that_is_killed(number, states, tmp_path, tally, many):
    stage, phase, moments = PHASES[number]
    whole = state(states["done"])
    random = np.random.default_rng(number)
    for repetition in range(-(-many(MOMENTS) // len(PHASES))):
        signal = SIGNALS[(1 + number + repetition) % len(SIGNALS)]
        project = states[stage].copy(tmp_path / f"{repetition}")
        killed(project, f"{stage} {phase} {random.integers(1, moments + 1)} {signal}")
        left = files(project)
        results = {path: content for path, content in left.items() if not path.endswith(".tmp")}
        assert signal == "KILL" or results == left, "temporary files are deleted unless it was SIGKILL"
        assert {path for path, content in results.items() if whole[0].get(path) != content} == set()
        assert ".tmp" not in project.run("git", "status", "--porcelain", "-uall").stdout
        project.run("dvc", "repro")
        assert state(project) == whole
        tally("kills", f"{stage} while {phase}, by SIG{signal}", "no half file, same bits")


def test_git_and_dvc_do_not_see_temporary_files(states, tmp_path, tally):
    project = states["done"].copy(tmp_path / "copy")
    project.commit("results")
    for folder in ("reports/results", "reports/metrics/weight_decay", "reports/figures"):
        (project.folder / folder / ".half.csv.1.tmp").write_text("half")
    assert project.run("git", "status", "--porcelain", "-uall").stdout == ""
    assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
    tally("kills", "file that is being written", "neither git nor DVC sees it")


def test_a_killed_stage_loses_the_runs_that_it_was_training(states, tmp_path, tally, many):
    for number in range(many(10)):
        project = states["train"].copy(tmp_path / f"{number}")
        project.environment["ABLATE_STORE"] = str(tmp_path / f"{number}.store")
        moment = 3 + number
        kept = moment // 2  # a file of the store is renamed, with a moment before and one after
        killed(project, f"train renaming {moment} KILL")
        again = project.run("dvc", "repro")
        assert f"weight_decay: {6 - kept} runs to train, {kept} taken from the store" in again.stderr
        assert files(project) == files(states["done"])
        tally("kills", "train while keeping runs, by SIGKILL", "kept runs not trained again, same bits")


def test_a_stage_whose_dvc_is_killed_ends_by_itself_and_keeps_its_runs(states, tmp_path, tally, many):
    whole = state(states["done"])
    for number in range(many(10)):
        project = states["train"].copy(tmp_path / f"{number}")
        project.environment["ABLATE_STORE"] = str(tmp_path / f"{number}.store")
        done = killed(project, f"train training {50 + 30 * number} PARENT")
        assert done.returncode == -9
        # the last process that holds the pipes closes them, so the stage has ended too
        assert {path for path, content in files(project).items() if whole[0].get(path) != content} == set()
        again = project.run("dvc", "repro")
        assert "weight_decay: 0 runs to train, 6 taken from the store" in again.stderr
        assert state(project) == whole
        tally("kills", "dvc while training, by SIGKILL", "stage ended by itself, same bits")
