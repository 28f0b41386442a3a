import numpy as np
import pytest
from samples import seeds

from pipeline.project.settings import Data
from pipeline.training.subsets import subset


def data(validation: dict, examples="all") -> Data:
    return Data.model_validate({"examples": examples, "validation": validation, "correction": {"name": "none"}})


K_FOLD = {"name": "k_fold", "folds": 4}


def test_without_a_fold_the_first_examples_are_trained_on_and_none_is_held_out():
    for validation in ({"name": "none"}, K_FOLD, {"name": "hold_out", "fraction": 0.3}):
        trained, held = subset(data(validation, 7), seeds(1)[0], 0, 22)
        assert trained.tolist() == list(range(7))
        assert held.tolist() == []


@pytest.mark.parametrize("examples", ["all", 22, 20, 9])
def test_folds_are_of_one_size_do_not_overlap_and_leave_the_rest_to_training(examples):
    used = 22 if examples == "all" else examples
    parts = [subset(data(K_FOLD, examples), seeds(3)[2], fold, 22) for fold in (1, 2, 3, 4)]
    held = np.concatenate([part[1] for part in parts])
    assert {len(part[1]) for part in parts} == {used // 4}
    assert len(set(held.tolist())) == len(held)
    for trained, out in parts:
        assert sorted([*trained, *out]) == list(range(used))
        assert (len(trained), len(out)) == data(K_FOLD, examples).sizes(1, 22)


def test_a_hold_out_has_the_asked_share():
    trained, held = subset(data({"name": "hold_out", "fraction": 0.3}), seeds(1)[0], 1, 20)
    assert (len(trained), len(held)) == (14, 6)


def test_variants_of_one_seed_are_split_alike_and_seeds_differently():
    one, two = (subset(data(K_FOLD), seed, 2, 100)[1].tolist() for seed in seeds(2))
    assert one == subset(data(K_FOLD), seeds(1)[0], 2, 100)[1].tolist()
    assert one != two
    assert one != list(range(25, 50))
