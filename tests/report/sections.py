"""A report on the small project and on one study for each named figure, trained once for all tests."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML
from samples import SMALL, laid_over, write_params

from pipeline.analysis import summary
from pipeline.execution import runs
from pipeline.execution.tables import StudyResult
from pipeline.project import params
from pipeline.project.artifacts import PUBLISHED_COLUMNS
from pipeline.project.params import Params
from pipeline.report.section import Report, Section, report

# by the study of the small project that they change
STUDIES = """
weight_decay:
  weight_decay:
    claims:
      holds: {claim: Decay shrinks weights, metric: weight_norm, variant: weight_decay_3, expect: lower}
      fails: {claim: It does not, metric: weight_norm, variant: weight_decay_3, expect: equal, margin: 1.001}
      gone: {claim: About a variant that is gone, variant: weight_decay_7, against: weight_decay_0, expect: lower}
  named:
    grid: null
    variants: {plain: null, wild: {optimizer: {learning_rate: 1000000.0}}}
    baseline: plain
    claims: {undecided: {claim: What diverges is worse, variant: wild, expect: higher}}
  ridge:
    figure: ridge
    simplest: last
    base.data.validation: {name: k_fold, folds: 2}
    grid.optimizer.weight_decay: [0, 1, 3, 10]
  weights: {figure: weights}
  capacity:
    figure: capacity
    base.model.activation: relu
    grid: {model: {hidden: [[], [4], [4, 4]]}}
    baseline: {model: {hidden: []}}
activation:
  activation: {}
  selection: {figure: selection, base.data.validation: {name: k_fold, folds: 2}, base.training.epochs: 1}
  predictions: {figure: predictions, grid: {model: {activation: [sigmoid, relu]}}, base.training.epochs: 1}
  initialization:
    base.training.epochs: 1
    grid: {model: {activation: [sigmoid, relu], initialization: {weight: [{name: normal, std: 0.0001}, {name: zeros}]}}}
    baseline: {model: {initialization: {weight: {name: zeros}}}}
  shifted: &shift
    question: Do importance weights help?
    dataset: shifted
    figure: shift
    base.model.hidden: []
    base.training.batch_size: 17
    grid: {data: {importance_weights: [{name: none}, {name: estimated, clip: 5.0}, {name: oracle}]}}
    baseline: {data: {importance_weights: {name: none}}}
  labels: {<<: *shift, dataset: labels}
"""
OTHERS = """
datasets.shifted: {source: covariate_shift, shift: 1.0, slope: 2.0, train_examples: 60, target_examples: 60,
  test_examples: 40}
datasets.labels: {source: label_shift, proportions: [0.5, 0.3, 0.2], target_proportions: [0.2, 0.3, 0.5],
  separation: 2.0, seeds: 5, train_examples: 60, target_examples: 60, test_examples: 40}
measurements.functions:
  {kind: activations, functions: [relu, tanh, sigmoid], low: -2.0, high: 2.0, points: 9, claims: {of_a_measurement: {
  claim: It is at most 1/4, quantity: largest_gradient_sigmoid, against: 0.25, expect: equal, margin: 1.0e-9}}}
measurements.detector:
  {kind: shift_detector, inputs: 2, examples: 20, shifts: [0.0, 2.0], alpha: 0.05, repetitions: 5}
published:
  file: published.csv
  outcomes:
    - {config: decay, factor: lambda=0, study: weight_decay, variant: weight_decay_0}
    - {config: decay, factor: lambda=3, study: weight_decay, variant: weight_decay_3}
    - {config: product, measurement: product}
    - {config: elsewhere, study: weight_decay, variant: weight_decay_7}
"""
CHANGES: dict[str, Any] = YAML(typ="safe").load(OTHERS) | {
    f"studies.{key}": laid_over(SMALL["studies"][study], changes)
    for study, studies in YAML(typ="safe").load(STUDIES).items()
    for key, changes in studies.items()
}
PUBLISHED = pd.DataFrame(
    [
        ["decay", "lambda=0", "weight_norm", 30, 5.0, "mean", 0.5, 1.0, 100.0],
        ["decay", "lambda=3", "weight_norm", 30, 1e-9, "median", 1e-10, None, None],
        ["product", "", "log10_largest", 41, 2.0, "mean", None, None, None],
        ["elsewhere", "", "test_loss", 3, 1.0, "mean", None, None, None],
    ],
    columns=PUBLISHED_COLUMNS,
).astype({"sd": float, "low": float, "high": float})


def write_project(folder: Path, count: int = 3) -> Path:
    """Write the `params.yaml` of the whole report."""
    PUBLISHED.to_csv(folder / "published.csv", index=False)
    return write_params(folder, laid_over(SMALL, {**CHANGES, "seeds.count": count}))


@functools.cache
def trained(count: int = 3) -> tuple[Params, dict[str, StudyResult], dict[str, pd.DataFrame]]:
    """Return the project, the results of its studies and the numbers of its measurements."""
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_project(Path(folder), count))
    results = {}
    for key, study in project.studies.items():
        seeds = project.seeds_of(study)
        results[key] = runs.train_study(study, seeds, project.datasets[study.dataset].make(seeds))
    return project, results, {key: config.measure(0) for key, config in project.measurements.items()}


@functools.cache
def made(count: int = 3) -> Report:
    """Return the whole report with `count` seeds."""
    project, results, measured = trained(count)
    return report(
        project,
        {key: result.results for key, result in results.items()},
        {
            key: summary.curves(result.curves, project.studies[key].split_correlations)
            for key, result in results.items()
        },
        {key: result.diagnostics for key, result in results.items()},
        measured,
        PUBLISHED,
        {},
    )


def of(study: str, count: int = 3) -> Section:
    """Return the section of a study."""
    return next(section for section in made(count).sections if section.study.id == study)
