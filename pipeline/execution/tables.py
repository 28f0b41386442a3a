"""From what runs leave to the tables of a study: results, curves, and what the figures need besides."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.core.dataset import Dataset
from pipeline.execution.results import RunResult, RunSpec
from pipeline.project.artifacts import DIAGNOSTICS, Diagnostics, results_columns
from pipeline.project.variants import Study, Variant
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.subsets import subset
from pipeline.training.weights import effective_examples, example_weights

# what is kept of single runs for the figures
PICTURES = 8  # right ones and wrong ones of a variant
POINTS = 200  # examples of a split


Results = Sequence[tuple[Variant, RunSpec, RunResult]]


@dataclass(frozen=True)
class StudyResult:
    """What a study's runs leave, one row a run: `results`; a long table of single runs: `curves`; and `diagnostics`.

    Curves and diagnostics are of the runs that train on all examples.
    """

    results: pd.DataFrame
    curves: pd.DataFrame
    diagnostics: Diagnostics


def tables(study: Study, runs: Results, dataset: Dataset, environment: Mapping[str, str], code: str) -> StudyResult:
    """All tables of a study, in the order of its runs.

    Args:
        study: Its variants.
        runs: With their results.
        dataset: That they were trained on.
        environment: Versions that their numbers depend on.
        code: Digest of the code that their numbers depend on.
    """
    fingerprint = functools.cache(dataset.fingerprint)
    whole = [(variant, spec, result) for variant, spec, result in runs if spec.fold == 0]
    layers = [
        (variant.id, spec.seed.index, moment, quantity, layer, float(value))
        for variant, spec, result in whole
        for (quantity, moment), values in result.layers.items()
        for layer, value in enumerate(values, start=1)
    ]
    weights = [
        (variant.id, spec.seed.index, number, float(value))
        for variant, spec, result in whole
        for number, value in enumerate(result.weights)
    ]
    pictured = [run for run in whole if study.figure == "predictions" and run[1].seed == runs[0][1].seed]
    rows: dict[str, Iterable[tuple[object, ...]]] = {
        "layers": layers,
        "weights": weights,
        "points": _points(dataset),
        "pictures": _pictures(pictured, dataset),
    }
    diagnostics = {name: pd.DataFrame(list(rows[name]), columns=columns) for name, columns in DIAGNOSTICS.items()}
    results = [
        _row(study, *run, dataset) | {"data": fingerprint(dataset.seed_index(run[1].seed.index))} for run in runs
    ]
    return StudyResult(
        results=pd.DataFrame(results, columns=results_columns(study)),
        curves=_curves(whole),
        diagnostics=Diagnostics(**diagnostics, environment=environment, code=code),
    )


def _row(study: Study, variant: Variant, spec: RunSpec, result: RunResult, dataset: Dataset) -> dict[str, object]:
    """A run's row, but for what is undefined."""
    config, seed, fold = spec
    metrics = result.metrics | {"parameters": _parameters(config, dataset)}
    if "shift" in study.traits:
        places = subset(config, seed, fold, dataset.train.examples).trained
        weights = example_weights(config.data.importance_weights, dataset, seed, places)
        metrics["effective_examples"] = effective_examples(weights)
    if not result.finite:
        # what it ended with means nothing, also where it happens to be finite
        metrics = {metric.name: metrics[metric.name] for metric in study.metrics if not metric.trained}
    status = "finished" if result.finite else "diverged"
    run = {"variant": variant.id, "seed_root": seed.root, "seed_index": seed.index, "fold": fold, "status": status}
    return run | variant.written_factors() | metrics


def _parameters(config: RunConfig, dataset: Dataset) -> int:
    pairs = itertools.pairwise(engine.widths(config, dataset))
    return sum((before + config.model.bias) * after for before, after in pairs)


def _curves(runs: Results) -> pd.DataFrame:
    epochs = {variant.id: engine.evaluated_epochs(variant.config) for variant, *_ in runs}
    curves = [(variant.id, split, values) for variant, _, result in runs for split, values in result.curves.items()]
    lengths = [len(values) for *_, values in curves]
    return pd.DataFrame(
        {
            # categories: the text of millions of rows would need more memory than their values
            "variant": pd.Categorical([variant for variant, *_ in curves]).repeat(lengths),
            "split": pd.Categorical([split for _, split, _ in curves]).repeat(lengths),
            "epoch": np.concatenate([epochs[variant] for variant, *_ in curves]),
            "value": np.concatenate([values for *_, values in curves]),
        }
    )


def _pictures(runs: Results, dataset: Dataset) -> Iterator[tuple[object, ...]]:
    for (variant, spec, result), right in itertools.product(runs, (True, False)):
        seed_index = dataset.seed_index(spec.seed.index)
        labels, predictions = dataset.test.targets[seed_index], result.predictions
        for example in np.flatnonzero((predictions == labels) == right)[:PICTURES]:
            pixels = dataset.test.inputs[seed_index, example].astype(np.float32)
            pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
            yield variant.id, right, *(dataset.names[each[example]] for each in (labels, predictions)), pixels


def _points(dataset: Dataset) -> Iterator[tuple[object, ...]]:
    """Examples of the first seed, where they have two features and a picture can show them."""
    for split, examples in (("train", dataset.train), ("test", dataset.test)) if dataset.features == 2 else ():
        for (x1, x2), label in zip(examples.inputs[0, :POINTS], examples.targets[0, :POINTS], strict=True):
            yield split, x1, x2, label
