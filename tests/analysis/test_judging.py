"""Each verdict, and that an earlier rule wins over a later one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from samples import ROOT
from scipy import stats

from pipeline.analysis import judging, significance
from pipeline.analysis.judging import evidence, judge
from pipeline.analysis.statistics import Estimate
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging

ACCURACY, LOSS, NORM = METRICS["test_accuracy"], METRICS["test_loss"], METRICS["weight_norm"]
ALPHA = Judging(alpha=0.05)
MARGINS = Judging(alpha=0.05, margins={"test_accuracy": 0.005, "test_loss": 1.05})
NOISE = 0.001 * np.array([1, -2, 3, -1, 2, -3, 1, -1, 2, -2.0])
BASE = 0.8 + 10 * NOISE


def side(values, root: int = 0) -> pd.DataFrame:
    values = np.asarray(values, dtype=float)
    index = pd.MultiIndex.from_tuples([(root, number) for number in range(len(values))], names=["root", "index"])
    return pd.DataFrame({"value": values, "finished": ~np.isnan(values)}, index=index)


def lost(values, count: int, first: int = 0):
    found = np.array(values, dtype=float)
    found[first : first + count] = np.nan
    return found


def one(ours, theirs, metric=ACCURACY, configs=ALPHA, family: int = 1, root: int = 0):
    """The judged row; the rest of its family are rows that show nothing."""
    rest = [evidence(side(BASE + NOISE[::-1]), side(BASE), metric) for _ in range(family - 1)]
    return judge([evidence(side(ours, root), side(theirs), metric), *rest], metric, configs)[0]


def test_a_row_says_what_it_compared():
    row = one(BASE + 0.02 + NOISE, BASE)
    assert (row.n, row.reference_n, row.paired, row.diverged, row.reference_diverged) == (10, 10, True, 0, 0)
    assert row.ours.estimate == pytest.approx((BASE + 0.02 + NOISE).mean())
    assert row.theirs.estimate == pytest.approx(BASE.mean())
    expected = stats.ttest_rel(BASE + 0.02 + NOISE, BASE).confidence_interval(0.95)
    assert (row.effect.low, row.effect.high) == pytest.approx((expected.low, expected.high))
    assert row.p == row.p_adjusted == 2 / 2**10
    assert row.wins == 1.0


def test_seeds_are_paired_whatever_their_order():
    shuffled = side(BASE + 0.02 + NOISE).sample(frac=1, random_state=0)
    found = evidence(shuffled, side(BASE), ACCURACY)
    assert found.effect == evidence(side(BASE + 0.02 + NOISE), side(BASE), ACCURACY).effect


@pytest.mark.parametrize(
    ("metric", "ours", "verdict"),
    [
        (ACCURACY, BASE + 0.02 + NOISE, "better"),
        (ACCURACY, BASE - 0.02 + NOISE, "worse"),
        (LOSS, BASE * 0.9 + NOISE, "better"),
        (LOSS, BASE * 1.1 + NOISE, "worse"),
        (ACCURACY, BASE + NOISE[::-1], "undecided"),
        (LOSS, BASE + NOISE[::-1], "undecided"),
        # a metric without a better direction has an effect and no verdict
        (NORM, BASE * 0.9 + NOISE, ""),
    ],
)
def test_directions_are_those_of_the_metric(metric, ours, verdict):
    assert one(ours, BASE, metric).verdict == verdict


def test_wins_count_seeds_in_the_metric_s_direction_and_ties_for_nobody():
    ours = BASE + 0.01 * np.array([1, 1, 1, 0, 0, -1, 1, 1, 1, 1])
    assert one(ours, BASE).wins == 0.7
    assert one(ours, BASE, LOSS).wins == pytest.approx(0.1)
    assert np.isnan(one(ours, BASE, NORM).wins)


@pytest.mark.parametrize(
    ("ours", "metric"),
    [(BASE * 1.05, LOSS), (BASE / 1.05, LOSS), (BASE + 0.005, ACCURACY), (BASE - 0.005, ACCURACY)],
)
def test_an_effect_that_is_the_margin_lies_within_it_whatever_its_last_bits_are(ours, metric):
    assert one(ours, BASE, metric, MARGINS).verdict == "equivalent"
    assert one(ours + np.sign(ours - BASE) * 1e-6, BASE, metric, MARGINS).verdict in ("better", "worse")


def test_a_p_that_is_alpha_is_significant_whatever_its_last_bits_are():
    assert 11 * (0.05 / 11) > 0.05  # in floating point
    rest = [judging.Evidence(n=10, reference_n=10, p=1.0)] * 10
    better = judging.Evidence(10, 10, effect=Estimate(10, 0.02, 0.01, 0.03), p=0.05 / 11)
    assert judge([better, *rest], ACCURACY, ALPHA)[0].verdict == "better"
    assert judge([replace(better, p=0.05001 / 11), *rest], ACCURACY, ALPHA)[0].verdict == "undecided"


# --- rule 1 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_what_has_no_place_on_a_log_scale_is_incomparable(bad):
    ours = np.where(np.arange(10) == 3, bad, BASE)
    row = one(ours, BASE, LOSS)
    assert (row.verdict, row.note) == ("not comparable", "a value of 0 has no place on a log scale")
    assert np.isnan(row.effect.estimate)
    assert np.isnan(row.p)
    # it is no rule of a linear scale
    assert one(ours, BASE).verdict != "not comparable"
    # and comes before divergence
    assert one(lost(ours, 9, first=4)[:10], BASE, LOSS).note.startswith("a value of 0")


def test_what_was_not_measured_is_incomparable():
    unmeasured = side(lost(BASE, 10)).assign(finished=True)
    (row,) = judge([evidence(unmeasured, side(BASE), ACCURACY)], ACCURACY, ALPHA)
    assert (row.verdict, row.note) == ("not comparable", "not measured for every run")


# --- rule 2 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "p"),
    [
        (lost(BASE, 6), BASE, "worse", 2 / 2**6),
        (BASE, lost(BASE, 6), "better", 2 / 2**6),
        (lost(BASE, 5), BASE, "not comparable", 2 / 2**5),
        # what both lost says nothing
        (lost(BASE, 10), lost(BASE, 10), "not comparable", 1.0),
        (lost(BASE, 10), lost(BASE, 4), "worse", 2 / 2**6),
        (lost(BASE, 5), lost(BASE, 5, first=5), "not comparable", 1.0),
    ],
)
def test_divergence_is_judged_by_the_pairs_that_differ_in_it(ours, theirs, verdict, p):
    row = one(ours, theirs, LOSS)
    assert (row.verdict, row.p) == (verdict, pytest.approx(p))
    counts = f"diverged: {np.isnan(ours).sum()} of 10 against {np.isnan(theirs).sum()} of 10"
    assert row.note.startswith(counts)
    # never averaged away
    assert np.isnan(row.effect.estimate)


def test_divergence_belongs_to_the_family():
    assert one(lost(BASE, 6), BASE, family=1).verdict == "worse"
    row = one(lost(BASE, 6), BASE, family=3)
    assert (row.verdict, row.p_adjusted) == ("not comparable", pytest.approx(3 * 2 / 2**6))


def test_divergence_comes_before_equivalence():
    same = lost(BASE, 1)
    assert one(same, same, configs=MARGINS).verdict == "not comparable"
    assert one(same, same, configs=MARGINS).identical


def test_divergence_of_other_seeds_is_fisher_s():
    row = one(lost(BASE, 8), BASE, LOSS, root=1)
    assert row.p == pytest.approx(stats.fisher_exact([[8, 2], [0, 10]]).pvalue)
    assert (row.verdict, row.paired) == ("worse", False)


# --- rule 3 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "ours"),
    [(ACCURACY, BASE + 0.002 + NOISE / 10), (ACCURACY, BASE - 0.002 + NOISE / 10), (LOSS, BASE * 1.02 + NOISE / 10)],
)
def test_within_the_margin_is_equivalent_even_where_p_is_small(metric, ours):
    row = one(ours, BASE, metric, MARGINS)
    assert (row.verdict, row.p) == ("equivalent", 2 / 2**10)
    assert one(ours, BASE, metric, ALPHA).verdict in ("better", "worse")


def test_an_interval_that_reaches_out_of_the_margin_is_not_equivalent():
    assert one(BASE + 0.0045 + NOISE / 2, BASE, configs=MARGINS).verdict == "better"
    assert one(BASE * 1.049 + NOISE, BASE, LOSS, MARGINS).verdict == "worse"
    # a ratio and its inverse are as far
    assert one(BASE * 0.97 + NOISE / 10, BASE, LOSS, MARGINS).verdict == "equivalent"
    assert one(BASE * 0.9525 + NOISE / 100, BASE, LOSS, MARGINS).verdict == "equivalent"
    assert one(BASE * 0.9515 + NOISE / 100, BASE, LOSS, MARGINS).verdict == "better"


def test_identical_pairs_are_equivalent_without_any_margin():
    row = one(BASE, BASE)
    assert (row.verdict, row.identical, row.note, row.p) == ("equivalent", True, "identical", 1.0)


def test_a_margin_is_of_its_metric():
    loss_alone = Judging(margins={"test_loss": 1.05})
    assert one(BASE + 0.002 + NOISE / 10, BASE, ACCURACY, loss_alone).verdict == "better"


# --- rules 4 and 5 ---------------------------------------------------------------------------------------------------


def test_better_needs_both_a_small_p_and_an_interval_that_excludes_none():
    # one outlier: all signs agree, so p is as small as it can be, but the interval is wide
    skewed = BASE + np.array([1e-4] * 9 + [0.5])
    row = one(skewed, BASE)
    assert row.p == 2 / 2**10
    assert row.effect.low < 0 < row.effect.high
    assert row.verdict == "undecided"
    # and the other way round: five seeds whose interval excludes none can not have a small p
    row = one(BASE[:5] + 0.02 + NOISE[:5], BASE[:5])
    assert row.effect.low > 0
    assert (row.p, row.verdict) == (2 / 2**5, "undecided")


def test_a_family_raises_the_bar():
    ours = BASE + 0.02 + NOISE
    assert one(ours, BASE, family=25).verdict == "better"  # 25 * 2 / 2^10 = 0.0488
    row = one(ours, BASE, family=26)
    assert (row.verdict, row.p_adjusted) == ("undecided", pytest.approx(26 * 2 / 2**10))


def test_what_can_not_be_tested_is_no_part_of_the_family():
    ours = evidence(side(BASE + 0.02 + NOISE), side(BASE), LOSS)
    zero = evidence(side(np.where(np.arange(10) == 3, 0.0, BASE)), side(BASE), LOSS)
    rows = judge([ours, *[zero] * 100], LOSS, ALPHA)
    assert (rows[0].verdict, rows[0].p_adjusted) == ("worse", 2 / 2**10)


@pytest.mark.parametrize("ours", [[0.9], [0.8]])
def test_one_seed_is_always_undecided(ours):
    assert one(ours, [0.8], configs=MARGINS).verdict == "undecided"


def test_differences_without_spread_are_decided():
    row = one(BASE + 0.25, BASE)
    assert (row.verdict, row.p) == ("better", 2 / 2**10)


# --- other seeds, other splits ---------------------------------------------------------------------------------------


def test_other_seeds_are_not_paired():
    ours = BASE[:7] + 0.05
    row = one(ours, BASE, root=1)
    assert (row.n, row.reference_n, row.paired, row.note) == (7, 10, False, "other seeds: not paired")
    expected = stats.ttest_ind(ours, BASE, equal_var=False).confidence_interval(0.95)
    assert (row.effect.low, row.effect.high) == pytest.approx((expected.low, expected.high))
    assert row.verdict == "better"
    assert not row.identical
    assert np.isnan(row.wins)
    # equal values of other seeds are no pairs
    assert not one(BASE, BASE, root=1).identical


def test_seeds_in_common_are_compared_and_counted():
    row = one(BASE + 0.02 + NOISE, BASE[:8])
    assert (row.n, row.reference_n, row.note) == (8, 8, "8 of 10 seeds in common")


def test_splits_of_one_data_set_have_the_corrected_t_test():
    ours = side(BASE + 0.01 + 3 * NOISE)
    paired, split_correlation = (evidence(ours, side(BASE), ACCURACY, correction) for correction in (0.0, 0.25))
    assert paired.p == 2 / 2**10
    differences = 0.01 + 3 * NOISE
    statistic = differences.mean() / (differences.std(ddof=1) * np.sqrt(1 / 10 + 0.25))
    assert split_correlation.p == pytest.approx(2 * stats.t.sf(statistic, 9))
    assert split_correlation.effect.high - split_correlation.effect.low > paired.effect.high - paired.effect.low


# --- the floor, in words ---------------------------------------------------------------------------------------------


def table(*rows) -> pd.DataFrame:
    return pd.DataFrame([judging.cells(row) for row in judge(list(rows), ACCURACY, ALPHA)], columns=judging.COLUMNS)


def test_too_few_seeds_are_said_once_for_a_family():
    row = evidence(side(BASE[:5] + 0.02), side(BASE[:5]), ACCURACY)
    assert judging.floor(table(row), 0.05) == "5 seeds can not decide a family of 1: at least 6 are needed"
    assert judging.floor(table(*[row] * 7), 0.05) == "5 seeds can not decide a family of 7: at least 9 are needed"
    assert judging.floor(table(evidence(side(BASE[:6] + 0.02), side(BASE[:6]), ACCURACY)), 0.05) == ""
    alone = evidence(side(BASE[:1] + 0.02), side(BASE[:1]), ACCURACY)
    assert judging.floor(table(alone), 0.05).startswith("1 seed can not decide")


def test_other_seeds_and_other_tests_have_another_floor():
    row = evidence(side(BASE[:3] + 0.02, root=1), side(BASE[:3]), ACCURACY)
    assert judging.floor(table(row), 0.05) == "3 seeds can not decide a family of 1"
    assert judging.floor(table(evidence(side(BASE[:4], root=1), side(BASE[:4]), ACCURACY)), 0.05) == ""
    split_correlation = evidence(side(BASE[:3] + 0.02), side(BASE[:3]), ACCURACY, 0.25)
    assert judging.floor(table(split_correlation), 0.05) == ""


def test_cells_are_the_columns_of_a_table():
    found = table(evidence(side(BASE + 0.02 + NOISE), side(BASE), ACCURACY)).iloc[0]
    assert (found["verdict"], found["wins"], found["n"]) == ("better", 1.0, 10)
    assert found["low"] < found["estimate"] < found["high"]
    assert found["reference_low"] < found["reference_centre"] < found["reference_high"]
    assert found["effect_low"] < found["effect"] < found["effect_high"]


# --- the example in the docs -----------------------------------------------------------------------------------------


def test_the_example_in_the_docs_is_what_the_code_says():
    text = (ROOT / "docs" / "statistics.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in text.splitlines() if line.startswith("| ")}
    ours, theirs = (np.array(rows[name], dtype=float) for name in ("variant", "baseline"))
    words = " ".join(text[text.index("## An example") : text.index("## How often")].split())
    family = judge(
        [evidence(side(ours), side(theirs), ACCURACY), *[evidence(side(BASE + NOISE[::-1]), side(BASE), ACCURACY)] * 3],
        ACCURACY,
        MARGINS,
    )
    row, differences = family[0], ours - theirs
    assert f"The estimates are {row.ours.estimate:.4f} and {row.theirs.estimate:.4f}" in words
    assert f"the effect +{100 * row.effect.estimate:.2f} points" in words
    assert ", ".join(f"{value:.3f}" for value in differences) in words
    assert f"s = {differences.std(ddof=1):.4f}" in words
    assert f"± {stats.t.ppf(0.975, 9):.3f} ·" in words
    assert f"from +{100 * row.effect.low:.2f} to +{100 * row.effect.high:.2f} points" in words
    assert f"{round(1024 * row.p)} have a mean at least as far from 0: p = {row.p:.4f}" in words
    assert f"by at most 4: {row.p_adjusted:.3f}" in words
    assert f"wins in {100 * row.wins:.0f} % of seeds" in words
    assert row.verdict == "better"
    assert 12 * row.p <= 0.05 < 13 * row.p


def test_the_floors_in_the_docs_are_those_of_the_code():
    text = " ".join((ROOT / "docs" / "statistics.md").read_text().split())
    needed = [significance.seeds_needed(family, 0.05) for family in (1, 4, 7, 20)]
    assert "{} for one variant, {} for four, {} for seven, {} for twenty".format(*needed) in text
