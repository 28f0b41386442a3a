import dataclasses

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import claims
from pipeline.analysis.statistics import estimate_mean, paired_effect
from pipeline.measurements.base import MeasurementClaimConfig
from pipeline.project import params
from pipeline.project.claims import Claim
from pipeline.project.schema import StudyClaimConfig

FINDINGS = ["quantity", "label", "n", "estimate", "low", "high"]


def judged(project, study, metric, expected, variant, against, **constant):
    """Return the row of a claim about random runs, and their values by variant."""
    random = np.random.default_rng(0)
    ids = [variant.id for variant in project.studies[study].variants]
    rows = [(id, index, 0, random.uniform(1, 2), random.random()) for id in ids for index in range(5)]
    runs = pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "weight_norm", "loss_gap"]).assign(**constant)
    claim = Claim(StudyClaimConfig(claim="?", variant=variant, expect=expected), study, metric, against, "")
    (row,) = claims.judge(dataclasses.replace(project, claims={"c": claim}), {study: runs}, {}).itertuples()
    return row, {variant: group[metric].to_numpy() for variant, group in runs.groupby("variant")}


@pytest.mark.parametrize(("metric", "scale"), [("weight_norm", "log"), ("loss_gap", "linear")])
def test_a_claim_compares_a_variant_with_another_or_with_a_number(metric, scale, params_file):
    project = params.load(path=params_file())
    row, values = judged(project, "weight_decay", metric, "lower", "weight_decay_3", "weight_decay_0")
    expected = paired_effect(values["weight_decay_3"], values["weight_decay_0"], scale)
    assert (row.n, row.effect, row.low, row.high) == pytest.approx(expected)
    assert (row.where, row.scale, row.verdict) == ("weight_decay: 3 against 0", scale, "undecided")
    row, values = judged(project, "weight_decay", metric, "higher", "weight_decay_3", 0.25)
    values = values["weight_decay_3"]
    expected = estimate_mean(values / 0.25 if scale == "log" else values - 0.25, scale)
    assert (row.n, row.effect, row.low, row.high) == pytest.approx(expected)
    assert (row.where, row.verdict) == ("weight_decay: 3 against 0.25", "holds" if expected.low > 0 else "undecided")


def test_a_claim_names_the_block_of_its_variants(params_file):
    variants = ("activation_relu_learning_rate_0p5", "activation_sigmoid_learning_rate_0p5")
    project = params.load(path=params_file())
    row, _ = judged(project, "activation", "test_accuracy", "higher", *variants, test_accuracy=0.5)
    assert row.where == "activation: learning rate 0.5, relu against learning rate 0.5, sigmoid"
    assert row.verdict == "fails"  # zero effect is not higher


def test_a_claim_about_a_measurement_compares_its_estimate_with_a_number(params_file):
    findings = pd.DataFrame([["log10_largest", "largest entry", 9, 2.0, 1.5, 2.5]], columns=FINDINGS)
    written = {"claim": "?", "expect": "equal", "quantity": "log10_largest", "against": 2.25}
    configs = [MeasurementClaimConfig(**written, margin=margin) for margin in (1.0, 0.2, 0.5)]
    rows = [Claim(config, "product", config.quantity, config.against, "") for config in configs]
    project = dataclasses.replace(params.load(params_file()), claims=dict(enumerate(rows)))
    table = claims.judge(project, {}, {"product": findings})
    assert table[["n", "effect", "low", "high"]].to_numpy().tolist() == [[9, -0.25, -0.75, 0.25]] * 3
    assert table["verdict"].tolist() == ["holds", "undecided", "undecided"]
    assert set(table["where"]) == {"largest entry against 2.25"}


def test_a_claim_about_something_that_is_gone_is_not_measured(params_file):
    config = StudyClaimConfig(claim="?", variant="gone", expect="lower")
    claim = Claim(config, "study", "test_loss", "", "variant: found 'gone'")
    project = dataclasses.replace(params.load(params_file()), claims={"c": claim})
    (row,) = claims.judge(project, {}, {}).itertuples()
    assert (row.n, row.where, row.verdict) == (0, "variant: found 'gone'", "not measured")
