"""All runs of a study: those that are in the store are taken, the others trained and kept."""

import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from tqdm import tqdm

from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.execution import pool
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store, code, environment
from pipeline.execution.tables import StudyResult, tables
from pipeline.project.variants import Study
from pipeline.training import closed_form

log = logging.getLogger(__name__)

_SILENCE = 3.0  # seconds between two lines of a log


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, store: Store | None = None) -> StudyResult:
    """The tables of a study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        store: Of finished runs; the user's where none is given.
    """
    store = Store.of_user() if store is None else store
    runs = [
        (variant, RunSpec(variant.config, seed, fold))
        for variant in study.variants
        for seed in seeds
        for fold in variant.folds
    ]
    specs = [spec for _, spec in runs]
    keys = store.keys(specs, dataset)
    results = {place: result for place, key in enumerate(keys) if (result := store.get(key)) is not None}
    missing = [place for place in range(len(runs)) if place not in results]
    log.info("%s: %d runs to train, %d taken from the store", study.id, len(missing), len(results))
    linear = [place for place in missing if dataset.task == "regression" and not specs[place].config.model.hidden]
    solved = closed_form.solve([specs[place] for place in linear], dataset)
    solutions = dict(zip(linear, solved, strict=True))
    # a bar on a terminal, a line now and then in a log
    to_train = [specs[place] for place in missing]
    total = sum(spec.config.training.epochs for spec in to_train)
    with (
        tqdm(desc=study.id, total=total, unit="epoch", disable=None, dynamic_ncols=True) as bar,
        contextlib.closing(pool.train(to_train, dataset, lambda epochs: bar.update(epochs - bar.n))) as trained,
    ):
        said = time.monotonic()
        for finished, (number, result) in enumerate(trained, start=1):
            place = missing[number]
            results[place] = replace(result, metrics=result.metrics | solutions.get(place, {}))
            store.put(keys[place], results[place])
            if bar.disable and (finished == len(missing) or time.monotonic() - said > _SILENCE):
                log.info("%s: %d of %d runs", study.id, finished, len(missing))
                said = time.monotonic()
    if missing:
        store.prune()
    implementations = {variant.config.implementation for variant in study.variants}
    finished_runs = [(*run, results[place]) for place, run in enumerate(runs)]
    return tables(study, finished_runs, dataset, environment(implementations), code()[:12])
