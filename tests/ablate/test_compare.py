"""The whole printed table, and what stands beside it."""

import dataclasses
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from samples import SMALL

from ablate import compare, revisions, text
from pipeline.core.errors import UserError
from pipeline.project import parts

# ten seeds; what they add up to is chosen so that every verdict has a row
NOISE = np.array([0.012, -0.008, 0.003, -0.011, 0.007, 0.001, -0.004, 0.009, -0.006, 0.002])
BEFORE = 0.85 + NOISE
NOW = {
    "better": BEFORE + 0.03 + NOISE[::-1] / 5,
    "worse": BEFORE - 0.02 + NOISE[::-1] / 5,
    "equivalent": BEFORE + NOISE[::-1] / 10,
    "identical": BEFORE,
    "undecided": BEFORE + NOISE[::-1],
    "lost": np.where(np.arange(10) < 2, np.nan, BEFORE),
    "gone_wild": np.where(np.arange(10) < 9, np.nan, BEFORE),
    "added": BEFORE,
}


def states():
    """Two states with a row for every verdict, and configs that differ."""
    old = {name: BEFORE for name in (*NOW, "removed") if name != "added"}
    losses = {name: np.exp(5 * NOISE) for name in ("a", "b")}
    other = {"a": losses["a"] * 0.8, "b": np.where(np.arange(10) == 3, 0.0, losses["b"])}
    same = {"same": results({"a": BEFORE, "b": BEFORE})}
    metrics = {"loss": "test_loss"}
    before = {"accuracy": results(old), "loss": results(losses, "test_loss"), **same}
    after = {"accuracy": results(NOW), "loss": results(other, "test_loss"), **same}
    changes = {"seeds.count": 20, "studies.loss.base.optimizer.learning_rate": 0.5}
    return revision("main", before, metrics), revision("workspace", after, metrics, changes)


@pytest.fixture
def two(monkeypatch):
    """Compares two states as if git had them."""

    def compared(before, now, **options):
        monkeypatch.setattr(revisions, "read", lambda name=None: now if name is None else before)
        return compare.comparison("main", **options)

    return compared


GOLDEN = """\
main → workspace
seeds.count: 10 → 20

accuracy: test accuracy, higher is better
  variant               n    main  workspace        effect   95 % interval  p, adjusted   wins  verdict         note
  better               10  85.0 %     88.1 %  +3.01 points  [+2.90, +3.12]        0.014  100 %  better
  worse                10  85.0 %     83.1 %  −1.99 points  [−2.10, −1.88]        0.014    0 %  worse
  equivalent           10  85.0 %     85.1 %  +0.01 points  [−0.05, +0.06]            1   60 %  equivalent
  identical            10  85.0 %     85.0 %   0.00 points       all equal            1         equivalent      identical
  undecided            10  85.0 %     85.1 %  +0.05 points  [−0.50, +0.60]            1   60 %  undecided
  lost        10, 8 of 10  85.0 %     85.0 %                                          1         not comparable  diverged: 2 of 10 against 0 of 10
  gone_wild   10, 1 of 10  85.0 %     85.2 %                                       0.02         worse           diverged: 9 of 10 against 0 of 10
  added             0, 10             85.0 %                                                    not comparable  only in workspace
  removed           10, 0  85.0 %                                                               not comparable  only in main

loss: test loss, lower is better
a.optimizer.learning_rate: 0.1 → 0.5
  variant               n    main  workspace        effect   95 % interval  p, adjusted   wins  verdict         note
  a                    10    1.00      0.802       × 0.800       all equal        0.002  100 %  better
  b                    10    1.00                                                               not comparable  a value of 0 has no logarithm

identical, bit for bit (variants)
  same (2)

2 better, 2 worse, 4 equivalent, 1 undecided, 4 not comparable
effect of workspace against main, paired by seed where both have it; 95 % intervals of each row by itself
verdicts of the variants of a study together (Holm, alpha 0.05); equivalent within test accuracy ± 0.50 points, test loss × 0.952 to × 1.05
for --fail-on, all rows that are not identical are one family: 2 better, 2 worse, 1 equivalent, 1 undecided, 4 not comparable
"""  # noqa: E501


def test_the_whole_table(two, capsys):
    text.show(compare.tables(two(*states())))
    assert capsys.readouterr().out == GOLDEN


def test_configs_that_differ_are_resolved_and_stand_beside_the_numbers_they_concern(two):
    tables = {"s": results({"a": BEFORE, "b": BEFORE}), "other": results({"a": BEFORE})}
    changes = {
        "judging.margins": {"test_loss": 1.1},
        "measurements.more": SMALL["measurements"]["product"],
        # no study is on the first of these data sets
        "datasets.linear.inputs": 5,
        "datasets.images.scale": "symmetric",
        "studies.s.question": "!",
        # for all variants, for one, and a list
        "studies.s.base.training.epochs": 5,
        "studies.s.variants.b.optimizer": {"learning_rate": 0.2, "momentum": 0.9},
        "studies.s.base.model.hidden": [8],
        # a whole number for 1.0 is no change
        "studies.other.base.optimizer.momentum": 0,
    }
    comparison = two(revision("main", tables), revision("workspace", tables, changes=changes))
    changes = {key: [str(change) for change in changes] for key, changes in comparison.changes.items()}
    assert changes[""] == [
        "judging.margins.test_accuracy: 0.005 → –",
        "judging.margins.test_loss: 1.05 → 1.1",
        "measurements.more: – → {'kind': 'matrix_product', 'size': 3, 'factors': 5, 'repe...",
    ]
    assert changes["s"] == [
        "question: ? → !",
        "datasets.images.scale: unit → symmetric",
        "model.hidden: [8, 8] → [8]",
        "training.epochs: 2 → 5",
        "b.optimizer.momentum: 0 → 0.9",
    ]
    assert changes["other"] == ["datasets.images.scale: unit → symmetric"]


def test_another_schema_is_not_comparable(two, capsys):
    before, now = states()
    older = dataclasses.replace(before, params=None, problem="params.yaml: base: found nothing\nparams.yaml: more")
    comparison = two(older, now)
    note = "main: not comparable: other schema: params.yaml: base: found nothing"
    assert comparison.notes[""] == [note]
    assert set(comparison.rows["verdict"]) == {"not comparable"}
    assert set(comparison.rows["note"]) == {"other schema in main"}
    assert not any(comparison.changes.values())
    text.show(compare.tables(comparison))
    assert note in capsys.readouterr().out
    with pytest.raises(UserError, match="main: not comparable: other schema: params.yaml: base: found nothing"):
        two(older, older)


def test_projections_show_fewer_rows_and_change_no_verdict(two):
    before, now = states()
    whole = two(before, now).rows.set_index(["study", "variant"])
    rows = two(before, now, studies=["accuracy"], variants=["better", "undecided"]).rows
    assert rows["variant"].tolist() == ["better", "undecided"]
    for row in rows.itertuples():
        assert (row.verdict, row.p_adjusted) == tuple(whole.loc[("accuracy", row.variant), ["verdict", "p_adjusted"]])
    assert two(before, now, metrics=["test_loss"]).rows["study"].unique().tolist() == ["loss"]
    for options, message in (
        ({"studies": ["gone"]}, "study: found 'gone', allowed: accuracy, loss, same"),
        ({"variants": ["gone"]}, "variant: found 'gone', allowed: better, worse"),
        ({"metrics": ["gone"]}, "metric: found 'gone', allowed: train_loss_running"),
    ):
        with pytest.raises(UserError, match=message):
            two(before, now, **options)


def test_the_gate_judges_the_rows_that_are_returned_together(two, capsys):
    """Two studies of one variant with p = 2 / 2^6 = 0.031: each is decided by itself, none of both together."""
    six = BEFORE[:6], BEFORE[:6] - 0.05 + NOISE[:6] / 9
    tables = [{key: results({"a": values}) for key in ("s", "t")} for values in six]
    same = {"same": results(dict.fromkeys("abc", BEFORE))}  # identical: not among the tests
    states = revision("main", {**tables[0], **same}), revision("workspace", {**tables[1], **same})
    both = two(*states)
    assert both.rows["verdict"].tolist() == ["worse"] * 2 + ["equivalent"] * 3
    assert both.rows["gate"].tolist() == ["undecided"] * 2 + ["equivalent"] * 3
    assert both.gate_too_few == "6 seeds cannot decide a family of 2: at least 7 are needed"
    text.show(compare.tables(both))
    lines = capsys.readouterr().out.splitlines()
    assert "for --fail-on, all rows that are not identical are one family: 2 undecided" in lines
    assert f"for --fail-on, {both.gate_too_few}" in lines
    # a selected study is a smaller family
    for options in ({"studies": ["s", "same"]}, {"studies": ["s"]}):
        one = two(*states, **options)
        assert one.rows["gate"].iloc[0] == "worse"
        assert one.gate_too_few == ""
    # the same states, bit for bit
    none = two(states[0], states[0])
    assert (set(none.rows["gate"]), none.gate_too_few) == ({"equivalent"}, "")


def test_the_margin_of_a_study_is_its_own(two, capsys):
    tables = [{key: results({"a": values}) for key in ("s", "own")} for values in (BEFORE, BEFORE + NOISE / 10)]
    changes = {"studies.own.margin": 0.0001}
    both = two(revision("main", tables[0]), revision("workspace", tables[1], changes=changes))
    assert both.rows["verdict"].tolist() == both.rows["gate"].tolist() == ["equivalent", "undecided"]
    text.show(compare.tables(both))
    margins = "test accuracy ± 0.50 points, own ± 0.01 points"
    assert f"equivalent within {margins}" in capsys.readouterr().out


def test_too_few_seeds_are_those_of_the_whole_family(two, capsys):
    for family, enough in ("abc", True), ("abcd", False):
        before = revision("main", {"s": results(dict.fromkeys(family, BEFORE[:7]))})
        now = revision("workspace", {"s": results(dict.fromkeys(family, BEFORE[:7] + 0.03 + NOISE[:7]))})
        text.show(compare.tables(two(before, now, variants=["a"])))
        assert ("7 seeds cannot decide a family of 4: at least 8 are needed" in capsys.readouterr().out) != enough


def test_json_holds_everything_and_null_for_what_is_undefined(two):
    comparison = two(*states())
    read = json.loads(compare.as_json(comparison))
    assert (read["before"], read["now"]) == ("main", "workspace")
    assert read["judging"] == {"alpha": 0.05, "margins": {"test_accuracy": 0.005, "test_loss": 1.05}}
    assert {"study": None, "key": "seeds.count", "before": "10", "now": "20"} in read["changes"]
    assert pd.DataFrame(read["rows"]).equals(comparison.rows)
    added = next(row for row in read["rows"] if row["variant"] == "added")
    assert (added["effect"], added["verdict"]) == (None, "not comparable")


def test_identical_families_are_a_line_and_their_rows_on_request(two, capsys):
    before, _ = states()
    comparison = two(before, before)
    text.show(compare.tables(comparison))
    assert "accuracy (8), loss (2), same (2)" in capsys.readouterr().out
    text.show(compare.tables(comparison, everything=True))
    assert capsys.readouterr().out.count("equivalent  identical") == 12
    # a line of its own where something else is to be said
    more = revision("workspace", {"same": results({"a": [*BEFORE, 0.9]})})
    text.show(compare.tables(two(before, more, studies=["same"], variants=["a"])))
    assert "1 variants: 10 of 11 seeds in common; identical" in capsys.readouterr().out


def with_lock(name, trained_with="", code="1a", root="pipeline"):
    """Return a revision whose study was trained with its own part of params.yaml, or with another text."""
    side = revision(name, {"s": results({"a": BEFORE})})
    text = trained_with or parts.text_of("train@s", side.params.written)
    part = {"path": "data/configs/train/s.json", "md5": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}
    deps = [{"path": f"{root}/training", "md5": code}, {"path": "data/images.npz", "md5": code}, part]
    return dataclasses.replace(side, lock={"stages": {"train@s": {"deps": deps}}})


def test_notes_on_results_of_other_configs_and_on_other_code(two):
    before = with_lock("main")
    note = "the results of workspace were made with other configs; `dvc repro` is due"
    assert two(before, with_lock("workspace", trained_with="{}")).notes[""] == [note]
    note = "trained by other code: pipeline/training"
    assert two(before, with_lock("workspace", code="2b")).notes[""] == [note]
    # a project in a folder has another path to the same code
    assert two(before, with_lock("workspace", root="../pipeline")).notes[""] == []


def test_notes_on_other_versions_and_other_measurements(two):
    before, now = (
        revision(
            name,
            {"s": results({"a": BEFORE})},
            changes={f"measurements.{key}": SMALL["measurements"]["product"] for key in ("p", f"only_{name}")},
        )
        for name in ("main", "workspace")
    )
    now = dataclasses.replace(now, environment=[{"numba": "2", "numpy": "2.4.6"}])
    for side, value in ((before, 1.0), (now, 2.0)):
        side.results.update({"p": pd.DataFrame({"value": [value]}), f"only_{side.name}": pd.DataFrame()})
    assert two(before, now).notes[""] == [
        "other versions: numba 1, numpy 2.4.6 → numba 2, numpy 2.4.6; bits may differ where nothing else does",
        "measurement p: other measurements",
        "measurement only_workspace: only in workspace",
        "measurement only_main: only in main",
    ]
