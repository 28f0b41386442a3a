import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from samples import ROOT
from scipy import stats

from pipeline.analysis import published
from pipeline.project import artifacts, params
from pipeline.project.schema import Published, PublishedConfig


def test_measured_outcomes_stand_beside_published_ones(params_file):
    project = params.load(path=params_file())
    sources = [
        PublishedConfig(config="decay", factor="0", study="weight_decay", variant="weight_decay_0"),
        PublishedConfig(config="decay", factor="3", study="weight_decay", variant="weight_decay_3"),
        PublishedConfig(config="product", measurement="product"),
    ]
    rows = [
        ["decay", "0", "weight_norm", 30, 5.0, "mean", 0.5, 1.0, 3.0],
        ["decay", "3", "weight_norm", 30, 5.0, "median", 0.5, np.nan, np.nan],
        ["product", "", "largest", 41, 2.0, "mean", np.nan, np.nan, np.nan],
        ["elsewhere", "", "test_loss", 3, 1.0, "mean", np.nan, np.nan, np.nan],
    ]
    norms = {"weight_decay_0": [1.0, 2.0, 3.0, 50.0], "weight_decay_3": [2.0, 7.0, 9.0, 50.0]}
    runs = pd.DataFrame(
        [(id, 0, "finished" if norm < 50 else "diverged", norm) for id, values in norms.items() for norm in values],
        columns=["variant", "fold", "status", "weight_norm"],
    )
    findings = pd.DataFrame(
        [["largest", 41, 1.9, 0.2, 1.0, 3.0]], columns=["quantity", "n", "estimate", "sd", "min", "max"]
    )
    project = dataclasses.replace(project, published=Published(file="published.csv", outcomes=sources))
    outcomes = pd.DataFrame(rows, columns=artifacts.PUBLISHED_COLUMNS)
    table = published.judge(project, outcomes, {"weight_decay": runs}, {"product": findings})
    assert table.loc[0, ["rebuilds", "published", "published_low", "published_high"]].tolist() == [30, 5.0, 1.0, 3.0]
    measured = table[["where", "n", "measured", "sd", "min", "max"]].to_numpy().tolist()
    assert table["n"].dtype == int
    # runs that diverged are left out
    assert measured[0] == ["weight_decay: weight_decay_0", 3, 2.0, 1.0, 1.0, 3.0]
    assert measured[1] == ["weight_decay: weight_decay_3", 3, 7.0, pytest.approx(np.std([2, 7, 9], ddof=1)), 2.0, 9.0]
    assert measured[2] == ["product", 41, 1.9, 0.2, 1.0, 3.0]
    assert measured[3][:2] == ["", 0]
    verdicts = [("range", "inside"), ("2 sd", "outside"), ("10 %", "inside"), ("10 %", "not measured")]
    assert list(table[["rule", "verdict"]].itertuples(index=False, name=None)) == verdicts
    # the two-sample test needs means and both spreads
    assert table["z"].notna().tolist() == table["p"].notna().tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("n", "m", "shift", "spread"), [(10, 30, 0.0, 1.0), (2, 5, 1.0, 3.0), (30, 3, 2.0, 0.1), (5, 2, 0, 0)]
)
def test_two_means_are_compared_as_scipy_compares_the_samples(n, m, shift, spread):
    random = np.random.default_rng(n)
    measured, other = random.normal(shift, spread, n), random.normal(0, 1, m)
    moments = [number for sample in (measured, other) for number in (sample.mean(), sample.std(ddof=1), len(sample))]
    expected = stats.ttest_ind(measured, other, equal_var=False)
    assert published.two_sample(*moments) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize(
    "numbers",
    [
        (math.nan, 0.1, 10, 0.5, 0.1, 10),
        (0.5, math.nan, 10, 0.5, 0.1, 10),
        (0.5, 0.1, 10, math.nan, 0.1, 10),
        (0.5, 0.1, 10, 0.5, math.nan, 10),
        (0.5, 0.0, 10, 0.4, 0.0, 10),  # no spread at all
        (0.5, 0.1, 1, 0.4, 0.1, 10),
        (0.5, 0.1, 10, 0.4, 0.1, 1),
        (0.5, 0.1, 10, 0.4, 0.1, 0),
        (0.5, 0.1, 10, 0.4, 0.1, math.nan),
    ],
)
def test_without_two_means_and_spreads_there_is_no_test(numbers):
    assert np.isnan(published.two_sample(*numbers)).all()


def test_p_is_adjusted_over_the_table(params_file):
    project = params.load(path=params_file())
    random = np.random.default_rng(4)
    samples = {"weight_norm": random.normal(5.0, 1.0, 12), "loss_gap": random.normal(0.0, 1.0, 12)}
    source = PublishedConfig(config="decay", factor="0", study="weight_decay", variant="weight_decay_0")
    project = dataclasses.replace(project, published=Published(file="published.csv", outcomes=[source]))
    others = {quantity: random.normal(mean, 0.5, 8) for quantity, mean in (("weight_norm", 4.4), ("loss_gap", 0.1))}
    moments = {quantity: (len(other), other.mean(), other.std(ddof=1)) for quantity, other in others.items()}
    rows = [
        ["decay", "0", quantity, n, mean, statistic, sd, np.nan, np.nan]
        for quantity, (n, mean, sd) in moments.items()
        for statistic in ("mean", "median")
    ]
    runs = pd.DataFrame({"variant": "weight_decay_0", "fold": 0, "status": "finished", **samples})
    outcomes = pd.DataFrame(rows, columns=artifacts.PUBLISHED_COLUMNS)
    table = published.judge(project, outcomes, {"weight_decay": runs}, {})
    assert table.loc[[1, 3], ["z", "p"]].isna().all(axis=None)
    tests = [stats.ttest_ind(samples[quantity], others[quantity], equal_var=False) for quantity in samples]
    assert table.loc[[0, 2], "z"].tolist() == pytest.approx([test.statistic for test in tests])
    small, large = sorted(test.pvalue for test in tests)
    assert sorted(table.loc[[0, 2], "p"]) == pytest.approx([2 * small, max(2 * small, large)])


@pytest.mark.parametrize(
    ("estimate", "sd", "low", "high", "measured", "rule", "verdict"),
    [
        (0.5, 0.1, 0.2, 0.6, 0.61, "range", "outside"),
        (0.5, 0.1, math.nan, math.nan, 0.69, "2 sd", "inside"),
        (0.5, 0.1, math.nan, math.nan, 0.71, "2 sd", "outside"),
        (-0.5, math.nan, math.nan, math.nan, -0.549, "10 %", "inside"),
        # at the limit, which floating point takes for outside
        (0.3, math.nan, math.nan, math.nan, 0.33, "10 %", "inside"),
        (0.5, 0.1, 0.2, 0.3, 0.1 + 0.2, "range", "inside"),
        (0.5, 0.1, 0.2, 0.6, math.nan, "range", "not measured"),
    ],
)
def test_the_rule_follows_from_the_published_numbers(estimate, sd, low, high, measured, rule, verdict):
    assert published.verdict(estimate, sd, low, high, measured) == (rule, verdict)


@pytest.fixture(scope="module")
def book():
    return params.load(path=ROOT / "book" / "params.yaml")


def test_the_book_measures_every_published_quantity(book, monkeypatch):
    monkeypatch.chdir(ROOT / "book")
    table = artifacts.read_published(book.published)
    assert len(table) == 31
    sources = {(source.config, source.factor): source for source in book.published.outcomes}
    for row in table.itertuples():
        source = sources[row.config, row.factor]
        if source.measurement:
            assert row.quantity in book.measurements[source.measurement].quantities
        else:
            study = book.studies[source.study]
            assert published.metric(study, row.quantity) in {metric.name for metric in study.metrics}


@pytest.mark.parametrize(
    ("study", "variant", "quantity", "value"),
    [
        ("weight_decay", "l2_0", "weight_norm", math.sqrt(180)),
        ("weight_decay", "l2_0", "test_loss", 90.0),
        ("weight_decay", "l2_3", "weight_norm", math.sqrt(180) * (1 - 0.009) ** 400),
        ("weight_decay_concise", "weight_decay_0", "test_loss", 180.0),
        ("capacity", "fit", "test_loss", 0.01),
        ("capacity", "overfit", "test_loss", 0.01),
        ("capacity", "underfit", "test_loss", math.nan),
        ("weight_decay", "l2_3", "test_loss", math.nan),
        ("chapter", "softmax", "test_accuracy", math.nan),
    ],
)
def test_closed_forms_are_those_of_theory(study, variant, quantity, value, book):
    config, dataset = book.studies[study].variant(variant).config, book.datasets[book.studies[study].dataset]
    assert published.closed_form(config, dataset, quantity) == pytest.approx(value, nan_ok=True)


def test_training_metrics_of_image_models_are_running_means(book):
    assert published.metric(book.studies["chapter"], "train_loss") == "train_loss_running"
    assert published.metric(book.studies["chapter"], "test_accuracy") == "test_accuracy"
    assert published.metric(book.studies["capacity"], "train_loss") == "train_loss"
