import pandas as pd
import pytest
from samples import SMALL, laid_over

from pipeline.analysis.comparison import EFFECTS
from pipeline.analysis.judging import DECIDED
from pipeline.project.schema import File, Judging, StudyConfig
from pipeline.project.variants import expand
from pipeline.report.answers import answer

NAN = float("nan")
JUDGING = Judging(margins={"test_loss": 1.05, "test_accuracy": 0.005, "loss_gap": 0.02})
DATASETS = File.model_validate(SMALL).datasets


def study(name="weight_decay", **changes):
    written = StudyConfig.model_validate(laid_over(SMALL["studies"][name], changes))
    return expand(name, written, SMALL, DATASETS, "params.yaml")


def answered(study, rows, detectable=NAN, n=10, **tables) -> str:
    """The answer for (verdict, effect, low, high, note) of each variant in `rows`, the last ones optional."""
    table = []
    for variant in study.variants:
        cells = dict.fromkeys(EFFECTS, NAN) | {"variant": variant.id, "label": variant.label, "block": variant.block}
        given = rows.get(variant.id, ("",))
        cells |= dict(zip(["verdict", "effect", "selected_low", "selected_high", "note"], given, strict=False))
        # an answer shows the interval for selected rows, not that of the row by itself
        cells |= {"effect_low": 1e-9, "effect_high": 1e9}
        if cells["verdict"] not in DECIDED:
            cells |= {"selected_low": NAN, "selected_high": NAN}
        cells |= {"note": given[4] if len(given) > 4 else "", "diverged": len(given) > 4 and "diverged" in given[4]}
        cells |= {"is_baseline": variant.id == variant.baseline, "n": n, "identical": cells["note"] == "identical"}
        tested = not cells["is_baseline"] and cells["verdict"] != "not comparable"
        cells |= {"p": 0.5 if tested else NAN, "p_adjusted": 0.01 if cells["verdict"] in DECIDED else 1.0}
        table.append(cells)
    powers = pd.Series(detectable, index=[variant.id for variant in study.variants])
    empty = dict.fromkeys(["interactions", "choices", "costs"], pd.DataFrame())
    return answer(study, pd.DataFrame(table, columns=EFFECTS), powers, JUDGING, examples=360, **{**empty, **tables})


def answered_of(study, detectable=NAN, **decays) -> str:
    """The answer of a study of weight decay, its rows by the value of the decay."""
    return answered(
        study, {f"weight_decay_{name.removeprefix('by_')}": row for name, row in decays.items()}, detectable
    )


def decays(*values, **changes):
    return study(**{"grid.optimizer.weight_decay": list(values)}, **changes)


TWO, FOUR = study(), decays(0, 1, 3, 10)
LOST = ("worse", NAN, NAN, NAN, "diverged: 9 of 10 against 0 of 10")


def test_decided_variants_are_listed_in_the_order_of_the_study_with_the_intervals_of_selected_rows():
    rows = {"by_1": ("better", 0.9, 0.8, 0.95), "by_3": ("better", 0.01, 0.005, 0.02)}
    assert answered_of(FOUR, **rows, by_10=("worse", 3.0, 2.0, 4.0)) == (
        "Better than weight decay 0 in test loss: weight decay 1 (× 0.900 [0.800, 0.950]), "
        "weight decay 3 (× 0.0100 [0.0050, 0.0200]); worse: weight decay 10 (× 3.00 [2.00, 4.00]). "
        "(95 % intervals; n = 10.)"
    )
    # two of three are selected
    assert answered_of(FOUR, **rows, by_10=("undecided",)).endswith(
        "; undecided: weight decay 10. (95 % intervals, adjusted for the selection of 2 of 3; n = 10.)"
    )


def test_of_many_variants_the_number_and_the_largest_effect_are_named():
    many = decays(0, 1, 2, 3, 4, 5, 6)
    better = {f"by_{number}": ("better", effect, 0.5, 0.95) for number, effect in enumerate([0.9, 0.8, 0.7], start=1)}
    better |= {"by_4": ("better", 1 / 3, 0.2, 0.5), "by_5": ("better", 0.6, 0.5, 0.7)}
    assert answered_of(many, **better, by_6=("undecided",)).count("(× ") == 5
    assert answered_of(many, **better, by_6=("better", NAN, NAN, NAN, "diverged: 0 of 10 against 9 of 10")) == (
        "Better than weight decay 0 in test loss: 6 variants, of which weight decay 4 has the largest effect "
        "(× 0.333 [0.200, 0.500]). (95 % intervals; n = 10.)"
    )
    # a ratio and its inverse are effects of one size
    worse = {f"by_{number}": ("worse", 1.0 + number / 10, 1.0, 2.0) for number in range(1, 6)}
    assert "of which weight decay 6 has the largest effect (× 4.00 " in answered_of(
        many, **worse, by_6=("worse", 4.0, 3.0, 5.0)
    )
    assert (
        "worse than weight decay 0 in test loss: 6 variants, whose runs diverged."
        in answered_of(many, **{f"by_{number}": LOST for number in range(1, 7)}).lower()
    )
    assert "; undecided: 6 variants." in answered_of(many, 1.25, **{f"by_{n}": ("undecided",) for n in range(1, 7)})


def test_divergence_is_the_reason_of_a_verdict_without_effect():
    unclear = ("not comparable", NAN, NAN, NAN, "diverged: 2 of 10 against 0 of 10")
    assert answered_of(FOUR, by_1=("worse", 1.5, 1.2, 1.8), by_3=unclear, by_10=LOST) == (
        "Worse than weight decay 0 in test loss: weight decay 1 (× 1.50 [1.20, 1.80]), "
        "weight decay 10 (diverged: 9 of 10 against 0 of 10); "
        "not comparable: weight decay 3 (diverged: 2 of 10 against 0 of 10). (95 % intervals; n = 10.)"
    )
    assert answered_of(TWO, by_3=LOST) == (
        "Worse than weight decay 0 in test loss: weight decay 3 (diverged: 9 of 10 against 0 of 10). (n = 10.)"
    )


def test_undecided_says_which_effect_the_seeds_would_find_in_both_directions():
    rows = {"by_1": ("undecided",), "by_10": ("equivalent",)}
    found = answered_of(FOUR, 1.25, by_3=("better", 0.5, 0.4, 0.6), **rows)
    assert "; equivalent (within × 0.952 to × 1.05): weight decay 10; " in found
    assert "; undecided: weight decay 1 (80 % power from × 0.800 or × 1.25). " in found
    # if nothing is decided, that comes first
    assert answered_of(TWO, 1.25, by_3=("undecided",)) == (
        "Nothing is decided against weight decay 0 in test loss; undecided: weight decay 3 "
        "(80 % power from × 0.800 or × 1.25). (n = 10.)"
    )
    assert answered_of(TWO, by_3=("undecided",)).endswith("; undecided: weight decay 3. (n = 10.)")


def test_equivalent_names_the_margin_and_identical_says_so():
    assert answered_of(TWO, by_3=("equivalent", 1.0, NAN, NAN)) == (
        "Equivalent to weight decay 0 in test loss (within × 0.952 to × 1.05): weight decay 3. (n = 10.)"
    )
    assert answered_of(TWO, by_3=("equivalent", 1.0, NAN, NAN, "identical")) == (
        "Every variant has the same test loss as weight decay 0, seed by seed. (n = 10.)"
    )


def test_named_variants_keep_their_names_and_a_single_one_is_not_compared():
    named = study(grid=..., variants={"plain": None, "wild_one": {"loss": "squared_error"}}, baseline="plain")
    assert answered(named, {"wild_one": ("not comparable",)}) == (
        "Nothing is decided against plain in test loss; not comparable: wild_one. (n = 10.)"
    )
    alone = study(grid=..., variants={"plain": None}, baseline="plain")
    assert answered(alone, {}) == "There is one variant: nothing is compared."


def test_a_study_of_agreement_answers_with_what_is_equivalent():
    rows = {"by_1": ("better", 0.5, 0.4, 0.6), "by_3": ("equivalent",), "by_10": ("worse", 3.0, 2.0, 4.0)}
    agreement = decays(0, 1, 3, 10, asks="agreement")
    assert answered_of(agreement, **rows) == (
        "Equivalent to weight decay 0 in test loss (within × 0.952 to × 1.05): weight decay 3; "
        "better: weight decay 1 (× 0.500 [0.400, 0.600]); worse: weight decay 10 (× 3.00 [2.00, 4.00]). "
        "(95 % intervals, adjusted for the selection of 2 of 3; n = 10.)"
    )
    assert answered_of(FOUR, **rows).startswith("Better than ")


def test_a_metric_without_better_direction_is_higher_or_lower():
    gap = decays(0, 1, 3, 10, metric="loss_gap")
    rows = {"by_1": ("higher", 0.3, 0.2, 0.4), "by_3": ("lower", -0.5, -0.6, -0.4), "by_10": ("undecided",)}
    assert answered_of(gap, 0.05, **rows) == (
        "Higher than weight decay 0 in gap of test loss to training loss: weight decay 1 (+0.300 [+0.200, +0.400]); "
        "lower: weight decay 3 (−0.500 [−0.600, −0.400]); undecided: weight decay 10 (80 % power from ± 0.05). "
        "(95 % intervals, adjusted for the selection of 2 of 3; n = 10.)"
    )


def test_a_study_of_choice_answers_with_what_validation_chooses_and_its_cost():
    of_choice = decays(0, 1, 3, 10, asks="choice", **{"base.data.validation": {"name": "k_fold", "folds": 2}})
    chosen = ["weight_decay_1"] * 2 + ["weight_decay_0"] * 1 + ["weight_decay_3"] * 4 + ["weight_decay_10"] * 3
    choices = pd.DataFrame({"block": "", "rule": "lowest", "variant": chosen})
    costs = pd.DataFrame(
        [["", "lowest", 10, 1.1, 1.05, 1.2]], columns=["block", "rule", "n", "estimate", "low", "high"]
    )
    rows = {f"weight_decay_{number}": ("equivalent",) for number in (1, 3, 10)}
    choice = (
        "Validation (best score) chooses weight decay 3 (4 of 10 seeds), weight decay 10 (3 of 10 seeds), "
        "weight decay 1 (2 of 10 seeds) and 1 other: test loss × 1.10 [1.05, 1.20] against the best variant of "
        "each test set. "
    )
    found = answered(of_choice, rows, choices=choices, costs=costs)
    assert found.startswith(f"{choice}Equivalent to weight decay 0 in test loss ")
    # intervals of the cost are not adjusted for the selection of verdicts
    rows["weight_decay_3"] = ("better", 0.5, 0.4, 0.6)
    assert answered(of_choice, rows, choices=choices, costs=costs).endswith(
        " (95 % intervals, those of variants adjusted for the selection of 1 of 3; n = 10.)"
    )
    # rules that choose the same share a sentence
    both = pd.concat([costs, costs.assign(rule="one_standard_error")])
    twice = pd.concat([choices, choices.assign(rule="one_standard_error")])
    shared = "Validation (best score; simplest within one standard error of it) chooses weight decay 3 (4 of 10 "
    found = answered(of_choice, rows, choices=twice, costs=both)
    assert found.startswith(shared)
    assert found.count("chooses") == 1
    # of the same loss in every seed there is no interval
    costs[["estimate", "low", "high"]] = 1.0
    assert ": test loss × 1.00 in every seed against " in answered(of_choice, rows, choices=choices, costs=costs)


INTERACTIONS = ["term", "effect", "effect_low", "effect_high", "verdict", "identical"]


def test_interactions_follow_the_verdicts_and_many_are_counted():
    table = pd.DataFrame(
        [["a and b", 0.5, 0.4, 0.6, "lower", False], ["a and c", NAN, NAN, NAN, "not comparable", True]],
        columns=INTERACTIONS,
    )
    rows = {"weight_decay_3": ("equivalent",)}
    assert answered(TWO, rows, interactions=table).endswith(
        "weight decay 3. Interactions (ratio of ratios): a and b × 0.500 [0.400, 0.600], lower; "
        "a and c, not comparable. (95 % intervals; n = 10.)"
    )
    identical = table.assign(identical=True)
    assert "nteraction" not in answered(TWO, rows, interactions=identical)
    many = pd.concat([table] * 3)
    assert answered(TWO, rows, interactions=many).endswith(
        "weight decay 3. 6 interactions (ratio of ratios): 3 lower, 3 not comparable. (n = 10.)"
    )
    points = pd.DataFrame([["a and b", -0.01, -0.02, 0.0, "undecided", False]], columns=INTERACTIONS)
    assert (
        "Interaction (difference of differences): a and b −1.00 points [−2.00, 0.00], undecided. "
        in answered(study("activation"), rates("undecided", {1: 0.0, 5: 0.0}), interactions=points)
    )  # fmt: skip


def rates(verdict, effects):
    """Rows of the study of activations: by learning rate, the effect of relu with an interval of 0.005 around it."""
    return {
        f"activation_relu_learning_rate_0p{rate}": (verdict, effect, effect - 0.005, effect + 0.005)
        for rate, effect in effects.items()
    }


EXAMPLES = "1 point is 3.6 of 360 test examples"


def test_each_of_a_few_blocks_has_its_sentence_and_points_are_test_examples():
    assert answered(study("activation"), rates("better", {1: 0.0123}) | rates("undecided", {5: 0.001}), 0.02) == (
        "With learning rate 0.1: better than sigmoid in test accuracy: relu (+1.23 points [+0.73, +1.73]). "
        "With learning rate 0.5: nothing is decided against sigmoid in test accuracy; "
        "undecided: relu (80 % power from ± 2.00 points). "
        f"(95 % intervals, adjusted for the selection of 1 of 2; n = 10; {EXAMPLES}.)"
    )


def test_many_blocks_share_a_sentence_and_so_do_blocks_that_decide_nothing():
    many = study("activation", **{"grid.optimizer.learning_rate": [0.1, 0.2, 0.3, 0.4]})
    assert answered(many, rates("worse", {1: -0.01, 2: -0.02}) | rates("equivalent", {3: 0.0, 4: 0.0})) == (
        "Worse than sigmoid in test accuracy: relu with learning rate 0.1 (−1.00 points [−1.50, −0.50]), "
        "relu with learning rate 0.2 (−2.00 points [−2.50, −1.50]); "
        "equivalent (within ± 0.50 points): relu with learning rate 0.3, relu with learning rate 0.4. "
        f"(95 % intervals, adjusted for the selection of 2 of 4; n = 10; {EXAMPLES}.)"
    )
    assert answered(study("activation"), rates("undecided", {1: 0.0, 5: 0.0})) == (
        "Nothing is decided against sigmoid in test accuracy; undecided: relu with learning rate 0.1, "
        "relu with learning rate 0.5. (n = 10.)"
    )


def test_a_variant_of_two_factors_is_named_by_both():
    product = study(
        "activation",
        metric="test_loss",
        grid={"model": {"dropout": [0, 0.5]}, "optimizer": {"weight_decay": [0, 1]}},
        baseline={"model": {"dropout": 0}, "optimizer": {"weight_decay": 0}},
    )
    rows = {variant.id: ("equivalent",) for variant in product.variants[1:]}
    assert answered(product, rows | {product.variants[-1].id: ("better", 0.5, 0.4, 0.6)}).startswith(
        "Better than dropout 0 and weight decay 0 in test loss: dropout 0.5 and weight decay 1 (× 0.500 "
    )


@pytest.mark.parametrize("n", [1, 10])
def test_one_seed_has_no_basis(n):
    """No p, no interval: there is nothing to say about them."""
    found = answered(TWO, {"weight_decay_3": ("undecided",)}, n=n)
    assert found.endswith("(n = 10.)") == (n == 10)
