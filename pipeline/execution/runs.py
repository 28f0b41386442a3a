"""All runs of a study: finished ones come from the store, the others are trained and stored."""

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
from pipeline.execution.store import Store
from pipeline.execution.tables import Run, StudyResult, study_result
from pipeline.project.variants import Study
from pipeline.training import closed_form

log = logging.getLogger(__name__)

_LOG_INTERVAL = 3.0  # seconds between two lines of progress


def train_study(study: Study, seeds: Sequence[Seed], dataset: Dataset, store: Store | None = None) -> StudyResult:
    """Train every variant of a study once per seed and fold, and return its tables; `store` defaults to the user's."""
    store = Store.of_user() if store is None else store
    runs = [
        (variant, RunSpec(variant.config, seed, fold))
        for variant in study.variants
        for seed in seeds
        for fold in variant.folds
    ]
    specs = [spec for _, spec in runs]
    keys = store.keys(specs, dataset)
    results = {index: result for index, key in enumerate(keys) if (result := store.get(key)) is not None}
    missing = [index for index in range(len(runs)) if index not in results]
    log.info("%s: %d runs to train, %d taken from the store", study.id, len(missing), len(results))
    linear = [index for index in missing if dataset.task == "regression" and not specs[index].config.model.hidden]
    solutions = dict(zip(linear, closed_form.solve([specs[index] for index in linear], dataset), strict=True))
    to_train = [specs[index] for index in missing]
    total = sum(spec.config.training.epochs for spec in to_train)
    # tqdm disables the bar if there is no terminal; then a line every few seconds
    with (
        tqdm(desc=study.id, total=total, unit="epoch", disable=None, dynamic_ncols=True) as bar,
        contextlib.closing(pool.run_all(to_train, dataset, lambda epochs: bar.update(epochs - bar.n))) as finished,
    ):
        logged = time.monotonic()
        for count, (number, result) in enumerate(finished, start=1):
            index = missing[number]
            results[index] = replace(result, metrics=result.metrics | solutions.get(index, {}))
            store.put(keys[index], results[index])
            if bar.disable and (count == len(missing) or time.monotonic() - logged > _LOG_INTERVAL):
                log.info("%s: %d of %d runs", study.id, count, len(missing))
                logged = time.monotonic()
    if missing:
        store.cache.prune()
    return study_result(study, [Run(*run, results[index]) for index, run in enumerate(runs)], dataset)
