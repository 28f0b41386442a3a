"""The promised power of n seeds, against simulations and the whole procedure carried out many times."""

import math

import numpy as np
import pytest
from revisions_of import results
from scipy import stats

from pipeline.analysis import power as analysis
from pipeline.analysis.power import detectable, min_seeds, power, seeds_for
from pipeline.analysis.significance import holm, seeds_needed, sign_flips
from pipeline.project import params


def reported(differences: np.ndarray, p: np.ndarray, level: float) -> np.ndarray:
    n = differences.shape[1]
    half_widths = stats.t.isf(0.025, n - 1) * differences.std(axis=1, ddof=1) / math.sqrt(n)
    return (p <= level) & (np.abs(differences.mean(axis=1)) > half_widths)


@pytest.mark.parametrize(("n", "level"), [(6, 0.05), (10, 0.05 / 7), (14, 0.001)])
@pytest.mark.parametrize("effect", [0.5, 1.0, 2.0])
def test_few_seeds_have_the_power_of_the_sign_flip_test(n, level, effect):
    """Simulated with other samples, 4,000: standard error 0.8 %."""
    differences = np.random.default_rng(21).normal(effect, 1, (4000, n))
    expected = reported(differences, sign_flips(differences), level).mean()
    assert power(effect, 1.0, n, level) == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("family", [1, 4, 20])
@pytest.mark.parametrize("size", [0.6, 1.2])
def test_the_whole_procedure_has_the_promised_power(family, size):
    """With the seeds that promise 80 %: sign flips, Holm, interval; 1,000 families with one true effect.

    At least 76 % in every family (80 % less three standard errors): the promise holds whatever the other rows show.
    """
    n = seeds_for(size, 1.0, family, 0.05)
    differences = np.random.default_rng(22).normal(0, 1, (1000, family, n))
    differences[:, 0] += size
    p = sign_flips(differences.reshape(-1, n)).reshape(1000, family)
    adjusted = np.array([holm(list(row))[0] for row in p])
    assert reported(differences[:, 0], adjusted, 0.05).mean() >= 0.76
    if n > min_seeds(family, 0.05):
        # and one seed less is not enough
        assert power(size, 1.0, n - 1, 0.05 / family) < 0.8


def test_with_fewer_seeds_than_needed_nothing_can_be_found():
    for family in (1, 7, 30):
        needed = seeds_needed(family, 0.05)
        assert min_seeds(family, 0.05) == seeds_for(1000.0, 1.0, family, 0.05) == needed
        assert np.isnan(detectable(needed - 1, family, 0.05))
        assert detectable(needed, family, 0.05) > 0


@pytest.mark.parametrize("n", [9, 14, 40])
def test_a_detectable_effect_is_found_with_the_wanted_power(n):
    for wanted in (0.5, 0.8, 0.95):
        effect = detectable(n, 7, 0.05, wanted)
        assert power(0.3 * effect, 0.3, n, 0.05 / 7) == pytest.approx(wanted, abs=0.005)
    assert detectable(n + 1, 7, 0.05) < detectable(n, 7, 0.05)
    assert detectable(40, 1, 0.9, wanted=0.01) == 0.0


def test_odd_spreads_and_effects():
    assert power(0.0, 0.0, 10, 0.05) == 0.0
    assert power(1e-9, 0.0, 10, 0.05) == 1.0
    assert seeds_for(1e-9, 0.0, 4, 0.05) == 8
    assert seeds_for(1e-9, 1.0, 4, 0.05) is None
    assert power(-1.0, 1.0, 20, 0.05) == power(1.0, 1.0, 20, 0.05)
    for n in (2, 5, 14, 15, 1000, 100_000):
        for effect in (1e-6, 1.0, 1e6):
            assert 0 <= power(effect, 1.0, n, 0.001) <= 1 + 1e-9


def test_more_splits_of_one_data_set_do_not_find_small_effects():
    # they add no data: the variance has a part that stays
    assert seeds_for(0.1, 1.0, 1, 0.05, split_correlation=0.25) is None
    assert seeds_for(0.1, 1.0, 1, 0.05) is not None
    assert min_seeds(7, 0.05, split_correlation=0.25) == 2
    assert detectable(10, 1, 0.05, split_correlation=0.25) > 1.5 * detectable(10, 1, 0.05)


@pytest.mark.parametrize(("metric", "effect"), [("test_accuracy", 0.02), ("test_loss", 1.02)])
def test_the_spread_of_a_study_is_that_of_its_pairs(metric, effect, params_file):
    study = params.load(path=params_file()).studies["activation"]
    noise = 0.01 * np.random.default_rng(23).standard_normal((len(study.variants), 10))
    outcomes = np.exp(noise) if metric == "test_loss" else 0.5 + noise
    values = {variant.id: sample for variant, sample in zip(study.variants, outcomes, strict=True)}
    runs = results(values, metric)
    table = analysis.of_study(study, runs, metric, 0.05, seeds=20, effect=effect)
    assert len(table) == 2  # without the baselines
    for row in table.itertuples():
        variant, baseline = values[row.variant], values[study.variant(row.variant).baseline]
        differences = np.log(variant / baseline) if metric == "test_loss" else variant - baseline
        assert (row.n, row.sd) == (10, pytest.approx(differences.std(ddof=1)))
        smallest = row.sd * detectable(20, 2, 0.05)
        assert row.detectable == pytest.approx(math.exp(smallest) if metric == "test_loss" else smallest)
        assert row.seeds == seeds_for(math.log(effect) if metric == "test_loss" else effect, row.sd, 2, 0.05)
    # a given spread needs no runs
    given = analysis.of_study(study, None, metric, 0.05, seeds=10, effect=effect, sd=0.01)
    assert given[["n", "sd"]].to_numpy().tolist() == [[0, 0.01]] * 2
    # runs that diverged have no spread; by default there are as many seeds as runs
    diverged = (runs["variant"] == table.loc[0, "variant"]) & (runs["seed_index"] == 0)
    runs.loc[diverged, ["status", metric]] = ["diverged", np.nan]
    first, second = analysis.of_study(study, runs, metric, 0.05, effect=effect).itertuples()
    assert np.isnan([first.sd, first.detectable]).all()
    assert (first.n, first.seeds) == (10, 0)
    assert second.sd == table.loc[1, "sd"]
    assert second.detectable > table.loc[1, "detectable"]
