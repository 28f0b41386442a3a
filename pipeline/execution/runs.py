"""All runs of a study: those that are in the store are taken, the others trained and kept."""

import logging
import textwrap
from collections.abc import Sequence

from tqdm import tqdm

from pipeline.execution import parent, workers
from pipeline.execution.chunks import chunks
from pipeline.execution.environment import demand, environment
from pipeline.execution.store import Store, code
from pipeline.execution.tables import Run, Tables, Trained
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.variants import Study

log = logging.getLogger(__name__)


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, device: str, store: Store | None = None) -> Trained:
    """The tables of a study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        device: Of all tensors.
        store: Of finished runs; the user's where none is given.

    Raises:
        UserError: If there is no such device, or the process that started this one ends meanwhile.
    """
    demand(device)
    store = Store.of_user() if store is None else store
    runs = [Run(variant, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds]
    jobs = [run.job for run in runs]
    keys = store.keys(jobs, dataset, environment(device))
    tables = Tables(study, runs, dataset)
    missing = []
    for place, key in enumerate(keys):
        record = store.get(key)
        if record is None:
            missing.append(place)
        else:
            tables.add(runs[place], record)
    stacks = [
        [missing[place] for place in stack] for stack in chunks([jobs[place] for place in missing], dataset, device)
    ]
    log.info(
        "%s: %d runs to train in %d stacks, %d taken from the store",
        study.id,
        len(missing),
        len(stacks),
        len(runs) - len(missing),
    )
    # a bar on a terminal, a line for every stack in a log
    total = sum(jobs[place][0].schedule.epochs for place in missing)
    with tqdm(desc=study.id, total=total, unit="run-epoch", disable=None, dynamic_ncols=True) as bar:
        work = [[jobs[place] for place in stack] for stack in stacks]
        for finished, (number, found) in enumerate(workers.trained(work, dataset, device, bar.update), start=1):
            for place, record in zip(stacks[number], found, strict=True):
                tables.add(runs[place], record)
                store.put(keys[place], record)
            if bar.disable:
                names = textwrap.shorten(
                    ", ".join(dict.fromkeys(runs[place].variant.id for place in stacks[number])),
                    100,
                    placeholder=" ...",
                )
                log.info("%s: %d of %d stacks, %d runs: %s", study.id, finished, len(stacks), len(found), names)
            parent.demand()
    if missing:
        store.prune()
    return tables.trained(environment(device), code()[:12])
