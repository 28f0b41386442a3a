"""A project against an earlier state of itself: what is comparable, and how often a verdict about nothing is given."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from scipy import stats

from ablate import between
from ablate.revisions import Revision
from pipeline.analysis.statistics import paired_effect

VALUES = 0.85 + 0.01 * np.random.default_rng(3).standard_normal(10)
BETTER = VALUES + 0.02 + 0.001 * np.arange(10)


def compared(left, right):
    (row,) = between.effects(left, right).itertuples()
    return row


def state(name, values=VALUES, **changes) -> Revision:
    """A state whose only study has one variant with results."""
    return revision(name, {"s": results({"a": values})}, **changes)


def test_the_margins_and_the_error_rate_are_those_of_the_later_side():
    before = state("old", changes={"judging.margins": {"test_accuracy": 0.1}})
    for alpha, verdict in (0.05, "better"), (0.001, "undecided"):
        judging = {"alpha": alpha, "margins": {}}
        assert compared(before, state("new", BETTER, changes={"judging": judging})).verdict == verdict


def test_seeds_in_common_are_paired_and_other_seeds_are_not():
    row = compared(state("old"), state("new", np.concatenate([VALUES, VALUES[:5] + 1])))
    assert (row.n, row.reference_n, row.verdict) == (10, 10, "equivalent")
    assert row.note == "10 of 15 seeds in common; identical"
    row = compared(state("old"), revision("new", {"s": results({"a": BETTER[:8]}, root=1)}))
    assert (row.paired, row.note) == (False, "no seeds in common: not paired")


NOT_COMPARABLE = {
    "a variant that is new": ({"s": results({"a": VALUES, "b": VALUES})}, {"b": "only in new"}),
    "a variant that is gone": ({"s": results({"c": VALUES})}, {"a": "only in old", "c": "only in new"}),
    "another metric": ({"s": results({"a": VALUES}, "test_loss")}, {"a": "not measured in new"}),
    "no results": ({}, {"a": "no results in new"}),
    "other examples": ({"s": results({"a": VALUES}, data="other")}, {"a": "same seed, other data"}),
    "other examples and seeds": ({"s": results({"a": VALUES}, root=1, data="other")}, {"a": "other data"}),
    "no fold": ({"s": results({"a": VALUES}).drop(columns="fold")}, {"a": "results of new lack fold"}),
}


@pytest.mark.parametrize(("tables", "notes"), NOT_COMPARABLE.values(), ids=NOT_COMPARABLE)
def test_the_reason_why_nothing_is_compared_is_a_note(tables, notes):
    table = between.effects(state("old"), dataclasses.replace(state("new"), results=tables)).set_index("variant")
    assert {name: table.loc[name, "note"] for name in notes} == notes
    assert set(table.loc[list(notes), "verdict"]) == {"not comparable"}
    assert table.loc[list(notes), ["effect", "p"]].isna().all(axis=None)


def test_every_study_of_either_side_has_a_row():
    old, new = state("old"), state("new")
    never_run = [dataclasses.replace(side, results={}) for side in (old, new)]
    row = compared(*never_run)
    assert (row.variant, row.verdict, row.note) == ("–", "not comparable", "no results in new")
    other = {"stages": {"train@s": {"deps": [{"path": "data/configs/train/s.json", "md5": "0"}]}}}
    for left, right, note in (
        (revision("old", {}), new, "no such study in old"),
        (old, revision("new", {}), "no such study in new"),
        (dataclasses.replace(old, params=None), new, "other schema in old"),
        (old, dataclasses.replace(new, lock=other), "results of other configs in new"),
    ):
        row = compared(left, right)
        assert (row.variant, row.verdict, row.note) == ("a", "not comparable", note)


def test_another_data_set_is_not_comparable_and_more_seeds_or_another_id_are():
    def drawn(name, dataset="linear", **changes):
        tables = {"s": results({"a": VALUES}, "test_loss", data=None)}
        return revision(name, tables, {"s": "test_loss"}, changes=changes, dataset=dataset)

    row = compared(drawn("old"), drawn("new", **{"datasets.linear.train_examples": 30}))
    assert (row.verdict, row.note) == ("not comparable", "other data set: train_examples")
    assert compared(drawn("old"), drawn("new", **{"datasets.linear.seeds": 5})).verdict == "equivalent"
    config = drawn("old").params.written["datasets"]["linear"]
    renamed = drawn("new", **{"datasets.other": config, "studies.s.dataset": "other"})
    assert compared(drawn("old"), renamed).verdict == "equivalent"


def test_seeds_that_split_the_same_data_have_wider_intervals():
    def side(name, values):
        folds = results({"a": values}).assign(fold=1, validation_accuracy=values, test_accuracy=np.nan)
        whole = results({"a": values}).assign(validation_accuracy=np.nan)
        validation = {"studies.s.base.data.validation": {"name": "hold_out", "fraction": 0.2}}
        return revision(name, {"s": pd.concat([whole, folds])}, {"s": "validation_accuracy"}, validation)

    now = VALUES + 0.01 * np.random.default_rng(5).standard_normal(10)
    row = compared(side("old", VALUES), side("new", now))
    assert (row.effect_low, row.effect_high) == pytest.approx(paired_effect(now, VALUES, "linear", 0.25)[2:])


def gate(left, right, metrics=()):
    """The rows of a comparison with their verdicts when all are judged together, without those that are identical."""
    rows = between.effects(left, right, metrics)
    return rows.assign(gate=between.together(rows, left, right))


def test_all_rows_together_are_one_family_whatever_their_study_and_metric():
    """Against Holm's procedure written out, over three studies with two metrics and a row that is identical."""
    random = np.random.default_rng(11)
    shifts = {"a": {"a": 0.03, "b": 0.0}, "b": {"a": 0.011, "b": 0.012}, "c": {"a": 0.012, "b": 0.0}}
    sides: list[dict] = [{}, {}]
    for key, of_study in shifts.items():
        for side in sides:
            side[key] = None
        before = {id: 0.8 + 0.01 * random.standard_normal(10) for id in of_study}
        noise = {id: 0.012 * random.standard_normal(10) for id in of_study}
        now = {id: before[id] + (0 if (key, id) == ("c", "b") else of_study[id] + noise[id]) for id in of_study}
        for side, values in zip(sides, (before, now), strict=True):
            table = results(values, "test_accuracy")
            losses = np.exp(-table["test_accuracy"])
            side[key] = table.assign(test_loss=losses)
    left, right = (
        revision(name, tables, changes={"judging.margins": {}})
        for name, tables in zip(["old", "new"], sides, strict=True)
    )
    rows = gate(left, right, ["test_accuracy", "test_loss"])
    assert rows["identical"].sum() == 2
    tested = rows[~rows["identical"]]
    # p of the sign-flip test, enumerated
    signs = np.array(list(itertools.product([1, -1], repeat=10)))
    expected = []
    for row in tested.itertuples():
        one, other = (side[row.study].set_index("variant").loc[row.variant, row.metric].to_numpy() for side in sides)
        change = np.log(other / one) if row.metric == "test_loss" else other - one
        p = np.mean(np.abs(signs @ change) >= abs(change.sum()) - 1e-12)
        expected.append((p, change))
    order = np.argsort([p for p, _ in expected], kind="stable")
    adjusted, running = np.empty(len(order)), 0.0
    verdicts = np.array(["undecided"] * len(order), dtype=object)
    for rank, index in enumerate(order):
        p, change = expected[index]
        running = max(running, (len(order) - rank) * p)
        adjusted[index] = running
        # beside p, the t test at the same level
        level = min(0.05, 0.05 / (len(order) - rank))
        if running <= 0.05 and stats.ttest_1samp(change, 0.0).pvalue <= level:
            lower = tested["metric"].iloc[index] == "test_loss"
            verdicts[index] = "better" if (change.mean() > 0) != lower else "worse"
    assert tested["gate"].tolist() == list(verdicts)
    # more rows are decided in the families of the studies
    assert (tested["verdict"] == "better").sum() > (tested["gate"] == "better").sum() > 0
    # rows that are identical, bit for bit, keep their verdict and make no other row less certain
    assert set(rows.loc[rows["identical"], "gate"]) == {"equivalent"}
    fewer = [dict(side) for side in sides]
    for side in fewer:
        side["c"] = side["c"][side["c"]["variant"] == "a"]
    again = gate(*(dataclasses.replace(state, results=side) for state, side in zip((left, right), fewer, strict=True)),
                 ["test_accuracy", "test_loss"])  # fmt: skip
    assert again["gate"].tolist() == list(verdicts)


def test_the_gate_has_the_margins_of_each_study_and_reasons_keep_their_rows():
    noise = 0.002 * np.random.default_rng(2).standard_normal(10)
    tables = {key: results({"a": VALUES + noise - noise.mean()}) for key in ("wide", "narrow")}
    before = {key: results({"a": VALUES}) for key in ("wide", "narrow", "gone")}
    changes = {"studies.narrow.margin": 0.0005}
    rows = gate(revision("old", before), revision("new", tables, changes=changes)).set_index("study")
    assert rows["gate"].to_dict() == {"wide": "equivalent", "narrow": "undecided", "gone": "not comparable"}


PAIRS = 300


@pytest.mark.slow
def test_two_states_with_other_seeds_hold_no_more_false_verdicts_than_promised():
    """300 pairs of states whose five variants are drawn alike on both sides, with other seeds: unpaired.

    At most alpha of the families may hold a false better or worse; the bound is the 99.9 % quantile of a binomial.
    Accuracies are skewed and losses heavy-tailed, as those of real studies are.
    """
    random = np.random.default_rng(6)
    false = 0
    for pair in range(PAIRS):
        loss = pair % 2

        def side(name, root, loss=loss):
            values = {
                f"v{number}": np.exp(0.3 * random.standard_t(3, 10)) if loss else 1 - 0.05 * random.gamma(2, size=10)
                for number in range(5)
            }
            metric = "test_loss" if loss else "test_accuracy"
            return revision(name, {"s": results(values, metric, root)}, {"s": metric}, {"seeds.root": root})

        right = side("new", 1)
        table = between.effects(side("old", 0), right)
        assert not (table["verdict"] == "not comparable").any()
        assert not table["paired"].any()
        false += table["verdict"].isin(["better", "worse"]).any()
    assert false <= stats.binom.ppf(0.999, PAIRS, 0.05)


STUDIES, CALLS = 5, 200


@pytest.mark.slow
def test_the_gate_fires_in_no_more_than_alpha_of_calls_over_several_families():
    """200 pairs of states with five studies of three variants whose runs are drawn alike on both sides.

    Judged by study, about alpha of each family would hold a false verdict, and so would more than twice alpha of all
    calls; together at most alpha. The bound is the 99.9 % quantile of a binomial.
    """
    random = np.random.default_rng(8)
    false = {"verdict": 0, "gate": 0}
    metrics = {f"s{number}": "test_loss" if number % 2 else "test_accuracy" for number in range(STUDIES)}
    for _ in range(CALLS):
        sides = []
        for name in ("old", "new"):
            tables = {}
            for key, metric in metrics.items():
                draws = {
                    id: np.exp(0.3 * random.standard_t(3, 10))
                    if metric == "test_loss"
                    else 1 - 0.05 * random.gamma(2, size=10)
                    for id in "abc"
                }
                tables[key] = results(draws, metric)
            sides.append(revision(name, tables, metrics))
        rows = gate(*sides)
        for column in false:
            false[column] += rows[column].isin(["better", "worse"]).any()
    bound = stats.binom.ppf(0.999, CALLS, 0.05)
    assert false["gate"] <= bound < false["verdict"]
