"""The simulations of docs/statistics.md: the tables are those of the programs, and what they judge is what is real."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from samples import ROOT
from scipy import stats

from benchmarks import coverage, families, gate
from pipeline.analysis.judging import compare_runs, judge
from pipeline.core.errors import UserError


def table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_the_tables_in_the_docs_have_the_rows_of_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.coverage", "--samples", "10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    made, docs = table(done.stdout), table((ROOT / "docs" / "statistics.md").read_text())
    for tabled in coverage.tables(10):
        header, labels = list(tabled.header), len(tabled.rows[0][0])
        first, second = (lines.index(header) for lines in (made, docs))
        for line in range(len(tabled.rows) + 2):
            assert docs[second + line][:labels] == made[first + line][:labels]
            assert len(docs[second + line]) == len(made[first + line])
    assert gate.HEADER in docs


def test_rows_tested_all_at_once_are_those_of_real_runs():
    differences = families.against_baseline("exponential", 2, 10, 3).reshape(-1, 10)
    for test, sample in zip(families.rows(differences), differences, strict=True):
        sides = [pd.DataFrame({"value": values, "finished": True}) for values in (sample, np.zeros(10))]
        real = compare_runs(*sides, families.METRIC)
        names = ("n", "reference_n", "paired", "effect", "effect_low", "effect_high", "p", "min_p", "identical")
        assert [getattr(test, name) for name in names] == [getattr(real, name) for name in names]


def test_the_asymmetric_differences_are_those_that_miss():
    """The interval of 5 normal differences holds 0 in 95 % of cases, that of 5 lognormal ones far less often."""
    names = list(coverage.PAIRED)
    normal, skewed = (coverage.paired(name, 5, 2000)[1] for name in (names[0], names[-1]))
    assert normal > 0.93
    assert skewed < 0.9


def test_the_interval_of_a_selected_unpaired_row_contains_that_of_welch_at_its_level():
    random = np.random.default_rng(5)
    for n, sd, m, other in coverage.UNPAIRED.values():
        values, reference = random.normal(20, sd, n), random.normal(0, other, m)
        sides = [
            pd.DataFrame({"value": sample, "finished": True}, index=range(start, start + len(sample)))
            for sample, start in ((values, 0), (reference, 100))
        ]
        test = compare_runs(*sides, families.METRIC)
        equal = replace(test, effect=0.0, effect_low=-1.0, effect_high=1.0, p=1.0)
        first, *_ = judge([test, *[equal] * 19], families.METRIC, families.UNJUDGED)
        assert first.verdict == "better"
        welch = stats.ttest_ind(values, reference, equal_var=False).confidence_interval(1 - 0.05 / 20)
        assert first.selected_low <= welch.low
        assert first.selected_high >= welch.high


@pytest.mark.parametrize("pairing", ["other seeds", "the same seeds"])
def test_states_of_the_gate_differ_in_seeds_alone(pairing):
    values = {"a": np.arange(7.0), "b": 10 + np.arange(7.0)}
    pool = revision("pool", {"s": results(values, data=None)})
    left, right = gate.states(pool, {"s": 3}, pairing, np.random.default_rng(0))
    before, after = left.results["s"], right.results["s"]
    assert len(set(before["test_accuracy"]) | set(after["test_accuracy"])) == 12
    for side in (before, after):
        # a seed keeps all its variants together
        rows = side.pivot(index="seed_index", columns="variant", values="test_accuracy")
        assert list(rows.index) == [0, 1, 2]
        assert set(rows["b"] - rows["a"]) == {10.0}
    assert (set(after["seed_root"]) == {0}) == before["data"].equals(after["data"]) == (pairing == "the same seeds")
    with pytest.raises(UserError, match="found 7 seeds, allowed: at least 8"):
        gate.states(pool, {"s": 4}, pairing, np.random.default_rng(0))


def test_the_gate_fails_rarely_if_nothing_changed_and_always_if_everything_is_worse(monkeypatch):
    random = np.random.default_rng(1)
    pool = revision("pool", {"s": results({name: 0.9 + 0.01 * random.standard_normal(40) for name in "ab"})})
    worse, gated, judged, false = gate.alarms(pool, {"s": 10}, "the same seeds", 100)
    assert worse.mean() <= 0.1
    assert (worse <= gated).all()
    assert (judged == (false > 0)).all()
    values = {name: 0.9 + 0.01 * np.arange(10) for name in "ab"}
    spoiled = revision("b", {"s": results({name: sample - 0.5 for name, sample in values.items()}, root=1)})
    monkeypatch.setattr(gate, "states", lambda *_: (revision("a", {"s": results(values)}), spoiled))
    assert all(shares.all() for shares in gate.alarms(pool, {"s": 10}, "other seeds", 2))
