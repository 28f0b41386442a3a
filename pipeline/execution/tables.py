"""The tables of a study: results and curves of its runs, and diagnostics for the figures."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.dataset import Dataset
from pipeline.execution import store
from pipeline.execution.results import RunResult, RunSpec
from pipeline.project.artifacts import DIAGNOSTICS, Diagnostics, results_columns
from pipeline.project.figures import NAMED
from pipeline.project.variants import Study, Variant
from pipeline.training import engine
from pipeline.training.importance_weights import effective_examples, example_weights
from pipeline.training.subsets import subset

PICTURES = 8  # test images of each variant that are kept, right and wrong ones
POINTS = 200  # examples of each split that are kept

Rows = Iterator[tuple[object, ...]]


class Run(NamedTuple):
    """A finished run of a study."""

    variant: Variant
    spec: RunSpec
    result: RunResult


@dataclass(frozen=True)
class StudyResult:
    """The tables of a study. Curves and diagnostics hold the runs that train on all examples, not those of folds."""

    results: pd.DataFrame  # one row per run
    curves: pd.DataFrame  # columns variant, split, epoch, value; one row per run, split and epoch
    diagnostics: Diagnostics


def study_result(study: Study, runs: Sequence[Run], dataset: Dataset) -> StudyResult:
    """Return all tables of a study, with rows in the order of its runs."""
    fingerprint = functools.cache(dataset.fingerprint)
    rows = [_row(study, run, dataset) | {"data": fingerprint(dataset.seed_index(run.spec.seed.index))} for run in runs]
    whole = [run for run in runs if run.spec.fold == 0]
    shows_images = study.figure is not None and "images" in NAMED[study.figure]
    pictured = [run for run in whole if shows_images and run.spec.seed == whole[0].spec.seed]
    tables = {
        "layers": _layers(whole),
        "weights": _weights(whole),
        "points": _points(dataset),
        "pictures": _pictures(pictured, dataset),
    }
    frames = {name: pd.DataFrame(list(tables[name]), columns=columns) for name, columns in DIAGNOSTICS.items()}
    environment = store.environment({variant.config.implementation for variant in study.variants})
    return StudyResult(
        results=pd.DataFrame(rows, columns=results_columns(study)),
        curves=_curves(whole),
        diagnostics=Diagnostics(**frames, environment=environment, code=store.code()[:12]),
    )


def _row(study: Study, run: Run, dataset: Dataset) -> dict[str, object]:
    """Return the row of a run in the results; a metric that is left out is an empty cell."""
    config, seed, fold = run.spec
    pairs = itertools.pairwise(engine.widths(config, dataset))
    parameters = sum((inputs + config.model.bias) * outputs for inputs, outputs in pairs)
    metrics = run.result.metrics | {"parameters": parameters}
    if "shift" in study.traits:
        trained = subset(config, seed, fold, dataset.train.examples).trained
        weights = example_weights(config.data.importance_weights, dataset, seed, trained)
        metrics["effective_examples"] = effective_examples(weights)
    if run.result.diverged:
        # metrics of training mean nothing after divergence, even those that are finite
        metrics = {metric.name: metrics[metric.name] for metric in study.metrics if not metric.trained}
    return {
        "variant": run.variant.id,
        **run.variant.written_factors(),
        "seed_root": seed.root,
        "seed_index": seed.index,
        "fold": fold,
        "status": "diverged" if run.result.diverged else "finished",
        **metrics,
    }


def _curves(runs: Sequence[Run]) -> pd.DataFrame:
    epochs = {variant.id: engine.evaluated_epochs(variant.config) for variant, *_ in runs}
    curves = [(variant.id, split, values) for variant, _, result in runs for split, values in result.curves.items()]
    lengths = [len(values) for *_, values in curves]
    return pd.DataFrame(
        {
            # categories: as text, millions of rows would need more memory than their values
            "variant": pd.Categorical([variant for variant, *_ in curves]).repeat(lengths),
            "split": pd.Categorical([split for _, split, _ in curves]).repeat(lengths),
            "epoch": np.concatenate([epochs[variant] for variant, *_ in curves]),
            "value": np.concatenate([values for *_, values in curves]),
        }
    )


def _layers(runs: Sequence[Run]) -> Rows:
    for variant, spec, result in runs:
        for (quantity, moment), values in result.layers.items():
            for layer, value in enumerate(values, start=1):
                yield variant.id, spec.seed.index, moment, quantity, layer, float(value)


def _weights(runs: Sequence[Run]) -> Rows:
    for variant, spec, result in runs:
        for index, value in enumerate(result.weights):
            yield variant.id, spec.seed.index, index, float(value)


def _points(dataset: Dataset) -> Rows:
    """Yield examples of the first seed, if they have two features."""
    for split, examples in (("train", dataset.train), ("test", dataset.test)) if dataset.features == 2 else ():
        for (x1, x2), label in zip(examples.inputs[0, :POINTS], examples.targets[0, :POINTS], strict=True):
            yield split, x1, x2, label


def _pictures(runs: Sequence[Run], dataset: Dataset) -> Rows:
    """Yield the first test images of each run that were classified right, and those that were classified wrong."""
    for (variant, spec, result), right in itertools.product(runs, (True, False)):
        seed_index = dataset.seed_index(spec.seed.index)
        labels, predictions = dataset.test.targets[seed_index], result.predictions
        for example in np.flatnonzero((predictions == labels) == right)[:PICTURES]:
            pixels = dataset.test.inputs[seed_index, example].astype(np.float32)
            pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
            yield variant.id, right, dataset.names[labels[example]], dataset.names[predictions[example]], pixels
