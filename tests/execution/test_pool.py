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
from pipeline.execution.results import RunResult, RunSpec
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


def test_a_run_that_fails_ends_those_that_still_train(monkeypatch):
    """They would take minutes; Ctrl-C and SIGTERM, which tests/faults/test_kills.py sends, end them the same way."""
    run_one, long = pool.results.run_one, RunSpec(config(LONG), seeds(1)[0], 0)

    def failing(spec, examples, control):
        if spec is long:
            return run_one(spec, examples, control)
        time.sleep(0.5)
        raise UserError("no more")

    monkeypatch.setattr(pool.results, "run_one", failing)
    monkeypatch.setenv("ABLATE_THREADS", "2")
    begun = time.monotonic()
    with pytest.raises(UserError, match="no more"):
        list(pool.run_all([long, RunSpec(config(), seeds(1)[0], 0), long], classes(1), lambda epochs: None))
    assert time.monotonic() - begun < 10


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


# --- on a cluster ----------------------------------------------------------------------------------------------------

# in its own process, as on other machines
CLUSTER = """
import sys
from distributed import LocalCluster
with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
    print(cluster.scheduler_address, *[worker.pid for worker in cluster.workers.values()], flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def cluster(monkeypatch, workers: int, paths: str = PATHS) -> Iterator[list[int]]:
    """Start and use a scheduler and workers; yield the process ids of the workers."""
    pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[cluster]'")
    command = [sys.executable, "-c", CLUSTER, str(workers)]
    variables = {**os.environ, "PYTHONPATH": paths, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=variables, **pipes) as process:
        address, *pids = process.stdout.readline().split()
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
        yield [int(pid) for pid in pids]
        process.communicate(timeout=60)


def run_all() -> Iterator[tuple[int, RunResult]]:
    specs = [RunSpec(variant.config, seed, 0) for variant in study().variants for seed in seeds(8)]
    return pool.run_all(specs, classes(8), lambda epochs: None)


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits_even_if_a_worker_is_killed(monkeypatch):
    expected = {index: result.to_bytes() for index, result in run_all()}
    monkeypatch.setattr(pool, "_TASK", 0.0)  # a task for every run
    trained = {}
    with cluster(monkeypatch, 2) as pids:
        for index, result in run_all():
            trained[index] = result.to_bytes()
            if len(trained) == 5:
                os.kill(pids[0], signal.SIGKILL)
    assert trained == expected


@pytest.mark.slow
def test_a_worker_of_other_versions_is_refused(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "version = m.version\n"
        "m.version = lambda name: '0.1' if name == 'numba' else version(name)\n"
    )
    with (
        cluster(monkeypatch, 1, f"{tmp_path}{os.pathsep}{PATHS}"),
        pytest.raises(UserError, match="would give other results: numba 0.1, here"),
    ):
        list(run_all())


@pytest.mark.slow
def test_a_cluster_that_cannot_be_used_is_named(monkeypatch):
    with (
        cluster(monkeypatch, 0),
        pytest.raises(UserError, match=r"^DASK_SCHEDULER_ADDRESS: tcp://\S+ has no workers"),
    ):
        list(run_all())
    monkeypatch.setattr(pool, "_CONNECT", 1)
    for address in ("tcp://127.0.0.1:9", "nowhere"):
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
        with pytest.raises(UserError, match=f"^DASK_SCHEDULER_ADDRESS: no scheduler at {address}"):
            list(run_all())
