import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import comparison
from pipeline.analysis.statistics import centre, paired_effect
from pipeline.project import params


@pytest.fixture
def study(params_file):
    return params.load(path=params_file()).studies["activation"]


def results(study, seeds: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        (variant.id, index, 0, "finished", random.random(), random.random())
        for variant in study.variants
        for index in range(seeds)
    ]
    return pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "status", "test_loss", "test_accuracy"])


def column(frame: pd.DataFrame, variant: str, metric: str) -> np.ndarray:
    return frame[frame["variant"] == variant].sort_values("seed_index")[metric].to_numpy()


@pytest.mark.parametrize(("metric", "scale"), [("test_loss", "log"), ("test_accuracy", "linear")])
def test_every_variant_is_compared_with_the_baseline_of_its_own_block(metric, scale, study):
    runs = results(study)
    table = comparison.effects(study, runs.sample(frac=1, random_state=1), metric)
    assert table["variant"].tolist() == [variant.id for variant in study.variants]
    for row, variant in zip(table.itertuples(), study.variants, strict=True):
        ours, theirs = column(runs, variant.id, metric), column(runs, variant.baseline, metric)
        assert row.centre == pytest.approx(centre(ours, scale).centre)
        effect = paired_effect(ours, theirs, scale)
        assert (row.effect, row.effect_low, row.effect_high) == pytest.approx(effect[1:])
        assert row.is_baseline == (variant.label == "sigmoid")
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
    assert table.loc[relu, "centre"] == pytest.approx(centre(remaining, "log").centre)
    assert table.drop(index=relu)["effect"].notna().all()


def test_what_does_not_come_from_training_is_averaged_over_diverged_runs_too(study):
    runs = results(study).assign(activation_ratio=2.0)
    runs.loc[0, ["status", "test_loss", "activation_ratio"]] = ["diverged", np.nan, 32.0]
    table = comparison.effects(study, runs, "activation_ratio").set_index("variant")
    first = study.variants[0].id
    assert table.loc[first, "centre"] == pytest.approx(4.0)  # geometric mean of 32, 2, 2, 2
