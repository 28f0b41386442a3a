"""From a study's variants and seeds to stacks that fit the cache, trained one after the other."""

import itertools
import logging
from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from pipeline.artifacts import Dataset
from pipeline.execution.environment import environment
from pipeline.execution.tables import Run, Tables, Trained
from pipeline.seeding import Seed
from pipeline.training import concise, loop
from pipeline.training.products import padded
from pipeline.variants import Study

log = logging.getLogger(__name__)

# A stack is quickest when what a step touches stays in the cache, and slow again when it is so small that the
# overhead of each operation counts; measured in docs/decisions/0004-stacks-that-fit-the-cache.md.
STACK_BYTES = 16 * 2**20
SMALLEST_STACK = 4


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, device: str) -> Trained:
    """Train every run of the study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        device: Of all tensors.
    """
    runs = [Run(variant, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds]
    stacks = list(chunks(runs, dataset))
    # only tables are kept: the weights of all runs need not fit into memory at once
    tables = Tables(study, runs, dataset)
    total = sum(run.variant.setting.schedule.epochs for run in runs)
    # a bar on a terminal, a line for every stack in a log
    with tqdm(total=total, unit="run-epoch", disable=None, dynamic_ncols=True) as bar:
        for number, stack in enumerate(stacks, start=1):
            names = ", ".join(dict.fromkeys(run.variant.id for run in stack))
            bar.set_description(f"{study.id}: {names if len(names) <= 60 else names[:57] + '...'}")
            if bar.disable:
                log.info("%s: stack %d of %d, %d runs: %s", study.id, number, len(stacks), len(stack), names)
            outcome = _train(stack, dataset, device, bar.update)
            tables.add(stack, outcome)
    return tables.trained(environment(device))


def chunks(runs: Sequence[Run], dataset: Dataset) -> Iterator[list[Run]]:
    """The runs in stacks: each of one program, of about equal size, in the order given."""
    programs: dict[object, list[Run]] = {}
    for run in runs:
        key = loop.program(run.variant.setting, run.fold, dataset.train.examples)
        programs.setdefault(key, []).append(run)
    for alike in programs.values():
        size = max(SMALLEST_STACK, STACK_BYTES // _bytes(alike[0], dataset))
        for places in np.array_split(np.arange(len(alike)), -(-len(alike) // size)):
            yield [alike[place] for place in places]


def _bytes(run: Run, dataset: Dataset) -> int:
    """About what one step of one run touches: parameters, gradients, activations."""
    setting = run.variant.setting
    sizes = [padded(width) for width in loop.widths(setting, dataset)]
    parameters = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = min(setting.schedule.batch_size, *setting.data.sizes(run.fold, dataset.train.examples)[:1])
    return 4 * (3 * parameters + 4 * rows * sum(sizes))


def _train(stack: Sequence[Run], dataset: Dataset, device: str, progress: loop.Progress) -> loop.Outcome:
    settings, seeds, folds = zip(*((run.variant.setting, run.seed, run.fold) for run in stack), strict=True)
    if settings[0].implementation == "concise":
        return loop.Outcome.join(
            [
                concise.train(setting, seed, dataset, fold=fold, device=device, progress=progress)
                for setting, seed, fold in zip(settings, seeds, folds, strict=True)
            ]
        )
    return loop.train(settings, seeds, dataset, folds=folds, device=device, progress=progress)
