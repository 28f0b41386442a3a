"""Training that diverges and data that is degenerate: counted and reported, without harm to other runs."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from faults.whole import check_counted, rows, run
from samples import BASE, SMALL, laid_over, write_params

from ablate import between
from ablate.revisions import Revision
from pipeline.project import params

SIZES = {"train_examples": 20, "test_examples": 20}
LINEAR = {"source": "linear", "inputs": 30, "weight": 0.01, "bias": 0.05, "noise_sd": 0.01, **SIZES}
LABELS = {"source": "label_shift", "proportions": [0.5, 0.5], "target_proportions": [0.2, 0.8], "separation": 1.5}
LABELS |= {**SIZES, "target_examples": 20}
COVARIATE = {"source": "covariate_shift", "shift": 1.5, "slope": 3.0, **SIZES, "target_examples": 20}
POLYNOMIAL = {"source": "polynomial", "features": 1, "weights": [], "noise_sd": 0.1, **SIZES}
START = "model.initialization.weight"
ON_NUMBERS = laid_over(
    BASE,
    {
        "model.hidden": [],
        START: {"name": "normal", "std": 1.0},
        "loss": "half_squared_error",
        "optimizer.learning_rate": 0.003,
        "training.epochs": 20,
    },
)
LINES = laid_over(
    BASE,
    {
        "model.hidden": [],
        "model.activation": "identity",
        "data.importance_weights": {"name": "estimated", "clip": 20.0},
    },
)
DEEP = laid_over(BASE, {"model.hidden": [8]})
FOLDS = {"data.validation": {"name": "k_fold", "folds": 2}}
RATE = "optimizer.learning_rate"


def project(
    dataset: Mapping[str, Any],
    base: Mapping[str, Any],
    factor: str = RATE,
    levels: tuple[Any, ...] = (0.003, 1e6),
    count: int = 3,
    **study: str,
) -> dict[str, Any]:
    """Return params of one study over one factor, whose first level is the baseline."""
    grid: Any = list(levels)
    baseline: Any = levels[0]
    for key in reversed(factor.split(".")):
        grid, baseline = {key: grid}, {key: baseline}
    asked = {"question": "What breaks?", "dataset": "data", "metric": "test_loss", **study}
    return {
        "seeds": {"root": 0, "count": count},
        "judging": SMALL["judging"],
        "base": copy.deepcopy(dict(base)),
        "datasets": {"data": dict(dataset)},
        "measurements": {},
        "studies": {"study": {**asked, "grid": grid, "baseline": baseline}},
    }


# params, and how many runs diverge; None where the processor may decide
CASES: dict[str, tuple[dict[str, Any], int | None]] = {
    "learning rate": (project(LINEAR, ON_NUMBERS), 3),
    "one seed": (project(LINEAR, ON_NUMBERS, count=1), 1),
    "torch.nn": (project(LINEAR, laid_over(ON_NUMBERS, {"implementation": "concise"})), 3),
    "every run, with folds": (
        project(LINEAR, laid_over(ON_NUMBERS, FOLDS), levels=(1e6, 1e7), figure="selection"),
        6,
    ),
    "two of four rates": (project(LINEAR, ON_NUMBERS, levels=(0.003, 0.001, 1e6, 1e7), figure="weights"), 6),
    "initial weights": (
        project(
            LINEAR, ON_NUMBERS, START, ({"name": "xavier_normal"}, {"name": "normal", "std": 1e30}), figure="ridge"
        ),
        3,
    ),
    "lines of infinite weights": (
        project(
            LABELS,
            laid_over(LINES, {RATE: 1e10, "training.epochs": 1, "training.batch_size": 100, "training.evaluations": 1}),
            "penalty.l2",
            (0.0, 1e30),
            figure="shift",
        ),
        3,
    ),
    "targets": (project({**LINEAR, "weight": 1e30}, ON_NUMBERS), 6),
    "one class, by its share": (
        project({**LABELS, "proportions": [1 - 1e-12, 1e-12], "target_proportions": [1e-12, 1 - 1e-12]}, LINES),
        None,
    ),
    "a class without weight": (
        project({**LABELS, "train_examples": 7}, laid_over(LINES, {"data.examples": 2}), count=7),
        None,
    ),
    "distributions far apart": (
        project({**COVARIATE, "shift": -1000.0}, laid_over(LINES, {"data.importance_weights": {"name": "oracle"}})),
        None,
    ),
    "one training, test and target example": (
        project({**COVARIATE, "train_examples": 1, "test_examples": 1, "target_examples": 1}, LINES),
        None,
    ),
    "constant targets, learned": (
        project(
            {**LINEAR, "weight": 0.0, "noise_sd": 0.0, "bias": 0.0},
            laid_over(ON_NUMBERS, {START: {"name": "zeros"}, "model.initialization.bias": {"name": "zeros"}, **FOLDS}),
            "optimizer.weight_decay",
            (0.0, 3.0),
            figure="selection",
        ),
        0,
    ),
    "constant column": (project(POLYNOMIAL, ON_NUMBERS, "model.bias", (True, False)), 0),
    "everything dropped": (project(LABELS, DEEP, "model.dropout", (0.0, 1.0), metric="test_accuracy"), 0),
    "units that are all alike": (
        project(LABELS, DEEP, START, ({"name": "zeros"}, {"name": "constant", "value": 0.1}), figure="layers"),
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_breaks_is_counted_and_reported(case, in_folder, tally):
    written, expected = CASES[case]
    write_params(in_folder, written)
    diverged = check_counted(run())
    assert expected is None or diverged == expected
    # compared with itself, nothing is better or worse
    side = Revision("now", params.load(), "", {"study": rows("study")}, {}, [])
    table = between.effects(side, side)
    assert len(table) == rows("study")["variant"].nunique()
    assert set(table["verdict"]) <= {"equivalent", "undecided", "not comparable"}
    tally("divergence", case, "counted and reported")


@pytest.mark.parametrize("implementation", ["scratch", "concise"])
def test_what_diverges_changes_no_bit_of_the_others(implementation, in_folder: Path, tally):
    base = laid_over(ON_NUMBERS, {"implementation": implementation})
    tables = []
    for levels in ((0.003,), (0.003, 1e6, 1e30)):
        write_params(in_folder, project(LINEAR, base, levels=levels))
        run()
        tables.append(rows("study"))
    alone, beside = tables
    other = beside["variant"] != alone["variant"][0]
    assert (beside.loc[other, "status"] == "diverged").all()
    pd.testing.assert_frame_equal(beside[~other].reset_index(drop=True), alone, check_exact=True)
    tally("divergence", "beside runs that do not", "others bit-equal", int(other.sum()))
