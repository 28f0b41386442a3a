import pandas as pd
from samples import SMALL, laid_over

from pipeline.analysis.comparison import EFFECTS
from pipeline.project.schema import File, Judging, StudyConfig
from pipeline.project.variants import expand
from pipeline.report.answers import answer

NAN = float("nan")
JUDGING = Judging(margins={"test_loss": 1.05, "test_accuracy": 0.005})
DATASETS = File.model_validate(SMALL).datasets


def study(name="weight_decay", **changes):
    written = StudyConfig.model_validate(laid_over(SMALL["studies"][name], changes))
    return expand(name, written, SMALL, DATASETS, "params.yaml")


def answered(study, rows, detectable=NAN) -> str:
    """The answer for (verdict, effect, low, high, note) of each variant in `rows`, the last ones optional."""
    table = []
    for variant in study.variants:
        cells = dict.fromkeys(EFFECTS, NAN) | {"variant": variant.id, "label": variant.label, "block": variant.block}
        given = rows.get(variant.id, ("",))
        cells |= dict(zip(["verdict", "effect", "effect_low", "effect_high", "note"], given, strict=False))
        cells |= {"is_baseline": variant.id == variant.baseline, "n": 10, "identical": cells["note"] == "identical"}
        table.append(cells)
    powers = pd.Series(detectable, index=[variant.id for variant in study.variants])
    return answer(study, pd.DataFrame(table, columns=EFFECTS), powers, JUDGING)


def answered_of(study, detectable=NAN, **decays) -> str:
    """The answer of a study of weight decay, its rows by the value of the decay."""
    return answered(
        study, {f"weight_decay_{name.removeprefix('by_')}": row for name, row in decays.items()}, detectable
    )


TWO = study()
FOUR = study(**{"grid.optimizer.weight_decay": [0, 1, 3, 10]})
LOST = ("worse", NAN, NAN, NAN, "diverged: 9 of 10 against 0 of 10")


def test_the_largest_effect_comes_first_as_a_factor_or_in_percent():
    better = {"by_1": ("better", 0.9, 0.8, 0.95), "by_3": ("better", 0.01, 0.005, 0.02)}
    assert answered_of(FOUR, **better, by_10=("worse", 3.0, 2.0, 4.0)) == (
        "Weight decay 3 lowers the test loss by a factor of 100 against weight decay 0 "
        "(95 % interval [50.0, 200], n = 10, better); also better: 1; worse: 10."
    )
    assert answered_of(TWO, by_3=("better", 0.9, 0.8, 0.95)) == (
        "Weight decay 3 lowers the test loss by 10.0 % against weight decay 0 "
        "(95 % interval [5.00, 20.0], n = 10, better)."
    )


def test_if_nothing_is_better_the_worst_is_named():
    worse = {"by_3": ("worse", 1.5, 1.25, 1.75), "by_10": ("worse", 3.0, 2.5, 4.0)}
    assert answered_of(FOUR, by_1=("undecided", 0.9, 0.5, 1.5), **worse) == (
        "Nothing is better than weight decay 0; weight decay 10 raises the test loss by a factor of 3.00 against "
        "weight decay 0 (95 % interval [2.50, 4.00], n = 10, worse); also worse: 3; undecided: 1."
    )


def test_a_measured_effect_comes_before_one_that_is_judged_by_divergence_alone():
    assert answered_of(FOUR, by_1=("worse", 1.5, 1.2, 1.8), by_3=("equivalent",), by_10=LOST) == (
        "Nothing is better than weight decay 0; weight decay 1 raises the test loss by 50.0 % against weight "
        "decay 0 (95 % interval [20.0, 80.0], n = 10, worse); also worse: 10; equivalent: 3."
    )
    assert answered_of(TWO, by_3=LOST) == (
        f"Nothing is better than weight decay 0; weight decay 3 is worse than weight decay 0 ({LOST[-1]})."
    )


def test_undecided_says_which_effect_the_seeds_would_find():
    rows = {"by_1": ("undecided",), "by_3": ("undecided",), "by_10": ("equivalent",)}
    sentence = "Nothing is better or worse than weight decay 0 in test loss; equivalent: 10; undecided: 1, 3"
    assert answered_of(FOUR, **rows) == f"{sentence}."
    assert answered_of(FOUR, detectable=1.25, **rows) == (
        f"{sentence} (n = 10, which finds an effect of 25.0 % in 80 % of cases)."
    )


def test_equivalent_names_the_margin_and_identical_says_so():
    assert answered_of(TWO, by_3=("equivalent", 1.0, 0.99, 1.01)) == (
        "Every variant is equivalent to weight decay 0 in test loss, within the margin of 5.00 % (n = 10)."
    )
    assert answered_of(TWO, by_3=("equivalent", 1.0, 1.0, 1.0, "identical")) == (
        "Every variant has the same test loss as weight decay 0, seed by seed (n = 10)."
    )


def test_named_variants_keep_their_names_and_a_single_one_is_not_compared():
    named = study(grid=..., variants={"plain": None, "wild_one": {"loss": "squared_error"}}, baseline="plain")
    assert answered(named, {"wild_one": ("not comparable",)}) == (
        "Nothing is better or worse than plain in test loss; not comparable: wild_one."
    )
    alone = study(grid=..., variants={"plain": None}, baseline="plain")
    assert answered(alone, {}) == "There is one variant: nothing is compared."


def rates(verdict, effects):
    """Rows of the study of activations: by learning rate, the effect of relu with an interval of 0.005 around it."""
    return {
        f"activation_relu_learning_rate_0p{rate}": (verdict, effect, effect - 0.005, effect + 0.005)
        for rate, effect in effects.items()
    }


def test_each_of_a_few_blocks_has_its_sentence_and_accuracies_are_in_points():
    assert answered(study("activation"), rates("better", {1: 0.0123}) | rates("undecided", {5: 0.001})) == (
        "With learning rate 0.1, relu raises the test accuracy by 1.23 points against sigmoid "
        "(95 % interval [0.73, 1.73], n = 10, better). "
        "With learning rate 0.5, nothing is better or worse than sigmoid in test accuracy; undecided: relu."
    )


def test_many_blocks_share_a_sentence_and_so_do_blocks_that_decide_nothing():
    many = study("activation", **{"grid.optimizer.learning_rate": [0.1, 0.2, 0.3, 0.4]})
    assert answered(many, rates("worse", {1: -0.01, 2: -0.02, 3: -0.03, 4: -0.04})) == (
        "Nothing is better than the baseline; with learning rate 0.4, relu lowers the test accuracy by 4.00 points "
        "against the baseline (95 % interval [3.50, 4.50], n = 10, worse); also worse: 3 variants."
    )
    assert answered(study("activation"), rates("undecided", {1: 0.0, 5: 0.0})) == (
        "Nothing is better or worse than the baseline in test accuracy; undecided: 2 variants."
    )
