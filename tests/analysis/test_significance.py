"""The tests of zero effect: against SciPy, and how often they are wrong if there is no effect."""

import numpy as np
import pytest
from scipy import stats

from pipeline.analysis import significance
from pipeline.analysis.significance import permutation, sign_flips


@pytest.fixture
def random():
    return np.random.default_rng(11)


def sign_flip(differences) -> float:
    return float(sign_flips(np.asarray(differences, dtype=float)[None])[0])


@pytest.mark.parametrize("differences", [2, 5, 10, [1.0, 1.0, -1.0, 2.0, 0.0, 0.5, -0.5]])
def test_sign_flips_are_those_of_scipy(differences, random):
    if isinstance(differences, int):
        differences = random.normal(0.5, 1, differences)
    sample = (np.asarray(differences),)
    expected = stats.permutation_test(sample, np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip(differences) == pytest.approx(expected)
    # sums of tenths differ in their last bits, and are ties all the same
    assert sign_flip(0.1 * sample[0]) == pytest.approx(expected)


def test_beyond_fourteen_pairs_signs_are_a_fixed_sample(random):
    assert sign_flip(np.full(14, 0.3)) == 2 / 2**14
    assert sign_flip(np.full(40, 0.3)) == 1 / significance.SAMPLED
    differences = random.normal(0.3, 1, 30)
    # the sign-flip test of 30 normal differences is close to the t test
    assert sign_flip(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.02)
    assert sign_flip(differences) == sign_flip(differences.copy())
    many = random.normal(0.2, 1, (7, 30))
    assert sign_flips(many).tolist() == [sign_flip(sample) for sample in many]


@pytest.mark.parametrize(("n", "m"), [(3, 4), (5, 5), (2, 7)])
def test_permutations_are_those_of_scipy(n, m, random):
    variant, baseline = random.normal(1, 1, n), random.normal(0, 2, m)

    # two-sided, SciPy doubles the smaller tail; here p is the share of divisions that differ as much either way
    def distance(left, right, axis):
        return np.abs(np.mean(left, axis=axis) - np.mean(right, axis=axis))

    exact = stats.permutation_test((variant, baseline), distance, alternative="greater", n_resamples=np.inf)
    assert permutation(variant, baseline) == pytest.approx(exact.pvalue)
    # many divisions are a fixed sample
    variant, baseline = random.normal(0.5, 1, 15), random.normal(0, 1, 15)
    assert permutation(variant, baseline) == pytest.approx(stats.ttest_ind(variant, baseline).pvalue, abs=0.03)
    assert permutation(variant, baseline) == permutation(variant, baseline)


def test_without_differences_p_is_1():
    assert sign_flip([5.0]) == sign_flip(np.zeros(10)) == 1.0
    assert permutation(np.array([5.0]), np.array([1.0])) == permutation(np.ones(5), np.ones(5)) == 1.0
    # means that differ by rounding alone
    assert permutation(np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1])) == 1.0


def test_without_split_correlation_the_corrected_resampled_t_is_the_t_test(random):
    differences = random.normal(0.5, 1, 10)
    assert significance.resampled_t(differences, 0.0) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert significance.resampled_t(differences, 0.25) > 2 * significance.resampled_t(differences, 0.0)
    assert significance.resampled_t(np.ones(5), 0.25) == 0.0
    assert significance.resampled_t(np.zeros(5), 0.25) == 1.0


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_unpaired_interval_is_welch_s(scale, random):
    variant, baseline = random.normal(1, 1, 8), random.normal(0, 3, 12)
    expected = stats.ttest_ind(variant, baseline, equal_var=False).confidence_interval(0.95)
    numbers = np.array([variant.mean() - baseline.mean(), expected.low, expected.high])
    effect = significance.unpaired_effect(variant, baseline, scale)
    assert effect == pytest.approx((8, *(np.exp(numbers) if scale == "log" else numbers)))


def test_an_unpaired_interval_needs_two_values_and_may_have_no_width():
    assert np.isnan(significance.unpaired_effect(np.array([1.0]), np.array([0.0, 1.0]), "linear").low)
    assert significance.unpaired_effect(np.full(3, 2.0), np.full(4, 1.0), "linear")[1:] == (1.0, 1.0, 1.0)
    effect = significance.unpaired_effect(np.array([1.0, 2.0, 4.0]), np.full(4, 1.0), "linear")
    expected = stats.ttest_1samp([1.0, 2.0, 4.0], 1.0).confidence_interval(0.95)
    assert (effect.low, effect.high) == pytest.approx((expected.low - 1, expected.high - 1))


def test_holm_rejects_what_its_step_down_procedure_rejects(random):
    assert significance.holm([]) == []
    assert significance.holm([0.5, 0.6]) == [1.0, 1.0]
    assert significance.holm([np.nan, 0.04])[1] == 0.04
    p = random.random(20) ** 3
    adjusted = np.array(significance.holm(list(p)))
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, index in enumerate(np.argsort(p)):
            if p[index] > alpha / (20 - rank):
                break
            rejected.add(index)
        assert set(np.flatnonzero(adjusted <= alpha)) == rejected


def test_the_factor_of_holm_s_procedure_is_the_number_of_p_that_are_not_smaller(random):
    p = random.random(20) ** 3
    factors = significance.holm_factors(p)
    assert factors == [int((p >= value).sum()) for value in p]
    # p is at most alpha / factor in every row up to the last that is rejected
    adjusted = np.array(significance.holm(list(p)))
    for alpha in (0.05, 0.3):
        assert all(p[adjusted <= alpha] <= alpha / np.array(factors)[adjusted <= alpha])
    with_undefined = np.insert(p, [0, 7, 20], np.nan)
    assert np.array(significance.holm_factors(with_undefined))[~np.isnan(with_undefined)].tolist() == factors
    # equal p have the same factor, whatever their order
    assert significance.holm_factors([0.2, 0.1, 0.2, np.nan]) == [2, 3, 2, 0]
    assert significance.holm_factors([]) == []
    assert significance.holm_factors([0.5]) == [1]


def test_the_mean_is_tested_by_sign_flips_or_if_splits_correlate_by_the_corrected_t_test(random):
    differences = random.normal(0.5, 1, 10)
    assert significance.mean_is_zero(differences) == sign_flip(differences)
    error = differences.std(ddof=1) * np.sqrt(1 / 10 + 0.25)
    expected = 2 * stats.t.sf(abs(differences.mean()) / error, 9)
    assert significance.mean_is_zero(differences, 0.25) == pytest.approx(expected)
    for q in (0.0, 0.25):
        # one difference has no variance, and its sign may be either
        assert significance.mean_is_zero(np.array([3.0]), q) == 1.0
        assert significance.mean_is_zero(np.zeros(8), q) == 1.0
    assert significance.mean_is_zero(np.full(8, 0.3)) == 2 / 2**8


@pytest.mark.parametrize(
    ("n", "q", "words"),
    [
        (1, 0.0, "exact sign flips"),
        (17, 0.0, "exact sign flips"),
        (18, 0.0, "sign flips (Monte Carlo, 65,536 draws)"),
        (100, 0.0, "sign flips (Monte Carlo, 65,536 draws)"),
        (10, 0.25, "corrected resampled t test"),
    ],
)
def test_a_test_is_called_exact_only_if_all_signs_are_enumerated(n, q, words):
    assert significance.name_of_test(n, q) == words
    if not q:
        # of opposite signs one is counted
        draws = 2 ** (n - 1) if words.startswith("exact") else 65_536
        p = significance.mean_is_zero(np.full(n, 0.3))
        assert p * draws == round(p * draws)
        # a sample may hold the observed signs more than once
        assert p == 1 / draws if words.startswith("exact") else 1 <= p * draws < 5


@pytest.mark.parametrize(("family", "alpha"), [(1, 0.05), (4, 0.05), (7, 0.01), (20, 0.05), (64, 0.001)])
def test_the_seeds_needed_are_those_whose_smallest_adjusted_p_is_small_enough(family, alpha):
    n = significance.seeds_needed(family, alpha)
    assert family * significance.min_p(n, n) <= alpha < family * significance.min_p(n - 1, n - 1)


def test_the_smallest_p_is_reached():
    for n in (1, 6, 14):
        assert sign_flip(np.full(n, 0.01)) == sign_flip(np.full(n, -0.01)) == significance.min_p(n, n)
    for n, m in ((3, 3), (2, 5), (1, 4)):
        p = permutation(np.full(n, 10.0) + np.arange(n), np.arange(m, dtype=float))
        assert p == pytest.approx(significance.min_p(n, m, paired=False))


# --- size: how often they are wrong if there is no effect -----------------------------------------------------------

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
@pytest.mark.parametrize("draw", ALIKE.values(), ids=list(ALIKE))
def test_the_sign_flip_test_is_wrong_in_at_most_alpha_of_cases(draw, n):
    """Size at most 5 % (binomial bound at 99.9 %, 4,000 simulated pairs of samples)."""
    simulated = SIMULATED if n < 30 else 1000
    variants, baselines = (draw(np.random.default_rng(seed), (simulated, n)) for seed in (12, 13))
    assert np.mean(sign_flips(variants - baselines) <= 0.05) <= bound(0.05, simulated)


@pytest.mark.parametrize("name", ["normal", "lognormal"])
@pytest.mark.parametrize(("n", "m"), [(5, 5), (10, 10), (5, 12)])
def test_the_permutation_test_is_wrong_in_at_most_alpha_of_cases(name, n, m):
    variants, baselines = (ALIKE[name](np.random.default_rng(seed), (500, size)) for seed, size in ((14, n), (15, m)))
    p = np.array([permutation(*pair) for pair in zip(variants, baselines, strict=True)])
    assert np.mean(p <= 0.05) <= bound(0.05, 500)


def test_a_family_of_twenty_variants_is_wrong_in_at_most_alpha_of_cases():
    """20 variants against one baseline, 10 seeds, 1,000 families: differences share the baseline's runs."""
    random = np.random.default_rng(16)
    baseline = random.exponential(size=(1000, 1, 10))
    differences = random.exponential(size=(1000, 20, 10)) - baseline
    p = sign_flips(differences.reshape(-1, 10)).reshape(1000, 20)
    assert np.mean([min(significance.holm(list(family))) <= 0.05 for family in p]) <= bound(0.05, 1000)
    # without Holm's adjustment a third of the families would report an effect
    assert np.mean(p.min(axis=1) <= 0.05) > 0.3
