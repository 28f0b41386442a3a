"""From what stacks leave to the tables of a study: results, curves, and what the figures need besides."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.artifacts import PROBE_COLUMNS, Dataset, Probes
from pipeline.seeding import Seed
from pipeline.settings import Setting
from pipeline.training import closed_form, loop
from pipeline.training.subsets import subset
from pipeline.training.weights import effective_examples, example_weights
from pipeline.variants import Study, Variant

# what is kept of single runs for the figures
KEPT_WEIGHTS = 1000  # of a linear model
PICTURES = 8  # right ones and wrong ones of a variant
POINTS = 200  # examples of a split


@dataclass(frozen=True, eq=False)
class Run:
    """One training; its own key in a table of runs."""

    variant: Variant
    seed: Seed
    fold: int


@dataclass(frozen=True)
class Trained:
    """What a study's runs leave, one row a run: `results`; a long table of single runs: `curves`; and `probes`.

    Curves and probes are of the runs that train on all examples.
    """

    results: pd.DataFrame
    curves: pd.DataFrame
    probes: Probes


class Tables:
    """The tables of a study, filled stack by stack and put in the order of its runs."""

    def __init__(self, study: Study, runs: Sequence[Run], dataset: Dataset) -> None:
        self._study, self._runs, self._dataset = study, runs, dataset
        self._results: dict[Run, dict[str, object]] = {}
        self._curves: dict[Run, pd.DataFrame] = {}
        self._rows: dict[str, dict[Run, list[tuple[object, ...]]]] = {"layers": {}, "weights": {}, "pictures": {}}

    def add(self, stack: Sequence[Run], outcome: loop.Outcome) -> None:
        """What the runs of a stack left; the outcome's axis R is in the order of the stack."""
        for place, run in enumerate(stack):
            self._results[run] = _result(self._study, run, outcome, place, self._dataset)
            if run.fold == 0:
                self._curves[run] = _curves(run, outcome, place)
                self._rows["layers"][run] = list(_layers(run, outcome, place))
                self._rows["weights"][run] = list(_weights(run, outcome, place))
                if self._study.figure == "predictions" and run.seed == self._runs[0].seed:
                    self._rows["pictures"][run] = list(_pictures(run, outcome, place, self._dataset))

    def trained(self, environment: Mapping[str, str]) -> Trained:
        """All tables, once every run was added."""
        tables = {
            table: pd.DataFrame([row for run in self._runs for row in found.get(run, ())], columns=PROBE_COLUMNS[table])
            for table, found in self._rows.items()
        }
        return Trained(
            results=pd.DataFrame([self._results[run] for run in self._runs]),
            curves=pd.concat([self._curves[run] for run in self._runs if run in self._curves], ignore_index=True),
            probes=Probes(**tables, points=_points(self._dataset), environment=environment),
        )


def _result(study: Study, run: Run, outcome: loop.Outcome, place: int, dataset: Dataset) -> dict[str, object]:
    metrics = {name: float(values[place]) for name, values in outcome.metrics().items()}
    losses = [value for name, value in metrics.items() if name.endswith("_loss")]
    finite = all(np.isfinite(losses)) and all(bool(np.isfinite(weight[place]).all()) for weight in outcome.weights)
    metrics["parameters"] = _parameters(run.variant.setting, dataset)
    if "linear" in study.traits:
        metrics |= closed_form.solve(run.variant.setting, run.seed, run.fold, dataset)
    if "shift" in study.traits:
        data = run.variant.setting.data
        trained, _ = subset(data, run.seed, run.fold, dataset.train.examples)
        metrics["effective_examples"] = effective_examples(example_weights(data.correction, dataset, run.seed, trained))
    return {
        "variant": run.variant.id,
        **run.variant.written_factors(),
        "seed_root": run.seed.root,
        "seed_index": run.seed.index,
        "fold": run.fold,
        "status": "finished" if finite else "diverged",
        # what a diverged run ended with means nothing, also where it happens to be finite
        **{
            metric.name: metrics.get(metric.name, np.nan) if finite or not metric.trained else np.nan
            for metric in study.metrics
        },
    }


def _parameters(setting: Setting, dataset: Dataset) -> int:
    pairs = itertools.pairwise(loop.widths(setting, dataset))
    return sum((before + setting.model.bias) * after for before, after in pairs)


def _curves(run: Run, outcome: loop.Outcome, place: int) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "variant": run.variant.id,
                    "split": split,
                    "epoch": outcome.epochs,
                    "value": outcome.curves[f"{split}_loss"][place],
                }
            )
            for split in ("train", "test")
        ]
    )


def _layers(run: Run, outcome: loop.Outcome, place: int) -> Iterator[tuple[object, ...]]:
    for (quantity, moment), values in outcome.layers.items():
        for layer, value in enumerate(values[place], start=1):
            yield run.variant.id, run.seed.index, moment, quantity, layer, float(value)


def _weights(run: Run, outcome: loop.Outcome, place: int) -> Iterator[tuple[object, ...]]:
    values = outcome.weights[0][place].reshape(-1)
    if len(outcome.weights) == 1 and len(values) <= KEPT_WEIGHTS:
        for number, value in enumerate([*values, *outcome.biases[0][place]]):
            yield run.variant.id, run.seed.index, number, float(value)


def _pictures(run: Run, outcome: loop.Outcome, place: int, dataset: Dataset) -> Iterator[tuple[object, ...]]:
    slot = dataset.slot(run.seed.index)
    labels, predictions = dataset.test.targets[slot], outcome.predictions[place]
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
