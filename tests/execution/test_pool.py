"""Threads and a cluster: the same bits, whoever trains, whoever dies."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from execution.studies import study, with_folds
from samples import classes, config, seeds

from pipeline.core.errors import UserError
from pipeline.execution import pool, runs
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store

TESTS = Path(__file__).parents[1]
NONE = Store(None)
LONG = {"training": {"epochs": 1_000_000, "batch_size": 1, "evaluations": 1}}


@pytest.mark.parametrize("make", [study, with_folds])
def test_the_number_of_threads_changes_no_bit(make, monkeypatch):
    found = []
    for count in ("1", "2", "7"):
        monkeypatch.setenv("ABLATE_THREADS", count)
        found.append(runs.train(make(), seeds(5), classes(5), NONE))
    for other in found[1:]:
        assert found[0].results.equals(other.results)
        assert found[0].curves.equals(other.curves)
        assert found[0].diagnostics.layers.equals(other.diagnostics.layers)


def test_as_many_threads_as_the_process_may_use_cores(monkeypatch):
    monkeypatch.delenv("ABLATE_THREADS", raising=False)
    monkeypatch.setattr(pool.os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert pool.threads() == 3
    monkeypatch.setenv("ABLATE_THREADS", "2")
    assert pool.threads() == 2
    for wrong in ("0", "many", ""):
        monkeypatch.setenv("ABLATE_THREADS", wrong)
        with pytest.raises(UserError, match="ABLATE_THREADS: found .*, allowed: a number of threads"):
            pool.threads()


def test_a_thread_that_fails_ends_the_training(monkeypatch):
    train, trained = pool.results.train, []

    def failing(spec, examples, control):
        trained.append(spec)
        if len(trained) == 3:
            raise UserError("no more")
        return train(spec, examples, control)

    monkeypatch.setattr(pool.results, "train", failing)
    with pytest.raises(UserError, match="no more"):
        runs.train(study(), seeds(3), classes(), NONE)
    assert len(trained) < 18


def test_progress_is_told_while_a_run_trains(monkeypatch):
    monkeypatch.setattr(pool, "_POLL", 0.01)
    spec = RunSpec(config({"training": {"epochs": 3000, "batch_size": 1, "evaluations": 1}}), seeds(1)[0], 0)
    told: list[int] = []
    list(pool.train([spec], classes(1), told.append))
    assert told == sorted(told)
    assert told[-1] == 3000
    assert len(set(told)) > 2


PROGRAM_TO_STOP = """
import sys
from pathlib import Path
from execution.test_pool import LONG
from execution.studies import study
from samples import classes, seeds
import dataclasses
from samples import config
from pipeline.execution import runs
from pipeline.execution.store import Store
from pipeline.core import console

def main(arguments):
    chosen = study()
    endless = dataclasses.replace(chosen.variants[1], config=config(LONG))
    chosen = dataclasses.replace(chosen, variants=(chosen.variants[0], endless))
    runs.train(chosen, seeds(3), classes(), Store(Path(arguments[0])))

console.run(main)
"""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_ends_within_a_second_and_keeps_what_was_finished(by, tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM_TO_STOP, str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True
    )
    while len(list(tmp_path.glob("*/*.run"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(by)
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - begun < 1.5
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors
    assert len(list(tmp_path.glob("*/*.run"))) == 3


# --- a cluster on this machine ---------------------------------------------------------------------------------------


class Cluster:
    """A scheduler and workers, each in a process of its own, as a user would start them."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
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
from pipeline.core import console
from pipeline.execution import pool, runs
from pipeline.execution.store import Store

def main(arguments):
    pool._TASK = 0.0  # a task for every run
    found = runs.train(study(**{"training.epochs": int(arguments[0])}), seeds(8), classes(8), Store(None))
    sys.stdout.write(found.results.to_csv() + found.curves.to_csv() + found.diagnostics.layers.to_csv())

console.run(main)
"""


def started(epochs: int, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(epochs)],
        env={
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
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
    assert "48 of 48 runs" in errors
    assert text == alone(2)


@pytest.mark.xdist_group("cluster")
def test_a_worker_that_is_killed_changes_no_bit(cluster):
    for _ in range(2):
        cluster.add_worker()
    process = started(150)
    errors: list[str] = []
    while "of 48 runs" not in (errors or [""])[-1]:
        line = process.stderr.readline()
        assert line, errors
        errors.append(line)
    cluster.workers[0].send_signal(signal.SIGKILL)
    text, rest = process.communicate(timeout=240)
    assert "48 of 48 runs" in rest, rest
    assert cluster.workers[0].poll() == -signal.SIGKILL
    assert text == alone(150)


@pytest.mark.xdist_group("cluster")
def test_a_worker_of_other_versions_is_refused(cluster, tmp_path):
    """A worker that finds another numba."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "own = m.version\n"
        "m.version = lambda name: '0.1' if name == 'numba' else own(name)\n"
    )
    cluster.add_worker(PYTHONPATH=f"{tmp_path}{os.pathsep}{TESTS}{os.pathsep}{TESTS.parent}")
    text, errors = started(2).communicate(timeout=120)
    assert not text
    assert "would give other results: numba 0.1, here" in errors
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


def test_a_study_whose_runs_are_all_stored_asks_no_cluster(tmp_path, monkeypatch):
    trained = runs.train(study(), seeds(2), classes(), Store(tmp_path))
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    assert runs.train(study(), seeds(2), classes(), Store(tmp_path)).results.equals(trained.results)


def test_without_dask_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install '\.\[cluster\]'"):
        runs.train(study(), seeds(2), classes(), NONE)
