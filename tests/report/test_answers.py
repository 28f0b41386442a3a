from pathlib import Path

import pandas as pd
import pytest
from samples import SMALL, laid_over

from pipeline.analysis.comparison import EFFECTS
from pipeline.project.schema import File, Judging, StudyConfig
from pipeline.project.variants import expand
from pipeline.report.answers import answer

NAN = float("nan")
JUDGING = Judging(margins={"test_loss": 1.05, "test_accuracy": 0.005})


DATASETS = File.model_validate(SMALL).datasets


def study(change=None, name="weight_decay"):
    written = StudyConfig.model_validate(laid_over(SMALL["studies"][name], change or {}))
    return expand(name, written, DATASETS, Path("params.yaml"))


def table(study, **rows) -> pd.DataFrame:
    """Rows of `comparison.effects`: for each variant that is no baseline verdict, effect, low, high and a note."""
    made = []
    for variant in study.variants:
        cells = dict.fromkeys(EFFECTS, NAN) | {"variant": variant.id, "label": variant.label, "block": variant.block}
        cells |= {"is_baseline": variant.id == variant.baseline, "n": 10, "verdict": "", "note": "", "identical": False}
        if variant.id in rows:
            verdict, effect, low, high, note = (*rows[variant.id], *("", NAN, NAN, NAN, "")[len(rows[variant.id]) :])
            cells |= {"verdict": verdict, "effect": effect, "effect_low": low, "effect_high": high, "note": note}
            cells["identical"] = note == "identical"
        made.append(cells)
    return pd.DataFrame(made, columns=EFFECTS)


def said(study, detectable=NAN, judging=JUDGING, **rows) -> str:
    found = pd.Series(detectable, index=[variant.id for variant in study.variants])
    return answer(study, table(study, **rows), found, judging)


FOUR = study({"grid.optimizer.weight_decay": [0, 1, 3, 10]})


def test_the_best_variant_comes_first_with_effect_interval_and_seeds():
    assert said(
        FOUR,
        weight_decay_1=("better", 0.9, 0.8, 0.95),
        weight_decay_3=("better", 0.01, 0.005, 0.02),
        weight_decay_10=("worse", 3.0, 2.0, 4.0),
    ) == (
        "Weight decay 3 lowers the test loss by a factor of 100 against weight decay 0 "
        "(95 % interval [50.0, 200], n = 10, better); also better: 1; worse: 10."
    )


def test_a_small_effect_on_a_loss_is_a_percentage():
    one = study()
    assert said(one, weight_decay_3=("better", 0.9, 0.8, 0.95)) == (
        "Weight decay 3 lowers the test loss by 10.0 % against weight decay 0 "
        "(95 % interval [5.00, 20.0], n = 10, better)."
    )


def test_where_nothing_is_better_the_worst_is_named():
    assert said(
        FOUR,
        weight_decay_1=("undecided", 0.9, 0.5, 1.5),
        weight_decay_3=("worse", 1.5, 1.25, 1.75),
        weight_decay_10=("worse", 3.0, 2.5, 4.0),
    ) == (
        "Nothing is better than weight decay 0; weight decay 10 raises the test loss by a factor of 3.00 against "
        "weight decay 0 (95 % interval [2.50, 4.00], n = 10, worse); also worse: 3; undecided: 1."
    )


def test_what_is_judged_by_divergence_alone_stands_behind_every_measured_effect():
    note = "diverged: 9 of 10 against 0 of 10"
    lost = {"weight_decay_10": ("worse", NAN, NAN, NAN, note)}
    assert said(study({"grid.optimizer.weight_decay": [0, 10]}), **lost) == (
        f"Nothing is better than weight decay 0; weight decay 10 is worse than weight decay 0 ({note})."
    )
    measured = {"weight_decay_1": ("worse", 1.5, 1.2, 1.8), "weight_decay_3": ("undecided", 1.0, 0.5, 2.0)}
    assert "weight decay 1 raises" in said(FOUR, **measured, **lost)


def test_undecided_says_what_so_many_seeds_would_find():
    rows = {
        f"weight_decay_{decay}": ("undecided" if decay < 10 else "equivalent", 1.0, 0.8, 1.2) for decay in (1, 3, 10)
    }
    assert said(FOUR, detectable=1.25, **rows) == (
        "Nothing is better or worse than weight decay 0 in test loss; equivalent: 10; undecided: 1, 3 "
        "(n = 10, which finds an effect of 25.0 % in 80 % of cases)."
    )
    assert said(FOUR, **rows).endswith("equivalent: 10; undecided: 1, 3.")


def test_equivalent_names_the_margin_and_identical_says_so():
    one = study()
    assert said(one, weight_decay_3=("equivalent", 1.0, 0.99, 1.01)) == (
        "Every variant is equivalent to weight decay 0 in test loss, within the margin of 5.00 % (n = 10)."
    )
    assert said(one, weight_decay_3=("equivalent", 1.0, 1.0, 1.0, "identical")) == (
        "Every variant has the same test loss as weight decay 0, seed by seed (n = 10)."
    )


def test_each_of_a_few_blocks_has_its_sentence_and_accuracies_are_in_points():
    blocks = study(name="activation")
    low, high = (f"activation_relu_learning_rate_{rate}" for rate in ("0p1", "0p5"))
    rows = {low: ("better", 0.0123, 0.01, 0.015), high: ("undecided", 0.001, -0.01, 0.012)}
    assert said(blocks, **rows) == (
        "With learning rate 0.1, relu raises the test accuracy by 1.23 points against sigmoid "
        "(95 % interval [1.00, 1.50], n = 10, better). "
        "With learning rate 0.5, nothing is better or worse than sigmoid in test accuracy; undecided: relu."
    )


def test_of_many_blocks_one_sentence_speaks_and_counts():
    rates = {"grid.optimizer.learning_rate": [0.1, 0.2, 0.3, 0.4]}
    blocks = study(rates, name="activation")
    rows = {
        f"activation_relu_learning_rate_0p{place}": ("worse", -0.01 * place, -0.01 * place - 0.005, -0.001)
        for place in (1, 2, 3, 4)
    }
    assert said(blocks, **rows) == (
        "Nothing is better than the baseline; with learning rate 0.4, relu lowers the test accuracy by 4.00 points "
        "against the baseline (95 % interval [0.10, 4.50], n = 10, worse); also worse: 3 variants."
    )


def test_where_no_block_decides_anything_one_sentence_says_it():
    blocks = study(name="activation")
    rows = {f"activation_relu_learning_rate_0p{rate}": ("undecided", 0.0, -0.1, 0.1) for rate in (1, 5)}
    assert said(blocks, **rows) == (
        "Nothing is better or worse than the baseline in test accuracy; undecided: 2 variants."
    )


def test_a_study_of_one_variant_compares_nothing():
    alone = study({"grid": ..., "variants": {"plain": None}, "baseline": "plain"})
    assert said(alone) == "There is one variant: nothing is compared."


@pytest.mark.parametrize("verdict", ["undecided", "not comparable"])
def test_named_variants_keep_their_names(verdict):
    named = study(
        {"grid": ..., "variants": {"plain": None, "wild_one": {"loss": "squared_error"}}, "baseline": "plain"}
    )
    assert said(named, wild_one=(verdict, NAN, NAN, NAN, "")).endswith(f"{verdict}: wild_one.")
