import numpy as np
import pandas as pd
import pytest
from report.sections import made

from pipeline.analysis import claims
from pipeline.analysis.statistics import Estimate, estimate_mean, paired_effect
from pipeline.project import params


@pytest.mark.parametrize(
    ("expected", "low", "high", "margin", "scale", "verdict"),
    [
        ("higher", 0.1, 0.2, None, "linear", "holds"),
        ("higher", -0.1, 0.2, None, "linear", "undecided"),
        ("higher", -0.2, -0.1, None, "linear", "fails"),
        ("higher", 0.0, 0.0, None, "linear", "fails"),
        ("higher", 1.1, 1.2, None, "log", "holds"),
        ("higher", 0.8, 0.9, None, "log", "fails"),
        ("lower", 0.8, 0.9, None, "log", "holds"),
        ("lower", 0.8, 1.1, None, "log", "undecided"),
        ("lower", 1.1, 1.2, None, "log", "fails"),
        ("lower", -0.2, -0.1, None, "linear", "holds"),
        ("equal", -0.01, 0.01, 0.02, "linear", "holds"),
        ("equal", -0.01, 0.03, 0.02, "linear", "undecided"),
        ("equal", 0.03, 0.04, 0.02, "linear", "fails"),
        ("equal", 0.0, 0.0, 0.02, "linear", "holds"),
        ("equal", 0.95, 1.05, 1.1, "log", "holds"),
        ("equal", 0.85, 1.05, 1.1, "log", "undecided"),
        ("equal", 0.5, 0.6, 1.1, "log", "fails"),
        ("higher", np.nan, np.nan, None, "linear", "undecided"),
        ("equal", np.nan, np.nan, 0.1, "linear", "undecided"),
    ],
)
def test_a_verdict_is_read_off_the_interval(expected, low, high, margin, scale, verdict):
    assert claims.verdict(expected, Estimate(10, 0.0, low, high), margin, scale) == verdict


CLAIM = {
    "claim": "?",
    "study": "weight_decay",
    "metric": "weight_norm",
    "variant": "weight_decay_3",
    "expected": "lower",
}


def project(params_file, claims):
    return params.load(path=params_file({"claims": claims}))


def results(study) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [(one.id, index, 0, random.uniform(1, 2), random.random()) for one in study.variants for index in range(5)]
    return pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "weight_norm", "loss_gap"])


@pytest.mark.parametrize(("metric", "scale"), [("weight_norm", "log"), ("loss_gap", "linear")])
def test_a_claim_about_two_variants_is_their_paired_effect(metric, scale, params_file):
    loaded = project(params_file, {"c": {**CLAIM, "metric": metric, "against": "weight_decay_0"}})
    runs = results(loaded.studies["weight_decay"])
    (row,) = claims.judge(loaded.claims, loaded.studies, {}, {"weight_decay": runs}, {}).itertuples()
    ours, theirs = (runs[runs["variant"] == f"weight_decay_{value}"][metric].to_numpy() for value in (3, 0))
    assert (row.n, row.effect, row.low, row.high) == pytest.approx(paired_effect(ours, theirs, scale))
    assert row.where == "weight_decay: 3 against 0"


@pytest.mark.parametrize(("metric", "scale"), [("weight_norm", "log"), ("loss_gap", "linear")])
def test_a_claim_about_a_number_is_a_ratio_or_a_difference_to_it(metric, scale, params_file):
    loaded = project(params_file, {"c": {**CLAIM, "metric": metric, "against": 0.5}})
    runs = results(loaded.studies["weight_decay"])
    (row,) = claims.judge(loaded.claims, loaded.studies, {}, {"weight_decay": runs}, {}).itertuples()
    ours = runs[runs["variant"] == "weight_decay_3"][metric].to_numpy()
    expected = estimate_mean(ours / 0.5 if scale == "log" else ours - 0.5, scale)
    assert (row.n, row.effect, row.low, row.high) == pytest.approx(expected)


def test_every_claim_of_the_report_has_its_verdict():
    found = made().claims.set_index("id")["verdict"].to_dict()
    assert found == {
        "holds": "holds",
        "fails": "fails",
        "undecided": "undecided",
        "of_a_probe": "holds",
        "gone": "not measured",
    }


def test_a_block_is_named_where_there_is_one(params_file):
    claim = {"claim": "?", "study": "activation", "metric": "test_accuracy", "expected": "higher"}
    names = {"variant": "activation_relu_learning_rate_0p5", "against": "activation_sigmoid_learning_rate_0p5"}
    loaded = project(params_file, {"c": {**claim, **names}})
    study = loaded.studies["activation"]
    runs = results(study).assign(test_accuracy=0.5)
    (row,) = claims.judge(loaded.claims, loaded.studies, {}, {"activation": runs}, {}).itertuples()
    assert row.where == "activation: learning rate 0.5, relu against learning rate 0.5, sigmoid"
    assert row.verdict == "fails"  # no difference at all is not higher
