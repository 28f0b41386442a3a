"""One study as the page shows it: everything that its figures and tables need, computed by `analysis`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis import comparison, summary
from pipeline.artifacts import Probes
from pipeline.metrics import METRICS, Metric, measured
from pipeline.variants import Study


@dataclass(frozen=True)
class Section:
    """A study and its tables.

    `effects` holds the table of `comparison.effects` for each metric, the study's own first; `results` single runs;
    `curves` and `layers` centres with intervals.
    """

    study: Study
    results: pd.DataFrame
    effects: Mapping[str, pd.DataFrame]
    curves: pd.DataFrame
    layers: pd.DataFrame
    environment: Mapping[str, str]

    @property
    def metric(self) -> Metric:
        return METRICS[self.study.metric]

    @property
    def seeds(self) -> int:
        return int(self.results["seed_index"].nunique())

    @property
    def shows_layers(self) -> bool:
        """Whether the question is about what happens between the layers."""
        return any(factor.startswith(("model.initialization", "model.activation")) for factor in self.study.factors)


def section(study: Study, results: pd.DataFrame, curves: pd.DataFrame, probes: Probes) -> Section:
    """Put a study together."""
    names = [study.metric] + [metric.name for metric in measured(study.task) if metric.name != study.metric]
    return Section(
        study=study,
        results=results,
        effects={name: comparison.effects(study, results, name) for name in names},
        curves=curves,
        layers=summary.layers(probes.layers),
        environment=probes.environment,
    )
