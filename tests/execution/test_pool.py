"""Threads and a cluster: the same bits, whatever trains a run and whatever dies."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from execution.studies import study, with_folds
from samples import classes, config, seeds

from pipeline.core.errors import UserError
from pipeline.execution import pool
from pipeline.execution.results import RunSpec
from pipeline.execution.runs import train_study
from pipeline.execution.store import Store

TESTS = Path(__file__).parents[1]
PATHS = f"{TESTS}{os.pathsep}{TESTS.parent}"
LONG = {"training.epochs": 1_000_000, "training.batch_size": 1, "training.evaluations": 1}


@pytest.mark.parametrize("make", [study, with_folds])
def test_the_number_of_threads_changes_no_bit(make, monkeypatch):
    results = []
    for count in ("1", "2", "7"):
        monkeypatch.setenv("ABLATE_THREADS", count)
        results.append(train_study(make(), seeds(5), classes(5), Store(None)))
    for other in results[1:]:
        assert results[0].results.equals(other.results)
        assert results[0].curves.equals(other.curves)
        assert results[0].diagnostics.layers.equals(other.diagnostics.layers)


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


def test_a_run_that_fails_ends_the_training(monkeypatch):
    run_one, begun = pool.results.run_one, []

    def failing(spec, examples, control):
        begun.append(spec)
        if len(begun) == 3:
            raise UserError("no more")
        return run_one(spec, examples, control)

    monkeypatch.setattr(pool.results, "run_one", failing)
    with pytest.raises(UserError, match="no more"):
        train_study(study(), seeds(3), classes(), Store(None))
    assert len(begun) < 18


def test_progress_is_reported_while_a_run_trains(monkeypatch):
    monkeypatch.setattr(pool, "_POLL", 0.01)
    spec = RunSpec(config(LONG | {"training.epochs": 3000}), seeds(1)[0], 0)
    reported: list[int] = []
    list(pool.run_all([spec], classes(1), reported.append))
    assert reported == sorted(reported)
    assert reported[-1] == 3000
    assert len(set(reported)) > 2


def test_a_study_whose_runs_are_all_stored_needs_no_cluster(tmp_path, monkeypatch):
    trained = train_study(study(), seeds(2), classes(), Store(tmp_path))
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    assert train_study(study(), seeds(2), classes(), Store(tmp_path)).results.equals(trained.results)


def test_without_dask_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"pip install '\.\[cluster\]'"):
        train_study(study(), seeds(2), classes(), Store(None))


# --- in other processes ----------------------------------------------------------------------------------------------

IMPORTS = """
import dataclasses, sys
from pathlib import Path
from execution.studies import study
from execution.test_pool import LONG
from samples import classes, config, seeds
from pipeline.core import console
from pipeline.execution import pool
from pipeline.execution.runs import train_study
from pipeline.execution.store import Store
"""

ENDLESS = """
def main(arguments):
    short, other = study().variants[:2]
    variants = (short, dataclasses.replace(other, config=config(LONG)))
    train_study(dataclasses.replace(study(), variants=variants), seeds(3), classes(), Store(Path(arguments[0])))

console.run(main)
"""

# with a task for every run
TRAINING = """
def main(arguments):
    pool._TASK = 0.0
    result = train_study(study(**{"training.epochs": int(arguments[0])}), seeds(8), classes(8), Store(None))
    sys.stdout.write(result.results.to_csv() + result.curves.to_csv() + result.diagnostics.layers.to_csv())

console.run(main)
"""


def start(program: str, argument: object, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", IMPORTS + program, str(argument)],
        env={**os.environ, "PYTHONPATH": PATHS, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_program_ends_soon_and_keeps_its_finished_runs(by, tmp_path):
    process = start(ENDLESS, tmp_path)
    while len(list(tmp_path.glob("*/*.run"))) < 3:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(by)
    _, errors = process.communicate(timeout=10)  # the runs would take minutes
    assert process.returncode == 128 + by
    assert "Traceback" not in errors
    assert len(list(tmp_path.glob("*/*.run"))) == 3


# in its own process, as on other machines
CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
    print(cluster.scheduler_address, *[worker.pid for worker in cluster.workers.values()], flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def cluster(workers: int, paths: str = PATHS) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler and workers; yield its address and their process ids."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[cluster]'")
    command = [sys.executable, "-c", CLUSTER, str(workers)]
    variables = {**os.environ, "PYTHONPATH": paths, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=variables, **pipes) as process:
        address, *pids = process.stdout.readline().split()
        yield address, [int(pid) for pid in pids]
        process.communicate(timeout=60)


@pytest.mark.xdist_group("cluster")
def test_a_cluster_gives_the_same_bits_even_if_a_worker_is_killed():
    with cluster(2) as (address, pids):
        process = start(TRAINING, 150, DASK_SCHEDULER_ADDRESS=address)
        lines: list[str] = []
        while "of 48 runs" not in (lines or [""])[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        os.kill(pids[0], signal.SIGKILL)
        output, errors = process.communicate(timeout=240)
    assert "48 of 48 runs" in errors
    assert output == start(TRAINING, 150).communicate()[0]


@pytest.mark.xdist_group("cluster")
def test_a_worker_of_other_versions_is_refused(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "version = m.version\n"
        "m.version = lambda name: '0.1' if name == 'numba' else version(name)\n"
    )
    with cluster(1, f"{tmp_path}{os.pathsep}{PATHS}") as (address, _):
        output, errors = start(TRAINING, 2, DASK_SCHEDULER_ADDRESS=address).communicate(timeout=120)
    assert not output
    assert "would give other results: numba 0.1, here" in errors
    assert "Traceback" not in errors


@pytest.mark.xdist_group("cluster")
def test_a_cluster_that_cannot_be_used_is_named():
    with cluster(0) as (empty, _):
        for address, problem in (
            (empty, f"{empty} has no workers"),
            ("tcp://127.0.0.1:9", "no scheduler at tcp://127.0.0.1:9"),
            ("nowhere", "no scheduler at nowhere"),
        ):
            process = start(TRAINING, 2, DASK_SCHEDULER_ADDRESS=address)
            _, errors = process.communicate(timeout=120)
            assert f"DASK_SCHEDULER_ADDRESS: {problem}" in errors
            assert process.returncode == 2
            assert "Traceback" not in errors
