import math

import numpy as np
import pytest
from report.sections import made
from samples import ROOT

from pipeline.analysis import published
from pipeline.project import artifacts, params


def test_ours_stands_beside_what_was_published():
    table = made().published.set_index(["config", "factor"])
    runs = made().sections[0].results
    for value, statistic in ((0, np.mean), (3, np.median)):
        row = table.loc[("decay", f"lambda={value}")]
        own = runs[runs["variant"] == f"weight_decay_{value}"]["weight_norm"]
        assert row["ours"] == pytest.approx(statistic(own))
        assert (row["n"], row["least"], row["most"]) == (3, own.min(), own.max())
        assert row["sd"] == pytest.approx(own.std())
    assert table.loc[("decay", "lambda=0"), "where"] == "weight_decay: weight_decay_0"
    assert table.loc[("elsewhere", ""), "n"] == 0
    findings = next(one for one in made().measurements if one.id == "product").findings
    assert table.loc[("product", ""), "ours"] == findings["estimate"].iloc[0]


def test_runs_that_diverged_are_not_counted():
    report, places = made(), made().project.published.places
    study = report.project.studies["weight_decay"]
    runs = report.sections[0].results.copy()
    runs.loc[runs["variant"] == "weight_decay_0", "status"] = ["diverged", "finished", "finished"]
    row = published.compare(
        report.published.rename(columns={"published": "estimate", "published_sd": "sd"})
        .rename(columns={"published_low": "low", "published_high": "high"})
        .loc[:0, artifacts.PUBLISHED_COLUMNS],
        places,
        {"weight_decay": study},
        report.project.datasets,
        {"weight_decay": runs},
        {},
    ).iloc[0]
    assert row["n"] == 2


@pytest.mark.parametrize(
    ("estimate", "sd", "low", "high", "ours", "rule", "verdict"),
    [
        (0.5, 0.1, 0.2, 0.6, 0.6, "range", "inside"),
        (0.5, 0.1, 0.2, 0.6, 0.61, "range", "outside"),
        (0.5, 0.1, math.nan, math.nan, 0.69, "2 sd", "inside"),
        (0.5, 0.1, math.nan, math.nan, 0.71, "2 sd", "outside"),
        (0.5, math.nan, math.nan, math.nan, 0.549, "10 %", "inside"),
        (0.5, math.nan, math.nan, math.nan, 0.551, "10 %", "outside"),
        (-0.5, math.nan, math.nan, math.nan, -0.549, "10 %", "inside"),
        # at the limit, which floating point takes for outside
        (0.3, math.nan, math.nan, math.nan, 0.33, "10 %", "inside"),
        (0.5, 0.1, 0.2, 0.3, 0.1 + 0.2, "range", "inside"),
        (0.5, 0.1, 0.2, 0.6, math.nan, "range", "not measured"),
    ],
)
def test_the_rule_follows_from_what_was_published(estimate, sd, low, high, ours, rule, verdict):
    assert published.judge(estimate, sd, low, high, ours) == (rule, verdict)


@pytest.fixture(scope="module")
def book():
    return params.load(path=ROOT / "book" / "params.yaml")


def test_every_published_quantity_has_a_place_in_the_book(book, monkeypatch):
    monkeypatch.chdir(ROOT / "book")
    table = artifacts.read_published(book.published)
    assert len(table) == 31
    places = {(place.config, place.factor): place for place in book.published.places}
    for row in table.itertuples():
        place = places[row.config, row.factor]
        if place.measurement:
            assert row.quantity in book.measurements[place.measurement].quantities
        else:
            study = book.studies[place.study]
            assert published.metric(study, row.quantity) in {metric.name for metric in study.metrics}


def test_the_copy_in_the_book_is_the_shared_table():
    shared = ROOT.parent / "shared" / "published" / "d2l-v0.csv"
    if not shared.is_file():
        pytest.skip("the shared table is not on this machine")
    assert (ROOT / "book" / "published.csv").read_bytes() == shared.read_bytes()


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
    one = book.studies[study]
    found = published.closed_form(one.variant(variant).config, book.datasets[one.dataset], quantity)
    assert found == pytest.approx(value, nan_ok=True)


def test_training_losses_of_image_models_are_running_means(book):
    assert published.metric(book.studies["chapter"], "train_loss") == "train_loss_running"
    assert published.metric(book.studies["chapter"], "test_accuracy") == "test_accuracy"
    assert published.metric(book.studies["capacity"], "train_loss") == "train_loss"
