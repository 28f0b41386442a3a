"""The tests of no difference, tested: against SciPy, and by how often they are wrong when there is none."""

import numpy as np
import pytest
from scipy import stats

from pipeline.analysis import significance
from pipeline.analysis.significance import permutation, permutations, sign_flip, sign_flips
from pipeline.analysis.statistics import paired_effect


@pytest.fixture
def random():
    return np.random.default_rng(11)


# --- constants from SciPy, with the call beside them -----------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 5, 10])
def test_sign_flips_are_those_of_scipy(n, random):
    differences = random.normal(0.5, 1, n)
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(differences) == pytest.approx(expected)


def test_sign_flips_with_ties_are_those_of_scipy():
    differences = np.array([1.0, 1.0, -1.0, 2.0, 0.0, 0.5, -0.5])
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(differences) == pytest.approx(expected)
    # sums of tenths differ in their last bits, and are ties all the same
    assert sign_flip(differences * 0.1) == pytest.approx(expected)


def test_fourteen_pairs_try_all_signs_and_more_a_sample(random):
    assert sign_flip(np.full(14, 0.3)) == 2 / 2**14
    assert sign_flip(np.full(40, 0.3)) == 1 / significance.SAMPLED
    differences = random.normal(0.3, 1, 30)
    # the sign-flip test of 30 normal differences is close to the t test
    assert sign_flip(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.02)
    # the sample is always the same: a page does not change when it is made again
    assert sign_flip(differences) == sign_flip(differences.copy())


@pytest.mark.parametrize(("n", "m"), [(3, 4), (5, 5), (2, 7)])
def test_permutations_are_those_of_scipy(n, m, random):
    ours, theirs = random.normal(1, 1, n), random.normal(0, 2, m)

    def difference(one, other, axis):
        return np.mean(one, axis=axis) - np.mean(other, axis=axis)

    # two-sided, SciPy doubles the smaller tail; ours is the share of divisions that differ as much, either way
    def distance(one, other, axis):
        return np.abs(difference(one, other, axis))

    exact = stats.permutation_test((ours, theirs), distance, alternative="greater", n_resamples=np.inf)
    assert permutation(ours, theirs) == pytest.approx(exact.pvalue)


def test_many_divisions_are_a_seeded_sample(random):
    ours, theirs = random.normal(0.5, 1, 15), random.normal(0, 1, 15)
    assert permutation(ours, theirs) == pytest.approx(stats.ttest_ind(ours, theirs).pvalue, abs=0.03)
    assert permutation(ours, theirs) == permutation(ours, theirs)


def test_many_samples_at_once_are_one_after_the_other(random):
    many = random.normal(0.2, 1, (7, 9))
    assert sign_flips(many).tolist() == [sign_flip(one) for one in many]
    other = random.normal(0, 1, (7, 4))
    assert permutations(many, other).tolist() == [permutation(*pair) for pair in zip(many, other, strict=True)]


def test_divergence_is_tested_as_scipy_does():
    assert significance.mcnemar(7, 1) == stats.binomtest(7, 8).pvalue
    assert significance.mcnemar(0, 0) == 1.0
    assert significance.fisher(7, 10, 1, 12) == pytest.approx(stats.fisher_exact([[7, 3], [1, 11]]).pvalue)
    assert significance.fisher(0, 10, 0, 12) == 1.0


def test_the_corrected_resampled_t_is_the_t_test_where_nothing_is_resplit(random):
    differences = random.normal(0.5, 1, 10)
    assert significance.resampled_t(differences, 0.0) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert significance.resampled_t(differences, 0.25) > 2 * significance.resampled_t(differences, 0.0)
    # Nadeau and Bengio's statistic, written out
    statistic = differences.mean() / (differences.std(ddof=1) * np.sqrt(1 / 10 + 0.25))
    assert significance.resampled_t(differences, 0.25) == pytest.approx(2 * stats.t.sf(abs(statistic), 9))
    assert significance.resampled_t(np.zeros(5), 0.25) == 1.0
    assert significance.resampled_t(np.ones(5), 0.25) == 0.0


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_unpaired_interval_is_welch_s(scale, random):
    ours, theirs = random.normal(1, 1, 8), random.normal(0, 3, 12)
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    back = np.exp if scale == "log" else np.asarray
    found = significance.unpaired_effect(ours, theirs, scale)
    assert (found.low, found.high) == pytest.approx(tuple(map(float, back(expected))))
    assert found.estimate == pytest.approx(back(ours.mean() - theirs.mean()))


def test_an_unpaired_interval_needs_two_values_and_may_have_no_width():
    assert np.isnan(significance.unpaired_effect(np.array([1.0]), np.array([0.0, 1.0]), "linear").low)
    assert significance.unpaired_effect(np.full(3, 2.0), np.full(4, 1.0), "linear")[1:] == (1.0, 1.0, 1.0)
    one_sided = significance.unpaired_effect(np.array([1.0, 2.0, 4.0]), np.full(4, 1.0), "linear")
    expected = stats.ttest_1samp([1.0, 2.0, 4.0], 1.0).confidence_interval(0.95)
    assert (one_sided.low, one_sided.high) == pytest.approx((expected.low - 1, expected.high - 1))


# --- families --------------------------------------------------------------------------------------------------------


def test_holm_adjusts_as_it_is_defined(random):
    assert significance.holm([]) == []
    assert significance.holm([0.04]) == [0.04]
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([0.5, 0.6]) == [1.0, 1.0]
    p = random.random(20) ** 3
    adjusted = np.array(significance.holm(list(p)))
    # rejecting what is at most alpha is Holm's step-down procedure
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, place in enumerate(np.argsort(p)):
            if p[place] > alpha / (20 - rank):
                break
            rejected.add(place)
        assert set(np.flatnonzero(adjusted <= alpha)) == rejected


@pytest.mark.parametrize(("family", "alpha"), [(1, 0.05), (4, 0.05), (7, 0.01), (20, 0.05), (64, 0.001)])
def test_the_floor_is_where_the_smallest_adjusted_p_gets_through(family, alpha):
    n = significance.seeds_needed(family, alpha)
    assert family * significance.least_of_pairs(n) <= alpha < family * significance.least_of_pairs(n - 1)
    assert sign_flip(np.ones(min(n, 14))) == significance.least_of_pairs(min(n, 14))


def test_the_least_of_divisions_is_reached():
    for n, m in ((3, 3), (2, 5), (1, 4)):
        found = permutation(np.full(n, 10.0) + np.arange(n), np.arange(m, dtype=float))
        assert found == pytest.approx(significance.least_of_divisions(n, m))


# --- size: how often they are wrong when there is no difference ------------------------------------------------------

SIMULATED = 4000


def bound(rate: float, number: int = SIMULATED) -> float:
    """The rate that a procedure of this error rate exceeds in one of a thousand simulations (binomial)."""
    return float(stats.binom.ppf(0.999, number, rate)) / number


# both sides are drawn alike, however skewed or heavy-tailed they are: then differences are exchangeable
ALIKE = {
    "normal": lambda random, size: random.normal(size=size),
    "exponential": lambda random, size: random.exponential(size=size),
    "lognormal": lambda random, size: random.lognormal(sigma=2, size=size),
    "t with 2 degrees of freedom": lambda random, size: random.standard_t(2, size=size),
    "accuracies of few examples": lambda random, size: random.binomial(20, 0.9, size=size) / 20,
}


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("kind", ALIKE)
def test_the_sign_flip_test_is_wrong_in_at_most_alpha_of_cases(kind, n):
    """Size at most 5 % (binomial bound at 99.9 %, 4,000 simulated pairs of samples)."""
    simulated = SIMULATED if n < 30 else 1000
    ours, theirs = (ALIKE[kind](np.random.default_rng(seed), (simulated, n)) for seed in (12, 13))
    assert np.mean(sign_flips(ours - theirs) <= 0.05) <= bound(0.05, simulated)


@pytest.mark.parametrize("kind", ["normal", "lognormal"])
@pytest.mark.parametrize(("n", "m"), [(5, 5), (10, 10), (5, 12)])
def test_the_permutation_test_is_wrong_in_at_most_alpha_of_cases(kind, n, m):
    simulated = 500
    ours, theirs = (ALIKE[kind](np.random.default_rng(seed), (simulated, size)) for seed, size in ((14, n), (15, m)))
    assert np.mean(permutations(ours, theirs) <= 0.05) <= bound(0.05, simulated)


def test_a_family_of_twenty_variants_is_wrong_in_at_most_alpha_of_cases():
    """20 variants against one baseline, 10 seeds, 1,000 families: differences share the baseline's runs."""
    random = np.random.default_rng(16)
    baseline = random.exponential(size=(1000, 1, 10))
    differences = random.exponential(size=(1000, 20, 10)) - baseline
    p = sign_flips(differences.reshape(-1, 10)).reshape(1000, 20)
    assert np.mean([min(significance.holm(list(family))) <= 0.05 for family in p]) <= bound(0.05, 1000)
    # without Holm's adjustment most of that would be lost
    assert np.mean(p.min(axis=1) <= 0.05) > 0.3


def test_a_difference_is_found():
    differences = np.random.default_rng(17).normal(1, 1, (1000, 10))
    assert 0.7 < np.mean(sign_flips(differences) <= 0.05) < 0.9  # the t test: 0.803


# --- coverage --------------------------------------------------------------------------------------------------------

COVERED = {
    # draws of one side, scale, least and most coverage
    "normal": (lambda random, size: random.normal(3, 1, size=size), "linear", 0.93, 0.97),
    "lognormal on the log scale": (lambda random, size: random.lognormal(1, 1, size=size), "log", 0.93, 0.97),
    "heavy symmetric tails": (lambda random, size: random.standard_t(3, size=size), "linear", 0.93, 1.0),
}


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize("kind", COVERED)
def test_the_paired_interval_covers_what_there_is(kind, n):
    """95 % of intervals contain the true effect: 3,000 pairs of samples, standard error 0.4 %."""
    draw, scale, least, most = COVERED[kind]
    random = np.random.default_rng(18)
    shared = draw(random, (3000, n))
    ours, theirs = (shared + draw(random, shared.shape) for _ in range(2))
    if scale == "log":
        ours, theirs = (shared * draw(random, shared.shape) for _ in range(2))
        ours, truth = 1.3 * ours, 1.3
    else:
        ours, truth = ours + 0.3, 0.3
    found = [paired_effect(*pair, scale) for pair in zip(ours, theirs, strict=True)]
    assert least <= np.mean([one.low <= truth <= one.high for one in found]) <= most


# --- what is odd -----------------------------------------------------------------------------------------------------


def test_one_pair_and_no_difference_decide_nothing():
    assert sign_flip(np.array([5.0])) == 1.0
    assert sign_flip(np.zeros(10)) == 1.0
    assert permutation(np.array([5.0]), np.array([1.0])) == 1.0
    assert permutation(np.ones(5), np.ones(5)) == 1.0


def test_differences_without_spread_reach_the_floor():
    assert sign_flip(np.full(10, 0.01)) == 2 / 2**10
    assert sign_flip(np.full(10, -0.01)) == 2 / 2**10
