"""Interactions against SciPy's t test of the contrast of every seed, and Holm's procedure on exact sign flips."""

import itertools

import numpy as np
import pandas as pd
import pytest
from revisions_of import results
from scipy import stats

from pipeline.analysis.interactions import INTERACTIONS, interactions
from pipeline.analysis.significance import holm
from pipeline.project import params
from pipeline.project.schema import Judging

DECAY = "studies.weight_decay"
GRID = {"optimizer": {"weight_decay": [0, 3, 5]}, "model": {"bias": [True, False]}, "training": {"epochs": [5, 6]}}
BASELINE = {"optimizer": {"weight_decay": 0}, "model": {"bias": True}, "training": {"epochs": 5}}
RULES = Judging(alpha=0.05)


@pytest.fixture
def study(params_file):
    def load(grid, baseline, **changes):
        written = {f"{DECAY}.grid": grid, f"{DECAY}.baseline": baseline, **changes}
        return params.load(params_file(written)).studies["weight_decay"]

    return load


def variant_of(study, decay=0, bias=True, epochs=5) -> str:
    wanted = {"optimizer.weight_decay": decay, "model.bias": bias, "training.epochs": epochs}
    matching = [
        variant.id
        for variant in study.variants
        if all(wanted[factor] == value for factor, value in variant.factors.items())
    ]
    assert len(matching) == 1
    return matching[0]


def samples(study, n: int = 9, scale: float = 1.0) -> dict[str, np.ndarray]:
    """Draw positive numbers; variants without a bias differ by more if their decay is larger."""
    random = np.random.default_rng(3)
    drawn = {}
    for variant in study.variants:
        decay, bias = variant.factors["optimizer.weight_decay"], variant.factors.get("model.bias", True)
        mean = 0.1 * decay + (0.0 if bias else 0.3 + 0.2 * decay)
        drawn[variant.id] = np.exp(scale * (mean + 0.1 * random.standard_normal(n)))
    return drawn


def p_of_signs(differences) -> float:
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    return float(np.mean(np.abs(signs @ differences) >= abs(np.sum(differences)) - 1e-12))


# the two values of each interaction; every other factor has its reference value
PAIRS = [
    *({"decay": decay, "bias": False} for decay in (3, 5)),
    *({"decay": decay, "epochs": 6} for decay in (3, 5)),
    {"bias": False, "epochs": 6},
]


@pytest.mark.parametrize("metric", ["loss_gap", "test_loss"])
def test_the_interaction_of_two_of_three_factors_is_the_contrast_of_four_variants(metric, study):
    """The reference has the third factor, which the baseline fixes or leaves free, at its first value."""
    tables = []
    for left_out in ((), ("training",), ("model", "training")):
        loaded = study(GRID, {key: value for key, value in BASELINE.items() if key not in left_out})
        values = samples(loaded)
        runs = results(values, metric).sample(frac=1, random_state=1)
        tables.append(interactions(loaded, runs, metric, RULES))
        table = tables[-1].set_index("variant")
        assert list(tables[-1].columns) == INTERACTIONS
        assert sorted(table.index) == sorted(variant_of(loaded, **pair) for pair in PAIRS)
        scaled = {id: np.log(sample) if metric == "test_loss" else sample for id, sample in values.items()}
        p = []
        for pair in PAIRS:
            row = table.loc[variant_of(loaded, **pair)]
            singles = [variant_of(loaded, **{key: value}) for key, value in pair.items()]
            both, first, second, neither = (scaled[id] for id in (row.name, *singles, variant_of(loaded)))
            contrast = both - first - second + neither
            interval = stats.ttest_1samp(contrast, 0).confidence_interval(0.95)
            numbers = np.array([contrast.mean(), *interval])
            numbers = np.exp(numbers) if metric == "test_loss" else numbers
            assert row[["effect", "effect_low", "effect_high"]].to_list() == pytest.approx(numbers.tolist())
            p.append(p_of_signs(contrast))
            assert (row["n"], row["p"]) == (9, pytest.approx(p[-1]))
            # the effect of the one factor beside the other, and alone
            orders = [
                ((both - other).mean(), (one - neither).mean()) for one, other in ((first, second), (second, first))
            ]
            assert any(_linear(row, metric) == pytest.approx(order) for order in orders)
            assert not {"better", "worse"} & {row["verdict"]}
        adjusted = dict(zip(map(str, PAIRS), holm(p), strict=True))
        for pair in PAIRS:
            row = table.loc[variant_of(loaded, **pair)]
            assert row["p_adjusted"] == pytest.approx(adjusted[str(pair)])
            assert row["verdict"] == ("higher" if {"decay", "bias"} == set(pair) else "undecided")
    columns = ["effect", "effect_low", "effect_high", "p_adjusted", "verdict"]
    for table in tables[1:]:
        left, right = (each.sort_values("effect")[columns].reset_index(drop=True) for each in (table, tables[0]))
        pd.testing.assert_frame_equal(left, right)


def _linear(row, metric: str) -> list[float]:
    estimates = [row["estimate"], row["reference_estimate"]]
    return list(np.log(estimates)) if metric == "test_loss" else estimates


def test_the_reference_has_the_values_of_the_baseline(study):
    grid = {"optimizer": {"weight_decay": [0, 3, 5]}, "model": {"bias": [True, False]}}
    loaded = study(grid, {"optimizer": {"weight_decay": 3}, "model": {"bias": False}})
    values = samples(loaded)
    table = interactions(loaded, results(values, "loss_gap"), "loss_gap", RULES).set_index("variant")
    assert list(table.index) == [variant_of(loaded, decay=decay) for decay in (0, 5)]
    for decay in (0, 5):
        both, first, second, neither = (
            values[variant_of(loaded, decay=value, bias=bias)]
            for value, bias in ((decay, True), (decay, False), (3, True), (3, False))
        )
        effect = (both - first - second + neither).mean()
        assert table.loc[variant_of(loaded, decay=decay), "effect"] == pytest.approx(effect)
    assert [("bias true" in term, "decay 0" in term, "decay 5" in term) for term in table["term"]] == [
        (True, True, False),
        (True, False, True),
    ]


@pytest.mark.parametrize(
    ("changes", "verdict", "lowest"),
    [
        # an effect on an accuracy is no accuracy: its interval is not cut at 0
        ((0.0, 0.0, 0.0, -0.3), "lower", -0.31),
        ((0.0, 0.1, 0.2, 0.3), "equivalent", -0.005),
        ((0.0, 0.1, 0.2, 0.4), "higher", 0.09),
    ],
)
def test_verdicts_have_a_direction_and_the_margin_of_the_metric(changes, verdict, lowest, params_file):
    grid = {"model": {"activation": ["sigmoid", "relu"]}, "optimizer": {"learning_rate": [0.1, 0.5]}}
    loaded = params.load(params_file({"studies.activation.grid": grid})).studies["activation"]
    noise = 0.001 * np.array([1, -2, 3, -1, 2, -3, 1, -1, 2, -2.0])
    values = {
        variant.id: 0.5 + change + np.roll(noise, index)
        for index, (variant, change) in enumerate(zip(loaded.variants, changes, strict=True))
    }
    rules = Judging(alpha=0.05, margins={"test_accuracy": 0.005})
    (row,) = interactions(loaded, results(values), "test_accuracy", rules).itertuples()
    assert row.verdict == verdict
    assert row.effect_low > lowest
    assert np.isnan(row.win_rate)
    if verdict == "lower":
        assert row.low < 0
        assert (row.selected_low, row.selected_high) == (row.effect_low, row.effect_high)


def test_an_interaction_with_a_run_that_diverged_is_not_comparable_and_in_no_family(study):
    loaded = study(GRID, BASELINE)
    values = samples(loaded)
    values[variant_of(loaded, decay=3, bias=False)][4] = np.nan
    table = interactions(loaded, results(values, "test_loss"), "test_loss", RULES).set_index("variant")
    row = table.loc[variant_of(loaded, decay=3, bias=False)]
    assert (row["verdict"], row["note"]) == ("not comparable", "diverged: 1 of 9 against 0 of 9")
    assert row[["effect", "effect_low", "effect_high", "low", "high", "p", "p_adjusted"]].isna().all()
    rest = table.drop(index=row.name)
    assert sorted(rest["p_adjusted"]) == pytest.approx(sorted(holm(rest["p"].to_list())))
    assert (rest["verdict"] != "not comparable").all()
    # most runs of a variant diverged: this is no effect of two factors together
    values[row.name][:] = np.nan
    table = interactions(loaded, results(values, "test_loss"), "test_loss", RULES).set_index("variant")
    assert table.loc[row.name, ["verdict", "diverged"]].to_list() == ["not comparable", 9]
    # all interactions of a factor use the variant that has its value alone
    values = samples(loaded)
    values[variant_of(loaded, bias=False)][0] = np.nan
    table = interactions(loaded, results(values, "test_loss"), "test_loss", RULES).set_index("variant")
    of_bias = [variant_of(loaded, **pair) for pair in PAIRS if "bias" in pair]
    assert sorted(table.index[table["verdict"] == "not comparable"]) == sorted(of_bias)


def test_a_loss_of_zero_has_no_ratio_but_a_difference(study):
    loaded = study(GRID, BASELINE)
    for places in ({"decay": 3, "bias": False}, {}):
        values = samples(loaded)
        values[variant_of(loaded, **places)][2] = 0.0
        table = interactions(loaded, results(values, "test_loss"), "test_loss", RULES).set_index("variant")
        row = table.loc[variant_of(loaded, decay=3, bias=False)]
        assert row["verdict"] == "not comparable"
        assert row[["effect", "p"]].isna().all()
        table = interactions(loaded, results(values, "loss_gap"), "loss_gap", RULES)
        assert table["effect"].notna().all()


def test_a_single_seed_and_splits_of_one_data_set(study):
    loaded = study(GRID, BASELINE)
    table = interactions(loaded, results(samples(loaded, n=1), "test_loss"), "test_loss", RULES)
    assert (table["verdict"] == "undecided").all()
    assert table["effect"].notna().all()
    assert table[["effect_low", "effect_high"]].isna().all(axis=None)
    values = samples(loaded)
    loaded.split_correlations["test"] = 0.25
    table = interactions(loaded, results(values, "test_loss"), "test_loss", RULES).set_index("variant")
    row = table.loc[variant_of(loaded, decay=5, bias=False)]
    corners = ((5, False), (5, True), (0, False), (0, True))
    both, first, second, neither = (np.log(values[variant_of(loaded, decay=d, bias=b)]) for d, b in corners)
    contrast = both - first - second + neither
    error = contrast.std(ddof=1) * np.sqrt(1 / 9 + 0.25)
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(contrast.mean()) / error, 8))
    assert np.log(row["effect_high"] / row["effect"]) == pytest.approx(stats.t.isf(0.025, 8) * error)


def test_without_a_product_of_factors_there_is_no_interaction(study):
    plain = study({"optimizer": {"weight_decay": [0, 3]}}, {"optimizer": {"weight_decay": 0}})
    constant = study(
        {"optimizer": {"weight_decay": [0, 3]}, "model": {"bias": [True]}}, {"optimizer": {"weight_decay": 0}}
    )
    variants = {"a": {}, "b": {"model": {"bias": False}}, "c": {"optimizer": {"weight_decay": 3}}}
    variants["d"] = variants["b"] | variants["c"]
    named = study(..., "a", **{f"{DECAY}.variants": variants})
    for loaded in (plain, constant, named):
        runs = results({variant.id: np.linspace(1, 2, 5) for variant in loaded.variants}, "test_loss")
        table = interactions(loaded, runs, "test_loss", RULES)
        assert table.empty
        assert list(table.columns) == INTERACTIONS
