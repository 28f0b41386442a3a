"""Several processes and a cluster: the same bits, whoever trains, whoever dies."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from execution.studies import study, with_folds
from samples import classes, seeds, setting, values

from pipeline.execution import chunks, runs, workers
from pipeline.execution.store import Store
from pipeline.project.errors import UserError

TESTS = Path(__file__).parents[1]
NONE = Store(None)


@pytest.fixture
def small_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "STACK_BYTES", 0)


def linear():
    """A study whose closed form is solved by the workers too."""
    made = study("regression", **{"loss": "squared_error", "model.hidden": [], "model.dropout": 0.0})
    return dataclasses.replace(made, traits=frozenset(["regression", "linear"]))


@pytest.mark.usefixtures("small_stacks")
@pytest.mark.parametrize("make", [study, with_folds, linear])
def test_several_processes_give_the_same_bits(make, monkeypatch):
    dataset = values(5) if make is linear else classes(5)
    here = runs.train(make(), seeds(5), dataset, "cpu", NONE)
    started = []
    monkeypatch.setattr(workers, "WORTH_STARTING", 0.0)
    monkeypatch.setattr(workers.joblib, "cpu_count", lambda: started.append(2) or 2)
    there = runs.train(make(), seeds(5), dataset, "cpu", NONE)
    assert started
    assert here.results.equals(there.results)
    assert here.curves.equals(there.curves)
    assert here.probes.layers.equals(there.probes.layers)
    assert here.probes.weights.equals(there.probes.weights)


@pytest.mark.usefixtures("small_stacks")
def test_what_is_soon_done_starts_no_process(monkeypatch):
    monkeypatch.setattr(workers, "_in_processes", lambda *arguments: pytest.fail("started processes"))
    runs.train(study(), seeds(2), classes(), "cpu", NONE)


@pytest.mark.usefixtures("small_stacks")
def test_one_core_starts_no_process(monkeypatch):
    monkeypatch.setattr(workers, "WORTH_STARTING", 0.0)
    monkeypatch.setattr(workers.joblib, "cpu_count", lambda: 1)
    monkeypatch.setattr(workers, "_in_processes", lambda *arguments: pytest.fail("started processes"))
    runs.train(study(), seeds(2), classes(), "cpu", NONE)


def test_a_worker_that_would_give_other_bits_refuses(monkeypatch):
    stack = [(setting(), seeds(1)[0], 0)]
    wanted = {**workers.identity(), "torch": "1.0", "processor": "abacus"}
    with pytest.raises(UserError, match=r"would give other bits: processor .*, here abacus; torch .*, here 1\.0"):
        workers._train_there(0, stack, classes(), wanted)


# --- a cluster on this machine ---------------------------------------------------------------------------------------


class Cluster:
    """A scheduler and workers, each in a process of its own, as a person would start them."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
            "OMP_NUM_THREADS": "1",
            "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
        }
        self.workers: list[subprocess.Popen] = []
        self._scheduler = self._start("dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")

    def _start(self, *command: str) -> subprocess.Popen:
        binary = str(Path(sys.executable).parent / command[0])
        with (self._folder / f"{command[1]}.log").open("a") as log:
            return subprocess.Popen(
                [binary, *command[1:]], env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )

    def add_worker(self, **environment: str) -> None:
        self._environment |= environment
        options = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        self.workers.append(self._start("dask", "worker", self.address, *options))

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            process.kill()  # a worker that is still starting may not hear to end
        for process in (*self.workers, self._scheduler):
            process.wait(timeout=20)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[cluster]'")
    made = Cluster(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", made.address)
    yield made
    made.close()


# a study in a process of its own, so that a client's threads and warnings are not this process's
PROGRAM = """
import sys
from execution.studies import study
from samples import classes, seeds
from pipeline.project import console
from pipeline.execution import chunks, runs
from pipeline.execution.store import Store

def main(arguments):
    chunks.STACK_BYTES = 0
    found = runs.train(study(**{"schedule.epochs": int(arguments[0])}), seeds(8), classes(8), "cpu", Store(None))
    sys.stdout.write(found.results.to_csv() + found.curves.to_csv() + found.probes.layers.to_csv())

console.run(main)
"""


def started(epochs: int, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(epochs)],
        env={
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
            "OMP_NUM_THREADS": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alone(epochs: int) -> str:
    text, errors = started(epochs, DASK_SCHEDULER_ADDRESS="").communicate()
    assert text, errors
    return text


@pytest.mark.xdist_group("cluster")
def test_a_cluster_gives_the_same_bits(cluster):
    for _ in range(2):
        cluster.add_worker()
    text, errors = started(2).communicate(timeout=120)
    assert "12 of 12 stacks" in errors
    assert text == alone(2)


@pytest.mark.xdist_group("cluster")
def test_a_worker_that_is_killed_changes_no_bit(cluster):
    for _ in range(2):
        cluster.add_worker()
    process = started(150)
    errors: list[str] = []
    while "of 12 stacks" not in (errors or [""])[-1]:
        line = process.stderr.readline()
        assert line, errors
        errors.append(line)
    cluster.workers[0].send_signal(signal.SIGKILL)
    text, rest = process.communicate(timeout=240)
    assert "12 of 12 stacks" in rest, rest
    assert cluster.workers[0].poll() == -signal.SIGKILL
    assert text == alone(150)


@pytest.mark.xdist_group("cluster")
def test_workers_that_would_give_other_bits_are_refused(cluster, tmp_path):
    """A worker whose processor is said to have fewer instructions."""
    cluster.add_worker(ATEN_CPU_CAPABILITY="default")
    text, errors = started(2).communicate(timeout=120)
    assert not text
    assert "would give other bits: processor" in errors
    assert "Traceback" not in errors


@pytest.mark.xdist_group("cluster")
def test_a_scheduler_without_workers_and_one_that_is_not_there_are_said(cluster):
    process = started(2)
    _, errors = process.communicate(timeout=120)
    assert f"the scheduler at {cluster.address} has no workers" in errors
    assert process.returncode == 2
    process = started(2, DASK_SCHEDULER_ADDRESS="tcp://127.0.0.1:9")
    _, errors = process.communicate(timeout=120)
    assert "DASK_SCHEDULER_ADDRESS: no scheduler at tcp://127.0.0.1:9" in errors
    assert process.returncode == 2
    assert "Traceback" not in errors
    process = started(2, DASK_SCHEDULER_ADDRESS="nowhere")
    _, errors = process.communicate(timeout=120)
    assert "no scheduler at nowhere" in errors
    assert "Traceback" not in errors


def test_without_dask_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install '\.\[cluster\]'"):
        runs.train(study(), seeds(2), classes(), "cpu", NONE)
