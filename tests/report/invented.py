"""A project with invented results that provokes every sentence of the page and of the summary."""

import collections
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from samples import SMALL, laid_over, write_params

from pipeline.project import artifacts, params
from pipeline.project.artifacts import PUBLISHED_COLUMNS, Diagnostics
from pipeline.project.params import Params
from pipeline.project.variants import Study
from pipeline.report import figures, overview, page
from pipeline.report.drawing import Picture
from pipeline.report.section import Report, report

# `effects` are invented for each variant and metric: a ratio or difference and the sd of what differs between seeds;
# `diverged` is a number of runs
STUDIES = """
survivors:
  question: Does one surviving run count?
  seeds: 10
  caveat: One learning rate for all.
  grid: {model: {activation: [tanh, relu, sigmoid, elu, identity]}}
  baseline: {model: {activation: tanh}}
  claims:
    lost: {claim: What diverges is better, variant: activation_relu, expect: lower}
    unclear: {claim: What diverges twice is worse, variant: activation_sigmoid, expect: higher}
    helps: {claim: ELU helps, variant: activation_elu, expect: lower}
    reversed: {claim: The baseline is worse, variant: activation_tanh, against: activation_elu, expect: higher}
    open: {claim: No layer is worse, variant: activation_identity, expect: higher}
  effects: {elu: {test_loss: [0.8, 0.05]}, identity: {test_loss: [1.01, 0.1]}}
  diverged: {relu: 9, sigmoid: 2}
undirected:
  question: What if runs diverge and neither way is better?
  seeds: 12
  metric: loss_gap
  grid: {model: {activation: [tanh, relu, elu]}}
  baseline: {model: {activation: tanh}}
  effects: {elu: {loss_gap: [0.1, 0.02]}}
  diverged: {relu: 9}
perfect:
  question: Is anything above all of the examples?
  seeds: 12
  metric: test_accuracy
  grid: {model: {activation: [tanh, relu, sigmoid]}}
  baseline: {model: {activation: tanh}}
  effects:
    tanh: {test_accuracy: [0.23, 0.01]}
    relu: {test_accuracy: [0.4, 0.0]}
    sigmoid: {test_accuracy: [0.1, 0.05]}
product:
  question: Do two factors help together?
  seeds: 20
  grid: {optimizer: {weight_decay: [0, 0.1]}, model: {dropout: [0, 0.2, 0.5]}}
  baseline: {optimizer: {weight_decay: 0}, model: {dropout: 0}}
  claims:
    judged: {claim: Dropout helps, variant: weight_decay_0_dropout_0p5, expect: lower}
    by_itself: {claim: Decay shrinks weights, metric: weight_norm, variant: weight_decay_0p1_dropout_0, expect: lower}
    other: {claim: Dropout grows them, metric: weight_norm, variant: weight_decay_0_dropout_0p5, expect: higher}
    third: {claim: The training loss grows, metric: train_loss, variant: weight_decay_0_dropout_0p5, expect: higher}
    within: {claim: It is 1, metric: weight_norm, variant: weight_decay_0_dropout_0, against: 1.0, expect: equal,
      margin: 1.2}
    number: {claim: It is 2, metric: weight_norm, variant: weight_decay_0_dropout_0, against: 2.0, expect: equal,
      margin: 1.2}
  effects:
    weight_decay_0p1_dropout_0: {weight_norm: [0.97, 0.058]}
    weight_decay_0_dropout_0p5: {test_loss: [0.8, 0.05]}
    weight_decay_0p1_dropout_0p5: {test_loss: [0.5, 0.05]}
trend:
  question: Does the gap shrink with examples?
  seeds: 12
  metric: loss_gap
  margin: 0.01
  caveat: More examples are more updates.
  grid: {data: {examples: [50, 100, 200, 400]}}
  baseline: {data: {examples: 50}}
  claims:
    contrary: {claim: The gap shrinks, trend: [examples_50, examples_100, examples_200, examples_400], expect: lower}
    falls: {claim: So does the loss, metric: test_loss, trend: [examples_50, examples_100, examples_400], expect: lower}
    pair: {claim: The gap is smaller, variant: examples_400, expect: lower}
  effects:
    examples_100: {loss_gap: [-0.2, 0.02], test_loss: [0.9, 0.05]}
    examples_200: {loss_gap: [-0.15, 0.02], test_loss: [0.8, 0.05]}
    examples_400: {loss_gap: [-0.3, 0.02], test_loss: [0.7, 0.05]}
choice:
  question: What does validation choose?
  seeds: 8
  asks: choice
  simplest: last
  base: {data: {validation: {name: k_fold, folds: 2}}}
  grid: {optimizer: {weight_decay: [0, 0.1, 0.3, 0.5]}}
  baseline: {optimizer: {weight_decay: 0}}
  effects:
    weight_decay_0p1: {validation_loss: [0.97, 0.05], test_loss: [0.9, 0.05]}
    weight_decay_0p3: {validation_loss: [0.95, 0.05], test_loss: [0.9, 0.1]}
agreement:
  question: Do they agree?
  seeds: 10
  metric: test_accuracy
  asks: agreement
  margin: 0.002
  variants:
    scratch: {}
    same: {implementation: concise}
    close: {implementation: concise, model: {bias: false}}
    off: {optimizer: {learning_rate: 0.7}}
  baseline: scratch
  claims:
    same: {claim: The same, variant: same, expect: equal}
    close: {claim: Close, variant: close, expect: equal}
    off: {claim: Off, variant: off, expect: equal}
  effects:
    same: {test_accuracy: [0.0, 0.0]}
    close: {test_accuracy: [0.0005, 0.001]}
    off: {test_accuracy: [-0.05, 0.01]}
many:
  question: Which of many?
  seeds: 12
  grid: {model: {hidden: [[3], [4], [5], [6], [7], [8], [9], [10]]}}
  baseline: {model: {hidden: [3]}}
  effects:
    hidden_4: {test_loss: [0.9, 0.02]}
    hidden_5: {test_loss: [0.7, 0.02]}
    hidden_6: {test_loss: [0.5, 0.02]}
    hidden_7: {test_loss: [0.6, 0.02]}
    hidden_8: {test_loss: [0.8, 0.02]}
    hidden_9: {test_loss: [0.85, 0.02]}
    hidden_10: {test_loss: [1.5, 0.02]}
very_many:
  question: Which of very many?
  seeds: 14
  grid: {model: {hidden: [[3], [4], [5], [6], [7], [8], [9], [10], [11], [12], [13], [14], [15], [16], [17], [18]]}}
  baseline: {model: {hidden: [5]}}
  effects:
    hidden_6: {test_loss: [0.5, 0.02]}
    hidden_7: {test_loss: [1.01, 0.2]}
    hidden_8: {test_loss: [1.01, 0.2]}
    hidden_9: {test_loss: [1.01, 0.2]}
    hidden_10: {test_loss: [1.5, 0.02]}
    hidden_15: {test_loss: [1.01, 0.2]}
    hidden_16: {test_loss: [1.01, 0.2]}
    hidden_17: {test_loss: [1.01, 0.2]}
    hidden_18: {test_loss: [1.01, 0.2]}
blocks:
  question: At which rate?
  seeds: 10
  metric: test_accuracy
  grid: {model: {activation: [tanh, relu, elu]}, optimizer: {learning_rate: [0.1, 0.5]}}
  baseline: {model: {activation: tanh}}
  effects: {activation_relu_learning_rate_0p1: {test_accuracy: [0.05, 0.02]}}
rates:
  question: At which of many rates?
  seeds: 14
  metric: test_accuracy
  grid: {model: {activation: [tanh, relu]}, optimizer: {learning_rate: [0.1, 0.2, 0.3, 0.4]}}
  baseline: {model: {activation: tanh}}
  effects: {activation_relu_learning_rate_0p1: {test_accuracy: [-0.05, 0.02]}}
stopping:
  question: Is stopping early worth it?
  seeds: 15
  grid: {training: {early_stopping: [{name: none}, {name: validation_loss, fraction: 0.2, patience: 3}]}}
  baseline: {training: {early_stopping: {name: none}}}
  effects: {patience_3: {test_loss: [1.2, 0.05]}}
few:
  question: Are four seeds enough?
  seeds: 4
  grid: {model: {activation: [tanh, relu]}}
  baseline: {model: {activation: tanh}}
  claims: {too_few: {claim: ReLU is far better, variant: activation_relu, expect: lower}}
  effects: {relu: {test_loss: [0.1, 0.01]}}
alone:
  question: Is one variant enough?
  seeds: 2
  variants: {only: {}}
  baseline: only
  effects: {}
"""
MEASUREMENTS = """
functions: {kind: activations, functions: [relu, tanh, sigmoid], low: -2.0, high: 2.0, points: 9, claims: {
  computed: {claim: It is 1/4, quantity: largest_gradient_sigmoid, against: 0.25, expect: equal, margin: 1.0e-9}}}
detector: {kind: shift_detector, inputs: 2, examples: 20, shifts: [0.0, 2.0], alpha: 0.05, repetitions: 60, claims: {
  seen: {claim: It sees a shift, quantity: detections_2, against: 0.5, expect: higher},
  level: {claim: It keeps its level, quantity: detections_0, against: 0.06, expect: lower}}}
product_of_matrices: {kind: matrix_product, size: 3, factors: 5, repetitions: 20, claims: {
  grows: {claim: It grows, quantity: log10_largest, against: 0.0, expect: higher}}}
"""


def _read(text: str) -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe").load(text)
    return values


@functools.cache
def made() -> tuple[Params, dict[str, pd.DataFrame], dict[str, pd.DataFrame], Report]:
    """Return the project, the results of its studies, the numbers of its measurements, and the report."""
    studies = _read(STUDIES)
    written = {
        key: {"dataset": "images", "metric": "test_loss"}
        | {name: value for name, value in study.items() if name not in ("effects", "diverged")}
        for key, study in studies.items()
    }
    changes = {"studies": written, "measurements": _read(MEASUREMENTS), "datasets.linear": ...}
    changes |= {"judging.margins.loss_gap": 0.02, "seeds.count": 2}
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_params(Path(folder), laid_over(SMALL, changes)))
    results = {
        key: _invented(project, study, studies[key]["effects"], studies[key].get("diverged", {}))
        for key, study in project.studies.items()
    }
    measured = {key: config.measure(0) for key, config in project.measurements.items()}
    curves = pd.DataFrame(columns=artifacts.CURVE_COLUMNS)
    tables = {name: pd.DataFrame(columns=columns) for name, columns in artifacts.DIAGNOSTICS.items()}
    nothing = Diagnostics(**tables, environment={"numpy": "0"}, code="0" * 12)
    whole = report(
        project,
        results,
        dict.fromkeys(results, curves),
        dict.fromkeys(results, nothing),
        measured,
        pd.DataFrame(columns=PUBLISHED_COLUMNS),
        {},
    )
    return project, results, measured, whole


def write(folder: Path) -> Path:
    """Write params.yaml, the results, the page, the summary and the claims as a project has them."""
    project, results, measured, whole = made()
    write_params(folder, project.written)
    drawn: dict[str, list[Picture]] = collections.defaultdict(list)
    for name in ("results", "claims", "tables"):
        (folder / "reports" / name).mkdir(parents=True)
    for sketch in overview.sketches(overview.main_effects(whole)):
        files = figures.render(sketch)
        (folder / f"reports/tables/overview_{sketch.name}.csv").write_bytes(files["csv"])
        vector, table = files["svg"].decode(), files["csv"].decode()
        drawn[overview.KEY].append(Picture(sketch.name, sketch.caption, sketch.sources, vector, files["png"], table))
    for key, table in {**results, **measured}.items():
        table.to_csv(folder / f"reports/results/{key}.csv", index=False)
    whole.claims.to_csv(folder / "reports/claims/claims.csv", index=False)
    (folder / "reports/index.html").write_text(page.render(whole, drawn))
    (folder / "reports/summary.md").write_text(page.summary(whole, drawn))
    return folder


def _standard(random: np.random.Generator, n: int) -> np.ndarray:
    """Return n values with mean 0 and standard deviation 1."""
    values = random.standard_normal(n)
    scaled: np.ndarray = (values - values.mean()) / values.std(ddof=1)
    return scaled


def _invented(project: Params, study: Study, effects: Mapping[str, Any], diverged: Mapping[str, int]) -> pd.DataFrame:
    """Return the results of a study: against the baseline every metric has the invented effect, or about none."""
    n = len(project.seeds_of(study))
    random = np.random.default_rng(len(study.id))
    common = {metric.name: random.standard_normal(n) for metric in study.metrics}
    tables = []
    for variant in study.variants:
        own = _of(effects, variant.id) or {}
        lost = np.arange(n) < (_of(diverged, variant.id) or 0)
        for fold in variant.folds:
            table = pd.DataFrame({"variant": variant.id, "seed_root": 0, "seed_index": range(n), "fold": fold})
            table["data"], table["status"] = "fixed", np.where(lost, "diverged", "finished")
            for metric in study.metrics:
                log = metric.scale == "log"
                spread = 0.0 if variant.id == variant.baseline else 0.02
                effect, spread = own.get(metric.name, (metric.zero_effect, spread))
                noise = 0.02 * common[metric.name] + spread * _standard(random, n)
                share = metric.unit == "fraction"
                level = (0.8 if share else 0.5) if metric.better else (0.1 if share else 1.0)
                values = level * effect * np.exp(noise) if log else level + effect + noise
                if share and metric.better:
                    values = values.clip(0.0, 1.0)
                if not metric.random:
                    values = np.full(n, 1000.0 + len(variant.id))
                if (metric.split == "validation") == (fold == 0):
                    values = np.full(n, np.nan)
                if metric.trained:
                    values = np.where(lost, np.nan, values)
                table[metric.name] = values
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _of(values: Mapping[str, Any], id: str) -> Any:
    """Return the value whose key is the id of a variant or its end, or begins it."""
    return values.get(id) or next((value for key, value in values.items() if id.endswith(f"_{key}")), None)
