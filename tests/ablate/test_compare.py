"""The whole printed table, and what stands beside it."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision

from ablate import compare, revisions, text
from pipeline.core.errors import UserError

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


def states(**now):
    old = {name: BEFORE for name in (*NOW, "removed") if name != "added"}
    losses = {name: np.exp(values) for name, values in (("a", 5 * NOISE), ("b", 5 * NOISE))}
    other = {"a": losses["a"] * 0.8, "b": np.where(np.arange(10) == 3, 0.0, losses["b"])}
    before = revision(
        "main",
        {"accuracy": results(old), "loss": results(losses, "test_loss"), "same": results({"a": BEFORE, "b": BEFORE})},
        {"loss": "test_loss"},
    )
    after = revision(
        "workspace",
        {"accuracy": results(NOW), "loss": results(other, "test_loss"), "same": results({"a": BEFORE, "b": BEFORE})},
        {"loss": "test_loss"},
        **{"device": "cpu", **now},
    )
    after.params["studies"]["loss"]["base"] = {"optimizer": {"learning_rate": 0.5}}
    return before, after


@pytest.fixture
def two(monkeypatch):
    def given(before, now):
        monkeypatch.setattr(revisions, "read", lambda name=None: now if name is None else before)
        return compare.compare("main")

    return given


GOLDEN = """\
main → workspace
device: – → cpu

accuracy: test accuracy, higher is better
  variant         n    main  workspace        effect   95 % interval  p, adjusted   wins  verdict       note
  better         10  85.0 %     88.1 %  +3.01 points  [+2.90, +3.12]        0.014  100 %  better
  worse          10  85.0 %     83.1 %  −1.99 points  [−2.10, −1.88]        0.014    0 %  worse
  equivalent     10  85.0 %     85.1 %  +0.01 points  [−0.05, +0.06]            1   60 %  equivalent
  identical      10  85.0 %     85.0 %  +0.00 points  [+0.00, +0.00]            1         equivalent    identical
  undecided      10  85.0 %     85.1 %  +0.05 points  [−0.50, +0.60]            1   60 %  undecided
  lost           10  85.0 %     85.0 %                                          1         not comparable  diverged: 2 of 10 against 0 of 10
  gone_wild      10  85.0 %     85.2 %                                       0.02         worse         diverged: 9 of 10 against 0 of 10
  added       0, 10             85.0 %                                                    not comparable  only in workspace
  removed     10, 0  85.0 %                                                               not comparable  only in main

loss: test loss, lower is better
studies.loss.base: – → {'optimizer': {'learning_rate': 0.5}}
  variant         n    main  workspace        effect   95 % interval  p, adjusted   wins  verdict       note
  a              10    1.00      0.802       × 0.800  [0.800, 0.800]        0.002  100 %  better
  b              10    1.00                                                               not comparable  a value of 0 has no place on a log scale

identical, bit for bit (variants)
  same (2)

2 better, 2 worse, 4 equivalent, 1 undecided, 4 not comparable
effect of workspace against main, paired by seed where both have it; 95 % intervals of each row by itself
verdicts of the variants of a study together (Holm, alpha 0.05); equivalent within test accuracy ± 0.50 points, test loss × 1.05
"""  # noqa: E501


def test_the_whole_table(two, capsys):
    text.show(compare.tables(two(*states())))
    assert capsys.readouterr().out == GOLDEN


def test_what_differs_in_the_settings_stands_beside_the_numbers_it_concerns(two):
    before, now = states(seeds={"root": 0, "count": 20}, judging={"alpha": 0.05, "margins": {}})
    now.params["datasets"] = {**now.params["datasets"], "linear": {"source": "linear", "inputs": 5}}
    now.params["studies"]["same"] = {**now.params["studies"]["same"], "base": {"a": 1, "b": [1, 2]}}
    before.params["studies"]["same"] = {**before.params["studies"]["same"], "base": {"a": 1.0, "b": [1]}}
    found = two(before, now)
    assert [str(change) for change in found.changes[""]] == [
        "seeds.count: 10 → 20",
        "judging.margins.test_accuracy: 0.005 → –",
        "judging.margins.test_loss: 1.05 → –",
        "device: – → cpu",
    ]
    # the whole numbers that DVC writes for 1.0 are no change; a list is one value
    assert [str(change) for change in found.changes["same"]] == ["studies.same.base.b: [1] → [1, 2]"]
    # no study is on the data set that changed
    assert not [change for each in found.changes.values() for change in each if "linear" in change.key]


def test_another_data_set_is_said_for_the_studies_that_use_it(two):
    before, now = states()
    now.params["datasets"] = {**now.params["datasets"], "images": {"source": "digits", "scale": "symmetric"}}
    found = two(before, now)
    assert set(found.rows["verdict"]) == {"not comparable"}
    assert set(found.rows["note"]) == {"other data set: scale"}
    for study in ("accuracy", "loss", "same"):
        assert "datasets.images.scale" in [change.key for change in found.changes[study]]


def test_projections_show_fewer_rows_and_change_no_verdict(two, monkeypatch):
    before, now = states()
    whole = two(before, now).rows.set_index(["study", "variant"])
    found = compare.compare("main", studies=["accuracy"], variants=["better", "undecided"]).rows
    assert found["variant"].tolist() == ["better", "undecided"]
    for row in found.itertuples():
        assert (row.verdict, row.p_adjusted) == tuple(whole.loc[("accuracy", row.variant), ["verdict", "p_adjusted"]])
    by_loss = compare.compare("main", metrics=["test_loss"]).rows
    assert by_loss["study"].unique().tolist() == ["loss"]
    for options, words in (
        ({"studies": ["gone"]}, "study: found 'gone', allowed: accuracy, loss, same"),
        ({"variants": ["gone"]}, "variant: found 'gone', allowed: better, worse"),
        ({"metrics": ["gone"]}, "metric: found 'gone', allowed: train_loss_running"),
    ):
        with pytest.raises(UserError, match=words):
            compare.compare("main", **options)


def test_too_few_seeds_are_those_of_the_whole_family(two, capsys):
    few = dict.fromkeys(("a", "b", "c"), BEFORE[:7])
    now = {name: values + 0.03 + NOISE[:7] for name, values in few.items()}
    before, after = revision("main", {"s": results(few)}), revision("workspace", {"s": results(now)})
    words = "7 seeds can not decide a family of 3: at least 7 are needed"
    text.show(compare.tables(two(before, after)))
    assert words not in capsys.readouterr().out
    few["d"] = BEFORE[:7]
    now["d"] = BEFORE[:7] + 0.03
    before, after = revision("main", {"s": results(few)}), revision("workspace", {"s": results(now)})
    two(before, after)
    # a family of four needs eight, also where one of them is shown
    text.show(compare.tables(compare.compare("main", variants=["a"])))
    assert "7 seeds can not decide a family of 4: at least 8 are needed" in capsys.readouterr().out


def test_a_probe_that_was_never_run_is_no_difference(two):
    before, now = (revision(name, {"s": results({"a": BEFORE})}) for name in ("main", "workspace"))
    for side in (before, now):
        side.params["measurements"] = {"p": {}}
    assert two(before, now).notes[""] == []


def test_a_metric_without_a_direction_has_effects_and_no_verdict(two):
    norms = {"a": 2.0 + NOISE, "b": 3.0 + NOISE}
    more = {name: values * 1.1 for name, values in norms.items()}
    metrics = {"s": "weight_norm"}
    found = two(
        revision("main", {"s": results(norms, "weight_norm")}, metrics),
        revision("workspace", {"s": results(more, "weight_norm")}, metrics),
    ).rows
    assert found["effect"].tolist() == pytest.approx([1.1, 1.1])
    assert found["verdict"].tolist() == ["", ""]
    assert found["p"].isna().all()


def test_json_holds_everything_and_null_for_what_is_undefined(two):
    found = two(*states())
    read = json.loads(compare.as_json(found))
    assert (read["before"], read["now"]) == ("main", "workspace")
    assert read["judging"] == {"alpha": 0.05, "margins": {"test_accuracy": 0.005, "test_loss": 1.05}}
    assert {"study": None, "key": "device", "before": "–", "now": "cpu"} in read["changes"]
    assert len(read["rows"]) == len(found.rows)
    one = dict(zip(found.rows.columns, found.rows.iloc[0], strict=True))
    assert read["rows"][0]["effect"] == one["effect"]
    assert read["rows"][5]["effect"] is None


def test_identical_families_are_a_line_and_their_rows_on_request(two, capsys):
    before, _ = states()
    found = two(before, before)
    text.show(compare.tables(found))
    assert "accuracy (8), loss (2), same (2)" in capsys.readouterr().out
    text.show(compare.tables(found, everything=True))
    assert capsys.readouterr().out.count("equivalent  identical") == 12


def lock(configs, code="1a", root="pipeline"):
    deps = [{"path": f"{root}/training", "md5": code}, {"path": "data/images.npz", "md5": code}]
    return {"stages": {"train@s": {"deps": deps, "params": {"params.yaml": configs}}}}


def test_results_that_were_made_with_other_settings_are_called_so(two):
    before, now = (revision(name, {"s": results({"a": BEFORE})}) for name in ("main", "workspace"))
    before.lock.update(lock({"seeds": {"root": 0, "count": 10}}))
    now.lock.update(lock({"seeds": {"root": 0, "count": 3}, "device": "cpu"}))
    assert two(before, now).notes[""] == [
        "the results of workspace were made with other configs: seeds, device; `dvc repro` is due"
    ]


def test_other_code_is_named_and_book_s_way_to_it_is_the_same_code(two):
    before, now = (revision(name, {"s": results({"a": BEFORE})}) for name in ("main", "workspace"))
    before.lock.update(lock({}))
    now.lock.update(lock({}, code="2b"))
    assert two(before, now).notes[""] == ["trained by other code: pipeline/training"]
    now.lock.update(lock({}, root="../pipeline"))
    assert two(before, now).notes[""] == []


def test_other_versions_and_other_probes_are_noted(two):
    before, now = (revision(name, {"s": results({"a": BEFORE})}) for name in ("main", "workspace"))
    now = dataclasses.replace(now, environment=[{"numba": "2", "numpy": "2.4.6"}])
    for side, value in ((before, 1.0), (now, 2.0)):
        side.params["measurements"] = {"p": {}, f"only_{side.name}": {}}
        side.results.update({"p": pd.DataFrame({"value": [value]}), f"only_{side.name}": pd.DataFrame()})
    assert two(before, now).notes[""] == [
        "other versions: numba 1, numpy 2.4.6 → numba 2, numpy 2.4.6; bits may differ where nothing else does",
        "measurement p: other measurements",
        "measurement only_workspace: only in workspace",
        "measurement only_main: only in main",
    ]
