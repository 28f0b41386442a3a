"""Where stacks are trained: in this process, in several processes, or on a cluster. Their bits are the same.

In this process, torch splits each product over the cores. Several processes with one thread each are quicker - a little
for large networks, twofold for small ones, whose operations are not worth splitting - but take seconds to start
(docs/decisions/0009-processes-when-they-pay.md). So the first stack is trained here and timed, and the others go to
processes if they would keep this one busy for much longer than it takes to start them.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence

import joblib
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError

from pipeline.execution import parent, records, store
from pipeline.execution.environment import environment
from pipeline.execution.records import Job, Record
from pipeline.project.dataset import Dataset
from pipeline.project.errors import UserError
from pipeline.training.loop import Progress

log = logging.getLogger(__name__)

WORTH_STARTING = 20.0  # seconds of training for which several processes are started
_CONNECTING = 10  # seconds to wait for a scheduler

Found = tuple[int, list[Record]]  # number of a stack, records of its runs


def trained(stacks: Sequence[list[Job]], dataset: Dataset, device: str, progress: Progress) -> Iterator[Found]:
    """Train the stacks, each as soon as there is a place for it.

    Args:
        stacks: Runs that are trained together.
        dataset: With examples for every seed.
        device: Of all tensors.
        progress: Called with the number of run-epochs that just ended.

    Yields:
        The number of a stack and the records of its runs, in the order in which they are finished.

    Raises:
        UserError: If there is no scheduler where `DASK_SCHEDULER_ADDRESS` says, or a worker would give other bits.
    """
    if device == "cpu" and os.environ.get("DASK_SCHEDULER_ADDRESS"):
        for number, found in _on_cluster(stacks, dataset):
            progress(_epochs([stacks[number]]))
            yield number, found
        return
    for number, stack in enumerate(stacks):
        begun = time.perf_counter()
        yield number, records.train(stack, dataset, device, progress)
        rest = stacks[number + 1 :]
        seconds = (time.perf_counter() - begun) * _epochs(rest) / _epochs([stack])
        if device == "cpu" and len(rest) > 1 and seconds > WORTH_STARTING and (cores := joblib.cpu_count()) > 1:
            left = dict(enumerate(rest, start=number + 1))
            try:
                for later, found in _in_processes(list(left.items()), dataset, cores):
                    progress(_epochs([left.pop(later)]))
                    yield later, found
            except TerminatedWorkerError:
                # killed from outside, most likely because memory was short: one process needs less of it
                log.info("a worker was killed: the last %d stacks are trained in one process", len(left))
                for later, lost in left.items():
                    yield later, records.train(lost, dataset, device, progress)
            return


def _in_processes(stacks: Sequence[tuple[int, list[Job]]], dataset: Dataset, cores: int) -> Iterator[Found]:
    here = identity()
    tasks = (joblib.delayed(_train_there)(number, stack, dataset, here, os.getpid()) for number, stack in stacks)
    with joblib.parallel_config(backend="loky", n_jobs=cores, inner_max_num_threads=1):
        yield from joblib.Parallel(return_as="generator_unordered", batch_size=1)(tasks)


def _on_cluster(stacks: Sequence[list[Job]], dataset: Dataset) -> Iterator[Found]:
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
            if there != here:
                raise UserError(_refusal(worker, here, there))
        # the result of a task and no data laid out on workers: if the worker that has it dies, another makes it again
        examples = client.submit(_hand_on, dataset, pure=False)
        futures = [
            client.submit(_train_there, number, stack, examples, here, pure=False)
            for number, stack in enumerate(stacks)
        ]
        for _, found in as_completed(futures, with_results=True):
            yield found


def _hand_on(dataset: Dataset) -> Dataset:
    return dataset


def identity() -> dict[str, str]:
    """All that the bits of a run depend on besides its settings, seed and examples: versions, processor, code."""
    return environment("cpu") | {"code": store.code()}


def _train_there(
    number: int, stack: list[Job], dataset: Dataset, wanted: Mapping[str, str], started_by: int | None = None
) -> Found:
    """What a worker does; also one that joined when the others had been looked at."""
    if started_by is not None:
        parent.end_with(started_by)
    there = identity()
    if there != wanted:
        raise UserError(_refusal("a worker", wanted, there))
    # the workers of a machine share its cores: a product split over threads would take those of another worker
    torch.set_num_threads(1)
    return number, records.train(stack, dataset, "cpu")


def _refusal(worker: str, here: Mapping[str, str], there: Mapping[str, str]) -> str:
    differing = "; ".join(
        f"{name} {there.get(name)}, here {here[name]}" for name in here if there.get(name) != here[name]
    )
    return f"{worker} would give other bits: {differing}"


def _epochs(stacks: Sequence[list[Job]]) -> int:
    """Run-epochs of stacks."""
    return sum(setting.schedule.epochs for stack in stacks for setting, _, _ in stack)
