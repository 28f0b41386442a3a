"""Where runs are trained: by threads of this process, as many as it may use cores, or on a Dask cluster.

A run is trained by one thread, and no other has a part in its numbers, so they are the same wherever it is trained.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.execution import results, store
from pipeline.execution.environment import environment
from pipeline.execution.results import RunResult, RunSpec
from pipeline.project.dataset import Dataset
from pipeline.project.errors import UserError
from pipeline.training.engine import Control, Examples

_TASK = 1.0  # seconds of training in a task for the cluster
_POLL = 0.2  # seconds between two looks at the epochs that have ended
_CONNECTING = 10  # seconds to wait for a scheduler

Progress = Callable[[int], None]  # called with the number of epochs of all runs that have ended so far
Numbered = tuple[int, RunResult]  # place of a run among the specs, and its result


def train(specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Iterator[Numbered]:
    """Train runs; yields their places and results in the order in which they are finished.

    Raises:
        UserError: If `ABLATE_THREADS` is no number of threads, there is no scheduler where `DASK_SCHEDULER_ADDRESS`
            says, or a worker would give other results.
    """
    if os.environ.get("DASK_SCHEDULER_ADDRESS"):
        yield from _on_cluster(specs, dataset, progress)
    else:
        yield from _in_threads(specs, Examples(dataset), min(threads(), len(specs)), progress)


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


def _in_threads(specs: Sequence[RunSpec], examples: Examples, count: int, progress: Progress) -> Iterator[Numbered]:
    places = iter(range(len(specs)))  # shared: each thread takes the next
    finished: queue.SimpleQueue[Numbered | BaseException] = queue.SimpleQueue()
    controls = [Control() for _ in range(count)]

    def work(control: Control) -> None:
        try:
            for place in places:
                control.begin()
                finished.put((place, results.train(specs[place], examples, control)))
        except BaseException as error:  # it is raised where the results are waited for
            finished.put(error)

    workers = [threading.Thread(target=work, args=[control], daemon=True) for control in controls]
    for worker in workers:
        worker.start()
    epochs, left = 0, len(specs)
    try:
        while left:
            try:
                found = finished.get(timeout=_POLL)
            except queue.Empty:
                progress(epochs + sum(control.epochs for control in controls))
                continue
            if isinstance(found, BaseException):
                raise found
            left -= 1
            epochs += specs[found[0]].setting.schedule.epochs
            progress(epochs)
            yield found
    finally:
        for control in controls:
            control.stop()
        for worker in workers:
            worker.join()


# --- a cluster -------------------------------------------------------------------------------------------------------


def identity() -> dict[str, str]:
    """All that a run's numbers depend on besides its spec and examples: versions and code."""
    return environment(["scratch", "concise"]) | {"code": store.code()}


def _on_cluster(specs: Sequence[RunSpec], dataset: Dataset, progress: Progress) -> Iterator[Numbered]:
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
        here = identity()
        workers = client.run(identity)
        if not workers:
            found = f"the scheduler at {address} has no workers"
            raise UserError(f"DASK_SCHEDULER_ADDRESS: {found}; `dask worker {address}` starts some")
        for worker, there in workers.items():
            _check_identity(worker, here, there)
        # one run tells how long a run takes, and so how many make a task
        begun, epochs = time.perf_counter(), specs[0].setting.schedule.epochs
        yield 0, results.train(specs[0], Examples(dataset))
        progress(epochs)
        size = max(1, round(_TASK / (time.perf_counter() - begun)))
        # the result of a task and no data laid out on workers: if the worker that has it dies, another makes it again
        examples = client.submit(_hand_on, dataset, pure=False)
        places = list(enumerate(specs))
        futures = [
            client.submit(_train_there, task, examples, here, pure=False)
            for task in (places[first : first + size] for first in range(1, len(specs), size))
        ]
        for _, found in as_completed(futures, with_results=True):
            for place, result in found:
                epochs += specs[place].setting.schedule.epochs
                yield place, result
            progress(epochs)


def _hand_on(dataset: Dataset) -> Dataset:
    return dataset


def _train_there(task: list[tuple[int, RunSpec]], dataset: Dataset, wanted: Mapping[str, str]) -> list[Numbered]:
    """What a worker does; also one that joined when the others had been looked at."""
    _check_identity("a worker", wanted, identity())
    examples = Examples(dataset)
    return [(place, results.train(spec, examples)) for place, spec in task]


def _check_identity(worker: str, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    differing = [f"{name} {there.get(name)}, here {here[name]}" for name in here if there.get(name) != here[name]]
    if differing:
        raise UserError(f"{worker} would give other results: {'; '.join(differing)}")
