"""A sweep through DVC's queue, as the README says, in the order a user would do it."""

import csv
import io
import json
import subprocess
import time
from collections import Counter

import pytest
from samples import CLAIM, Project

pytestmark = pytest.mark.xdist_group("sweeps")

DECAY = "studies.weight_decay.grid.optimizer.weight_decay"
EPOCHS = "studies.weight_decay.base.training.epochs"
LOSS = "reports/metrics/weight_decay/weight_decay_0.json:test_loss.estimate"


def tasks(project: Project) -> tuple[Counter[str], bool]:
    """How many tasks of the queue are in which state, and whether somebody works on them."""
    lines = project.run("dvc", "queue", "status").stdout.splitlines()
    states = Counter(line.split()[-1] for line in lines if line.split()[1:2] and line.split()[1].startswith("sweep"))
    (workers,) = (line for line in lines if line.startswith("Worker status:"))
    return states, workers != "Worker status: 0 active, 0 idle"


def work_off_the_queue(project: Project, seconds: float) -> Counter[str]:
    """Start workers, and again where they left tasks behind, until nothing is queued or running."""
    deadline = time.monotonic() + seconds
    states, working = tasks(project)
    while states["Queued"] + states["Running"]:
        assert time.monotonic() < deadline, states
        if not working:
            # the workers outlive the command and would keep a pipe of ours open
            started = ["dvc", "queue", "start", "-j", "2"]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(started, cwd=project.folder, env=project.environment, check=True, **quiet)
        time.sleep(2)
        states, working = tasks(project)
    return states


def back_to_the_commit(project: Project) -> None:
    project.run("git", "restore", ".")
    # a variant that only the experiment has left a file that git does not know
    project.run("git", "clean", "-fdq", "reports")
    project.run("dvc", "checkout", "dvc.yaml")


def test_a_sweep_through_the_queue(project):
    project.write_params({"studies.activation": ..., "datasets.images": ..., "studies.weight_decay.claims.c": CLAIM})
    project.run("dvc", "repro")
    project.commit("first results")
    first = project.read("reports/results/weight_decay.csv")

    # one experiment in the workspace, and back
    project.run("dvc", "exp", "run", "-n", "one", "-S", f"{DECAY}=[0,1,3]")
    assert project.read("reports/results/weight_decay.csv") != first
    back_to_the_commit(project)
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert project.read("reports/results/weight_decay.csv") == first

    # a range and a list: every combination is queued, nothing is trained yet, the workspace stays as it is
    done = project.run(
        *("dvc", "exp", "run", "--queue", "-n", "sweep"),
        *("-S", f"{EPOCHS}=range(2,4,1)", "-S", f"{DECAY}=[0,1],[0,2]"),
    )
    assert done.stdout.count("Queued experiment 'sweep-") == 4
    assert tasks(project) == (Counter(Queued=4), False)
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert work_off_the_queue(project, seconds=300) == Counter(Success=4), project.run(
        "dvc", "queue", "logs", "sweep-1"
    )
    assert project.run("git", "status", "--porcelain").stdout == ""

    # their configs and metrics side by side
    table = project.run("dvc", "exp", "show", "--csv").stdout
    shown = {row["Experiment"]: row for row in csv.DictReader(io.StringIO(table))}
    names = [f"sweep-{number}" for number in range(1, 5)]
    assert {"one", *names} <= set(shown)
    found = {name: tuple(shown[name][f"params.yaml:{key}"] for key in (EPOCHS, DECAY)) for name in names}
    assert sorted(found.values()) == [("2", "[0, 1]"), ("2", "[0, 2]"), ("3", "[0, 1]"), ("3", "[0, 2]")]
    losses = {name: shown[name][LOSS] for name in names}
    # the same config trains to the same bits whatever is trained beside it
    assert all((losses[a] == losses[b]) == (found[a][0] == found[b][0]) for a in names for b in names)

    # two of them
    difference = json.loads(project.run("dvc", "exp", "diff", "sweep-1", "sweep-4", "--json").stdout)
    changed = difference["params"]["params.yaml"]
    assert set(changed) == {EPOCHS, DECAY}
    assert (str(changed[EPOCHS]["old"]), str(changed[DECAY]["old"])) == found["sweep-1"]
    assert "reports/metrics/weight_decay/weight_decay_0.json" in difference["metrics"]

    # one of them becomes the workspace; where the second project was never run, DVC says so and takes this one
    done = project.run("dvc", "exp", "apply", "sweep-4", ok=False)
    missing = [line for line in done.stderr.splitlines() if line.startswith(("book/", "data/", "reports/"))]
    assert done.returncode == 0 or missing, done.stderr
    assert all(line.startswith("book/data/") for line in missing), done.stderr
    project.run("dvc", "checkout", "dvc.yaml")
    rows = list(csv.DictReader(io.StringIO(project.read("reports/results/weight_decay.csv"))))
    assert {row["variant"] for row in rows} == {"weight_decay_0", "weight_decay_2"}
    kept = json.loads(project.read("reports/metrics/weight_decay/weight_decay_0.json"))["test_loss"]["estimate"]
    assert float(losses["sweep-4"]) == pytest.approx(kept)
    assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
    assert "Running stage" not in project.run("dvc", "repro").stdout
