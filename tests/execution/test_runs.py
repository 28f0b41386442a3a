import dataclasses
import logging

import numpy as np
import pytest
from execution.studies import study, with_folds
from samples import classes, config, seeds, values

from pipeline.execution import runs
from pipeline.execution.store import Store
from pipeline.project import artifacts, params
from pipeline.project.variants import Variant
from pipeline.training import engine
from pipeline.training.engine import Examples


def test_every_run_has_its_row():
    whole = runs.train(study(), seeds(3), classes())
    assert list(whole.results.columns) == artifacts.results_columns(study())
    found = list(zip(whole.results["variant"], whole.results["seed_index"], strict=True))
    assert found == [(variant.id, index) for variant in study().variants for index in range(3)]
    assert (whole.results["status"] == "finished").all()
    assert whole.results["model.hidden"].unique().tolist() == ["[33, 20]"]


def test_a_row_holds_the_numbers_of_its_own_run():
    found = runs.train(study(), seeds(3), classes())
    variant = study().variants[3]
    alone = engine.train(variant.config, seeds(3)[2], Examples(classes()))
    row = found.results.set_index(["variant", "seed_index"]).loc[(variant.id, 2)]
    measured = {metric.name for metric in study().metrics}
    for name, value in alone.metrics().items():
        # of a study that stops no run early the epoch that is kept is no column
        assert name == "best_epoch" or name in measured
        assert name not in measured or row[name] == value
    curve = found.curves[(found.curves["variant"] == variant.id) & (found.curves["split"] == "test")]
    assert curve["value"].tolist()[4:] == alone.curves["test_loss"].tolist()
    layers = found.diagnostics.layers[
        (found.diagnostics.layers["variant"] == variant.id) & (found.diagnostics.layers["seed_index"] == 2)
    ]
    start = layers[(layers["moment"] == "start") & (layers["quantity"] == "gradient_rms")]
    assert start["value"].tolist() == alone.layers["gradient_rms", "start"].tolist()
    assert start["layer"].tolist() == [1, 2, 3]


def test_more_seeds_and_more_variants_change_no_run():
    few = runs.train(study(), seeds(2), classes()).results
    many = runs.train(study(), seeds(3), classes()).results
    assert few.equals(many[many["seed_index"] < 2].reset_index(drop=True))


def test_a_run_that_diverges_is_marked_and_the_others_are_unharmed():
    wild = study(task="regression", **{"loss": "squared_error", "model.activation": "identity"})
    variants = list(wild.variants[:2])
    rate = {"optimizer.learning_rate": 1e6, "training.epochs": 20, "loss": "squared_error", "model.hidden": []}
    variants[0] = Variant("wild", "wild", "", "tame", variants[0].factors, config({**rate, "model.dropout": 0.0}))
    tame = {**rate, "optimizer.learning_rate": 0.01}
    variants[1] = Variant("tame", "tame", "", "tame", variants[1].factors, config(tame))
    traits = frozenset(["regression", "linear"])
    mixed = dataclasses.replace(wild, variants=tuple(variants), traits=traits)
    results = runs.train(mixed, seeds(3), values()).results.set_index("variant")
    assert set(results.loc["wild", "status"]) == {"diverged"}
    assert results.loc["wild", ["test_loss", "weight_norm", "loss_gap"]].isna().all().all()
    # what does not come from training means something all the same
    assert results.loc["wild", ["parameters", "closed_form_test_loss"]].notna().all().all()
    assert set(results.loc["tame", "status"]) == {"finished"}
    assert np.isfinite(results.loc["tame", "test_loss"]).all()


def test_the_log_says_how_many_runs_are_done(caplog, monkeypatch):
    monkeypatch.setattr(runs, "_SILENCE", 0.0)
    with caplog.at_level(logging.INFO):
        runs.train(study(), seeds(2), classes(), Store(None))
    said = [record.message for record in caplog.records]
    assert said == [
        "study: 12 runs to train, 0 taken from the store",
        *(f"study: {n} of 12 runs" for n in range(1, 13)),
    ]


def test_a_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    runs.train(study(), seeds(2), classes())
    shown = capsys.readouterr().err
    assert "study:" in shown
    assert "100%" in shown


@pytest.mark.parametrize("count", [1, 2])
def test_a_study_of_one_variant_and_few_seeds_trains(count, params_file):
    changes = {"studies.weight_decay.grid.optimizer.weight_decay": [0]}
    only = params.load(path=params_file(changes)).studies["weight_decay"]
    found = runs.train(only, seeds(count), values(count, features=30))
    assert len(found.results) == count


def test_only_folds_are_validated_and_the_whole_is_as_without_them():
    folded = with_folds()
    found = runs.train(folded, seeds(2), classes(2))
    results = found.results
    assert results.groupby("fold").size().tolist() == [4, 4, 4, 4]
    assert results["validation_loss"].isna().tolist() == (results["fold"] == 0).tolist()
    assert len(found.curves) == 2 * 2 * 2 * 2  # variants, seeds, splits, epochs: of the whole alone
    without = [
        dataclasses.replace(one, config=config({"optimizer.learning_rate": rate, "training.epochs": 2}))
        for one, rate in zip(folded.variants, (0.1, 0.2), strict=True)
    ]
    alone = runs.train(
        dataclasses.replace(folded, variants=tuple(without), traits=folded.traits - {"validation"}),
        seeds(2),
        classes(2),
    ).results
    whole = results[results["fold"] == 0].reset_index(drop=True)
    assert whole[list(alone.columns)].equals(alone)
