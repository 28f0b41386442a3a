import re

import pandas as pd
import pytest
from revisions_of import results, revision
from samples import ADAM, CLAIM
from trained import fill

from ablate import frames, revisions, show
from pipeline.analysis import power
from pipeline.core.errors import UserError
from pipeline.project import artifacts, params


def test_the_tables_of_the_commands(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()
    table = frames.judged("activation")
    assert table.drop(columns=["study", "metric"]).equals(show.judged(params.load(), "activation")[1])
    assert frames.judged()["study"].unique().tolist() == ["weight_decay", "activation"]
    assert set(frames.judged("activation", metric="test_loss")["metric"]) == {"test_loss"}
    # columns that the docstring shows
    (columns,) = re.findall(r'judged\("dropout"\)\[\[(.*)\]\]', frames.judged.__doc__)
    assert set(re.findall(r'"(\w+)"', columns)) <= set(table.columns)


def test_runs_have_typed_factors_in_the_order_of_the_study(params_file, in_folder):
    variants = {
        "plain": {},
        "momentum": {"optimizer": {"momentum": 0.9}},
        "wide": {"model": {"hidden": [20, 20]}},
        "adam": {"optimizer": ADAM},
    }
    params_file(
        {
            "studies.activation.grid": ...,
            "studies.activation.variants": variants,
            "studies.activation.baseline": "plain",
        }
    )
    fill()
    runs = frames.runs("activation")
    assert runs["label"].cat.ordered
    assert runs["label"].cat.categories.tolist() == list(variants)
    first = runs.groupby("variant", observed=True).first()
    assert first["model.hidden"].astype(str).tolist() == ["[8, 8]", "[8, 8]", "[20, 20]", "[8, 8]"]
    # adam has no momentum
    assert first["optimizer.momentum"].tolist()[:3] == [0.0, 0.9, 0.0]
    assert pd.isna(first["optimizer.momentum"].iloc[3])
    assert frames.runs("weight_decay")["optimizer.weight_decay"].unique().tolist() == [0, 3]
    written = artifacts.read_results(params.load(), "activation")
    assert runs["test_accuracy"].equals(written["test_accuracy"])


def test_curves_are_refused_with_results_of_other_configs(params_file, in_folder):
    params_file()
    fill()
    losses = pd.DataFrame(
        [["weight_decay_3", "test", 1, 0.5, 0.4, 0.6]], columns=["variant", "split", "epoch", "estimate", "low", "high"]
    )
    artifacts.write_curves("weight_decay", losses)
    assert frames.curves("weight_decay")[["label", "epoch", "estimate"]].to_numpy().tolist() == [["3", 1, 0.5]]
    params_file({"studies.weight_decay.grid.optimizer.weight_decay": [0, 5]})
    with pytest.raises(UserError, match="made with other variants or seeds"):
        frames.curves("weight_decay")


def test_another_margin_changes_verdicts_and_nothing_else(params_file, in_folder):
    params_file({"seeds.count": 8, "studies.activation.margin": 0.01})
    fill()
    usual, wide = frames.judged("activation"), frames.judged("activation", margin=0.9)
    assert set(usual["verdict"]) == {"", "better"}
    assert set(wide["verdict"]) == {"", "equivalent"}
    # which rows are decided also selects the intervals for an answer
    shown = ["estimate", "effect", "effect_low", "effect_high", "p", "p_adjusted"]
    assert usual[shown].equals(wide[shown])
    for options, words in (
        ({"study": "weight_decay", "margin": 1.0}, "margin: found 1, allowed: above 1 for test_loss"),
        ({"study": "activation", "margin": 0.0}, "margin: found 0, allowed: above 0 for test_accuracy"),
        ({"margin": 0.1}, "allowed: for one study"),
    ):
        with pytest.raises(UserError, match=words):
            frames.judged(**options)


def test_claims_are_judged_by_the_results(params_file, in_folder):
    changes = {"seeds.count": 8, "measurements": {}, "studies.weight_decay.claims.shrinks": CLAIM}
    params_file(changes)
    fill()
    # the results of `fill` rise
    assert frames.claims()[["id", "verdict"]].to_numpy().tolist() == [["shrinks", "fails"]]
    params_file({**changes, "studies.weight_decay.claims.shrinks": {**CLAIM, "expect": "higher"}})
    assert frames.claims()["verdict"].tolist() == ["holds"]


def test_power_is_that_of_the_command(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()
    asked = frames.power("activation", sd=0.02, effect=0.05, seeds=12)
    assert asked["seeds"].tolist() == 2 * [power.seeds_for(0.05, 0.02, 2, 0.05, margin=0.005)]
    assert (frames.power("activation", sd=0.02, seeds=30)["detectable"] < asked["detectable"]).all()
    with pytest.raises(UserError, match="effect: found 0, allowed: a difference above 0"):
        frames.power("activation", effect=0.0)


def test_against_a_revision_it_is_the_comparison(monkeypatch):
    sides = {
        name: revision(str(name), {"s": results({"a": [value, 0.6]})}) for name, value in (("old", 0.5), (None, 0.7))
    }
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    table = frames.judged(against="old")
    assert table[["study", "variant", "verdict"]].to_numpy().tolist() == [["s", "a", "undecided"]]
    assert frames.judged("s", against="old").equals(table)
