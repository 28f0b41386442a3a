import dataclasses

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import comparison, power
from pipeline.analysis.statistics import estimate_mean, paired_effect
from pipeline.project import params
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging

COLUMNS = ["variant", "seed_root", "seed_index", "fold", "status", "test_loss", "test_accuracy"]
JUDGING = Judging(margins={"test_loss": 1.05})
RELU = "activation_relu_learning_rate_0p1"


@pytest.fixture
def study(params_file):
    return params.load(path=params_file()).studies["activation"]


def results(study, seeds: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(0)
    ids = [variant.id for variant in study.variants]
    rows = [(id, 0, index, 0, "finished", random.random(), random.random()) for id in ids for index in range(seeds)]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.mark.parametrize(("metric", "scale"), [("test_loss", "log"), ("test_accuracy", "linear")])
def test_every_variant_is_compared_with_the_baseline_of_its_block(metric, scale, study):
    runs = results(study)
    table = comparison.effects(study, runs.sample(frac=1, random_state=1), metric)
    values = {id: group[metric].to_numpy() for id, group in runs.groupby("variant")}
    for row, variant in zip(table.itertuples(), study.variants, strict=True):
        assert (row.variant, row.runs, row.diverged, row.verdict) == (variant.id, 4, 0, "")
        assert row.estimate == pytest.approx(estimate_mean(values[variant.id], scale).estimate)
        assert row.is_baseline == (variant.label == "sigmoid")
        if not row.is_baseline:
            effect = paired_effect(values[variant.id], values[variant.baseline], scale)
            assert (row.effect, row.effect_low, row.effect_high) == pytest.approx(effect[1:])
            assert row.reference_estimate == estimate_mean(values[variant.baseline], scale).estimate


def test_an_effect_is_undefined_if_a_run_diverged(study):
    runs = results(study).assign(activation_ratio=2.0)
    diverged = (runs["variant"] == RELU) & (runs["seed_index"] == 2)
    runs.loc[diverged, ["status", "test_loss", "activation_ratio"]] = ["diverged", np.nan, 32.0]
    table = comparison.effects(study, runs, "test_loss").set_index("variant")
    assert table.loc[RELU, "diverged"] == 1
    assert np.isnan(table.loc[RELU, "effect"])
    remaining = runs.loc[(runs["variant"] == RELU) & ~diverged, "test_loss"]
    assert table.loc[RELU, "estimate"] == pytest.approx(estimate_mean(remaining, "log").estimate)
    assert table["low"].isna().tolist() == table["high"].isna().tolist() == [id == RELU for id in table.index]
    assert table[~table["is_baseline"]].drop(index=RELU)["effect"].notna().all()
    # a metric that does not come from training includes the runs that diverged
    table = comparison.effects(study, runs, "activation_ratio").set_index("variant")
    assert table.loc[RELU, "estimate"] == pytest.approx(4.0)  # geometric mean of 32, 2, 2, 2


def test_a_study_is_judged_as_one_family_without_its_baselines(study):
    runs = results(study, seeds=8).assign(test_accuracy=0.5)
    baseline = runs.loc[runs["variant"] == study.variant(RELU).baseline, "test_loss"]
    runs.loc[runs["variant"] == RELU, "test_loss"] = 0.5 * baseline.to_numpy() * np.linspace(0.99, 1.01, 8)
    table = comparison.effects(study, runs, "test_loss", JUDGING).set_index("variant")
    row = table.loc[RELU]
    assert (row["verdict"], row["p"], row["p_adjusted"]) == ("better", 2 / 2**8, 2 * 2 / 2**8)
    baselines = table[table["is_baseline"]]
    assert (baselines["verdict"] == "").all()
    assert baselines[["effect", "p", "win_rate"]].isna().all(axis=None)
    table = comparison.effects(study, runs, "test_accuracy", JUDGING)
    rows = table.loc[~table["is_baseline"], ["verdict", "note"]].to_numpy().tolist()
    assert rows == [["equivalent", "identical"]] * 2


@pytest.mark.parametrize(("metric", "zero"), [("loss_gap", 0.0), ("weight_norm", 1.0)])
def test_a_study_may_be_judged_by_a_metric_without_a_better_direction(metric, zero, params_file):
    changes = {"studies.activation.metric": metric, "studies.activation.margin": 1.1}
    project = params.load(path=params_file(changes))
    study = project.studies["activation"]
    runs = results(study, seeds=8)
    values = {id: group["test_loss"].to_numpy() for id, group in runs.groupby("variant")}
    noise = np.linspace(-0.01, 0.01, 8)
    for variant in study.variants:
        if variant.label == "relu":
            # below the baseline in one block, above it in the other
            factor = 0.5 if variant.id == RELU else 3.0
            baseline = values[variant.baseline]
            values[variant.id] = baseline * factor + noise if zero else baseline + 5 * (factor - 1) + noise
    table = comparison.effects(
        study,
        runs.assign(**{metric: np.concatenate([values[variant.id] for variant in study.variants])}),
        metric,
        project.judging_of(study),
    ).set_index("variant")
    rows = table[~table["is_baseline"]]
    assert rows["verdict"].to_dict() == {RELU: "lower", RELU.replace("0p1", "0p5"): "higher"}
    assert rows["win_rate"].isna().all()
    assert (rows.loc[RELU, "selected_high"] < zero) & (rows.iloc[1]["selected_low"] > zero)


@pytest.mark.parametrize(("status", "finished"), [("finished", [True, True]), ("diverged", [True, False])])
def test_a_seed_finished_validation_if_all_folds_did(status, finished):
    """Two seeds of one variant, each on all examples and with two folds; the second fold of seed 1 as given."""
    rows = [
        ("a", 0, seed, fold, status if (seed, fold) == (1, 2) else "finished", 1.0, 1.0)
        for seed in (0, 1)
        for fold in (0, 1, 2)
    ]
    runs = pd.DataFrame(rows, columns=[*COLUMNS[:6], "validation_loss"]).assign(data="0a")
    table = comparison.outcomes(runs, METRICS["validation_loss"])["a"]
    assert table["finished"].tolist() == finished
    assert table.index.tolist() == [(0, 0), (0, 1)]
    table = comparison.outcomes(runs, METRICS["test_loss"])["a"]
    assert table["finished"].all()
    assert table["data"].tolist() == ["0a", "0a"]


def test_splits_of_one_data_set_widen_the_intervals_of_validation_alone(study):
    runs = results(study)
    split = dataclasses.replace(study, split_correlations=study.split_correlations | {"validation": 0.5})
    assert comparison.effects(split, runs, "test_loss").equals(comparison.effects(study, runs, "test_loss"))
    folds = runs.assign(fold=1, validation_loss=runs["test_loss"])
    both = pd.concat([runs.assign(validation_loss=np.nan), folds])
    wide, narrow = (comparison.effects(spec, both, "validation_loss") for spec in (split, study))
    ratio = np.log(wide["high"] / wide["low"]) / np.log(narrow["high"] / narrow["low"])
    assert ratio.to_numpy() == pytest.approx(np.sqrt((1 / 4 + 0.5) / (1 / 4)))


def test_a_study_of_one_variant_has_an_estimate_and_nothing_to_judge(params_file):
    grid, baseline = {"model": {"activation": ["relu"]}}, {"model": {"activation": "relu"}}
    changes = {"studies.activation.grid": grid, "studies.activation.baseline": baseline}
    study = params.load(path=params_file(changes)).studies["activation"]
    runs = results(study)
    (row,) = comparison.effects(study, runs, "test_loss", JUDGING).itertuples()
    assert (row.is_baseline, row.runs, row.verdict) == (True, 4, "")
    assert row.estimate == pytest.approx(estimate_mean(runs["test_loss"], "log").estimate)
    assert power.of_study(study, runs, "test_loss", JUDGING).empty
