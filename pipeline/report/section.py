"""One study, and one measurement, as the page shows them: all that figures and tables need, computed by `analysis`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis import claims, comparison, findings, learned, power, selection, summary
from pipeline.analysis.published import compare
from pipeline.analysis.runs import by_seed
from pipeline.data.config import DatasetConfig
from pipeline.measurements.config import MeasurementConfig
from pipeline.project.artifacts import Diagnostics
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params, missing
from pipeline.project.variants import Study
from pipeline.report.answers import answer
from pipeline.report.provenance import Provenance, provenance


@dataclass(frozen=True)
class Section:
    """A study and its tables.

    `answer` is what its verdicts say, in words; `effects` holds the table of `comparison.effects` for each metric, the
    study's own first, which alone is judged; `power` what its seeds could show; `results` one row a variant and seed;
    `curves`, `layers` and `weights` estimates with intervals; `choices` and `costs` what validation chooses.
    """

    study: Study
    data: DatasetConfig
    answer: str
    results: pd.DataFrame
    effects: Mapping[str, pd.DataFrame]
    power: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame
    weights: pd.DataFrame
    choices: pd.DataFrame
    costs: pd.DataFrame
    diagnostics: Diagnostics
    provenance: Provenance

    @property
    def metric(self) -> Metric:
        return METRICS[self.study.metric]

    @property
    def compared(self) -> int:
        """How many variants are judged together: all but the baselines."""
        return sum(variant.id != variant.baseline for variant in self.study.variants)

    @property
    def kind(self) -> str:
        """What training, validation and test are compared by: loss or accuracy."""
        return "accuracy" if self.study.metric.endswith(("accuracy", "accuracy_running")) else "loss"

    @property
    def seeds(self) -> int:
        return int(self.results["seed_index"].nunique())

    @property
    def shows_layers(self) -> bool:
        """Whether the question is about what happens between the layers."""
        asked = any(factor.startswith(("model.initialization", "model.activation")) for factor in self.study.factors)
        return self.study.figure == "layers" or (asked and "hidden" in self.study.traits)

    def name(self, variant: str) -> str:
        """Block and label of a variant."""
        own = self.study.variant(variant)
        return ", ".join(part for part in (own.block, own.label) if part)

    def placed(self, metric: str, block: str) -> pd.DataFrame:
        """The estimates of a metric within a block, with the `place` of each variant among the labels."""
        places = {name: place for place, name in enumerate(dict.fromkeys(one.label for one in self.study.variants))}
        table = self.effects[metric]
        here = table[(table["block"] == block) & table["estimate"].notna()]
        return here.assign(place=[places[label] for label in here["label"]])


@dataclass(frozen=True)
class MeasurementSection:
    """A measurement, what it measured and what that says."""

    id: str
    config: MeasurementConfig
    measured: pd.DataFrame
    findings: pd.DataFrame


def section(
    project: Params,
    study: Study,
    results: pd.DataFrame,
    curves: pd.DataFrame,
    diagnostics: Diagnostics,
) -> Section:
    """Put a study together."""
    judging = project.judging
    names = [study.metric] + [metric.name for metric in study.metrics if metric.name != study.metric]
    chosen = selection.choices(study, results) if "validation" in study.traits else pd.DataFrame()
    effects = {
        name: comparison.effects(study, results, name, judging if name == study.metric else None) for name in names
    }
    powers = power.of_study(study, results, study.metric, judging.alpha).set_index("variant")
    return Section(
        study=study,
        data=project.datasets[study.dataset],
        answer=answer(study, effects[study.metric], powers["detectable"], judging),
        results=by_seed(results),
        effects=effects,
        power=powers,
        curves=curves,
        layers=summary.layers(diagnostics.layers, study.split_correlations["none"]),
        weights=learned.weights(diagnostics.weights, study.split_correlations["none"]),
        choices=chosen,
        costs=selection.costs(study, chosen) if len(chosen) else pd.DataFrame(),
        diagnostics=diagnostics,
        provenance=provenance(project, study, results, diagnostics),
    )


def measurement_section(id: str, config: MeasurementConfig, measured: pd.DataFrame) -> MeasurementSection:
    """Put a measurement together."""
    return MeasurementSection(id, config, measured, findings.findings(config, measured))


@dataclass(frozen=True)
class Report:
    """All that the page says."""

    project: Params
    sections: list[Section]
    measurements: list[MeasurementSection]
    claims: pd.DataFrame
    published: pd.DataFrame

    @property
    def environments(self) -> list[Mapping[str, str]]:
        """What computed the numbers, every combination once."""
        found = (one.provenance.environment for one in self.sections)
        return list({tuple(sorted(one.items())): one for one in found}.values())


def report(
    project: Params,
    results: Mapping[str, pd.DataFrame],
    curves: Mapping[str, pd.DataFrame],
    diagnostics: Mapping[str, Diagnostics],
    measured: Mapping[str, pd.DataFrame],
    published: pd.DataFrame,
) -> Report:
    """Put everything together.

    Args:
        project: The configs that everything was made with.
        results, curves, diagnostics: By id of the study.
        measured: By id of the measurement.
        published: Published outcomes; none where the project is not held to any.
    """
    sections = [
        section(project, study, results[key], curves[key], diagnostics[key]) for key, study in project.studies.items()
    ]
    own = [measurement_section(key, config, measured[key]) for key, config in project.measurements.items()]
    findings = {one.id: one.findings for one in own}
    places = [
        place
        for place in (project.published.outcomes if project.published else ())
        if missing(place, project.studies, project.measurements) is None
    ]
    return Report(
        project=project,
        sections=sections,
        measurements=own,
        claims=claims.judge(project.claims, project.studies, project.measurements, results, findings),
        published=compare(published, places, project.studies, project.datasets, results, findings),
    )
