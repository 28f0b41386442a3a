import numpy as np
import pandas as pd
import pytest

from pipeline.analysis import selection
from pipeline.project import params

VALUES = [0, 1, 2]


@pytest.fixture
def study(params_file):
    def load(**changes):
        base = {
            "studies.weight_decay.base.data.validation": {"name": "k_fold", "folds": 2},
            "studies.weight_decay.grid.optimizer.weight_decay": VALUES,
        }
        return params.load(path=params_file({**base, **changes})).studies["weight_decay"]

    return load


def results(validation: dict, test: dict) -> pd.DataFrame:
    """Folds and test of each variant, for the one seed 0."""
    rows = []
    for value in VALUES:
        name = f"weight_decay_{value}"
        rows.append((name, 0, 0, "finished", np.nan, test[value]))
        rows += [(name, 0, fold + 1, "finished", loss, np.nan) for fold, loss in enumerate(validation[value])]
    return pd.DataFrame(rows, columns=["variant", "seed_index", "fold", "status", "validation_loss", "test_loss"])


VALIDATION = {0: (3.2, 3.4), 1: (2.0, 4.0), 2: (2.5, 2.5)}  # means 3.3, 3, 2.5; of the best the standard error is 0
TEST = {0: 4.0, 1: 1.0, 2: 2.0}


def chosen(study, runs) -> dict[str, str]:
    return selection.choices(study, runs).set_index("rule")["variant"].to_dict()


def test_the_lowest_mean_wins_and_costs_what_it_is_worse_than_the_best_on_the_test_set(study):
    found = selection.choices(study(), results(VALIDATION, TEST)).set_index("rule")
    assert found.loc["lowest", "variant"] == "weight_decay_2"
    assert found.loc["lowest", "cost"] == 2.0


def test_one_standard_error_prefers_the_simplest_that_is_near_enough(study):
    wide = {**VALIDATION, 2: (2.0, 3.0)}  # mean 2.5, standard error 0.5: up to 3
    assert chosen(study(), results(wide, TEST))["one_standard_error"] == "weight_decay_1"
    narrow = {**VALIDATION, 2: (2.1, 2.9)}  # standard error 0.4: up to 2.9
    assert chosen(study(), results(narrow, TEST))["one_standard_error"] == "weight_decay_2"


def test_the_simplest_may_stand_last(study):
    all_alike = {0: (2.0, 3.0), 1: (2.0, 3.1), 2: (2.0, 3.2)}
    first, last = study(), study(**{"studies.weight_decay.simplest": "last"})
    assert chosen(first, results(all_alike, TEST)) == {
        "lowest": "weight_decay_0",
        "one_standard_error": "weight_decay_0",
    }
    assert chosen(last, results(all_alike, TEST))["one_standard_error"] == "weight_decay_2"


def test_a_single_hold_out_has_no_standard_error(study):
    one = study(**{"studies.weight_decay.base.data.validation": {"name": "hold_out", "fraction": 0.5}})
    runs = results(VALIDATION, TEST)
    assert list(chosen(one, runs[runs["fold"] < 2])) == ["lowest"]


def test_a_variant_of_which_a_fold_diverged_is_never_chosen(study):
    runs = results(VALIDATION, TEST)
    runs.loc[(runs["variant"] == "weight_decay_2") & (runs["fold"] == 1), "validation_loss"] = np.nan
    assert chosen(study(), runs)["lowest"] == "weight_decay_1"


def test_costs_are_summarised_over_seeds(study):
    runs = pd.concat(
        [results(VALIDATION, test).assign(seed_index=seed) for seed, test in enumerate([TEST, {**TEST, 2: 8.0}])]
    )
    one = study()
    table = selection.costs(one, selection.choices(one, runs)).set_index("rule")
    assert table.loc["lowest", "n"] == 2
    assert table.loc["lowest", "estimate"] == pytest.approx(4.0)  # geometric mean of 2 and 8
    assert table.loc["lowest", "chosen"] == "2 (2)"


def test_accuracies_are_better_when_higher_and_cost_differences(params_file):
    changes = {"studies.activation.base.data.validation": {"name": "k_fold", "folds": 2}}
    one = params.load(path=params_file(changes)).studies["activation"]
    rows = []
    for number, variant in enumerate(one.variants):
        rows.append((variant.id, 0, 0, "finished", np.nan, 0.5 + 0.1 * number))
        rows += [(variant.id, 0, fold, "finished", 0.9 - 0.2 * number, np.nan) for fold in (1, 2)]
    columns = ["variant", "seed_index", "fold", "status", "validation_accuracy", "test_accuracy"]
    found = selection.choices(one, pd.DataFrame(rows, columns=columns))
    lowest = found[found["rule"] == "lowest"].set_index("block")
    assert lowest["variant"].to_dict() == {
        "learning rate 0.1": "activation_sigmoid_learning_rate_0p1",
        "learning rate 0.5": "activation_sigmoid_learning_rate_0p5",
    }
    assert lowest["cost"].tolist() == pytest.approx([0.2, 0.2])
