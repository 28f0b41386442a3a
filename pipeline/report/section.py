"""The tables behind page, summary and figures: of a study, of a measurement, of the whole report."""

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.analysis import claims, comparison, findings, interactions, power, published, selection, summary
from pipeline.analysis.significance import name_of_test
from pipeline.core import forks
from pipeline.core.progress import progress
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.project import artifacts
from pipeline.project.artifacts import Diagnostics
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params
from pipeline.project.variants import Study
from pipeline.report import data_sets, suspicion
from pipeline.report.answers import answer
from pipeline.report.data_sets import TableView
from pipeline.report.provenance import Provenance, provenance
from pipeline.training.config import RunConfig

log = logging.getLogger(__name__)

_MANY = 12  # variants of a block, of which neighbours that are alike share a row
_FEW = 3  # such neighbours that keep rows of their own


@dataclass(frozen=True)
class OtherMetric:
    """A metric that does not judge the study, and the row of each variant by id."""

    metric: Metric
    rows: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A study and its tables.

    Attributes:
        study, data: Its configuration and that of its data set.
        margin: The largest difference of the judged metric that does not matter, or None.
        answer: Its verdicts in words.
        results: One row per variant and seed.
        effects: The table of `comparison.effects` for each metric; the study's own metric, the judged one, comes first.
        power: By variant, the effects that its seeds can detect.
        interactions: Interactions of every two factors of a grid; without rows for other studies.
        updates: By variant, the number of updates of the weights as text; "up to" it if training may stop early.
        curves, layers, weights: Estimates with intervals.
        choices, costs: The variants that validation chooses, and what the choice costs on the test set.
        diagnostics, provenance: Data of single runs, and digests of what the numbers depend on.
    """

    study: Study
    data: DatasetConfig
    margin: float | None
    answer: str
    results: pd.DataFrame
    effects: Mapping[str, pd.DataFrame]
    power: pd.DataFrame
    interactions: pd.DataFrame
    updates: Mapping[str, str]
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
        """Number of variants that are judged together: all but the baselines."""
        return sum(variant.id != variant.baseline for variant in self.study.variants)

    @property
    def test(self) -> str:
        """Name of the test that p comes from."""
        name = name_of_test(self.seeds, self.study.split_correlation_of(self.metric))
        return f"{name}, where runs diverged by the exact McNemar test" if self.diverged else name

    @property
    def diverged(self) -> bool:
        """True if a run diverged."""
        return bool(self.effects[self.study.metric]["diverged"].any())

    @property
    def other_metrics(self) -> list[OtherMetric]:
        """All metrics but the judged one, with the row of each variant."""
        return [
            OtherMetric(METRICS[name], {row.variant: row for row in table.itertuples()})
            for name, table in self.effects.items()
            if name != self.study.metric
        ]

    @property
    def folded(self) -> list[list[str]]:
        """Groups of variants that share a row: of many variants, neighbours with one verdict and much the same effect.

        Without a decided difference the verdict is enough; otherwise each effect lies in the interval of each other.
        """
        groups = []
        for _, rows in self.effects[self.study.metric].groupby("block", sort=False):
            runs: list[list[Any]] = []
            for row in rows[~rows["is_baseline"]].itertuples():
                if runs and _are_alike([*runs[-1], row]):
                    runs[-1].append(row)
                else:
                    runs.append([row])
            if len(rows) > _MANY:
                groups += [[row.variant for row in run] for run in runs if len(run) > _FEW]
        return groups

    @property
    def seeds(self) -> int:
        return int(self.results["seed_index"].nunique())

    def estimates(self, metric: str, block: str) -> pd.DataFrame:
        """Return the defined estimates of a metric within a block, with the `position` of each among the labels."""
        table = self.effects[metric]
        rows = table[(table["block"] == block) & table["estimate"].notna()]
        return rows.assign(position=[self.study.labels.index(label) for label in rows["label"]])


@dataclass(frozen=True)
class MeasurementSection:
    """A measurement, its numbers and the findings computed from them."""

    id: str
    config: MeasurementConfig
    measured: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Report:
    """Everything that the page and the summary show."""

    project: Params
    sections: list[Section]
    measurements: list[MeasurementSection]
    claims: pd.DataFrame
    published: pd.DataFrame
    views: Mapping[str, TableView]  # of the data sets that are tables, by id

    def suspicion(self, section: Section) -> str:
        """Return the suspicion that the inputs of a study contain its target; empty without a suspicion."""
        view = self.views.get(section.study.dataset)
        return suspicion.sentences(section.study, section.results, view and view.evidence)

    @property
    def environments(self) -> list[Mapping[str, str]]:
        """The distinct library versions that computed the numbers."""
        environments = [section.diagnostics.environment for section in self.sections]
        return list({tuple(sorted(versions.items())): versions for versions in environments}.values())


def _are_alike(rows: Sequence[Any]) -> bool:
    """Return whether rows have one verdict and, if it is a decided one, effects that lie in each other's intervals."""
    if len({row.verdict for row in rows}) > 1:
        return False
    effects = [row.effect for row in rows]
    inside = max(row.effect_low for row in rows) <= min(effects) and max(effects) <= min(
        row.effect_high for row in rows
    )
    return rows[0].verdict in ("undecided", "equivalent") or inside


def study_section(
    project: Params, study: Study, results: pd.DataFrame, curves: pd.DataFrame, diagnostics: Diagnostics
) -> Section:
    """Compute all tables of a study; `results` has one row per run."""
    judging, data = project.judging_of(study), project.datasets[study.dataset]
    metrics = dict.fromkeys([study.metric, *(metric.name for metric in study.metrics)])
    choices = selection.choices(study, results) if "validation" in study.traits else pd.DataFrame()
    effects = {
        name: comparison.effects(study, results, name, judging if name == study.metric else None) for name in metrics
    }
    costs = selection.costs(study, choices) if len(choices) else pd.DataFrame()
    powers = power.of_study(study, results, study.metric, judging).set_index("variant")
    products = interactions.interactions(study, results, study.metric, judging)
    return Section(
        study=study,
        data=data,
        margin=judging.margins.get(study.metric),
        answer=answer(
            study,
            effects[study.metric],
            powers["detectable"],
            judging,
            examples=data.facts().test_examples,
            interactions=products,
            choices=choices,
            costs=costs,
        ),
        results=summary.by_seed(results),
        effects=effects,
        power=powers,
        interactions=products,
        updates={variant.id: _updates(variant.config, data.facts().train_examples) for variant in study.variants},
        curves=curves,
        layers=summary.over_seeds(diagnostics.layers, "log", study.split_correlations["none"]),
        weights=summary.over_seeds(diagnostics.weights, "linear", study.split_correlations["none"]),
        choices=choices,
        costs=costs,
        diagnostics=diagnostics,
        provenance=provenance(project, study, results),
    )


def _updates(config: RunConfig, examples: int) -> str:
    training, sizes = config.training, config.sizes(0, examples)
    count = f"{training.epochs * math.ceil(sizes.trained / training.batch_size):,}"
    return f"up to {count}" if sizes.stopping else count


def read(project: Params) -> Report:
    """Read the results of all studies and measurements and compute the whole report."""
    return report(
        project,
        {key: artifacts.read_results(project, key) for key in project.studies},
        {key: artifacts.read_curves(key) for key in project.studies},
        {key: artifacts.read_diagnostics(key) for key in project.studies},
        {key: artifacts.read_measured(key) for key in project.measurements},
        artifacts.read_published(project.published),
        data_sets.views(project.datasets),
    )


def report(
    project: Params,
    results: Mapping[str, pd.DataFrame],
    curves: Mapping[str, pd.DataFrame],
    diagnostics: Mapping[str, Diagnostics],
    measured: Mapping[str, pd.DataFrame],
    outcomes: pd.DataFrame,
    views: Mapping[str, TableView],
) -> Report:
    """Compute the whole report.

    Args:
        project: All studies and measurements.
        results, curves, diagnostics: Tables of each study, by id.
        measured: Numbers of each measurement, by id.
        outcomes: Published outcomes; empty if the project names none.
        views: The data sets that are tables, by id.
    """
    tables = {key: findings.findings(config, measured[key]) for key, config in project.measurements.items()}
    log.info("report: judging %d studies", len(project.studies))

    def judged(key: str) -> Section:
        return study_section(project, project.studies[key], results[key], curves[key], diagnostics[key])

    sections = []
    with (
        progress("report", len(project.studies), "study") as show,
        contextlib.closing(forks.in_order(judged, list(project.studies))) as judging,
    ):
        for section in judging:
            sections.append(section)
            show(len(sections), section.study.id)
    return Report(
        project=project,
        sections=sections,
        measurements=[
            MeasurementSection(key, config, measured[key], tables[key]) for key, config in project.measurements.items()
        ],
        claims=claims.judge(
            project, results, tables, {section.study.id: section.effects[section.study.metric] for section in sections}
        ),
        published=published.judge(project, outcomes, results, tables),
        views=views,
    )
