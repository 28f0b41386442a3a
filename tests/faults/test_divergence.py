"""Training that diverges and data that is degenerate: counted where one looks, no traceback, no harm to other runs."""

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults.tally import Tally
from faults.whole import check_counted, rows, run
from matplotlib.figure import Figure
from samples import ADAM, BASE, SGD, SMALL, config, laid_over, seeds, values, write_params

from ablate.between import Revision, between
from pipeline.core.errors import UserError
from pipeline.data.shift import CovariateShift, LabelShift
from pipeline.execution import results
from pipeline.execution.results import RunSpec
from pipeline.project import params
from pipeline.report.drawing import log_axis, picture
from pipeline.training.config import EstimatedWeights, OracleWeights
from pipeline.training.engine import Examples
from pipeline.training.weights import effective_examples, example_weights

Many = Callable[[int], int]

# --- projects ---------------------------------------------------------------------------------------------------------

SIZES = {"train_examples": 20, "test_examples": 20}
LINEAR = {"source": "linear", "inputs": 30, "weight": 0.01, "bias": 0.05, "noise_sd": 0.01, **SIZES}
LABELS = {"source": "label_shift", "proportions": [0.5, 0.5], "target_proportions": [0.2, 0.8], "separation": 1.5}
LABELS |= {**SIZES, "target_examples": 20}
COVARIATE = {"source": "covariate_shift", "shift": 1.5, "slope": 3.0, **SIZES, "target_examples": 20}
CONCEPT = {"source": "concept_shift", "angle": 60.0, "slope": 1.5, **SIZES, "target_examples": 20}
POLYNOMIAL = {"source": "polynomial", "features": 21, "weights": [5.0, 1.2], "noise_sd": 0.1, **SIZES}
ON_NUMBERS = laid_over(
    BASE,
    {
        "model.hidden": [],
        "model.initialization.weight": {"name": "normal", "std": 1.0},
        "loss": "half_squared_error",
        "optimizer.learning_rate": 0.003,
    },
)
ON_CLASSES = laid_over(BASE, {"model.hidden": [], "model.activation": "identity"})
LINES = laid_over(ON_CLASSES, {"data.importance_weights": {"name": "estimated", "clip": 20.0}})


def project(
    dataset: Mapping[str, Any], base: Mapping[str, Any], study: Mapping[str, Any] | None = None, count: int = 3
) -> dict[str, Any]:
    """One study of one data set; over the learning rate where nothing else is said, of which 1e6 is one."""
    rates = [base["optimizer"]["learning_rate"], 1e6]
    asked = study or {
        "grid": {"optimizer": {"learning_rate": rates}},
        "baseline": {"optimizer": {"learning_rate": rates[0]}},
    }
    whole = {"question": "What breaks?", "dataset": "drawn", "metric": "test_loss"}
    return {
        "seeds": {"root": 0, "count": count},
        "judging": SMALL["judging"],
        "base": copy.deepcopy(dict(base)),
        "datasets": {"drawn": dict(dataset)},
        "measurements": {},
        "studies": {"drawn": whole | dict(asked)},
    }


def over(dotted: str, values: list[Any], **more: Any) -> dict[str, Any]:
    """A grid over one factor whose first value is the baseline."""
    grid: Any = values
    baseline: Any = values[0]
    for key in reversed(dotted.split(".")):
        grid, baseline = {key: grid}, {key: baseline}
    return {"grid": grid, "baseline": baseline, **more}


LARGE_START = over("model.initialization.weight", [{"name": "xavier_normal"}, {"name": "normal", "std": 1e30}])
FOLDS = {"data.validation": {"name": "k_fold", "folds": 2}}
# what is asked, and how many of its runs diverge; None where the processor may decide
CASES: dict[str, tuple[dict[str, Any], int | None]] = {
    "learning rate 1e6": (project(LINEAR, laid_over(ON_NUMBERS, {"training.epochs": 20})), 3),
    "every run": (project(LINEAR, laid_over(ON_NUMBERS, {"optimizer.learning_rate": 1e20, "training.epochs": 9})), 6),
    "momentum .99": (
        project(
            LINEAR,
            laid_over(ON_NUMBERS, {"optimizer.learning_rate": 0.5, "training.epochs": 60}),
            over("optimizer.momentum", [0.0, 0.99]),
        ),
        None,
    ),
    "huge initial weights": (project(LINEAR, ON_NUMBERS, LARGE_START | {"figure": "ridge"}), 3),
    "huge initial weights, deep": (
        project(LABELS, laid_over(BASE, {"model.hidden": [8, 8], "model.activation": "relu"}), LARGE_START),
        None,
    ),
    "torch.nn": (
        project(LINEAR, laid_over(ON_NUMBERS, {"implementation": "concise", "training.epochs": 20})),
        3,
    ),
    "four rates": (
        project(
            LINEAR,
            laid_over(ON_NUMBERS, {"training.epochs": 20}),
            over("optimizer.learning_rate", [0.003, 0.001, 1e6, 1e7], figure="weights"),
        ),
        6,
    ),
    "with folds": (
        project(LINEAR, laid_over(ON_NUMBERS, {"training.epochs": 20, **FOLDS}), None),
        3,
    ),
    "every run, with folds": (
        project(
            LINEAR,
            laid_over(ON_NUMBERS, {"training.epochs": 20, **FOLDS}),
            over("optimizer.learning_rate", [1e6, 1e7], figure="selection"),
        ),
        6,
    ),
    "lines of a shift": (
        project(LABELS, LINES, over("optimizer.learning_rate", [0.1, 1e30], figure="shift")),
        None,
    ),
    "lines of infinite weights": (
        project(
            LABELS,
            laid_over(
                LINES,
                {
                    "optimizer.learning_rate": 1e10,
                    "training.epochs": 1,
                    "training.batch_size": 100,
                    "training.evaluations": 1,
                },
            ),
            over("penalty.l2", [0.0, 1e30], figure="shift"),
        ),
        3,
    ),
    "huge targets": (project({**LINEAR, "weight": 1e30}, ON_NUMBERS), 6),
    "one class, by its share": (
        project({**LABELS, "proportions": [1 - 1e-12, 1e-12], "target_proportions": [1e-12, 1 - 1e-12]}, LINES),
        None,
    ),
    "one class, of one example": (project({**LABELS, "train_examples": 1, "target_examples": 1}, LINES), None),
    "one test example": (
        project({**COVARIATE, "test_examples": 1}, LINES, {**LARGE_START, "figure": "predictions"}),
        None,
    ),
    "one target example": (project({**CONCEPT, "target_examples": 1}, LINES), None),
    "far apart": (
        project({**COVARIATE, "shift": -1000.0}, laid_over(LINES, {"data.importance_weights": {"name": "oracle"}})),
        None,
    ),
    "a class without weight": (
        project({**LABELS, "train_examples": 7}, laid_over(LINES, {"data.examples": 2}), count=7),
        None,
    ),
    "constant targets": (project({**LINEAR, "weight": 0.0, "noise_sd": 0.0}, ON_NUMBERS), None),
    "constant targets, learned": (
        project(
            {**LINEAR, "weight": 0.0, "noise_sd": 0.0, "bias": 0.0},
            laid_over(ON_NUMBERS, {"model.initialization.weight": {"name": "zeros"}, **FOLDS})
            | {
                "model": laid_over(
                    ON_NUMBERS["model"], {"initialization": {"weight": {"name": "zeros"}, "bias": {"name": "zeros"}}}
                )
            },
            over("optimizer.weight_decay", [0.0, 3.0], figure="selection"),
        ),
        0,
    ),
    "constant column": (
        project({**POLYNOMIAL, "features": 1, "weights": []}, ON_NUMBERS, over("model.bias", [True, False])),
        0,
    ),
    "one training example": (
        project({**LINEAR, "train_examples": 1}, laid_over(ON_NUMBERS, {"data.examples": 1})),
        None,
    ),
    "one example of many": (project(LINEAR, laid_over(ON_NUMBERS, {"data.examples": 1, "model.features": 1})), None),
    "a penalty too small to see": (project(LINEAR, ON_NUMBERS, over("optimizer.weight_decay", [0.0, 1e-300])), 0),
    "batch beyond the examples": (project(LINEAR, laid_over(ON_NUMBERS, {"training.batch_size": 1_000_000_000})), None),
    "one seed": (project(LINEAR, laid_over(ON_NUMBERS, {"training.epochs": 20}), count=1), 1),
    "nothing kept": (
        project(
            LABELS, laid_over(BASE, {"model.hidden": [8]}), over("model.dropout", [0.0, 1.0], metric="test_accuracy")
        ),
        0,
    ),
    "units that are all alike": (
        project(
            LABELS,
            laid_over(BASE, {"model.hidden": [8]}),
            over(
                "model.initialization.weight", [{"name": "zeros"}, {"name": "constant", "value": 0.1}], figure="layers"
            ),
        ),
        0,
    ),
}


def compared_with_itself(whole: Mapping[str, Any], results: pd.DataFrame) -> pd.DataFrame:
    checked = params.parse(json.dumps(whole).encode(), "params.yaml")
    side = Revision("now", checked, "", {"drawn": results}, {}, [])
    return between(side, side)


@pytest.mark.parametrize("case", CASES)
def test_what_breaks_is_counted_and_reported(case: str, in_folder: Path, tally: Tally):
    whole, lost = CASES[case]
    write_params(in_folder, whole)
    loaded = run()
    found = check_counted(loaded)
    assert lost is None or found == lost
    check_alike(whole, rows("drawn"))
    tally("divergence", "named config", "counted and reported")


def check_alike(whole: Mapping[str, Any], results: pd.DataFrame) -> None:
    """Against itself nothing is better or worse, whatever diverged."""
    table = compared_with_itself(whole, results)
    assert len(table) == results["variant"].nunique()
    assert set(table["verdict"]) <= {"equivalent", "undecided", "not comparable"}


@pytest.mark.parametrize("implementation", ["scratch", "concise"])
def test_what_diverges_changes_no_bit_of_the_others(implementation, in_folder, tally: Tally):
    base = laid_over(ON_NUMBERS, {"implementation": implementation, "training.epochs": 30})
    rates = over("optimizer.learning_rate", [0.003]), over("optimizer.learning_rate", [0.003, 1e6, 1e30])
    alone, beside = (project(LINEAR, base, study) for study in rates)
    write_params(in_folder, alone)
    run()
    wanted = rows("drawn")
    write_params(in_folder, beside)
    run()
    found = rows("drawn")
    other = found["variant"] != wanted["variant"][0]
    assert (found.loc[other, "status"] == "diverged").all()
    pd.testing.assert_frame_equal(found[~other].reset_index(drop=True), wanted, check_exact=True)
    tally("divergence", "beside runs that do not", "others bit-equal", int(other.sum()))


@pytest.mark.parametrize("implementation", ["scratch", "concise"])
@pytest.mark.parametrize("hidden", [[], [8]])
def test_a_diverged_run_stores_one_nan(implementation, hidden, tally: Tally):
    """Processors differ in the bits of NaN."""
    changes = {"implementation": implementation, "model.hidden": hidden, "optimizer.learning_rate": 1e20}
    result = results.run_one(RunSpec(config(laid_over(ON_NUMBERS, changes)), seeds(1)[0], 0), Examples(values(1)))
    arrays = [*result.curves.values(), *result.layers.values(), result.weights, list(result.metrics.values())]
    numbers = np.concatenate(arrays)
    undefined = numbers[np.isnan(numbers)]
    assert not result.finite
    assert {"weight_norm", "loss_gap"} <= {name for name, value in result.metrics.items() if np.isnan(value)}
    assert set(undefined.view(np.uint64)) == {np.array(np.nan).view(np.uint64)[()]}
    tally("divergence", "what a diverged run stores", "one NaN", len(undefined))


# --- drawn configs ---------------------------------------------------------------------------------------------------


def drawn(random: np.random.Generator) -> dict[str, Any]:
    """A project of configs that are allowed and that nobody would choose."""

    def pick(*values: Any) -> Any:
        return values[int(random.integers(len(values)))]

    examples = pick(1, 2, 3, 7, 20)
    sizes = {"train_examples": examples, "test_examples": pick(1, 2, 20)}
    noise = {"noise_sd": pick(0.0, 0.1, 1e30)}
    shifted = {**sizes, "target_examples": pick(1, 2, 20), "slope": pick(1e-30, 3.0, 1e30)}
    shares = pick([0.5, 0.5], [1 - 1e-12, 1e-12], [0.999, 0.0005, 0.0005], [1 - 1e-300, 1e-300])
    dataset = pick(
        {
            **LINEAR,
            **sizes,
            **noise,
            "inputs": pick(1, 2, 30),
            "weight": pick(0.0, 0.01, 1e30),
            "bias": pick(0.0, 1e30),
        },
        {**POLYNOMIAL, **sizes, **noise, "features": pick(2, 21, 100), "weights": pick([], [0.0], [1e30])},
        {**COVARIATE, **shifted, "shift": pick(0.0, -30.0, 1000.0)},
        {**CONCEPT, **shifted, "angle": pick(0.0, 180.0, 1e30)},
        {
            **LABELS,
            **{key: value for key, value in shifted.items() if key != "slope"},
            "proportions": shares,
            "target_proportions": shares[::-1],
            "separation": pick(1e-30, 1.5, 1000.0),
        },
    )
    numbers = dataset["source"] in ("linear", "polynomial")
    hidden = pick([], [], [1], [8, 1], [3, 3, 3])
    folds = [{"name": "hold_out", "fraction": 0.5}, {"name": "k_fold", "folds": 2}] if examples > 1 else []
    stopping = {"name": "validation_loss", "fraction": 0.5, "patience": pick(1, 1_000_000_000)}
    if examples < 7:
        stopping = {"name": "none"}
    start = [
        {"name": "xavier_normal"},
        {"name": "normal", "std": 1e30},
        {"name": "zeros"},
        {"name": "uniform", "bound": 1e9},
    ]
    base = laid_over(
        BASE,
        {
            "implementation": pick("scratch", "scratch", "concise"),
            "data.examples": pick("all", "all", min(examples, 6)),
            "data.validation": pick({"name": "none"}, *folds),
            "data.importance_weights": {"name": "none"}
            if numbers
            else pick({"name": "none"}, {"name": "oracle"}, {"name": "estimated", "clip": pick(1e-30, 20.0, 1e30)}),
            "model.features": pick("all", "all", 1),
            "model.hidden": hidden,
            "model.activation": pick("relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"),
            "model.bias": pick(True, False),
            "model.dropout": pick(0.0, 0.5, 1.0),
            "model.initialization.weight": pick(*start),
            "model.initialization.bias": pick({"name": "zeros"}, {"name": "constant", "value": 1e30}),
            "loss": pick("squared_error", "half_squared_error") if numbers else "cross_entropy",
            "penalty": {"l1": pick(0.0, 0.0, 1e30), "l2": pick(0.0, 1e-30, 1e30)},
            "label_smoothing": 0.0 if numbers else pick(0.0, 0.999),
            "optimizer": {
                **pick(
                    SGD,
                    SGD | {"momentum": 0.99},
                    SGD | {"momentum": 1e-30, "nesterov": True},
                    ADAM | {"epsilon": pick(1e-30, 1e30)},
                    ADAM | {"name": "adamw", "beta1": 0.0, "beta2": 0.0},
                ),
                "learning_rate": pick(0.1, 1e-30),
                "weight_decay": pick(0.0, 3.0),
            },
            "training": {
                "epochs": pick(1, 2, 3),
                "batch_size": pick(1, 5, 17, 1_000_000_000),
                "evaluations": pick(1, 100),
                "lr_schedule": pick(
                    {"name": "constant"}, {"name": "step", "every": 1, "gamma": 1e-30}, {"name": "cosine", "final": 0.0}
                ),
                "early_stopping": pick({"name": "none"}, stopping),
            },
        },
    )
    figures = ["capacity", "layers"] if hidden else ["capacity"]
    figures += (["ridge", "weights"] if not hidden else []) if numbers else ["predictions", "shift"]
    figures += ["selection"] if base["data"]["validation"]["name"] != "none" else []
    study = pick(
        over("optimizer.learning_rate", [0.01, 1e6]),
        over("optimizer.learning_rate", [1e-3, 0.2, 1e6, 1e30]),
        over("model.initialization.weight", start[:2]),
        over("optimizer.weight_decay", [1e6, 1e-9]),
    )
    metric = pick("test_loss", "train_loss", *([] if numbers else ["test_accuracy"]))
    return project(dataset, base, {**study, "figure": pick(*figures), "metric": metric}, count=pick(1, 2, 3, 7))


def test_configs_that_nobody_would_choose(in_folder: Path, many: Many, tally: Tally):
    random = np.random.default_rng(8)
    counts = []
    for _ in range(many(100)):
        whole = drawn(random)
        write_params(in_folder, whole)
        loaded = run()
        counts.append(check_counted(loaded))
        check_alike(whole, rows("drawn"))
        tally("divergence", "drawn config", "counted and reported")
    # the draws are of both kinds
    assert any(counts)
    assert not all(counts)


# --- the guards by themselves -----------------------------------------------------------------------------------------


def test_more_folds_than_examples_are_refused(in_folder: Path, tally: Tally):
    base = laid_over(ON_NUMBERS, {"data.validation": {"name": "k_fold", "folds": 21}})
    write_params(in_folder, project(LINEAR, base))
    with pytest.raises(UserError, match=r"^params.yaml: base.data.validation: found .* both sides"):
        params.load()
    tally("divergence", "more folds than examples", "refused, named")


def test_losses_that_differ_by_rounding_can_be_drawn(tally: Tally):
    def draw() -> Figure:
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [1.442255543584226e33, 1.442255543584226e33 * (1 + 3e-15)], "o")
        log_axis(axes)
        return figure

    assert "<svg" in picture("losses", "?", draw).svg
    tally("divergence", "losses equal but for rounding", "drawn")


@pytest.mark.parametrize(
    "configs",
    [
        {**COVARIATE, "shift": 1000.0},
        {**COVARIATE, "shift": -1000.0},
        # of eight of nine seeds a class weighs nothing
        {**LABELS, "separation": 0.5, "target_examples": 1},
        {**LABELS, "separation": 1000.0},
        {**LABELS, "proportions": [1 - 1e-300, 1e-300], "target_proportions": [1e-300, 1 - 1e-300]},
    ],
)
def test_weights_of_any_part_of_the_examples_have_a_mean(configs: dict[str, Any], tally: Tally):
    kind = CovariateShift if configs["source"] == "covariate_shift" else LabelShift
    shifted = kind.model_validate(configs)
    made = shifted.make(seeds(9))
    for name in ("oracle", "estimated"):
        assert np.isfinite(made.weights[name]).all()
        assert (made.weights[name] > 0).all()
    for seed in made.seeds:
        for place in range(made.train.examples):
            for correction in (OracleWeights(name="oracle"), EstimatedWeights(name="estimated", clip=20.0)):
                # also where nothing but this example is trained on
                weights = example_weights(correction, made, seed, np.array([place]))
                assert weights.tolist() == [1.0]
                assert effective_examples(weights) == 1.0
    tally("divergence", "weights of a far shift", "finite, above 0", 9)
