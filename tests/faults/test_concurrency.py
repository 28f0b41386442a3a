"""Several DVC commands at once in one project: each ends right, waits, or says in one line that another is at work."""

import re
import subprocess
import time

import numpy as np
import pytest
from conftest import small_project
from samples import ONE_STUDY, Project

pytestmark = pytest.mark.slow

DECAY = "studies.weight_decay.grid.optimizer.weight_decay"
# the lines with which a command may end
ALLOWED = {
    "said that another is at work": re.compile(r"Unable to acquire .*lock|is busy, it is being blocked by"),
    # a fault of DVC: a command takes an entry of the run cache that another is just writing for damaged and deletes it;
    # the writer ends before it touches dvc.lock, and its next run continues from the stage before
    "ended with a line about DVC's run cache": re.compile(
        r"failed to reproduce '[\w@]+': \[Errno 2\] No such file or directory: '\S+/\.dvc/cache/runs/\S+\.tmp'$"
    ),
    # `dvc exp run -S` changes params.yaml in the workspace for a moment; the file is empty while it is written
    "said that configs were others meanwhile": re.compile(
        r"made with other configs; .*is due|params.yaml: (changed while this stage ran|found None)"
    ),
}


def ended(process: "subprocess.Popen[str]") -> str:
    """Return how a command ended."""
    output, errors = process.communicate(timeout=300)
    assert "Traceback" not in output + errors, errors
    if process.returncode == 0:
        return "ended right"
    assert errors.count("ERROR: ") == 1, errors
    return next(outcome for outcome, words in ALLOWED.items() if words.search(errors.rstrip()))


def variants(project: Project, experiment: str) -> set[str]:
    """Return the variants in the results of an experiment."""
    pattern = f"refs/exps/**/{experiment}"
    commit = project.run("git", "for-each-ref", "--format=%(objectname)", pattern).stdout.strip()
    rows = project.run("git", "show", f"{commit}:reports/results/weight_decay.csv").stdout.splitlines()
    return {row.split(",")[0].removeprefix("weight_decay_") for row in rows[1:]}


def test_two_runs_an_experiment_and_a_queue_at_once(finished, tmp_path, many, tally):
    random = np.random.default_rng(3)
    for number in range(many(10)):
        project = small_project(tmp_path / str(number), ONE_STUDY)
        project.run("dvc", "exp", "run", "--queue", "-n", "queued", "-S", f"{DECAY}=[0,2]")
        experiment = ("dvc", "exp", "run", "--temp", "-n", "beside", "-S", f"{DECAY}=[0,1]")
        commands = [("dvc", "repro"), ("dvc", "repro"), experiment, ("dvc", "queue", "start", "-j", "1")]
        # from at once to when the first of them trains
        moments = random.uniform(0, 6, size=len(commands))
        began, processes = time.monotonic(), {}
        for index in np.argsort(moments):
            time.sleep(max(0.0, began + moments[index] - time.monotonic()))
            # the worker of the queue outlives its command and would keep a pipe open
            pipe = subprocess.DEVNULL if commands[index][1] == "queue" else subprocess.PIPE
            processes[index] = subprocess.Popen(
                commands[index], cwd=project.folder, env=project.environment, stdout=pipe, stderr=pipe, text=True
            )
        outcomes = {index: ended(processes[index]) for index in (0, 1, 2)}
        processes[3].wait()
        assert {outcomes[0], outcomes[1]} != {"said that another is at work"}
        project.finish_queue(jobs=1)

        # a command that was refused is repeated
        project.run("dvc", "repro")
        assert (project.files(), project.lock()) == (finished.files(), finished.lock())
        assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout

        # both experiments trained what they were told to
        if outcomes[2] != "ended right":
            project.run(*experiment)
        assert (variants(project, "beside"), variants(project, "queued")) == ({"0", "1"}, {"0", "2"})
        for index, outcome in outcomes.items():
            tally("concurrency", " ".join(commands[index][:3]), outcome)
        tally("concurrency", "workspace after all of it", "same bits, dvc.lock whole")
