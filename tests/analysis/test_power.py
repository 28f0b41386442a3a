"""What is promised of n seeds, against SciPy and against the whole procedure carried out many times."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis import power as analysis
from pipeline.analysis.power import detectable, fewest, power, seeds_for
from pipeline.analysis.significance import holm, seeds_needed, sign_flips
from pipeline.project import params
from pipeline.project.variants import Study


@pytest.mark.parametrize("n", [15, 30, 100])
@pytest.mark.parametrize("effect", [-0.5, 0.1, 0.5, 3.0])
def test_many_seeds_have_the_power_of_the_t_test(n, effect):
    shift, limit = effect / 2 * math.sqrt(n), stats.t.isf(0.01 / 2, n - 1)
    expected = stats.nct.sf(limit, n - 1, shift) + stats.nct.cdf(-limit, n - 1, shift)
    assert power(effect, 2.0, n, 0.01) == pytest.approx(np.nan_to_num(expected, nan=1.0), abs=1e-6)


@pytest.mark.parametrize(("n", "level"), [(6, 0.05), (8, 0.0125), (10, 0.05), (10, 0.05 / 7), (14, 0.001)])
@pytest.mark.parametrize("effect", [0.5, 1.0, 2.0])
def test_few_seeds_have_the_power_of_the_sign_flip_test(n, level, effect):
    """Simulated anew, 4,000 samples: standard error 0.8 %."""
    differences = np.random.default_rng(21).normal(effect, 1, (4000, n))
    half = stats.t.isf(0.025, n - 1) * differences.std(axis=1, ddof=1) / math.sqrt(n)
    found = (sign_flips(differences) <= level) & (np.abs(differences.mean(axis=1)) > half)
    assert power(effect, 1.0, n, level) == pytest.approx(found.mean(), abs=0.03)


@pytest.mark.parametrize("family", [1, 4, 20])
@pytest.mark.parametrize("size", [0.6, 1.2])
def test_the_whole_procedure_finds_what_is_promised(family, size):
    """At the seeds that are named for 80 %: sign flips, Holm, interval; 1,000 families with one true effect.

    At least 76 % in every family (80 % less three standard errors): what holds whatever the other rows show is met, or
    exceeded where it is the other rows that are found.
    """
    n = seeds_for(size, 1.0, family, 0.05)
    assert n is not None
    random = np.random.default_rng(22)
    differences = random.normal(0, 1, (1000, family, n))
    differences[:, 0] += size
    p = sign_flips(differences.reshape(-1, n)).reshape(1000, family)
    half = stats.t.isf(0.025, n - 1) * differences[:, 0].std(axis=1, ddof=1) / math.sqrt(n)
    found = np.array([holm(list(one))[0] <= 0.05 for one in p]) & (differences[:, 0].mean(axis=1) > half)
    assert found.mean() >= 0.76
    if n > fewest(family, 0.05):
        # and one seed less is not enough
        assert power(size, 1.0, n - 1, 0.05 / family) < 0.8


def test_below_the_floor_nothing_can_be_found():
    for family in (1, 7, 30):
        needed = seeds_needed(family, 0.05)
        assert fewest(family, 0.05) == needed
        assert np.isnan(detectable(1.0, needed - 1, family, 0.05))
        assert detectable(1.0, needed, family, 0.05) > 0
        assert seeds_for(1000.0, 1.0, family, 0.05) == needed


@pytest.mark.parametrize("n", [9, 14, 40])
def test_what_is_detectable_is_found_with_the_wanted_probability(n):
    for wanted in (0.5, 0.8, 0.95):
        effect = detectable(0.3, n, 7, 0.05, wanted)
        assert power(effect, 0.3, n, 0.05 / 7) == pytest.approx(wanted, abs=0.005)
    assert detectable(0.6, n, 7, 0.05) == pytest.approx(2 * detectable(0.3, n, 7, 0.05))


def test_more_seeds_find_smaller_effects_and_smaller_effects_need_more_seeds():
    sizes = [detectable(1.0, n, 4, 0.05) for n in (8, 10, 14, 15, 30, 100)]
    assert sizes == sorted(sizes, reverse=True)
    counts = [seeds_for(effect, 1.0, 4, 0.05) for effect in (3, 1, 0.5, 0.1)]
    assert counts == sorted(counts)


def test_odd_spreads_and_effects():
    assert power(0.0, 0.0, 10, 0.05) == 0.0
    assert power(1e-9, 0.0, 10, 0.05) == 1.0
    assert detectable(0.0, 10, 4, 0.05) == 0.0
    assert seeds_for(1e-9, 0.0, 4, 0.05) == 8
    assert seeds_for(1e-9, 1.0, 4, 0.05) is None
    assert power(-1.0, 1.0, 20, 0.05) == power(1.0, 1.0, 20, 0.05)
    for n in (2, 5, 14, 15, 1000, 100_000):
        for effect in (1e-6, 1.0, 1e6):
            assert 0 <= power(effect, 1.0, n, 0.001) <= 1 + 1e-9


def test_splits_of_one_data_set_never_find_what_is_too_small():
    # more seeds do not make more data: the variance has a part that stays
    assert seeds_for(0.1, 1.0, 1, 0.05, split_correlation=0.25) is None
    assert seeds_for(0.1, 1.0, 1, 0.05) is not None
    assert fewest(7, 0.05, split_correlation=0.25) == 2
    assert detectable(1.0, 10, 1, 0.05, split_correlation=0.25) > 1.5 * detectable(1.0, 10, 1, 0.05)


@pytest.fixture
def study(params_file) -> Study:
    return params.load(path=params_file()).studies["activation"]


def results(study: Study, spread: float, seeds: int = 10) -> pd.DataFrame:
    random = np.random.default_rng(23)
    rows = [
        {
            "variant": variant.id,
            "seed_root": 0,
            "seed_index": index,
            "fold": 0,
            "status": "finished",
            "test_accuracy": 0.5 + spread * random.standard_normal(),
            "test_loss": math.exp(spread * random.standard_normal()),
        }
        for variant in study.variants
        for index in range(seeds)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("metric", "effect"), [("test_accuracy", 0.02), ("test_loss", 1.02)])
def test_a_study_s_spread_is_that_of_its_pairs(study, metric, effect):
    runs = results(study, 0.01)
    table = analysis.of_study(study, runs, metric, 0.05, seeds=20, effect=effect)
    assert len(table) == 2  # without the baselines
    for row in table.itertuples():
        values = {key: group[metric].to_numpy() for key, group in runs.groupby("variant")}
        ours, theirs = values[row.variant], values[study.variant(row.variant).baseline]
        differences = np.log(ours / theirs) if metric == "test_loss" else ours - theirs
        assert (row.n, row.sd) == (10, pytest.approx(differences.std(ddof=1)))
        smallest = detectable(row.sd, 20, 2, 0.05)
        assert row.detectable == pytest.approx(math.exp(smallest) if metric == "test_loss" else smallest)
        size = math.log(effect) if metric == "test_loss" else effect
        assert row.seeds == seeds_for(size, row.sd, 2, 0.05)


def test_a_spread_that_is_given_needs_no_runs(study):
    table = analysis.of_study(study, None, "test_accuracy", 0.05, seeds=10, effect=0.01, sd=0.01)
    assert table["sd"].tolist() == [0.01, 0.01]
    assert table["n"].tolist() == [0, 0]
    assert (table["detectable"] == detectable(0.01, 10, 2, 0.05)).all()


def test_runs_that_diverged_have_no_spread(study):
    runs = results(study, 0.01)
    variant = next(variant for variant in study.variants if variant.id != variant.baseline)
    gone = (runs["variant"] == variant.id) & (runs["seed_index"] == 0)
    runs.loc[gone, ["status", "test_accuracy"]] = ["diverged", np.nan]
    table = analysis.of_study(study, runs, "test_accuracy", 0.05, effect=0.01).set_index("variant")
    assert np.isnan(table.loc[variant.id, ["sd", "detectable"]].astype(float)).all()
    assert table.loc[variant.id, "seeds"] == 0
    assert table.drop(index=variant.id)["sd"].notna().all()
    # as many seeds as there are runs, where none are given
    assert table["n"].tolist() == [10, 10]
