"""Stages that are killed at chosen moments: no half file where a result belongs; the next run gives the same bits."""

import itertools
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from faults.tally import Mutant
from ruamel.yaml import YAML
from samples import ROOT, Project

pytestmark = pytest.mark.xdist_group("kills")

MUTANTS = [
    Mutant(
        file="pipeline/project/artifacts.py",
        guard="            if _abandoned(left):\n",
        without="            if False:\n",
        test="test_what_a_killed_writer_left_goes_with_the_next_one",
    ),
    Mutant(
        file=".gitignore",
        guard=".*.tmp\n",
        without="",
        test="test_git_and_dvc_see_nothing_of_what_is_being_written",
    ),
    Mutant(
        file=".dvcignore",
        guard=".*.tmp\n",
        without="",
        test="test_git_and_dvc_see_nothing_of_what_is_being_written",
    ),
    Mutant(
        file="pipeline/core/console.py",
        guard="    signal.signal(signal.SIGTERM, _terminate)\n",
        without="",
        test="test_a_stage_that_is_killed[report-writing]",
    ),
    Mutant(
        file="pipeline/project/artifacts.py",
        guard="            temporary.unlink(missing_ok=True)\n",
        without="            pass\n",
        test="test_a_stage_that_is_killed[report-writing]",
    ),
]

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


def lock(project: Project) -> object:
    """Without the order of the stages, which is that in which they ended."""
    return YAML(typ="safe", pure=True).load(project.read("dvc.lock"))


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project before its study is trained, before it is reported, and when nothing is left to do."""
    folder = tmp_path_factory.mktemp("states")
    done = small_project(folder / "done")
    done.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    done.write_params({"studies.activation": ..., "datasets.images": ...})
    done.commit("one study")
    found = {}
    for stage, target in (("train", "data@linear"), ("report", "train@weight_decay"), ("done", "dvc.yaml")):
        done.run("dvc", "repro", target)
        if stage != "done":
            found[stage] = done.copy(folder / stage)
    return found | {"done": done}


def dies(project: Project, at: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """`dvc repro` whose stage ends at a moment; also in which phase it did, or nothing where it never came so far."""
    died = project.folder.with_suffix(".died")
    environment = {
        **project.environment,
        "PYTHONPATH": str(ROOT / "tests" / "faults" / "dying"),
        "DIES_AT": at,
        "DIED": str(died),
    }
    # a group of its own, or Ctrl-C would end the tests too
    with subprocess.Popen(
        ["dvc", "repro"],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        out, err = process.communicate(timeout=120)
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    return done, died.read_text() if died.exists() else ""


@pytest.mark.parametrize("number", range(len(PHASES)), ids=[f"{stage}-{phase}" for stage, phase, _ in PHASES])
def test_a_stage_that_is_killed(number, states, tmp_path, tally, many):
    stage, phase, there = PHASES[number]
    whole = files(states["done"])
    random = np.random.default_rng(number)
    for time_ in range(-(-many(MOMENTS) // len(PHASES))):
        signal = SIGNALS[(1 + number + time_) % len(SIGNALS)]
        project = states[stage].copy(tmp_path / f"{time_}")
        done, died = dies(project, f"{stage} {phase} {random.integers(1, there + 1)} {signal}")
        assert died == phase, (done.stdout, done.stderr)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        found = files(project)
        left = {path: content for path, content in found.items() if not path.endswith(".tmp")}
        assert signal == "KILL" or left == found, "whoever can clears away"
        assert {path for path, content in left.items() if whole.get(path) != content} == set()
        # what a killed writer left is nobody's change
        assert ".tmp" not in project.run("git", "status", "--porcelain", "-uall").stdout
        project.run("dvc", "repro")
        assert files(project) == whole
        assert lock(project) == lock(states["done"])
        tally("kills", f"{stage} while {phase}, by SIG{signal}", "no half file, same bits")


def test_what_a_killed_writer_left_goes_with_the_next_one(in_folder, tally):
    with subprocess.Popen(["true"]) as gone:
        pass
    left, written = Path(f".page.html.{gone.pid}.tmp"), Path(f".page.html.{os.getppid()}.tmp")
    for path in (left, written):
        path.write_text("half")
    with files.replacing(Path("page.html")) as temporary:
        temporary.write_text("whole")
    # who is still there may be writing
    assert {path.name for path in in_folder.iterdir()} == {"page.html", written.name}
    tally("kills", "writer, by SIGKILL", "the next writer clears away")


def test_git_and_dvc_see_nothing_of_what_is_being_written(states, tmp_path, tally):
    project = states["done"].copy(tmp_path / "copy")
    project.commit("results")
    assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
    for place in ("reports/results", "reports/metrics/weight_decay", "reports/figures"):
        (project.folder / place / ".half.csv.1.tmp").write_text("half")
    assert project.run("git", "status", "--porcelain", "-uall").stdout == ""
    assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
    tally("kills", "file that is being written", "neither git nor DVC sees it")


def test_a_killed_stage_loses_the_runs_that_it_was_at(states, tmp_path, tally, many):
    for number in range(many(10)):
        project = states["train"].copy(tmp_path / f"{number}")
        project.environment["ABLATE_STORE"] = str(tmp_path / f"{number}.store")
        moment = 3 + number
        kept = moment // 2  # a file of the store is renamed, with a moment before and one after
        _, died = dies(project, f"train renaming {moment} KILL")
        assert died == "renaming"
        again = project.run("dvc", "repro")
        assert f"weight_decay: {6 - kept} runs to train, {kept} taken from the store" in again.stderr
        assert files(project) == files(states["done"])
        tally("kills", "train while keeping runs, by SIGKILL", "kept runs not trained again, same bits")


def test_a_stage_whose_dvc_is_killed_ends_by_itself_and_keeps_its_runs(states, tmp_path, tally, many):
    whole = files(states["done"])
    for number in range(many(10)):
        project = states["train"].copy(tmp_path / f"{number}")
        project.environment["ABLATE_STORE"] = str(tmp_path / f"{number}.store")
        done, died = dies(project, f"train training {50 + 30 * number} PARENT")
        assert died == "training"
        assert done.returncode == -9
        # the pipes are closed by the last process that holds them: the stage has ended too
        assert "Traceback" not in done.stderr
        assert {path for path, content in files(project).items() if whole.get(path) != content} == set()
        again = project.run("dvc", "repro")
        assert "weight_decay: 0 runs to train, 6 taken from the store" in again.stderr
        assert files(project) == whole
        assert lock(project) == lock(states["done"])
        tally("kills", "dvc while training, by SIGKILL", "stage ended by itself, same bits")
