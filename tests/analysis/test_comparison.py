import dataclasses

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import comparison
from pipeline.analysis.statistics import estimate_mean, paired_effect
from pipeline.project import params
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging


@pytest.fixture
def study(params_file):
    return params.load(path=params_file()).studies["activation"]


COLUMNS = ["variant", "seed_root", "seed_index", "fold", "status", "test_loss", "test_accuracy"]
JUDGING = Judging(margins={"test_loss": 1.05})


def results(study, seeds: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        (variant.id, 0, index, 0, "finished", random.random(), random.random())
        for variant in study.variants
        for index in range(seeds)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def column(frame: pd.DataFrame, variant: str, metric: str) -> np.ndarray:
    return frame[frame["variant"] == variant].sort_values("seed_index")[metric].to_numpy()


@pytest.mark.parametrize(("metric", "scale"), [("test_loss", "log"), ("test_accuracy", "linear")])
def test_every_variant_is_compared_with_the_baseline_of_its_own_block(metric, scale, study):
    runs = results(study)
    table = comparison.effects(study, runs.sample(frac=1, random_state=1), metric)
    assert table["variant"].tolist() == [variant.id for variant in study.variants]
    for row, variant in zip(table.itertuples(), study.variants, strict=True):
        ours, theirs = column(runs, variant.id, metric), column(runs, variant.baseline, metric)
        assert row.estimate == pytest.approx(estimate_mean(ours, scale).estimate)
        effect = paired_effect(ours, theirs, scale)
        assert row.is_baseline == (variant.label == "sigmoid")
        if not row.is_baseline:
            assert (row.effect, row.effect_low, row.effect_high) == pytest.approx(effect[1:])
        assert (row.runs, row.diverged) == (4, 0)


def test_no_effect_is_claimed_where_a_run_diverged(study):
    runs = results(study)
    relu = "activation_relu_learning_rate_0p1"
    lost = (runs["variant"] == relu) & (runs["seed_index"] == 2)
    runs.loc[lost, ["status", "test_loss"]] = ["diverged", np.nan]
    table = comparison.effects(study, runs, "test_loss").set_index("variant")
    assert table.loc[relu, "diverged"] == 1
    assert np.isnan(table.loc[relu, "effect"])
    remaining = runs[(runs["variant"] == relu) & ~lost]["test_loss"]
    assert table.loc[relu, "estimate"] == pytest.approx(estimate_mean(remaining, "log").estimate)
    assert table[~table["is_baseline"]].drop(index=relu)["effect"].notna().all()


def test_what_does_not_come_from_training_is_averaged_over_diverged_runs_too(study):
    runs = results(study).assign(activation_ratio=2.0)
    runs.loc[0, ["status", "test_loss", "activation_ratio"]] = ["diverged", np.nan, 32.0]
    table = comparison.effects(study, runs, "activation_ratio").set_index("variant")
    first = study.variants[0].id
    assert table.loc[first, "estimate"] == pytest.approx(4.0)  # geometric mean of 32, 2, 2, 2


def test_a_study_is_judged_as_one_family_without_its_baselines(study):
    runs = results(study, seeds=8)
    relu = runs["variant"] == "activation_relu_learning_rate_0p1"
    baseline = runs.loc[runs["variant"] == study.variant("activation_relu_learning_rate_0p1").baseline, "test_loss"]
    runs.loc[relu, "test_loss"] = 0.5 * baseline.to_numpy() * np.linspace(0.99, 1.01, 8)
    table = comparison.effects(study, runs, "test_loss", JUDGING).set_index("variant")
    row = table.loc["activation_relu_learning_rate_0p1"]
    assert (row["verdict"], row["p"], row["p_adjusted"]) == ("better", 2 / 2**8, 2 * 2 / 2**8)
    assert (table.loc[table["is_baseline"], "verdict"] == "").all()
    assert table.loc[table["is_baseline"], ["effect", "p", "wins"]].isna().all(axis=None)
    # the baseline of its block is what its estimate is compared with
    assert row["reference_centre"] == pytest.approx(table.loc[study.variant(row.name).baseline, "estimate"])
    # where nobody asked for verdicts, there are none
    assert set(comparison.effects(study, runs, "test_loss")["verdict"]) == {""}


def test_identical_variants_are_equivalent(study):
    runs = results(study).assign(test_accuracy=0.5)
    table = comparison.effects(study, runs, "test_accuracy", JUDGING)
    assert table.loc[~table["is_baseline"], "verdict"].tolist() == ["equivalent"] * 2
    assert table.loc[~table["is_baseline"], "note"].tolist() == ["identical"] * 2


def folded(status: str = "finished") -> pd.DataFrame:
    """Two seeds of one variant, each on all examples and with two folds; the second fold of seed 1 as given."""
    rows = [
        ("a", 0, seed, fold, status if (seed, fold) == (1, 2) else "finished", 10.0 * seed + fold if fold else np.nan)
        for seed in (0, 1)
        for fold in (0, 1, 2)
    ]
    runs = pd.DataFrame(rows, columns=[*COLUMNS[:5], "validation_accuracy"])
    runs.loc[runs["status"] == "diverged", "validation_accuracy"] = np.nan
    return runs.assign(test_loss=1.0)


def test_folds_are_averaged_within_a_seed():
    table = comparison.outcomes(folded(), METRICS["validation_accuracy"])["a"]
    assert table["value"].tolist() == [1.5, 11.5]
    assert table["finished"].all()
    assert table.index.tolist() == [(0, 0), (0, 1)]


def test_a_fold_that_diverged_loses_its_seed_for_validation_alone():
    runs = folded("diverged")
    assert comparison.outcomes(runs, METRICS["validation_accuracy"])["a"]["finished"].tolist() == [True, False]
    assert comparison.outcomes(runs, METRICS["test_loss"])["a"]["finished"].tolist() == [True, True]


def test_the_data_of_each_run_go_along_where_they_are_known():
    assert "data" not in comparison.outcomes(folded(), METRICS["test_loss"])["a"]
    found = comparison.outcomes(folded().assign(data="0a"), METRICS["test_loss"])["a"]
    assert found["data"].tolist() == ["0a", "0a"]


def test_splits_of_one_data_set_widen_the_intervals_of_validation_alone(study):
    runs = results(study)
    split = dataclasses.replace(study, split_correlation=0.5)
    wide, narrow = (comparison.effects(one, runs, "test_loss") for one in (split, study))
    assert wide.equals(narrow)
    folds = runs.assign(fold=1, validation_loss=runs["test_loss"])
    both = pd.concat([runs.assign(validation_loss=np.nan), folds])
    wide, narrow = (comparison.effects(one, both, "validation_loss") for one in (split, study))
    ratio = np.log(wide["high"] / wide["low"]) / np.log(narrow["high"] / narrow["low"])
    assert ratio.to_numpy() == pytest.approx(np.sqrt((1 / 4 + 0.5) / (1 / 4)))
