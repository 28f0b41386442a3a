"""Which runs are trained together: stacks of one program that fit the cache."""

import itertools
from collections.abc import Sequence

import numpy as np

from pipeline.execution.records import Job
from pipeline.project.dataset import Dataset
from pipeline.project.settings.training import SGD
from pipeline.training import loop
from pipeline.training.products import padded

# A stack is quickest when what a step touches stays in the cache, and slow again when it is so small that the
# overhead of each operation counts; measured in docs/decisions/0004-stacks-that-fit-the-cache.md.
STACK_BYTES = 16 * 2**20
SMALLEST_STACK = 4
# on a GPU it is the calls that cost; what a stack holds besides fits any device of 16 GB
DEVICE_STACK_BYTES = 4 * 2**30


def chunks(jobs: Sequence[Job], dataset: Dataset, device: str = "cpu") -> list[list[int]]:
    """Places of the runs in stacks: each of one program, of about equal size.

    Runs of one seed come together: what they share - examples, their order, masks - is then drawn once.
    """
    programs: dict[object, list[int]] = {}
    for place, (setting, _, fold) in enumerate(jobs):
        programs.setdefault(loop.program(setting, fold, dataset.train.examples), []).append(place)
    found: list[list[int]] = []
    for alike in programs.values():
        alike.sort(key=lambda place: jobs[place][1].index)
        limit = STACK_BYTES if device == "cpu" else DEVICE_STACK_BYTES
        size = max(SMALLEST_STACK, limit // _bytes(jobs[alike[0]], dataset))
        found.extend(part.tolist() for part in np.array_split(np.array(alike), -(-len(alike) // size)))
    return found


def _bytes(job: Job, dataset: Dataset) -> int:
    """About what one step of one run touches: parameters, gradients, activations."""
    setting, _, fold = job
    sizes = [padded(width) for width in loop.widths(setting, dataset)]
    parameters = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = min(setting.schedule.batch_size, setting.sizes(fold, dataset.train.examples).trained)
    # weights, gradients and velocities; Adam has one more moment of each weight
    kept = 3 if isinstance(setting.optimizer, SGD) else 4
    return 4 * (kept * parameters + 4 * rows * sum(sizes))
