"""Runs are trained by threads of this process or on a Dask cluster.

One thread trains a run from start to end, so its numbers do not depend on where it is trained.
"""

import contextlib
import copy
import itertools
import os
import queue
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from pipeline.core.cores import threads
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.execution import results, store
from pipeline.execution.results import RunResult, RunSpec
from pipeline.training.engine import Control, Examples

_TASK = 1.0  # seconds of training in one task for the cluster
_POLL = 0.2  # seconds between two updates of progress
_CONNECT = 10  # seconds to wait for a scheduler

Progress = Callable[[int], None]  # called with the number of epochs that all runs have trained so far
Numbered = tuple[int, RunResult]  # the index of a run among the specs, and its result


def run_all(specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Generator[Numbered]:
    """Train runs, on the cluster of `DASK_SCHEDULER_ADDRESS` if set, and yield each as soon as it is finished."""
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if specs and address:
        yield from _on_cluster(address, specs, dataset, progress)
    else:
        yield from _in_threads(specs, Examples(dataset), progress)


def _in_threads(specs: Sequence[RunSpec], examples: Examples, progress: Progress) -> Generator[Numbered]:
    finished: queue.SimpleQueue[Future[Numbered]] = queue.SimpleQueue()
    stop, epochs = np.zeros(1, np.int64), np.zeros(len(specs), np.int64)

    def run(index: int) -> Numbered:
        return index, results.run_one(specs[index], examples, Control(stop, epochs[index:]))

    executor = ThreadPoolExecutor(threads())
    try:
        for index in range(len(specs)):
            executor.submit(run, index).add_done_callback(finished.put)
        remaining = len(specs)
        while remaining:
            with contextlib.suppress(queue.Empty):
                yield finished.get(timeout=_POLL).result()
                remaining -= 1
            progress(int(epochs.sum()))
    finally:
        stop[0] = True
        executor.shutdown(cancel_futures=True)


def _on_cluster(address: str, specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Generator[Numbered]:
    """Use Dask's own futures: joblib's backend loses the tasks of a worker that dies (docs/decisions/0009)."""
    with _client(address) as client:
        from distributed import as_completed

        numbered, versions = list(enumerate(specs)), _versions()
        # the first run is trained here: its duration decides how many runs make a task
        begun = time.perf_counter()
        first = _run_task(numbered[:1], dataset, versions)
        size = max(1, round(_TASK / (time.perf_counter() - begun)))
        # the data set is the result of a task: if the worker that holds it dies, another worker repeats the task
        examples = client.submit(copy.copy, dataset, pure=False)
        tasks = [numbered[start : start + size] for start in range(1, len(specs), size)]
        futures = [client.submit(_run_task, task, examples, versions, pure=False) for task in tasks]
        others = (task_results for _, task_results in as_completed(futures, with_results=True))
        epochs = 0
        for task_results in itertools.chain([first], others):
            for index, result in task_results:
                epochs += specs[index].config.training.epochs
                yield index, result
            progress(epochs)


def _client(address: str) -> Any:
    """Return the client of a scheduler that has workers."""
    variable = "DASK_SCHEDULER_ADDRESS"
    try:
        from distributed import Client

        client = Client(address, timeout=_CONNECT)
    except ImportError:
        raise UserError(f"{variable} is set, but Dask is not installed: pip install '.[cluster]'") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{variable}: no scheduler at {address} ({error}); `dask scheduler` starts one") from None
    if not client.nthreads():
        client.close()
        raise UserError(f"{variable}: {address} has no workers; `dask worker {address}` starts some")
    return client


def _run_task(task: Sequence[tuple[int, RunSpec]], dataset: Dataset, here: Mapping[str, str]) -> list[Numbered]:
    """Train the runs of a task on a worker, which must have the same versions and code as the client."""
    there = _versions()
    if differing := [f"{name} {there[name]}, here {here[name]}" for name in here if there[name] != here[name]]:
        raise UserError(f"a worker would give other results: {'; '.join(differing)}")
    examples = Examples(dataset)
    return [(index, results.run_one(spec, examples)) for index, spec in task]


def _versions() -> dict[str, str]:
    return store.environment(["scratch", "concise"]) | {"code": store.code()}
