import dataclasses
import logging
import re

import pytest
from execution.studies import study, with_folds
from samples import classes, seeds

from pipeline.execution.runs import train_study
from pipeline.execution.store import Store
from pipeline.project import artifacts
from pipeline.training import concise, engine
from pipeline.training.engine import Examples


def test_every_run_has_its_row():
    results = train_study(study(), seeds(3), classes()).results
    assert list(results.columns) == artifacts.results_columns(study())
    rows = list(zip(results["variant"], results["seed_index"], strict=True))
    assert rows == [(variant.id, index) for variant in study().variants for index in range(3)]
    assert (results["status"] == "finished").all()
    assert results["model.hidden"].unique().tolist() == ["[33, 20]"]


@pytest.mark.parametrize(("number", "implementation"), [(3, engine), (4, concise)])
def test_a_row_holds_the_numbers_of_its_run(number, implementation):
    result = train_study(study(), seeds(3), classes())
    variant = study().variants[number]
    trained = implementation.train(variant.config, seeds(3)[2], Examples(classes()))
    row = result.results.set_index(["variant", "seed_index"]).loc[(variant.id, 2)]
    # the best epoch is a column only in studies that stop early
    expected = {name: value for name, value in trained.metrics().items() if name != "best_epoch"}
    assert {name: row[name] for name in expected} == expected
    curves = result.curves.query(f"variant == '{variant.id}' and split == 'test'")
    assert curves["value"].tolist()[4:] == trained.curves["test_loss"].tolist()
    layers = result.diagnostics.layers.query(f"variant == '{variant.id}' and seed_index == 2")
    start = layers.query("moment == 'start' and quantity == 'gradient_rms'")
    assert start["value"].tolist() == trained.layers["gradient_rms", "start"].tolist()
    assert start["layer"].tolist() == [1, 2, 3]


def test_folds_are_validated_and_runs_on_all_examples_are_as_without_folds():
    folded = with_folds()
    result = train_study(folded, seeds(2), classes(2))
    results = result.results
    assert results.groupby("fold").size().tolist() == [4, 4, 4, 4]
    assert results["validation_loss"].isna().tolist() == (results["fold"] == 0).tolist()
    assert len(result.curves) == 2 * 2 * 2 * 2  # variants, seeds, splits, epochs
    without = dataclasses.replace(study(), variants=study().variants[:2])
    alone = train_study(without, seeds(2), classes(2)).results
    assert results[results["fold"] == 0].reset_index(drop=True)[list(alone.columns)].equals(alone)


def test_the_log_says_how_much_is_done(caplog):
    with caplog.at_level(logging.INFO):
        train_study(study(), seeds(2), classes(), Store(None))
    first, *_, last = [record.message for record in caplog.records]
    assert first == "study: 12 runs to train, 0 taken from the store"
    assert re.fullmatch(r"study: epoch (\d+) of \1", last)


def test_the_log_says_how_to_train_stored_runs_again(caplog, tmp_path):
    train_study(study(), seeds(2), classes(), Store(tmp_path))
    caplog.clear()
    with caplog.at_level(logging.INFO):
        train_study(study(), seeds(2), classes(), Store(tmp_path))
    line = "study: 0 runs to train, 12 taken from the store (ABLATE_STORE=off trains them again)"
    assert [record.message for record in caplog.records] == [line]


def test_a_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    train_study(study(), seeds(2), classes())
    shown = capsys.readouterr().err
    assert "study:" in shown
    assert "100%" in shown
