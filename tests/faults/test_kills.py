"""Stages that are killed at chosen moments: no half file where a result belongs; the next run gives the same bits."""

import contextlib
import itertools
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import small_project
from execution.studies import study as some_study
from faults.tally import Mutant
from ruamel.yaml import YAML
from samples import ROOT, Project, classes, seeds

from pipeline.execution import chunks, runs
from pipeline.execution import workers as execution_workers
from pipeline.execution.store import Store
from pipeline.project import artifacts

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
        file="pipeline/project/console.py",
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
    Mutant(
        file="pipeline/execution/runs.py",
        guard="            parent.demand()\n",
        without="",
        test="test_a_stage_whose_parent_is_killed_stops_at_the_next_stack",
    ),
    Mutant(
        file="pipeline/execution/workers.py",
        guard="        parent.end_with(started_by)\n",
        without="        pass\n",
        test="test_workers_whose_stage_is_killed_end",
    ),
    Mutant(
        file="pipeline/execution/workers.py",
        guard="            except TerminatedWorkerError:\n",
        without="            except ZeroDivisionError:\n",
        test="test_a_worker_that_is_killed_costs_no_run",
    ),
]

# stage, phase, and about how many moments the phase has
PHASES = [
    ("train", "reading", 4),
    ("train", "training", 340),
    ("train", "writing", 210),
    ("train", "renaming", 10),
    ("report", "reading", 13),
    ("report", "drawing", 820),
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
    with artifacts.replacing(Path("page.html")) as temporary:
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


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_stage_whose_parent_is_killed_stops_at_the_next_stack(shell, tmp_path, tally, many):
    # DVC runs commands by the person's shell; a dash stays their parent, a bash gives them its place
    path = shutil.which(shell) or pytest.skip(f"no {shell} on this machine")
    project = small_project(tmp_path / "project")
    project.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": "", "SHELL": path}
    # two activations are two programs, and so two stacks
    project.write_params({"studies.weight_decay": ..., "datasets.linear": ...})
    project.run("dvc", "repro", "data@images", "probe@product")
    whole = project.copy(tmp_path / "whole")
    whole.run("dvc", "repro", "train@activation")
    for number in range(many(10)):
        orphaned = project.copy(tmp_path / f"{number}")
        done, died = dies(orphaned, f"train training {50 + 20 * number} PARENT")
        assert died == "training"
        assert done.returncode == -9
        # the pipes are closed by the last process that holds them: the stage has ended too
        assert "is gone, nobody waits for its results" in done.stderr
        assert "1 of 2 stacks" in done.stderr
        assert "2 of 2 stacks" not in done.stderr
        assert set(files(orphaned)) == set(files(project))
        orphaned.run("dvc", "repro", "train@activation")
        assert files(orphaned) == files(whole)
        tally("kills", "dvc while training, by SIGKILL", "stage stopped at the next stack, same bits")


def test_workers_whose_stage_is_killed_end(tmp_path, tally):
    """Several processes train: none is left when the one that gave them work is killed."""
    script = tmp_path / "stage.py"
    script.write_text(
        "from samples import classes, seeds\n"
        "from execution.studies import study\n"
        "from pipeline.execution import chunks, runs, workers\n"
        "from pipeline.execution.store import Store\n"
        "chunks.STACK_BYTES, workers.WORTH_STARTING, workers.joblib.cpu_count = 0, 0.0, lambda: 2\n"
        "runs.train(study(**{'schedule.epochs': 5000}), seeds(40), classes(40), 'cpu', Store(None))\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(["python", script], env=environment, stderr=subprocess.DEVNULL) as process:
        stage = psutil.Process(process.pid)
        deadline = time.monotonic() + 60
        workers: list[psutil.Process] = []
        while len(workers) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
            workers = [one for one in stage.children() if any("popen_loky" in word for word in one.cmdline())]
        time.sleep(3)
        process.kill()
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert not alive
    tally("kills", "stage with worker processes, by SIGKILL", "workers ended")


def test_a_worker_that_is_killed_costs_no_run(monkeypatch, caplog, tally):
    """As the system does when memory is short."""
    study, dataset = some_study(**{"schedule.epochs": 40}), classes(5)
    whole = runs.train(study, seeds(5), dataset, "cpu", Store(None))
    monkeypatch.setattr(chunks, "STACK_BYTES", 0)
    monkeypatch.setattr(execution_workers, "WORTH_STARTING", 0.0)
    monkeypatch.setattr(execution_workers.joblib, "cpu_count", lambda: 2)
    killed = []

    def kill_one() -> None:
        # one that dies before it has work is not missed
        while not any(": 2 of 9 stacks" in record.message for record in caplog.records):
            time.sleep(0.01)
        while not killed:
            for child in psutil.Process().children():
                # one that ended meanwhile has no command line any more
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any("popen_loky" in word for word in child.cmdline()):
                        child.kill()
                        killed.append(child.pid)
                        return

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    caplog.set_level("INFO")
    found = runs.train(study, seeds(5), dataset, "cpu", Store(None))
    assert killed
    assert [record.message for record in caplog.records if "a worker was killed" in record.message]
    assert found.results.equals(whole.results)
    assert found.curves.equals(whole.curves)
    killer.join()
    tally("kills", "worker process, by SIGKILL", "trained in one process, same bits")
