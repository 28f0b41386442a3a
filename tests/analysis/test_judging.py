"""Each verdict, and that an earlier rule wins over a later one."""

from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest
from samples import ROOT
from scipy import stats

from pipeline.analysis import judging, significance
from pipeline.analysis.judging import EffectTest, compare_runs, expected_region, judge, position
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging

ACCURACY, LOSS, NORM = METRICS["test_accuracy"], METRICS["test_loss"], METRICS["weight_norm"]
GAP, PARAMETERS = METRICS["loss_gap"], METRICS["parameters"]
ALPHA = Judging(alpha=0.05)
MARGINS = Judging(alpha=0.05, margins={"test_accuracy": 0.005, "test_loss": 1.05})
NOISE = 0.001 * np.array([1, -2, 3, -1, 2, -3, 1, -1, 2, -2.0])
BASE = 0.8 + 10 * NOISE


def side(values, root: int = 0) -> pd.DataFrame:
    values = np.asarray(values, dtype=float)
    index = pd.MultiIndex.from_tuples([(root, number) for number in range(len(values))], names=["root", "index"])
    return pd.DataFrame({"value": values, "finished": ~np.isnan(values)}, index=index)


def diverged(values, count: int, first: int = 0) -> np.ndarray:
    remaining = np.array(values, dtype=float)
    remaining[first : first + count] = np.nan
    return remaining


def judged(variant, baseline, metric=ACCURACY, rules=ALPHA, family: int = 1, root: int = 0) -> EffectTest:
    """The judged row; the rest of its family are rows without an effect."""
    rest = [compare_runs(side(BASE + NOISE[::-1]), side(BASE), metric) for _ in range(family - 1)]
    return judge([compare_runs(side(variant, root), side(baseline), metric), *rest], metric, rules)[0]


def test_a_row_states_what_it_compared():
    row = judged(BASE + 0.02 + NOISE, BASE)
    assert (row.n, row.reference_n, row.paired, row.diverged, row.reference_diverged) == (10, 10, True, 0, 0)
    assert (row.estimate, row.reference_estimate) == pytest.approx(((BASE + 0.02 + NOISE).mean(), BASE.mean()))
    assert row.low < row.estimate < row.high
    assert row.reference_low < row.reference_estimate < row.reference_high
    expected = stats.ttest_rel(BASE + 0.02 + NOISE, BASE).confidence_interval(0.95)
    assert (row.effect_low, row.effect_high) == pytest.approx((expected.low, expected.high))
    assert row.p == row.p_adjusted == row.min_p == 2 / 2**10
    assert row.win_rate == 1.0
    shuffled = side(BASE + 0.02 + NOISE).sample(frac=1, random_state=0)
    assert judge([compare_runs(shuffled, side(BASE), ACCURACY)], ACCURACY, ALPHA) == [row]


P = 2 / 2**10  # the smallest p of 10 pairs
FEW = 2 / 2**5
CASES = [
    # directions are those of the metric
    (ACCURACY, BASE + 0.02 + NOISE, BASE, {}, "better", P),
    (ACCURACY, BASE - 0.02 + NOISE, BASE, {}, "worse", P),
    (ACCURACY, BASE + 0.25, BASE, {}, "better", P),  # differences without spread
    (LOSS, BASE * 0.9 + NOISE, BASE, {}, "better", P),
    (LOSS, BASE * 1.1 + NOISE, BASE, {}, "worse", P),
    # a metric without a better direction has a verdict with the direction of the effect
    (NORM, BASE * 0.9 + NOISE, BASE, {}, "lower", P),
    (NORM, BASE * 1.1 + NOISE, BASE, {}, "higher", P),
    (GAP, -BASE + 0.02 + NOISE, -BASE, {}, "higher", P),
    (GAP, NOISE - 0.02, NOISE[::-1], {}, "lower", P),
    (GAP, BASE + NOISE[::-1], BASE, {}, "undecided", None),
    (NORM, BASE * 1.02 + NOISE / 10, BASE, {"rules": Judging(margins={"weight_norm": 1.05})}, "equivalent", P),
    (NORM, BASE, BASE, {}, "equivalent", 1.0),
    # and none by divergence: what diverges is neither higher nor lower
    (NORM, diverged(BASE, 10), BASE, {}, "not comparable", P),
    # what follows from the config alone needs no verdict
    (PARAMETERS, np.full(10, 20.0), np.full(10, 10.0), {}, "", np.nan),
    # better needs a small p: five seeds have none, nor has a single one, and large families need a smaller one
    (ACCURACY, BASE[:5] + 0.02 + NOISE[:5], BASE[:5], {}, "undecided", FEW),
    (ACCURACY, [0.9], [0.8], {"rules": MARGINS}, "undecided", 1.0),
    (ACCURACY, BASE + 0.02 + NOISE, BASE, {"family": 25}, "better", P),  # 25 * 2 / 2^10 = 0.0488
    (ACCURACY, BASE + 0.02 + NOISE, BASE, {"family": 26}, "undecided", P),
    # and an interval that excludes zero effect: with one outlier all signs agree, but the interval is wide
    (ACCURACY, BASE + np.array([1e-4] * 9 + [0.5]), BASE, {}, "undecided", P),
    # an interval within the margin is equivalent even if p is small
    (ACCURACY, BASE + 0.002 + NOISE / 10, BASE, {"rules": MARGINS}, "equivalent", P),
    (ACCURACY, BASE + 0.0045 + NOISE / 2, BASE, {"rules": MARGINS}, "better", P),
    (LOSS, BASE * 1.02 + NOISE / 10, BASE, {"rules": MARGINS}, "equivalent", P),
    (LOSS, BASE * 1.02 + NOISE / 10, BASE, {"rules": Judging(margins={"train_loss": 1.05})}, "worse", P),
    # a ratio and its inverse are equally far from 1
    (LOSS, BASE * 0.9525 + NOISE / 100, BASE, {"rules": MARGINS}, "equivalent", P),
    (LOSS, BASE * 0.9515 + NOISE / 100, BASE, {"rules": MARGINS}, "better", P),
    # identical pairs are equivalent without a margin
    (ACCURACY, BASE, BASE, {}, "equivalent", 1.0),
    # divergence is judged by the pairs of which one diverged
    (LOSS, diverged(BASE, 6), BASE, {}, "worse", 2 / 2**6),
    (LOSS, BASE, diverged(BASE, 6), {}, "better", 2 / 2**6),
    (LOSS, diverged(BASE, 5), BASE, {}, "not comparable", FEW),
    (LOSS, diverged(BASE, 7), diverged(BASE, 1, first=9), {}, "not comparable", stats.binomtest(7, 8).pvalue),
    # it belongs to the family and comes before equivalence
    (ACCURACY, diverged(BASE, 6), BASE, {"family": 3}, "not comparable", 2 / 2**6),
    (ACCURACY, diverged(BASE, 1), diverged(BASE, 1), {"rules": MARGINS}, "not comparable", 1.0),
    # other seeds are not paired: permutations and Fisher's exact test
    (ACCURACY, BASE[:7] + 0.05, BASE, {"root": 1}, "better", None),
    (LOSS, diverged(BASE, 8), BASE, {"root": 1}, "worse", stats.fisher_exact([[8, 2], [0, 10]]).pvalue),
]


@pytest.mark.parametrize(("metric", "variant", "baseline", "options", "verdict", "p"), CASES)
def test_verdicts(metric, variant, baseline, options, verdict, p):
    row = judged(variant, baseline, metric, **options)
    assert row.verdict == verdict
    assert p is None or row.p == pytest.approx(p, nan_ok=True)
    assert np.isnan(row.p) or row.p_adjusted == pytest.approx(min(1, options.get("family", 1) * row.p))
    assert row.identical == ("identical" in row.note)
    if row.diverged or row.reference_diverged:
        counts = f"{np.isnan(variant).sum()} of 10 against {np.isnan(baseline).sum()} of 10"
        assert f"diverged: {counts}" in row.note
        assert np.isnan(row.effect)


def test_a_small_p_decides_only_with_an_interval_at_the_same_adjusted_level():
    """All differences are positive, so p is the smallest; the outlier widens the interval."""
    differences = np.array([0.01] * 9 + [0.05])
    for family, verdict in ((1, "better"), (5, "better"), (25, "undecided")):
        low, _ = stats.ttest_1samp(differences, 0).confidence_interval(1 - 0.05 / family)
        assert (low > 0) == (verdict == "better")
        row = judged(BASE + differences, BASE, family=family)
        assert (row.p_adjusted <= 0.05, row.verdict) == (True, verdict)
        assert row.effect_low > 0  # the interval of the row alone, at 95 %
    # with another alpha the interval is as much wider, and never narrower than 95 %
    differences = np.array([0.01] * 9 + [0.08])
    for alpha, family in ((0.01, 1), (0.05, 1), (0.5, 1)):
        low, _ = stats.ttest_1samp(differences, 0).confidence_interval(1 - min(alpha, 0.05) / family)
        row = judged(BASE + differences, BASE, rules=Judging(alpha=alpha), family=family)
        assert row.p_adjusted <= alpha
        assert row.verdict == ("better" if low > 0 else "undecided")


@pytest.mark.parametrize(("metric", "root"), [(ACCURACY, 0), (LOSS, 0), (GAP, 0), (LOSS, 1)])
def test_intervals_of_decided_rows_are_adjusted_for_their_selection(metric, root):
    """Benjamini and Yekutieli (2005): R of m rows are selected, each has an interval at the level 1 - 0.05 R / m."""
    random = np.random.default_rng(8)
    means = [0.0, 0.4, 0.0, -0.3, 0.0, 0.5, 0.0]
    baseline = random.normal(1, 0.05, 12)
    variants = [baseline + mean + random.normal(0, 0.05, 12) for mean in means]
    sides = np.exp([baseline, *variants]) if metric is LOSS else np.array([baseline, *variants])
    rows = judge([compare_runs(side(values, root), side(sides[0]), metric) for values in sides[1:]], metric, ALPHA)
    decided = [row.verdict in judging.DECIDED for row in rows]
    assert decided == [mean != 0 for mean in means]
    for row, values in zip(rows, sides[1:], strict=True):
        if row.verdict not in judging.DECIDED:
            assert np.isnan([row.selected_low, row.selected_high]).all()
            continue
        pair = np.log([values, sides[0]]) if metric is LOSS else np.array([values, sides[0]])
        difference, level = pair[0] - pair[1], 1 - 0.05 * 3 / 7
        if root:
            # unpaired, the quantile has the degrees of freedom of the smaller sample
            width = np.diff(stats.ttest_ind(*pair, equal_var=False).confidence_interval(0.95))[0] / 2
            width *= stats.t.isf((1 - level) / 2, 11) / stats.t.isf(0.025, 11)
            limits = difference.mean() + np.array([-width, width])
        else:
            limits = np.array(stats.ttest_1samp(difference, 0).confidence_interval(level))
        limits = np.exp(limits) if metric is LOSS else limits
        assert (row.selected_low, row.selected_high) == pytest.approx(tuple(limits))
        assert row.selected_low < row.effect_low < row.effect_high < row.selected_high
        assert not row.selected_low <= metric.zero_effect <= row.selected_high
    # rows without a p are not among those that it is selected from
    broken = compare_runs(side(np.where(sides[0] > 1, np.nan, 1.0)).assign(finished=True), side(sides[0]), metric)
    again = judge([*[broken] * 5, *[replace(row, verdict="", note="") for row in rows]], metric, ALPHA)
    assert [row.verdict for row in again[:5]] == ["not comparable"] * 5
    limits = [[(row.selected_low, row.selected_high) for row in family] for family in (again[5:], rows)]
    np.testing.assert_array_equal(*limits)
    # a single row is no selection
    row = judge([compare_runs(side(sides[6], root), side(sides[0]), metric)], metric, ALPHA)[0]
    assert (row.selected_low, row.selected_high) == (row.effect_low, row.effect_high)


@pytest.mark.parametrize(("n", "m", "spread"), [(5, 30, 3.0), (3, 20, 2.0)])
def test_an_unpaired_interval_keeps_its_adjusted_level(n, m, spread, monkeypatch):
    """One of five rows: at most 1 % of 600 intervals at 99 % miss zero effect (binomial bound at 99.9 %)."""
    monkeypatch.setattr(significance, "permutation", lambda *_: 0.0)  # every row is selected, whatever its effect
    random, missed = np.random.default_rng(9), 0
    others = [EffectTest(10, 10, effect=0.0, effect_low=-1.0, effect_high=1.0, p=1.0)] * 4
    for _ in range(600):
        sides = side(random.normal(0, spread, n), root=1), side(random.normal(0, 1, m))
        row = judge([compare_runs(*sides, GAP), *others], GAP, ALPHA)[0]
        missed += row.verdict in judging.DECIDED
    assert missed <= stats.binom.ppf(0.999, 600, 0.01)


def test_rows_are_selected_by_p_whether_or_not_they_are_equivalent():
    """Of R rows that p selects among m, the level is 1 - 0.05 R / m, which Holm's last level does not exceed."""
    weak = compare_runs(side(BASE + 0.01 + 6 * NOISE), side(BASE), ACCURACY)
    within = compare_runs(side(BASE + 0.002 + NOISE / 10), side(BASE), ACCURACY)
    none = compare_runs(side(BASE + NOISE[::-1]), side(BASE), ACCURACY)
    assert within.p == P < weak.p < 0.05 < none.p
    rows = judge([weak, *[within] * 3], ACCURACY, MARGINS)
    assert [row.verdict for row in rows] == ["better", *["equivalent"] * 3]
    assert (rows[0].selected_low, rows[0].selected_high) == (rows[0].effect_low, rows[0].effect_high)
    assert np.isnan(rows[1].selected_low)
    # with a row that p does not select, the level of Holm's procedure is too low for it
    rows = judge([weak, *[within] * 3, none], ACCURACY, MARGINS)
    assert rows[0].verdict == "undecided"
    strong = compare_runs(side(BASE + 0.02 + NOISE), side(BASE), ACCURACY)
    rows = judge([strong, *[within] * 3, none], ACCURACY, MARGINS)
    expected = stats.ttest_1samp(0.02 + NOISE, 0).confidence_interval(1 - 0.05 * 4 / 5)
    assert (rows[0].selected_low, rows[0].selected_high) == pytest.approx(tuple(expected))


def test_runs_that_survived_have_an_estimate_and_no_interval():
    row = judged(diverged(BASE, 1), BASE, LOSS)
    assert row.estimate == pytest.approx(stats.gmean(BASE[1:]))
    assert np.isnan([row.low, row.high, row.effect, row.effect_low, row.selected_low]).all()
    assert row.reference_low < row.reference_estimate < row.reference_high
    row = judged(BASE, diverged(BASE, 9), LOSS)
    assert row.reference_estimate == pytest.approx(BASE[9])
    assert np.isnan([row.reference_low, row.reference_high]).all()
    # decided by divergence, a row has no interval that a selection could widen
    row = judged(diverged(BASE, 8), BASE, LOSS)
    assert row.verdict == "worse"
    assert np.isnan([row.selected_low, row.selected_high]).all()


def test_intervals_of_estimates_are_cut_to_the_range_of_the_metric():
    high, low = np.array([1.0] * 9 + [0.8]), np.array([0.0] * 8 + [0.1, 0.2])
    row = judged(high, low)
    assert (row.high, row.reference_low) == (1.0, 0.0)
    intervals = [stats.ttest_1samp(values, 0).confidence_interval(0.95) for values in (high, low)]
    assert (row.low, row.reference_high) == pytest.approx((intervals[0].low, intervals[1].high))
    assert intervals[0].high > 1
    assert intervals[1].low < 0
    # other metrics have no range
    row = judged(high, low, GAP)
    assert (row.high, row.reference_low) == pytest.approx((intervals[0].high, intervals[1].low))


def test_what_follows_from_the_config_alone_has_an_effect_but_no_interval_and_no_test():
    counts, reference = side(np.full(10, 20.0)), side(np.full(10, 10.0))
    untested = compare_runs(counts.assign(finished=True), reference, PARAMETERS)
    (row,) = judge([untested], PARAMETERS, MARGINS)
    assert (row.estimate, row.reference_estimate, row.effect) == (20.0, 10.0, 2.0)
    numbers = [row.low, row.high, row.effect_low, row.effect_high, row.p, row.p_adjusted, row.selected_low]
    assert np.isnan(numbers).all()
    assert row.verdict == ""


def test_a_family_may_be_empty_or_hold_nothing_that_can_be_tested():
    assert judge([], ACCURACY, ALPHA) == []
    broken = compare_runs(side(np.zeros(10)), side(BASE), LOSS)
    assert [row.verdict for row in judge([broken] * 2, LOSS, ALPHA)] == ["not comparable"] * 2


def test_the_win_rate_counts_seeds_in_the_metric_s_direction_and_no_ties():
    variant = BASE + 0.01 * np.array([1, 1, 1, 0, 0, -1, 1, 1, 1, 1])
    rates = [judged(variant, BASE, metric).win_rate for metric in (ACCURACY, LOSS, NORM)]
    assert rates == pytest.approx([0.7, 0.1, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("expected", "scale", "margin", "low", "high", "where"),
    [
        ("higher", "linear", None, 0.1, 0.2, "inside"),
        ("higher", "linear", None, -0.1, 0.0, "outside"),
        ("lower", "log", None, 0.8, 0.9, "inside"),
        ("lower", "log", None, 1.0, 1.2, "outside"),
        ("equal", "linear", 0.02, -0.01, 0.02, "inside"),
        ("equal", "linear", 0.02, 0.03, 0.04, "outside"),
        ("equal", "log", 1.1, 0.85, 1.05, "across"),
        ("higher", "linear", None, np.nan, np.nan, "across"),
    ],
)
def test_the_position_of_an_interval(expected, scale, margin, low, high, where):
    assert position(low, high, expected_region(expected, scale, margin)) == where


@pytest.mark.parametrize(
    ("variant", "metric"),
    [(BASE * 1.05, LOSS), (BASE / 1.05, LOSS), (BASE + 0.005, ACCURACY), (BASE - 0.005, ACCURACY)],
)
def test_last_bits_decide_nothing(variant, metric):
    assert judged(variant, BASE, metric, MARGINS).verdict == "equivalent"
    assert judged(variant + np.sign(variant - BASE) * 1e-6, BASE, metric, MARGINS).verdict in ("better", "worse")
    assert 11 * (0.05 / 11) > 0.05  # in floating point
    for p, verdict in ((0.05 / 11, "better"), (0.05001 / 11, "undecided")):
        tests = [EffectTest(10, 10, effect=0.02, effect_low=0.01, effect_high=0.03, p=p), *[EffectTest(p=1.0)] * 10]
        assert judge(tests, ACCURACY, ALPHA)[0].verdict == verdict


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_values_without_a_logarithm_are_not_comparable(bad):
    variant = np.where(np.arange(10) == 3, bad, BASE)
    row = judged(variant, BASE, LOSS)
    assert (row.verdict, row.note) == ("not comparable", "a value of 0 has no logarithm")
    assert np.isnan([row.effect, row.p]).all()
    assert judged(variant, BASE).verdict != "not comparable"
    # this comes before divergence, and is no part of the family
    assert judged(diverged(variant, 6, first=4), BASE, LOSS).note.startswith("a value of 0")
    family = [
        compare_runs(side(BASE + 0.02 + NOISE), side(BASE), LOSS),
        *[compare_runs(side(variant), side(BASE), LOSS)] * 100,
    ]
    assert judge(family, LOSS, ALPHA)[0].p_adjusted == 2 / 2**10


def test_runs_without_a_value_are_not_comparable():
    unmeasured = side(diverged(BASE, 10)).assign(finished=True)
    (row,) = judge([compare_runs(unmeasured, side(BASE), ACCURACY)], ACCURACY, ALPHA)
    assert (row.verdict, row.note) == ("not comparable", "not measured for every run")


def test_other_seeds_are_not_paired():
    row = judged(BASE[:7] + 0.05, BASE, root=1)
    assert (row.n, row.reference_n, row.paired, row.note) == (7, 10, False, "no seeds in common: not paired")
    expected = stats.ttest_ind(BASE[:7] + 0.05, BASE, equal_var=False).confidence_interval(0.95)
    assert (row.effect_low, row.effect_high) == pytest.approx((expected.low, expected.high))
    assert np.isnan(row.win_rate)
    # equal values of other seeds are no pairs
    assert not judged(BASE, BASE, root=1).identical


def test_splits_of_one_data_set_have_the_corrected_t_test():
    independent, split = (compare_runs(side(BASE + 0.01 + 3 * NOISE), side(BASE), ACCURACY, q) for q in (0.0, 0.25))
    differences = 0.01 + 3 * NOISE
    statistic = differences.mean() / (differences.std(ddof=1) * np.sqrt(1 / 10 + 0.25))
    assert (independent.p, split.p) == (2 / 2**10, pytest.approx(2 * stats.t.sf(statistic, 9)))
    assert split.effect_high - split.effect_low > independent.effect_high - independent.effect_low


@pytest.mark.parametrize(
    ("n", "root", "split_correlation", "family", "reason"),
    [
        (1, 0, 0, 1, "1 seed cannot decide a family of 1: at least 6 are needed"),
        (6, 0, 0, 1, ""),
        (5, 0, 0, 7, "5 seeds cannot decide a family of 7: at least 9 are needed"),
        (3, 1, 0, 1, "3 seeds cannot decide a family of 1"),
        (4, 1, 0, 1, ""),
        (3, 0, 0.25, 1, ""),
    ],
)
def test_too_few_seeds_are_reported_for_a_family(n, root, split_correlation, family, reason):
    row = compare_runs(side(BASE[:n] + 0.02, root), side(BASE[:n]), ACCURACY, split_correlation)
    rows = [astuple(test) for test in judge([row] * family, ACCURACY, ALPHA)]
    assert judging.why_underpowered(pd.DataFrame(rows, columns=judging.COLUMNS), 0.05) == reason


def test_the_numbers_in_the_docs_are_those_of_the_code():
    text = (ROOT / "docs" / "statistics.md").read_text()
    cells = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in text.splitlines() if line.startswith("| ")}
    variant, baseline = (np.array(cells[name], dtype=float) for name in ("variant", "baseline"))
    row, differences = judged(variant, baseline, rules=MARGINS, family=4), variant - baseline
    words = " ".join(text.split())
    for number in (
        f"The estimates are {row.estimate:.4f} and {row.reference_estimate:.4f}",
        f"the effect +{100 * row.effect:.2f} points",
        ", ".join(f"{value:.3f}" for value in differences),
        f"s = {differences.std(ddof=1):.4f}",
        f"± {stats.t.ppf(0.975, 9):.3f} ·",
        f"from +{100 * row.effect_low:.2f} to +{100 * row.effect_high:.2f} points",
        f"{round(1024 * row.p)} have a mean at least as far from 0: p = {row.p:.4f}",
        f"by at most 4: {row.p_adjusted:.3f}",
        f"wins in {100 * row.win_rate:.0f} % of seeds",
        "{} for one variant, {} for four, {} for seven, {} for twenty".format(
            *(significance.seeds_needed(family, 0.05) for family in (1, 4, 7, 20))
        ),
    ):
        assert number in words
    assert row.verdict == "better"
    assert 12 * row.p <= 0.05 < 13 * row.p
