"""Several DVC commands at once in one project: each ends right, waits, or says in a line that another is at work."""

import dataclasses
import re
import subprocess
import time

import numpy as np
import pytest
from ruamel.yaml import YAML
from samples import Project

# they are about moments; beside other tests on few cores they would mostly wait
pytestmark = pytest.mark.xdist_group("concurrency")


DECAY = "studies.weight_decay.grid.optimizer.weight_decay"
# what DVC says, in a line, when another DVC is at work
BUSY = re.compile(r"Unable to acquire .*lock|is busy, it is being blocked by")
# a fault of DVC: whoever looks something up in its run cache takes an entry that another is just writing for damaged,
# and deletes it; the writer ends here, before it touched dvc.lock, and its next run goes on from the stage before
SWEPT = re.compile(
    r"failed to reproduce '[\w@]+': \[Errno 2\] No such file or directory: '\S+/\.dvc/cache/runs/\S+\.tmp'$"
)
# `dvc exp run -S` changes params.yaml in the workspace for a moment, in which another command may read it; the file
# is empty while it is written
CHANGED = re.compile(r"made with other configs: .*is due|params.yaml: (changed while this stage ran|found None)")
STAGES = {"check", "data@linear", "measure@product", "train@weight_decay", "report"}


@dataclasses.dataclass
class State:
    """What an undisturbed run leaves."""

    files: dict[str, bytes]
    lock: dict
    changed: str


def state(project: Project) -> State:
    found = [path for top in ("data", "reports") for path in (project.folder / top).rglob("*") if path.is_file()]
    return State(
        {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in found},
        YAML(typ="safe", pure=True).load(project.folder / "dvc.lock"),
        project.run("git", "status", "--porcelain", "--untracked-files=all").stdout,
    )


@pytest.fixture
def undisturbed(project: Project) -> State:
    project.write_params({"studies.activation": ..., "datasets.images": ...})
    project.commit("one study")
    project.run("dvc", "repro")
    found = state(project)
    assert set(found.lock["stages"]) == STAGES
    return found


def forget(project: Project) -> None:
    """As a fresh clone: nothing was run, and nothing is in a cache."""
    project.run("git", "restore", ".")
    project.run("git", "clean", "-qfdx", "--exclude", ".dvc/config.local")
    for folder in ("cache", "tmp"):
        subprocess.run(["rm", "-rf", project.folder / ".dvc" / folder], check=True)


def start(project: Project, *command: str) -> "subprocess.Popen[str]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=project.folder, env=project.environment, text=True, **pipes)


def ended(process: "subprocess.Popen[str]") -> str:
    """How a command ended: right, or with DVC's line; everything else is a failure."""
    output, errors = process.communicate(timeout=300)
    words = f"{output}\n{errors}"
    assert "Traceback" not in words, words
    if process.returncode == 0:
        return "ended right"
    problems = [line for line in errors.splitlines() if line.startswith("ERROR: ")]
    assert len(problems) == 1, words
    if SWEPT.search(problems[0]):
        return "ended with a line about DVC's run cache"
    if CHANGED.search(errors):
        return "said that configs were others meanwhile"
    assert BUSY.search(errors), words
    return "said that another is at work"


def queue_is_done(project: Project, seconds: float) -> None:
    """Start the worker again where it left a task behind, until none is left and the worker is gone."""
    deadline = time.monotonic() + seconds
    while True:
        status = project.run("dvc", "queue", "status").stdout
        left = re.search(r"\b(Queued|Running)\b", status.partition("Worker status")[0])
        working = "0 active, 0 idle" not in status
        if not left and not working:
            return
        assert time.monotonic() < deadline, status
        if not working:
            begin_queue(project)
        time.sleep(1)


def begin_queue(project: Project) -> None:
    # the worker outlives the command and would keep a pipe of ours open
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        ["dvc", "queue", "start", "-j", "1"], cwd=project.folder, env=project.environment, check=False, **quiet
    )


def test_two_runs_an_experiment_and_a_queue_at_once(project, undisturbed, many, tally):
    random = np.random.default_rng(3)
    for number in range(many(10)):
        forget(project)
        queued = ("dvc", "exp", "run", "--queue", "-n", f"queued-{number}", "-S", f"{DECAY}=[0,2]")
        project.run(*queued)
        commands = {
            "dvc repro": ("dvc", "repro"),
            "dvc repro, the other": ("dvc", "repro"),
            "dvc exp run --temp": ("dvc", "exp", "run", "--temp", "-n", f"beside-{number}", "-S", f"{DECAY}=[0,1]"),
        }
        began, processes = time.monotonic(), {}
        # from at once to when the first of them trains
        moments = dict(zip(commands, random.uniform(0, 6, size=len(commands)), strict=True))
        worker = random.uniform(0, 6)
        for name in sorted(moments, key=lambda one: moments[one]):
            if worker is not None and worker < moments[name]:
                begin_queue(project)
                worker = None
            time.sleep(max(0.0, began + moments[name] - time.monotonic()))
            processes[name] = start(project, *commands[name])
        if worker is not None:
            begin_queue(project)
        outcomes = {name: ended(process) for name, process in processes.items()}
        # of two that meet one goes on
        both = {outcomes["dvc repro"], outcomes["dvc repro, the other"]}
        assert both != {"said that another is at work"}, outcomes
        queue_is_done(project, seconds=240)

        # whoever was turned away comes again
        project.run("dvc", "repro")
        found = state(project)
        assert found.lock == undisturbed.lock
        assert found.files == undisturbed.files
        assert found.changed == undisturbed.changed
        assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
        assert not [path for path in project.folder.rglob("*.tmp") if ".dvc" not in path.parts]

        # both experiments trained what they were told to, and nothing of it reached the workspace
        if outcomes["dvc exp run --temp"] != "ended right":
            project.run(*commands["dvc exp run --temp"])
        for name, variants in ((f"beside-{number}", {"0", "1"}), (f"queued-{number}", {"0", "2"})):
            listed = project.run("dvc", "exp", "list", "--name-only").stdout.split()
            assert name in listed, project.run("dvc", "queue", "status").stdout
            (commit,) = project.run(
                "git", "for-each-ref", "--format=%(objectname)", f"refs/exps/**/{name}"
            ).stdout.split()
            rows = project.run("git", "show", f"{commit}:reports/results/weight_decay.csv").stdout.splitlines()
            assert {row.split(",")[0].removeprefix("weight_decay_") for row in rows[1:]} == variants
        for name, outcome in outcomes.items():
            tally("concurrency", name.removesuffix(", the other"), outcome)
        tally("concurrency", "dvc queue, a worker beside", "ended right")
        tally("concurrency", "workspace after all of it", "same bits, dvc.lock whole")
