import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.analysis import selection
from pipeline.project import params

FOLDS = {"name": "k_fold", "folds": 2}
VALIDATION = {0: (3.2, 3.4), 1: (2.0, 4.0), 2: (2.5, 2.5)}  # means 3.3, 3, 2.5; the best has the standard error 0
TEST = {0: 4.0, 1: 1.0, 2: 2.0}


@pytest.fixture
def study(params_file):
    def load(**changes):
        base = {
            "studies.weight_decay.base.data.validation": FOLDS,
            "studies.weight_decay.grid.optimizer.weight_decay": [0, 1, 2],
        }
        return params.load(path=params_file({**base, **changes})).studies["weight_decay"]

    return load


def results(validation: dict, test: dict) -> pd.DataFrame:
    """Folds and test of each variant, for the one seed 0."""
    rows = []
    for value, losses in validation.items():
        rows.append((f"weight_decay_{value}", 0, 0, "finished", np.nan, test[value]))
        rows += [
            (f"weight_decay_{value}", 0, fold, "finished", loss, np.nan) for fold, loss in enumerate(losses, start=1)
        ]
    return pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "status", "validation_loss", "test_loss"])


def chosen(study, runs) -> dict[str, str]:
    return selection.choices(study, runs).set_index("rule")["variant"].to_dict()


@pytest.mark.parametrize(
    ("validation", "simplest", "lowest", "one_standard_error"),
    [
        (VALIDATION, "first", 2, 2),
        ({**VALIDATION, 2: (2.0, 3.0)}, "first", 2, 1),  # mean 2.5, standard error 0.5: up to 3
        ({**VALIDATION, 2: (2.1, 2.9)}, "first", 2, 2),  # standard error 0.4: up to 2.9
        ({0: (2.0, 3.0), 1: (2.0, 3.1), 2: (2.0, 3.2)}, "first", 0, 0),
        ({0: (2.0, 3.0), 1: (2.0, 3.1), 2: (2.0, 3.2)}, "last", 0, 2),
        # a variant with a diverged fold is never chosen
        ({**VALIDATION, 2: (np.nan, 0.1)}, "first", 1, 0),
    ],
)
def test_the_rules_choose(validation, simplest, lowest, one_standard_error, study):
    loaded = study(**{"studies.weight_decay.simplest": simplest})
    expected = {"lowest": f"weight_decay_{lowest}", "one_standard_error": f"weight_decay_{one_standard_error}"}
    assert chosen(loaded, results(validation, TEST)) == expected


def test_a_hold_out_has_no_standard_error_and_nothing_is_chosen_if_all_diverged(study):
    loaded = study(**{"studies.weight_decay.base.data.validation": {"name": "hold_out", "fraction": 0.5}})
    runs = results(VALIDATION, TEST)
    assert list(chosen(loaded, runs[runs["fold"] < 2])) == ["lowest"]
    assert chosen(loaded, runs.assign(validation_loss=np.nan)) == {}


def test_the_cost_is_a_ratio_to_the_best_test_loss_and_averaged_over_seeds(study):
    tests = enumerate([TEST, {**TEST, 2: 8.0}])
    runs = pd.concat([results(VALIDATION, test).assign(seed_index=seed) for seed, test in tests])
    choices = selection.choices(study(), runs)
    assert choices.loc[choices["rule"] == "lowest", "cost"].tolist() == [2.0, 8.0]
    row = selection.costs(study(), choices).set_index("rule").loc["lowest"]
    assert (row["n"], row["estimate"], row["chosen"]) == (2, pytest.approx(4.0), "2 (2)")


def test_the_interval_of_a_cost_is_cut_where_nothing_is_lost(study):
    tests = [TEST, {**TEST, 2: 8.0}, {**TEST, 2: 1.0}, {**TEST, 2: 1.0}]
    runs = pd.concat([results(VALIDATION, test).assign(seed_index=seed) for seed, test in enumerate(tests)])
    loaded = study()
    row = selection.costs(loaded, selection.choices(loaded, runs)).set_index("rule").loc["lowest"]
    logs = np.log([2.0, 8.0, 1.0, 1.0])
    interval = np.exp(stats.ttest_1samp(logs, 0).confidence_interval(0.95))
    assert interval[0] < 1
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((np.exp(logs.mean()), 1.0, interval[1]))
    one = selection.costs(loaded, selection.choices(loaded, runs[runs["seed_index"] == 0]))
    assert one[["low", "high"]].isna().all(axis=None)


def test_a_study_judged_by_its_gap_chooses_by_the_losses_or_accuracies_of_the_gap(study, params_file):
    runs = results(VALIDATION, TEST)
    by_loss, by_gap = study(), study(**{"studies.weight_decay.metric": "loss_gap"})
    assert selection.choices(by_gap, runs).equals(selection.choices(by_loss, runs))
    # the gap is a difference, the cost a ratio of losses
    costs = selection.costs(by_gap, selection.choices(by_gap, runs))
    assert costs.equals(selection.costs(by_loss, selection.choices(by_loss, runs)))
    assert costs.set_index("rule").loc["lowest", "estimate"] == pytest.approx(2.0)


def test_accuracies_are_better_if_higher_and_cost_differences(params_file):
    loaded = params.load(path=params_file({"studies.activation.base.data.validation": FOLDS})).studies["activation"]
    rows = []
    for number, variant in enumerate(loaded.variants):
        rows.append((variant.id, 0, 0, "finished", np.nan, 0.5 + 0.1 * number))
        rows += [(variant.id, 0, fold, "finished", 0.9 - 0.2 * number, np.nan) for fold in (1, 2)]
    columns = ["variant", "seed_index", "fold", "status", "validation_accuracy", "test_accuracy"]
    choices = selection.choices(loaded, pd.DataFrame(rows, columns=columns))
    lowest = choices[choices["rule"] == "lowest"].set_index("block")
    assert lowest["variant"].to_dict() == {
        "learning rate 0.1": "activation_sigmoid_learning_rate_0p1",
        "learning rate 0.5": "activation_sigmoid_learning_rate_0p5",
    }
    assert lowest["cost"].tolist() == pytest.approx([0.2, 0.2])
