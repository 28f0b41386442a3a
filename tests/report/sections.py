"""A report on the small project and on studies of every kind that has a figure, trained once for all tests."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from samples import BASE, SMALL, laid_over, write_params

from pipeline import data, measurements
from pipeline.analysis import summary
from pipeline.execution import runs
from pipeline.execution.tables import StudyResult
from pipeline.project import params
from pipeline.project.artifacts import PUBLISHED_COLUMNS
from pipeline.project.params import Params
from pipeline.report.section import Report, report

_DECAY = SMALL["studies"]["weight_decay"]
_ACTIVATION = SMALL["studies"]["activation"]
_FOLDS = {"name": "k_fold", "folds": 2}
_SHIFTED = {"train_examples": 60, "target_examples": 60, "test_examples": 40}

CHANGES: dict[str, Any] = {
    "studies.named": laid_over(
        _DECAY,
        {"grid": ..., "variants": {"plain": None, "wild": {"optimizer": {"learning_rate": 1e6}}}, "baseline": "plain"},
    ),
    "studies.ridge": laid_over(
        _DECAY,
        {
            "figure": "ridge",
            "simplest": "last",
            "base.data.validation": _FOLDS,
            "grid.optimizer.weight_decay": [0, 1, 3, 10],
        },
    ),
    "studies.weights": laid_over(_DECAY, {"figure": "weights"}),
    "studies.selection": laid_over(
        _ACTIVATION, {"figure": "selection", "base.data.validation": _FOLDS, "base.training.epochs": 1}
    ),
    "studies.predictions": laid_over(
        _ACTIVATION, {"figure": "predictions", "grid.optimizer": ..., "base.training.epochs": 1}
    ),
    "studies.capacity": laid_over(
        _DECAY,
        {
            "figure": "capacity",
            "base.model.activation": "relu",
            "grid": {"model": {"hidden": [[], [4], [4, 4]]}},
            "baseline": {"model": {"hidden": []}},
        },
    ),
    "datasets.shifted": {"source": "covariate_shift", "shift": 1.0, "slope": 2.0, **_SHIFTED},
    "datasets.labels": {
        "source": "label_shift",
        "proportions": [0.5, 0.3, 0.2],
        "target_proportions": [0.2, 0.3, 0.5],
        "separation": 2.0,
        "seeds": 5,
        **_SHIFTED,
    },
    **{
        f"studies.{dataset}": {
            "question": "Do weights mend it?",
            "dataset": dataset,
            "metric": "test_accuracy",
            "figure": "shift",
            "base": laid_over(BASE, {"model.hidden": [], "training.epochs": 2}),
            "grid": {
                "data": {
                    "importance_weights": [{"name": "none"}, {"name": "estimated", "clip": 5.0}, {"name": "oracle"}]
                }
            },
            "baseline": {"data": {"importance_weights": {"name": "none"}}},
        }
        for dataset in ("shifted", "labels")
    },
    "measurements.functions": {
        "kind": "activations",
        "functions": ["relu", "tanh", "sigmoid"],
        "low": -2.0,
        "high": 2.0,
        "points": 9,
    },
    "measurements.detector": {
        "kind": "shift_detector",
        "inputs": 2,
        "examples": 20,
        "shifts": [0.0, 2.0],
        "alpha": 0.05,
        "repetitions": 5,
    },
    "claims.holds": {
        "claim": "Weight decay shrinks the weights",
        "study": "weight_decay",
        "metric": "weight_norm",
        "variant": "weight_decay_3",
        "against": "weight_decay_0",
        "expected": "lower",
    },
    "claims.fails": {
        "claim": "Weight decay changes nothing",
        "study": "weight_decay",
        "metric": "weight_norm",
        "variant": "weight_decay_3",
        "against": "weight_decay_0",
        "expected": "equal",
        "margin": 1.001,
    },
    "claims.undecided": {
        "claim": "What diverges is worse",
        "study": "named",
        "metric": "test_loss",
        "variant": "wild",
        "against": "plain",
        "expected": "higher",
    },
    "claims.gone": {
        "claim": "About a variant that a sweep took out",
        "study": "weight_decay",
        "metric": "test_loss",
        "variant": "weight_decay_7",
        "against": "weight_decay_0",
        "expected": "lower",
    },
    "claims.of_a_probe": {
        "claim": "The largest gradient of the sigmoid is 1/4",
        "measurement": "functions",
        "quantity": "largest_gradient_sigmoid",
        "against": 0.25,
        "expected": "equal",
        "margin": 1e-9,
    },
    "published": {
        "file": "published.csv",
        "places": [
            {"config": "decay", "factor": "lambda=0", "study": "weight_decay", "variant": "weight_decay_0"},
            {"config": "decay", "factor": "lambda=3", "study": "weight_decay", "variant": "weight_decay_3"},
            {"config": "product", "measurement": "product"},
            {"config": "elsewhere", "study": "weight_decay", "variant": "weight_decay_7"},
        ],
    },
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
    """The configs of the whole report, with so many seeds."""
    PUBLISHED.to_csv(folder / "published.csv", index=False)
    return write_params(folder, laid_over(SMALL, {**CHANGES, "seeds.count": count}))


@functools.cache
def trained(count: int = 3) -> tuple[Params, dict[str, StudyResult], dict[str, pd.DataFrame]]:
    """The project, what its runs leave, by study, and what its measurements measured."""
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_project(Path(folder), count))
    found = {}
    for key, study in project.studies.items():
        seeds = project.seeds_of(study.dataset)
        found[key] = runs.train(study, seeds, data.make(project.datasets[study.dataset], seeds))
    return project, found, {key: measurements.measure(configs, 0) for key, configs in project.measurements.items()}


@functools.cache
def made(count: int = 3) -> Report:
    """The whole report, with so many seeds."""
    project, found, measured = trained(count)
    return report(
        project,
        {key: one.results for key, one in found.items()},
        {key: summary.curves(one.curves, project.studies[key].split_correlations) for key, one in found.items()},
        {key: one.diagnostics for key, one in found.items()},
        measured,
        PUBLISHED,
    )
