"""From what runs leave to the tables of a study: results, curves, and what the figures need besides."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.execution.results import RunResult, RunSpec
from pipeline.project.artifacts import PROBE_COLUMNS, Probes
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.project.variants import Study, Variant
from pipeline.training import engine
from pipeline.training.subsets import subset
from pipeline.training.weights import effective_examples, example_weights

# what is kept of single runs for the figures
PICTURES = 8  # right ones and wrong ones of a variant
POINTS = 200  # examples of a split


@dataclass(frozen=True, eq=False)
class Run:
    """One training of a study."""

    variant: Variant
    seed: Seed
    fold: int

    @property
    def spec(self) -> RunSpec:
        return RunSpec(self.variant.setting, self.seed, self.fold)


@dataclass(frozen=True)
class Trained:
    """What a study's runs leave, one row a run: `results`; a long table of single runs: `curves`; and `probes`.

    Curves and probes are of the runs that train on all examples.
    """

    results: pd.DataFrame
    curves: pd.DataFrame
    probes: Probes


class Tables:
    """The tables of a study, filled run by run and put in the order of its runs."""

    def __init__(self, study: Study, runs: Sequence[Run], dataset: Dataset) -> None:
        self._study, self._runs, self._dataset = study, runs, dataset
        self._results: dict[Run, RunResult] = {}
        slots = {dataset.slot(run.seed.index) for run in runs}
        self._fingerprints = {slot: dataset.fingerprint(slot) for slot in slots}

    def add(self, run: Run, result: RunResult) -> None:
        """What one of the runs left."""
        self._results[run] = result

    def trained(self, environment: Mapping[str, str], code: str) -> Trained:
        """All tables, once every run was added; with what their numbers depend on besides settings and data."""
        whole = [(run, self._results[run]) for run in self._runs if run.fold == 0]
        pictured = [
            pair for pair in whole if self._study.figure == "predictions" and pair[0].seed == self._runs[0].seed
        ]
        rows = {
            "layers": itertools.chain.from_iterable(_layers(run, result) for run, result in whole),
            "weights": itertools.chain.from_iterable(_weights(run, result) for run, result in whole),
            "pictures": itertools.chain.from_iterable(_pictures(*pair, self._dataset) for pair in pictured),
        }
        tables = {name: pd.DataFrame(list(found), columns=PROBE_COLUMNS[name]) for name, found in rows.items()}
        return Trained(
            results=pd.DataFrame([self._result(run) for run in self._runs]),
            curves=_curves(whole),
            probes=Probes(**tables, points=_points(self._dataset), environment=environment, code=code),
        )

    def _result(self, run: Run) -> dict[str, object]:
        result = self._results[run]
        metrics = result.metrics | {"parameters": _parameters(run.variant.setting, self._dataset)}
        if "shift" in self._study.traits:
            setting = run.variant.setting
            places = subset(setting, run.seed, run.fold, self._dataset.train.examples).trained
            weights = example_weights(setting.data.correction, self._dataset, run.seed, places)
            metrics["effective_examples"] = effective_examples(weights)
        return {
            "variant": run.variant.id,
            **run.variant.written_factors(),
            "seed_root": run.seed.root,
            "seed_index": run.seed.index,
            "fold": run.fold,
            "data": self._fingerprints[self._dataset.slot(run.seed.index)],
            "status": "finished" if result.finite else "diverged",
            # what a diverged run ended with means nothing, also where it happens to be finite
            **{
                metric.name: metrics.get(metric.name, np.nan) if result.finite or not metric.trained else np.nan
                for metric in self._study.metrics
            },
        }


def _parameters(setting: Setting, dataset: Dataset) -> int:
    pairs = itertools.pairwise(engine.widths(setting, dataset))
    return sum((before + setting.model.bias) * after for before, after in pairs)


def _curves(results: Sequence[tuple[Run, RunResult]]) -> pd.DataFrame:
    variants = {run.variant.id: run.variant for run, _ in results}
    epochs = {name: engine.evaluated_epochs(variant.setting) for name, variant in variants.items()}
    curves = [(run.variant.id, split, values) for run, result in results for split, values in result.curves.items()]
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


def _layers(run: Run, result: RunResult) -> Iterator[tuple[object, ...]]:
    for (quantity, moment), values in result.layers.items():
        for layer, value in enumerate(values, start=1):
            yield run.variant.id, run.seed.index, moment, quantity, layer, float(value)


def _weights(run: Run, result: RunResult) -> Iterator[tuple[object, ...]]:
    for number, value in enumerate(result.weights):
        yield run.variant.id, run.seed.index, number, float(value)


def _pictures(run: Run, result: RunResult, dataset: Dataset) -> Iterator[tuple[object, ...]]:
    slot = dataset.slot(run.seed.index)
    labels, predictions = dataset.test.targets[slot], result.predictions
    for right in (True, False):
        for example in np.flatnonzero((predictions == labels) == right)[:PICTURES]:
            pixels = dataset.test.inputs[slot, example].astype(np.float32)
            pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
            yield run.variant.id, right, *(dataset.names[each[example]] for each in (labels, predictions)), pixels


def _points(dataset: Dataset) -> pd.DataFrame:
    """Examples of the first seed, where they have two features and a picture can show them."""
    tables = [pd.DataFrame(columns=PROBE_COLUMNS["points"])]
    for split, examples in (("train", dataset.train), ("test", dataset.test)) if dataset.features == 2 else ():
        x1, x2 = examples.inputs[0, :POINTS].T
        columns = {"split": split, "x1": x1, "x2": x2, "label": examples.targets[0, :POINTS]}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables[1:] or tables, ignore_index=True)
