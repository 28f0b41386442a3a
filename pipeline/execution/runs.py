"""All runs of a study: those that are in the store are taken, the others trained and kept."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from tqdm import tqdm

from pipeline.execution import pool
from pipeline.execution.environment import environment
from pipeline.execution.store import Store, code
from pipeline.execution.tables import Run, Tables, Trained
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.variants import Study
from pipeline.training import closed_form

log = logging.getLogger(__name__)

_SILENCE = 3.0  # seconds between two lines of a log


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, store: Store | None = None) -> Trained:
    """The tables of a study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        store: Of finished runs; the user's where none is given.
    """
    store = Store.of_user() if store is None else store
    runs = [Run(variant, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds]
    keys = store.keys([run.spec for run in runs], dataset)
    tables = Tables(study, runs, dataset)
    missing = []
    for place, key in enumerate(keys):
        result = store.get(key)
        if result is None:
            missing.append(place)
        else:
            tables.add(runs[place], result)
    taken = len(runs) - len(missing)
    log.info("%s: %d runs to train, %d taken from the store", study.id, len(missing), taken)
    specs = [runs[place].spec for place in missing]
    linear = [place for place in missing if dataset.task == "regression" and not runs[place].spec.setting.model.hidden]
    solved = closed_form.solve([runs[place].spec for place in linear], dataset)
    solutions = dict(zip(linear, solved, strict=True))
    # a bar on a terminal, a line now and then in a log
    total = sum(spec.setting.schedule.epochs for spec in specs)
    with tqdm(desc=study.id, total=total, unit="epoch", disable=None, dynamic_ncols=True) as bar:
        said = time.monotonic()
        trained = pool.train(specs, dataset, lambda epochs: bar.update(epochs - bar.n))
        for finished, (number, result) in enumerate(trained, start=1):
            place = missing[number]
            result = replace(result, metrics=result.metrics | solutions.get(place, {}))
            tables.add(runs[place], result)
            store.put(keys[place], result)
            if bar.disable and (finished == len(missing) or time.monotonic() - said > _SILENCE):
                log.info("%s: %d of %d runs", study.id, finished, len(missing))
                said = time.monotonic()
    if missing:
        store.prune()
    implementations = {variant.setting.implementation for variant in study.variants}
    return tables.trained(environment(implementations), code()[:12])
