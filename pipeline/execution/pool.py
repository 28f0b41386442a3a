"""Where runs are trained: by threads of this process, as many as it may use cores, or on a Dask cluster.

A run is trained by one thread, and no other has a part in its numbers, so they are the same wherever it is trained.
"""

import contextlib
import copy
import os
import queue
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.execution import results, store
from pipeline.execution.results import RunResult, RunSpec
from pipeline.training.engine import Control, Examples

_TASK = 1.0  # seconds of training in a task for the cluster
_POLL = 0.2  # seconds between two looks at the epochs that have ended
_CONNECTING = 10  # seconds to wait for a scheduler

Progress = Callable[[int], None]  # called with the number of epochs of all runs that have ended so far
Numbered = tuple[int, RunResult]  # place of a run among the specs, and its result


def train(specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Generator[Numbered]:
    """Train runs; yields their places and results in the order in which they are finished.

    Raises:
        UserError: If `ABLATE_THREADS` is no number of threads, there is no scheduler where `DASK_SCHEDULER_ADDRESS`
            says, or a worker would give other results.
    """
    if specs and os.environ.get("DASK_SCHEDULER_ADDRESS"):
        yield from _on_cluster(specs, dataset, progress)
    else:
        yield from _in_threads(specs, Examples(dataset), progress)


def threads() -> int:
    """The cores that this process may use, or what `ABLATE_THREADS` says.

    Raises:
        UserError: If it says something else than a number of threads.
    """
    named = os.environ.get("ABLATE_THREADS")
    if named is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not named.isdecimal() or not int(named):
        raise UserError(f"ABLATE_THREADS: found {named!r}, allowed: a number of threads, at least 1")
    return int(named)


def _in_threads(specs: Sequence[RunSpec], examples: Examples, progress: Progress) -> Generator[Numbered]:
    finished: queue.SimpleQueue[Future[Numbered]] = queue.SimpleQueue()
    stop, epochs = np.zeros(1, np.int64), np.zeros(len(specs), np.int64)

    def train(place: int) -> Numbered:
        return place, results.train(specs[place], examples, Control(stop, epochs[place:]))

    executor = ThreadPoolExecutor(threads())
    try:
        for place in range(len(specs)):
            executor.submit(train, place).add_done_callback(finished.put)
        left = len(specs)
        while left:
            with contextlib.suppress(queue.Empty):
                yield finished.get(timeout=_POLL).result()
                left -= 1
            progress(int(epochs.sum()))
    finally:
        stop[0] = True
        executor.shutdown(cancel_futures=True)


def identity() -> dict[str, str]:
    """All that a run's numbers depend on besides its spec and examples: versions and code."""
    return store.environment(["scratch", "concise"]) | {"code": store.code()}


def _on_cluster(specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Generator[Numbered]:
    """By Dask's own futures: joblib's backend loses what it gave to a worker that dies (docs/decisions/0009)."""
    address = os.environ["DASK_SCHEDULER_ADDRESS"]
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise UserError("DASK_SCHEDULER_ADDRESS is set, but Dask is not installed: pip install '.[cluster]'") from None
    try:
        client = Client(address, timeout=_CONNECTING)
    except (OSError, ValueError) as error:
        raise UserError(
            f"DASK_SCHEDULER_ADDRESS: no scheduler at {address} ({error}); `dask scheduler` starts one"
        ) from None
    with client:
        if not client.nthreads():
            found = f"the scheduler at {address} has no workers"
            raise UserError(f"DASK_SCHEDULER_ADDRESS: {found}; `dask worker {address}` starts some")
        # one run tells how long a run takes, and so how many make a task
        begun, epochs = time.perf_counter(), specs[0].config.training.epochs
        yield 0, results.train(specs[0], Examples(dataset))
        progress(epochs)
        size = max(1, round(_TASK / (time.perf_counter() - begun)))
        # the result of a task and no data laid out on workers: if the worker that has it dies, another makes it again
        examples = client.submit(copy.copy, dataset, pure=False)
        places, here = list(enumerate(specs)), identity()
        futures = [
            client.submit(_train_there, places[first : first + size], examples, here, pure=False)
            for first in range(1, len(specs), size)
        ]
        for _, found in as_completed(futures, with_results=True):
            for place, result in found:
                epochs += specs[place].config.training.epochs
                yield place, result
            progress(epochs)


def _train_there(task: list[tuple[int, RunSpec]], dataset: Dataset, here: Mapping[str, str]) -> list[Numbered]:
    """Train the runs of a task on a worker.

    Raises:
        UserError: If its versions or code differ from those `here`.
    """
    there = identity()
    if differing := [f"{name} {there.get(name)}, here {here[name]}" for name in here if there.get(name) != here[name]]:
        raise UserError(f"a worker would give other results: {'; '.join(differing)}")
    examples = Examples(dataset)
    return [(place, results.train(spec, examples)) for place, spec in task]
