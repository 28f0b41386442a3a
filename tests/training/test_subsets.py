import numpy as np
import pytest
from samples import config, seeds

from pipeline.training.config import RunConfig
from pipeline.training.subsets import subset


def split(validation: dict, examples="all", stopping: float = 0.0) -> RunConfig:
    early = {"name": "validation_loss", "fraction": stopping, "patience": 2} if stopping else {"name": "none"}
    changes = {"data.validation": validation, "data.examples": examples, "training.early_stopping": early}
    return config(changes)


K_FOLD = {"name": "k_fold", "folds": 4}


def test_without_a_fold_the_first_examples_are_trained_on_and_none_is_held_out():
    for validation in ({"name": "none"}, K_FOLD, {"name": "hold_out", "fraction": 0.3}):
        trained, held, stopping = subset(split(validation, 7), seeds(1)[0], 0, 22)
        assert trained.tolist() == list(range(7))
        assert held.tolist() == stopping.tolist() == []


@pytest.mark.parametrize("examples", ["all", 22, 20, 9])
def test_folds_are_of_one_size_do_not_overlap_and_leave_the_rest_to_training(examples):
    used = 22 if examples == "all" else examples
    parts = [subset(split(K_FOLD, examples), seeds(3)[2], fold, 22) for fold in (1, 2, 3, 4)]
    held = np.concatenate([part[1] for part in parts])
    assert {len(part[1]) for part in parts} == {used // 4}
    assert len(set(held.tolist())) == len(held)
    for trained, out, stopping in parts:
        assert sorted([*trained, *out]) == list(range(used))
        assert (len(trained), len(out), len(stopping)) == split(K_FOLD, examples).sizes(1, 22)


def test_a_hold_out_has_the_asked_share():
    trained, held, _ = subset(split({"name": "hold_out", "fraction": 0.3}), seeds(1)[0], 1, 20)
    assert (len(trained), len(held)) == (14, 6)


def test_variants_of_one_seed_are_split_alike_and_seeds_differently():
    one, two = (subset(split(K_FOLD), seed, 2, 100)[1].tolist() for seed in seeds(2))
    assert one == subset(split(K_FOLD), seeds(1)[0], 2, 100)[1].tolist()
    assert one != two
    assert one != list(range(25, 50))


@pytest.mark.parametrize("fold", [0, 1, 4])
def test_what_a_run_is_stopped_by_is_neither_trained_on_nor_validated_on(fold):
    chosen = split(K_FOLD, "all", 0.25)
    parts = subset(chosen, seeds(3)[2], fold, 22)
    assert tuple(map(len, parts)) == chosen.sizes(fold, 22) == ((16, 0, 6) if fold == 0 else (13, 5, 4))
    assert sorted(np.concatenate(parts)) == list(range(22))
    # the folds are those of a run that is not stopped, and the part is another in every seed and fold
    assert parts.validation.tolist() == subset(split(K_FOLD), seeds(3)[2], fold, 22).validation.tolist()
    others = [subset(chosen, seed, own, 22).stopping.tolist() for seed in seeds(3) for own in (0, 1, 4)]
    assert parts.stopping.tolist() in others
    assert len({tuple(other) for other in others}) == len(others)


def test_a_part_that_is_set_aside_does_not_depend_on_patience():
    one = split({"name": "none"}, "all", 0.25)
    longer = one.training.early_stopping.model_copy(update={"patience": 9})
    other = one.model_copy(update={"training": one.training.model_copy(update={"early_stopping": longer})})
    parts = [subset(own, seeds(1)[0], 0, 22).stopping.tolist() for own in (one, other)]
    assert parts[0] == parts[1]
