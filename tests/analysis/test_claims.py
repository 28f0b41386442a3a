"""Claims are decided by the verdict of their study, or together as a family of their own."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from revisions_of import results
from scipy import stats

from pipeline.analysis import claims
from pipeline.analysis.comparison import effects
from pipeline.analysis.judging import DECIDED
from pipeline.analysis.significance import sign_flips
from pipeline.analysis.statistics import estimate_mean, paired_effect
from pipeline.measurements.base import MeasurementClaimConfig
from pipeline.project import params
from pipeline.project.claims import Claim
from pipeline.project.metrics import METRICS
from pipeline.project.params import Params

DECAY = "studies.weight_decay"
DECAYS = [f"weight_decay_{value}" for value in (0, 1, 3, 5)]
NOISE = 0.01 * np.array([1, -2, 3, -1, 2, -3, 1, -1, 2, -2.0])


def written(variant=DECAYS[2], expect="lower", **keys) -> dict:
    return {"claim": "?", "variant": variant, "expect": expect, **keys}


def trending(*variants, expect="higher", **keys) -> dict:
    return {"claim": "?", "trend": list(variants or DECAYS), "expect": expect, **keys}


@pytest.fixture
def project(params_file):
    """Load the small project with four weight decays, and claims about them."""

    def load(claims: Mapping[str, dict], metric: str = "test_loss", **changes) -> Params:
        grid = {f"{DECAY}.grid.optimizer.weight_decay": [0, 1, 3, 5]}
        return params.load(params_file({**grid, f"{DECAY}.metric": metric, f"{DECAY}.claims": claims, **changes}))

    return load


def runs_of(**metrics: Sequence[np.ndarray]) -> pd.DataFrame:
    """Return one row per run of the four weight decays; each metric has four samples."""
    tables = [results(dict(zip(DECAYS, samples, strict=True)), name) for name, samples in metrics.items()]
    return tables[0].assign(**{name: table[name] for name, table in zip(metrics, tables, strict=True)})


def judged(project: Params, runs: pd.DataFrame, key: str = "weight_decay") -> pd.DataFrame:
    """Return the rows of the claims about a study, by id."""
    study = project.studies[key]
    verdicts = {key: effects(study, runs, study.metric, project.judging_of(study))}
    table = claims.judge(project, {key: runs}, {}, verdicts)
    assert list(table.columns) == claims.COLUMNS
    assert list(table["id"]) == list(project.claims)
    return table.set_index("id")


def p_of_signs(differences) -> float:
    """The share of all signs whose mean is at least as far from 0."""
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    return float(np.mean(np.array(sums) >= abs(np.sum(differences)) - 1e-12))


def step_down(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p, from its definition: the largest of (m - j + 1) p_(j) up to a rank."""
    ranked = sorted(p)
    scaled = [(len(p) - rank) * value for rank, value in enumerate(ranked)]
    return [min(1.0, max(scaled[: ranked.index(value) + 1])) for value in p]


# --- claims that the study judges ------------------------------------------------------------------------------------

BASE = np.exp(NOISE[::-1])
OUTCOMES = {
    # samples of a variant against BASE: the verdict of a loss, of a metric without a better direction, the direction
    "smaller": (0.5 * np.exp(NOISE), "better", "lower", "lower"),
    "larger": (2.0 * np.exp(NOISE), "worse", "higher", "higher"),
    "within the margin": (1.001 * BASE * np.exp(NOISE / 100), "equivalent", "equivalent", "equal"),
    "identical": (BASE, "equivalent", "equivalent", "equal"),
    "noise": (BASE * np.exp(20 * NOISE), "undecided", "undecided", ""),
    "mostly diverged": (np.where(np.arange(10) < 8, np.nan, BASE), "worse", "not comparable", "higher"),
    "some diverged": (np.where(np.arange(10) < 2, np.nan, BASE), "not comparable", "not comparable", ""),
    "zeros": (np.where(np.arange(10) < 2, 0.0, BASE), "not comparable", "not comparable", ""),
}
OPPOSITE = {"lower": "higher", "higher": "lower", "equal": "equal", "": ""}


@pytest.mark.parametrize("metric", ["test_loss", "weight_norm"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_claim_about_a_judged_pair_is_the_verdict_in_both_directions(outcome, metric, project):
    sample, of_a_loss, of_others, direction = OUTCOMES[outcome]
    verdict = of_a_loss if metric == "test_loss" else of_others
    direction = "" if verdict == "not comparable" else direction
    pairs = {"pair": (DECAYS[2], DECAYS[0]), "reverse": (DECAYS[0], DECAYS[2])}
    declared = {
        f"{pair}_{expect}": written(variant, expect, against=against)
        for pair, (variant, against) in pairs.items()
        for expect in ("lower", "higher", "equal")
    }
    loaded = project(declared, metric, **{"judging.margins": {metric: 1.05}})
    runs = runs_of(**{metric: [BASE, 3 * BASE, sample, 3 * BASE * np.exp(NOISE)]})
    table = judged(loaded, runs)
    test = effects(loaded.studies["weight_decay"], runs, metric, loaded.judging).set_index("variant").loc[DECAYS[2]]
    assert test["verdict"] == verdict
    for id, row in table.iterrows():
        pair, expect = id.split("_")
        reversed_pair = pair == "reverse"
        true = OPPOSITE[direction] if reversed_pair else direction
        assert row["verdict"] == ("holds" if expect == true else "fails" if true else "undecided"), id
        assert (row["rule"], row["family"], row["n"], row["scale"]) == ("verdict", 3 - (outcome == "zeros"), 10, "log")
        numbers = test[["effect", "effect_low", "effect_high"]].to_numpy(float)
        numbers = (1 / numbers)[[0, 2, 1]] if reversed_pair else numbers
        assert row[["effect", "low", "high"]].to_list() == pytest.approx(numbers.tolist(), nan_ok=True)
        assert row["p"] == pytest.approx(test["p_adjusted"], nan_ok=True)
        assert row["margin"] == (pytest.approx(1.05) if expect == "equal" else pytest.approx(np.nan, nan_ok=True))
        assert row["where"] == ("0 against 3" if reversed_pair else "3 against 0")
        # the verdict of the other variant is named with it
        said = "" if verdict == "undecided" else f"{'3: ' if reversed_pair else ''}{verdict}"
        assert row["note"].startswith(said)


def test_a_difference_is_reversed_by_its_sign_and_the_margin_of_the_study_decides(project):
    declared = {"reverse": written(DECAYS[0], "equal", against=DECAYS[2]), "lower": written(expect="lower")}
    runs = runs_of(loss_gap=[NOISE, NOISE + 1, NOISE - 0.02 + NOISE[::-1] / 100, NOISE + 1])
    for margin, verdict in ((0.05, "holds"), (0.001, "fails")):
        row = judged(project(declared, "loss_gap", **{f"{DECAY}.margin": margin}), runs).loc["reverse"]
        expected = paired_effect(runs["loss_gap"][:10].to_numpy(), runs["loss_gap"][20:30].to_numpy(), "linear")
        assert (row["n"], row["effect"], row["low"], row["high"]) == pytest.approx(expected)
        assert (row["margin"], row["verdict"]) == (margin, verdict)


def test_without_a_margin_only_identical_runs_are_the_same(project):
    loaded = project({"same": written(expect="equal")}, **{"judging.margins": {}})
    close = BASE * np.exp(NOISE / 1e6)
    for sample, verdict in ((BASE, "holds"), (close, "undecided")):
        row = judged(loaded, runs_of(test_loss=[BASE, BASE, sample, BASE])).loc["same"]
        assert row["verdict"] == verdict
        assert np.isnan(row["margin"])


# --- other claims: one family ----------------------------------------------------------------------------------------


def test_other_claims_are_adjusted_together_without_those_that_the_study_judges(project):
    """Every p is computed by other means, and adjusted from Holm's definition."""
    random = np.random.default_rng(1)
    norms = [np.exp(random.normal(mean, 0.1, 10)) for mean in (0.0, 0.11, 0.1, 1.0)]
    gaps = [random.normal(mean, 0.1, 10) for mean in (0.0, 0.0, 0.12, 0.02)]
    losses = [np.exp(random.normal(mean, 0.1, 10)) for mean in (0.0, 0.0, 1.0, 2.0)]
    declared = {
        "judged": written(expect="higher"),
        "pair": written(DECAYS[1], "higher", metric="weight_norm", against=DECAYS[0]),
        "other_pair": written(DECAYS[3], "higher", metric="weight_norm", against=DECAYS[2]),
        "not_judged_pair": written(DECAYS[3], "lower", against=DECAYS[2]),
        "number": written(DECAYS[2], "higher", metric="loss_gap", against=0.0),
        "ratio": written(DECAYS[3], "lower", metric="weight_norm", against=2.0),
        "same": written(DECAYS[3], "equal", metric="loss_gap", against=DECAYS[1], margin=0.3),
        "same_ratio": written(DECAYS[1], "equal", metric="weight_norm", against=DECAYS[0], margin=1.05),
        "trend": trending(metric="weight_norm"),
    }
    table = judged(project(declared), runs_of(weight_norm=norms, loss_gap=gaps, test_loss=losses))
    logs, log_losses = np.log(norms), np.log(losses)
    differences = {
        "pair": logs[1] - logs[0],
        "other_pair": logs[3] - logs[2],
        "not_judged_pair": log_losses[3] - log_losses[2],
        "number": gaps[2],
        "ratio": logs[3] - np.log(2.0),
        "same": gaps[3] - gaps[1],
        "same_ratio": logs[1] - logs[0],
    }
    p = {id: p_of_signs(values) for id, values in differences.items() if not id.startswith("same")}
    # the smallest level at which the interval no longer reaches the nearest bound of the margin
    for id, margin in (("same", 0.3), ("same_ratio", np.log(1.05))):
        bound = min((-margin, margin), key=lambda bound, id=id: abs(bound - differences[id].mean()))
        p[id] = stats.ttest_1samp(differences[id], bound).pvalue
    rhos = [stats.spearmanr(range(4), values).statistic for values in zip(*norms, strict=True)]
    p["trend"] = p_of_signs(rhos)
    p["no contrary step"] = 1.0
    adjusted = dict(zip(p, step_down(list(p.values())), strict=True))
    for id, row in table.drop(index="judged").iterrows():
        assert (row["rule"], row["family"], row["n"]) == ("family", 9, 10)
        assert row["p"] == pytest.approx(adjusted[id]), id
        if id == "trend":
            continue
        interval = stats.ttest_1samp(differences[id], 0).confidence_interval(0.95)
        numbers = np.array([differences[id].mean(), *interval])
        numbers = np.exp(numbers) if row["scale"] == "log" else numbers
        assert row[["effect", "low", "high"]].to_list() == pytest.approx(numbers.tolist()), id
    # an interval on the expected side is not enough: unadjusted, the claim would hold
    assert p["pair"] <= 0.05 < adjusted["pair"]
    assert table.loc["pair", "low"] > 1
    assert table["verdict"].to_dict() == {
        "judged": "holds",
        "pair": "undecided",
        "other_pair": "holds",
        "not_judged_pair": "fails",
        "number": "holds",
        "ratio": "undecided" if adjusted["ratio"] > 0.05 else "fails",
        "same": "holds",
        "same_ratio": "undecided",
        "trend": "holds",
    }
    assert table.loc["judged", "rule"] == "verdict"


@pytest.mark.parametrize(("metric", "scale"), [("weight_norm", "log"), ("loss_gap", "linear")])
def test_a_single_claim_is_a_family_of_one(metric, scale, project):
    random = np.random.default_rng(0)
    samples = random.uniform(1, 2, (4, 10))
    row = judged(project({"c": written(metric=metric)}), runs_of(**{metric: samples, "test_loss": samples})).loc["c"]
    expected = paired_effect(samples[2], samples[0], scale)
    assert (row["n"], row["effect"], row["low"], row["high"]) == pytest.approx(expected)
    values = np.log(samples) if scale == "log" else samples
    assert (row["family"], row["p"]) == (1, pytest.approx(p_of_signs(values[2] - values[0])))
    assert (row["where"], row["scale"], row["verdict"]) == ("3 against 0", scale, "undecided")
    number = project({"c": written(metric=metric, expect="higher", against=0.25)})
    row = judged(number, runs_of(**{metric: samples, "test_loss": samples})).loc["c"]
    expected = estimate_mean(samples[2] / 0.25 if scale == "log" else samples[2] - 0.25, scale)
    assert (row["n"], row["effect"], row["low"], row["high"]) == pytest.approx(expected)
    measured = expected.estimate * 0.25 if scale == "log" else expected.estimate + 0.25
    assert (row["where"], row["p"], row["verdict"]) == (f"3 ({measured:.3g}) against 0.25", 2 / 2**10, "holds")


def test_splits_of_one_data_set_have_the_corrected_t_test(project):
    gaps = np.random.default_rng(2).normal(0.1, 0.1, (4, 10))
    loaded = project({"c": written(metric="loss_gap", against=0.0), "t": trending(metric="loss_gap")})
    study = loaded.studies["weight_decay"]
    split = dict.fromkeys(study.split_correlations, 0.25)
    loaded = dataclasses.replace(
        loaded, studies={**loaded.studies, study.id: dataclasses.replace(study, split_correlations=split)}
    )
    table = judged(loaded, runs_of(loss_gap=gaps, test_loss=gaps + 1))
    error = gaps[2].std(ddof=1) * np.sqrt(1 / 10 + 0.25)
    p = 2 * stats.t.sf(abs(gaps[2].mean()) / error, 9)
    rhos = np.array([stats.spearmanr(range(4), values).statistic for values in gaps.T])
    p_trend = 2 * stats.t.sf(abs(rhos.mean()) / (rhos.std(ddof=1) * np.sqrt(1 / 10 + 0.25)), 9)
    assert table["p"].to_list() == pytest.approx(step_down([p, p_trend, 1.0])[:2])
    assert table.loc["c", "high"] - table.loc["c", "effect"] == pytest.approx(stats.t.isf(0.025, 9) * error)


def test_an_interval_against_a_number_stays_in_the_range_of_the_metric(params_file):
    ids = [variant.id for variant in params.load(params_file()).studies["activation"].variants]
    declared = {
        "high": written(ids[0], "higher", against=0.5),
        "low": written(ids[1], "lower", against=0.9, metric="test_accuracy"),
        "gap": written(ids[1], "lower", against=0.0, metric="loss_gap"),
    }
    project = params.load(params_file({"studies.activation.claims": declared}))
    accuracies = [np.array([1.0, 1.0, 1.0, 0.7]), np.array([0.0, 0.0, 0.0, 0.4]), *[np.full(4, 0.5)] * 2]
    runs = results(dict(zip(ids, accuracies, strict=True))).assign(loss_gap=lambda table: table["test_accuracy"])
    table = judged(project, runs, "activation")
    assert table.loc["high", "high"] == pytest.approx(0.5)
    assert table.loc["low", "low"] == pytest.approx(-0.9)
    unlimited = stats.ttest_1samp(accuracies[1], 0).confidence_interval(0.95)
    assert table.loc["gap", ["low", "high"]].to_list() == pytest.approx(list(unlimited))


ODD = {
    "diverged": (np.where(np.arange(10) == 3, np.nan, 1.5), "diverged: 1 of "),
    "zero": (np.where(np.arange(10) == 3, 0.0, 1.5), "a value of 0 has no logarithm"),
    "infinite": (np.where(np.arange(10) == 3, np.inf, 1.5), "not measured for every run"),
}


@pytest.mark.parametrize("odd", ODD)
def test_undefined_values_decide_no_claim_and_belong_to_no_family(odd, project):
    sample, note = ODD[odd]
    declared = {
        "pair": written(DECAYS[1], "higher", metric="weight_norm"),
        "number": written(DECAYS[1], "higher", metric="weight_norm", against=1e-3),
        "trend": trending(metric="weight_norm"),
        "defined": written(DECAYS[3], "higher", metric="weight_norm"),
    }
    runs = runs_of(weight_norm=[BASE, sample, 4 * BASE, 9 * BASE], test_loss=[BASE] * 4)
    if odd == "infinite":
        runs["status"] = "finished"
    table = judged(project(declared), runs)
    rows = table.drop(index="defined")
    assert (rows["verdict"] == "undecided").all()
    assert rows[["effect", "low", "high", "p"]].isna().all(axis=None)
    assert rows["note"].str.startswith(note).all()
    assert table.loc["defined", ["family", "p", "verdict"]].to_list() == [1, 2 / 2**10, "holds"]


def test_a_single_seed_decides_nothing(project):
    declared = {
        "judged": written(expect="higher"),
        "pair": written(expect="higher", metric="weight_norm"),
        "number": written(expect="higher", metric="weight_norm", against=1.0),
        "same": written(expect="equal", metric="weight_norm", against=9.0, margin=1.5),
        "trend": trending(metric="weight_norm"),
    }
    ones = [np.array([value]) for value in (1.0, 2.0, 9.0, 20.0)]
    table = judged(project(declared), runs_of(weight_norm=ones, test_loss=ones))
    assert (table["verdict"] == "undecided").all()
    assert (table["n"] == 1).all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_values_without_spread_are_decided_by_the_number_of_seeds(project):
    declared = {
        "higher": written(expect="higher", metric="loss_gap", against=0.0),
        "zero": written(DECAYS[1], "higher", metric="loss_gap", against=0.0),
        "same": written(DECAYS[1], "equal", metric="loss_gap", against=0.0, margin=1e-9),
        "other": written(DECAYS[3], "equal", metric="loss_gap", against=0.0, margin=0.25),
        "bound": written(expect="equal", metric="loss_gap", against=0.0, margin=0.5),
    }
    for n, verdict in ((10, "holds"), (5, "undecided")):
        runs = runs_of(
            loss_gap=[np.full(n, value) for value in (0.1, 0.0, 0.5, 0.3)], test_loss=[np.linspace(1, 2, n)] * 4
        )
        table = judged(project(declared), runs)
        # zero effect is not higher, whatever the number of seeds
        assert table["verdict"].to_list() == [verdict, "fails", "holds", "fails", "holds"]


def test_a_claim_names_the_block_of_its_variants(params_file):
    variants = ("activation_relu_learning_rate_0p5", "activation_sigmoid_learning_rate_0p5")
    declared = {"c": written(variants[0], "higher", against=variants[1])}
    project = params.load(path=params_file({"studies.activation.claims": declared}))
    ids = [variant.id for variant in project.studies["activation"].variants]
    row = judged(project, results({id: np.full(5, 0.5) for id in ids}), "activation").loc["c"]
    assert row["where"] == "learning rate 0.5, relu against learning rate 0.5, sigmoid"
    assert (row["source"], row["note"]) == ("activation", "equivalent; identical")
    assert row["verdict"] == "fails"  # zero effect is not higher


# --- trends ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ties", [False, True])
def test_a_trend_is_spearman_s_correlation_with_the_order_and_points_as_page_s_test_does(seed, ties):
    random = np.random.default_rng(seed)
    samples = random.normal(size=(6, 9)) + random.choice([-0.4, 0.0, 0.4]) * np.arange(6)[:, None]
    samples = np.round(samples) if ties else samples
    correlations = claims.trend(list(samples))
    expected = [stats.spearmanr(range(6), values).statistic if np.ptp(values) else 0.0 for values in samples.T]
    assert correlations.tolist() == pytest.approx(expected)
    if not ties:
        # L is the mean correlation on another scale
        n, k = 9, 6
        page = stats.page_trend_test(samples.T).statistic
        mean = n * k * (k + 1) ** 2 / 4
        assert page - mean == pytest.approx(correlations.sum() * k * (k**2 - 1) / 12)
        rises = stats.page_trend_test(samples.T).pvalue < stats.page_trend_test(samples[::-1].T).pvalue
        assert (correlations.mean() > 0) == rises
    assert claims.trend(list(samples[::-1])).tolist() == pytest.approx([-value for value in correlations])


def test_values_that_are_all_equal_have_no_trend():
    assert claims.trend([np.ones(3)] * 4).tolist() == [0.0, 0.0, 0.0]


def sums(*steps: float) -> list[np.ndarray]:
    """Return samples whose means rise by these steps."""
    means = np.cumsum([0.0, *steps])
    return [mean + np.roll(NOISE, shift) for shift, mean in enumerate(means)]


@pytest.mark.parametrize(
    ("steps", "verdict", "note"),
    [
        ((0.1, 0.1, 0.1), "holds", ""),
        ((-0.1, -0.1, -0.1), "fails", "from 0 to 1 it falls {}, p = 0.0059"),
        # a flat end is no contrary step
        ((0.1, 0.1, 0.0), "holds", ""),
        ((0.1, 0.1, -0.001), "holds", "not significant: from 3 to 5 it falls {small}"),
        # the correlation is high, but the last variant falls back in every seed
        ((0.2, 0.2, -0.1), "fails", "from 3 to 5 it falls {}, p = 0.0059"),
        # extremes rise, the steps between do not
        ((-0.1, 0.3, -0.1), "fails", "from 0 to 1 it falls {}, p = 0.0059"),
        ((0.0, 0.0, 0.0), "undecided", ""),
    ],
)
@pytest.mark.parametrize("metric", ["loss_gap", "weight_norm"])
def test_a_trend_fails_if_a_step_between_neighbours_goes_the_other_way(steps, verdict, note, metric, project):
    samples = sums(*steps) if metric == "loss_gap" else [np.exp(sample) for sample in sums(*steps)]
    declared = {"up": trending(metric=metric), "down": trending(*reversed(DECAYS), expect="lower", metric=metric)}
    for id, claim in declared.items():
        row = judged(project({id: claim}), runs_of(**{metric: samples, "test_loss": [BASE] * 4})).loc[id]
        assert (row["verdict"], row["family"], row["scale"], row["n"]) == (verdict, 2, "rank", 10), id
        if id == "up":
            big, small = ("by 0.1", "by 0.001") if metric == "loss_gap" else ("(× 0.905)", "(× 0.999)")
            assert row["note"] == note.format(big, small=small)
        rhos = np.array([stats.spearmanr(range(4), values).statistic for values in zip(*samples, strict=True)])
        rhos = rhos if id == "up" else -rhos
        assert row["effect"] == pytest.approx(rhos.mean(), abs=1e-12)
        assert -1 <= row["low"] <= row["high"] <= 1
        interval = stats.t.interval(0.95, 9, rhos.mean(), max(stats.sem(rhos), 1e-300))
        assert (row["low"], row["high"]) == pytest.approx(tuple(np.clip(interval, -1, 1)))
    row = judged(project({"up": trending()}), runs_of(test_loss=[np.exp(sample) for sample in sums(*steps)])).loc["up"]
    # a trend of the metric of the study is no pair that the study judges, but it has a margin
    assert (row["rule"], row["verdict"]) == ("family", verdict if any(steps) else "fails")
    assert row["where"] == "0, 1, 3, 5"


def test_the_interval_of_a_rank_correlation_ends_at_1(project):
    samples = sums(0.5, 0.5, 0.5)
    samples[3][0], samples[0][0] = samples[0][0], samples[3][0]
    row = judged(project({"up": trending(metric="loss_gap")}), runs_of(loss_gap=samples, test_loss=[BASE] * 4)).loc[
        "up"
    ]
    rhos = [1.0] * 9 + [stats.spearmanr(range(4), [3, 1, 2, 0]).statistic]
    interval = stats.ttest_1samp(rhos, 0).confidence_interval(0.95)
    assert interval.high > 1
    assert row[["effect", "low", "high"]].to_list() == pytest.approx([np.mean(rhos), interval.low, 1.0])


def test_a_contrary_step_belongs_to_the_family(project):
    """With 10 seeds a step has p = 2/1024 at best, of three steps 6/1024: among nine tests that is 0.053 at most."""
    samples = sums(0.2, 0.2, -0.1)
    others = {
        f"n{number}": written(DECAYS[number % 4], "higher", metric="loss_gap", against=-1.0 - number)
        for number in range(8)
    }
    table = judged(project({"up": trending(metric="loss_gap")}), runs_of(loss_gap=samples, test_loss=[BASE] * 4))
    assert table.loc["up", "verdict"] == "fails"
    noise = {
        f"m{number}": written(DECAYS[0], "higher", metric="weight_norm", against=1 + 0.001 * number)
        for number in range(8)
    }
    runs = runs_of(loss_gap=samples, test_loss=[BASE] * 4, weight_norm=[BASE] * 4)
    table = judged(project({"up": trending(metric="loss_gap"), **noise}), runs)
    assert table.loc["up", ["family", "verdict"]].to_list() == [10, "holds"]
    # p as small as that of others is not held back by them
    table = judged(project({"up": trending(metric="loss_gap"), **others}), runs)
    assert table.loc["up", ["family", "verdict"]].to_list() == [10, "fails"]


@pytest.mark.parametrize(("n", "simulated"), [(5, 2000), (10, 2000), (30, 1000)])
@pytest.mark.parametrize("ties", [False, True])
def test_a_trend_is_found_by_chance_in_at_most_alpha_of_cases(n, simulated, ties):
    """Six variants without an effect share the randomness of their seed, skewed; binomial bound at 99.9 %."""
    random = np.random.default_rng(31)
    samples = random.exponential(size=(6, simulated * n)) + random.normal(size=simulated * n)
    correlations = claims.trend(list(np.round(samples) if ties else samples)).reshape(simulated, n)
    found = np.mean(sign_flips(correlations) <= 0.05)
    assert found <= stats.binom.ppf(0.999, simulated, 0.05) / simulated
    # a weak trend is found more often
    samples += 0.3 * np.arange(6)[:, None]
    correlations = claims.trend(list(samples)).reshape(simulated, n)
    assert n == 5 or np.mean(sign_flips(correlations) <= 0.05) > 0.3


# --- claims about a measurement --------------------------------------------------------------------------------------

FINDINGS = ["quantity", "label", "share", "n", "estimate", "low", "high", "sd"]


def of_measurement(project: Params, findings: list, *written: dict) -> pd.DataFrame:
    """Return the rows of claims about a made-up measurement."""
    configs = [MeasurementClaimConfig(claim="?", **keys) for keys in written]
    declared = {
        f"c{index}": Claim(config, "product", config.quantity, config.against) for index, config in enumerate(configs)
    }
    made = dataclasses.replace(project, claims=declared)
    return claims.judge(made, {}, {"product": pd.DataFrame(findings, columns=FINDINGS)}, {})


def test_a_claim_about_a_mean_compares_it_with_a_number(params_file):
    sample = np.array([1.4, 1.9, 2.2, 1.8, 2.6, 2.1, 1.7, 2.3, 2.0])
    low, high = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    findings = [["x", "largest entry", False, 9, sample.mean(), low, high, sample.std(ddof=1)]]
    equal = [{"quantity": "x", "expect": "equal", "against": 2.25, "margin": margin} for margin in (1.0, 0.2, 0.24)]
    above = {"quantity": "x", "expect": "higher", "against": 1.0}
    below = {"quantity": "x", "expect": "lower", "against": 1.0}
    table = of_measurement(params.load(params_file()), findings, *equal, above, below)
    p = [stats.ttest_1samp(sample, number).pvalue for number in (2.25 - 1.0, 2.25 - 0.2, 2.25 - 0.24, 1.0, 1.0)]
    assert table["p"].to_list() == pytest.approx(step_down(p))
    assert table["verdict"].to_list() == ["holds", "undecided", "undecided", "holds", "fails"]
    assert (table["family"] == 5).all()
    assert table.loc[0, ["n", "effect", "low", "high"]].to_list() == pytest.approx(
        [9, sample.mean() - 2.25, low - 2.25, high - 2.25]
    )
    assert table.loc[0, "where"] == "largest entry (2) against 2.25"


@pytest.mark.parametrize(
    ("hits", "claim", "tested", "verdict"),
    [
        (30, {"expect": "higher", "against": 0.05}, [0.05], "holds"),
        (30, {"expect": "lower", "against": 0.05}, [0.05], "fails"),
        (5, {"expect": "higher", "against": 0.05}, [0.05], "undecided"),
        (5, {"expect": "equal", "against": 0.05, "margin": 0.2}, [0.25], "holds"),
        # no share lies below 0: the upper bound alone is tested
        (0, {"expect": "equal", "against": 0.05, "margin": 0.1}, [0.15], "holds"),
        (0, {"expect": "equal", "against": 0.02, "margin": 0.03}, [0.05], "holds"),
        (1, {"expect": "equal", "against": 0.02, "margin": 0.03}, [0.05], "undecided"),
        (100, {"expect": "equal", "against": 0.99, "margin": 0.1}, [0.89], "holds"),
        (50, {"expect": "equal", "against": 0.5, "margin": 0.2}, [0.3, 0.7], "holds"),
        (50, {"expect": "equal", "against": 0.1, "margin": 0.1}, [0.2], "fails"),
        (50, {"expect": "equal", "against": 0.5, "margin": 0.9}, [], "holds"),
    ],
)
def test_a_claim_about_a_share_has_the_binomial_test(hits, claim, tested, verdict, params_file):
    low, high = stats.binomtest(hits, 100).proportion_ci(0.95)
    findings = [["x", "detections", True, 100, hits / 100, low, high, 0.5]]
    row = of_measurement(params.load(params_file()), findings, {"quantity": "x", **claim}).loc[0]
    p = max((stats.binomtest(hits, 100, share).pvalue for share in tested), default=0.0)
    assert (row["p"], row["verdict"], row["n"], row["family"]) == (pytest.approx(p), verdict, 100, 1)


def test_what_is_computed_and_not_sampled_has_no_n_and_no_interval(params_file):
    findings = [
        ["x", "largest gradient", False, 0, 0.25, np.nan, np.nan, np.nan],
        ["y", "growth", False, 4, 0.25, 0.2, 0.3, 0.03],
    ]
    written = [
        {"quantity": "x", "against": 0.25, "expect": "equal", "margin": 1e-9},
        {"quantity": "x", "against": 0.24, "expect": "equal", "margin": 0.001},
        {"quantity": "x", "against": 0.24, "expect": "higher"},
        {"quantity": "x", "against": 0.24, "expect": "lower"},
        {"quantity": "x", "against": 0.25, "expect": "higher"},
    ]
    sampled = {"quantity": "y", "against": 0.0, "expect": "higher"}
    table = of_measurement(params.load(params_file()), findings, *written, sampled)
    assert table["verdict"].to_list() == ["holds", "fails", "holds", "fails", "fails", "holds"]
    computed = table[:5]
    assert (computed["n"] == 0).all()
    assert set(computed["rule"]) == {"value"}
    assert computed[["low", "high", "p"]].isna().all(axis=None)
    # they belong to no family
    assert table.loc[5, "family"] == 1
    assert table.loc[5, "p"] == pytest.approx(2 * stats.t.sf(0.25 / (0.03 / 2), 3))


def test_a_claim_about_something_that_is_gone_is_not_measured(project):
    declared = {
        "gone": written("gone", "equal"),
        "trend": trending(*DECAYS, "gone"),
        "there": written(metric="weight_norm"),
    }
    runs = runs_of(weight_norm=[BASE, BASE, 0.5 * BASE, BASE], test_loss=[BASE] * 4)
    table = judged(project(declared), runs)
    assert table["verdict"].to_list() == ["not measured", "not measured", "holds"]
    assert table["family"].to_list() == [0, 0, 1]
    assert table["n"].to_list() == [0, 0, 10]
    assert table.loc["gone", "where"].startswith("variant: found 'gone'")


# --- random studies --------------------------------------------------------------------------------------------------


def made_up(random: np.random.Generator, scale: str, n: int, variants: int) -> list[np.ndarray]:
    """Draw samples: no effect, small and large ones; some alike, heavy-tailed, diverged or without a logarithm."""
    shared = random.normal(0, 0.02, n)
    samples = []
    for _ in range(variants):
        spread = random.choice([0.0, 1e-4, 0.01, 0.05])
        noise = random.standard_t(2, n) if random.random() < 0.3 else random.normal(size=n)
        values = random.choice([0.0, 0.0, 0.002, 0.02, -0.05, 0.3, -0.3]) + shared + spread * noise
        values = np.clip(0.8 + values, 0, 1) if scale == "linear" else np.exp(values)
        if random.random() < 0.15:
            values[random.random(n) < random.choice([0.2, 0.9])] = np.nan
        if random.random() < 0.05:
            values[random.integers(n)] = 0.0
        samples.append(samples[-1] if samples and random.random() < 0.1 else values)
    return samples


@pytest.mark.parametrize("seed", range(40))
def test_in_random_studies_nothing_contradicts_itself(seed, params_file):
    random = np.random.default_rng([7, seed])
    metric = ["test_accuracy", "test_loss", "loss_gap", "weight_norm", "accuracy_gap"][seed % 5]
    scale, n = METRICS[metric].scale, int(random.choice([1, 2, 6, 10, 20]))
    ids = [variant.id for variant in params.load(params_file()).studies["activation"].variants]
    margin = {"linear": 0.01, "log": 1.02}[scale]
    pairs = {f"p{index}": pair for index, pair in enumerate(itertools.permutations(ids, 2))}
    orders = {f"t{index}": order for index, order in enumerate(itertools.permutations(ids, 3))}
    block = {id: id.rpartition("_learning")[2] for id in ids}
    declared = {
        f"{id}_{expect}": written(pair[0], expect, against=pair[1])
        | ({"margin": margin} if expect == "equal" and block[pair[0]] != block[pair[1]] else {})
        for id, pair in pairs.items()
        for expect in ("higher", "lower", "equal")
    }
    declared |= {
        f"{id}_{expect}": trending(*order, expect=expect)
        for id, order in orders.items()
        for expect in ("higher", "lower")
    }
    project = params.load(
        params_file(
            {
                "judging": {"alpha": float(random.choice([0.01, 0.05, 0.2])), "margins": {}},
                "studies.activation.metric": metric,
                "studies.activation.claims": declared,
            }
            | ({"studies.activation.margin": margin} if random.random() < 0.7 else {})
        )
    )
    study, alpha = project.studies["activation"], project.judging.alpha
    runs = results(dict(zip(ids, made_up(random, scale, n, 4), strict=True)), metric)
    tests = effects(study, runs, metric, project.judging_of(study)).set_index("variant")
    table = claims.judge(project, {study.id: runs}, {}, {study.id: tests.reset_index()}).set_index("id")
    zero = METRICS[metric].zero_effect

    for row in tests.itertuples():
        if row.diverged:
            assert np.isnan([row.low, row.high]).all()
        if row.diverged or row.reference_diverged:
            assert np.isnan([row.effect, row.effect_low, row.effect_high, row.selected_low]).all()
        if METRICS[metric].unit == "fraction" and not metric.endswith("gap"):
            limits = [row.low, row.high, row.reference_low, row.reference_high]
            assert not [limit for limit in limits if limit < 0 or limit > 1]
        if row.verdict in DECIDED and not (row.diverged or row.reference_diverged):
            assert row.p_adjusted <= alpha
            above = row.verdict == "higher" or (row.verdict == "better") == (METRICS[metric].better == "higher")
            above = row.verdict == "higher" if METRICS[metric].better is None else above
            for low, high in ((row.effect_low, row.effect_high), (row.selected_low, row.selected_high)):
                assert low > zero if above else high < zero
            assert row.selected_low <= row.effect_low <= row.effect_high <= row.selected_high
        if row.verdict not in DECIDED:
            assert np.isnan([row.selected_low, row.selected_high]).all()

    for id, (variant, against) in pairs.items():
        rows = {expect: table.loc[f"{id}_{expect}"] for expect in ("higher", "lower", "equal")}
        held = {expect for expect, row in rows.items() if row["verdict"] == "holds"}
        assert len(held - {"equal"}) <= 1
        compared = [key for key in (variant, against) if {study.variant(key).baseline, key} == {variant, against}]
        if not compared:
            for expect, row in rows.items():
                assert row["rule"] == "family"
                if expect in held and row["low"] != row["high"]:
                    assert row["p"] <= alpha
                    side = {"higher": row["low"] > zero, "lower": row["high"] < zero}
                    assert side.get(expect, True)
            continue
        test = tests.loc[compared[0]]
        direction = {"equivalent": "equal", "higher": "higher", "lower": "lower"}.get(test["verdict"], "")
        if test["verdict"] in ("better", "worse"):
            better = METRICS[metric].better
            direction = better if test["verdict"] == "better" else OPPOSITE[better]
        direction = direction if variant == compared[0] else OPPOSITE[direction]
        expected = {expect: "holds" if expect == direction else "fails" for expect in rows} if direction else {}
        assert {expect: row["verdict"] for expect, row in rows.items()} == (
            expected or dict.fromkeys(rows, "undecided")
        )

    for id in orders:
        up, down = (table.loc[f"{id}_{expect}", "verdict"] for expect in ("higher", "lower"))
        assert [up, down].count("holds") <= 1
        assert not (up == "holds" and down == "undecided")
    assert math.isnan(table["p"].max()) or 0 <= table["p"].min() <= table["p"].max() <= 1
