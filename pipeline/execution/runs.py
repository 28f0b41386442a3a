"""All runs of a study: finished ones come from the store, the others are trained and stored."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from pipeline.core.dataset import Dataset
from pipeline.core.progress import progress
from pipeline.core.seeding import Seed
from pipeline.execution import pool
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store
from pipeline.execution.tables import Run, StudyResult, study_result
from pipeline.project.variants import Study
from pipeline.training import closed_form

log = logging.getLogger(__name__)


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
    again = "" if missing else " (ABLATE_STORE=off trains them again)"  # `dvc repro --force` alone does not
    log.info("%s: %d runs to train, %d taken from the store%s", study.id, len(missing), len(results), again)
    linear = [index for index in missing if dataset.task == "regression" and not specs[index].config.model.hidden]
    solutions = dict(zip(linear, closed_form.solve([specs[index] for index in linear], dataset), strict=True))
    to_train = [specs[index] for index in missing]
    total = sum(spec.config.training.epochs for spec in to_train)
    with (
        progress(study.id, total, "epoch") as show,
        contextlib.closing(pool.run_all(to_train, dataset, show)) as finished,
    ):
        for number, result in finished:
            index = missing[number]
            results[index] = replace(result, metrics=result.metrics | solutions.get(index, {}))
            store.put(keys[index], results[index])
    if missing:
        store.cache.prune()
    return study_result(study, [Run(*run, results[index]) for index, run in enumerate(runs)], dataset)
