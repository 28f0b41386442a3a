import numpy as np
import pytest
from samples import config, seeds

from pipeline.training.config import RunConfig
from pipeline.training.subsets import subset

K_FOLD = {"name": "k_fold", "folds": 4}


def split(validation: dict, examples="all", stopping: float = 0.0, patience: int = 2) -> RunConfig:
    early = {"name": "validation_loss", "fraction": stopping, "patience": patience} if stopping else {"name": "none"}
    changes = {"data.validation": validation, "data.examples": examples, "training.early_stopping": early}
    return config(changes)


@pytest.mark.parametrize("validation", [{"name": "none"}, K_FOLD, {"name": "hold_out", "fraction": 0.3}])
def test_without_a_fold_the_first_examples_are_trained_on_and_none_is_held_out(validation):
    trained, held, stopping = subset(split(validation, 7), seeds(1)[0], 0, 22)
    assert trained.tolist() == list(range(7))
    assert held.tolist() == stopping.tolist() == []


@pytest.mark.parametrize("examples", ["all", 22, 20, 9])
def test_folds_are_of_one_size_do_not_overlap_and_leave_the_rest_to_training(examples):
    used = 22 if examples == "all" else examples
    parts = [subset(split(K_FOLD, examples), seeds(3)[2], fold, 22) for fold in (1, 2, 3, 4)]
    held = np.concatenate([part.validation for part in parts])
    assert {len(part.validation) for part in parts} == {used // 4}
    assert len(set(held.tolist())) == len(held)
    for part in parts:
        assert sorted(np.concatenate(part)) == list(range(used))
        assert tuple(map(len, part)) == split(K_FOLD, examples).sizes(1, 22)


def test_variants_of_one_seed_are_split_alike_and_seeds_differently():
    first, again, other = (subset(split(K_FOLD), seeds(2)[index], 2, 100)[1].tolist() for index in (0, 0, 1))
    assert first == again != other
    assert first != list(range(25, 50))


@pytest.mark.parametrize("fold", [0, 1, 4])
def test_examples_to_stop_by_are_neither_trained_on_nor_validated_on(fold):
    chosen = split(K_FOLD, "all", 0.25)
    parts = subset(chosen, seeds(3)[2], fold, 22)
    assert tuple(map(len, parts)) == chosen.sizes(fold, 22) == ((16, 0, 6) if fold == 0 else (13, 5, 4))
    assert sorted(np.concatenate(parts)) == list(range(22))
    # the folds are those of a run that is not stopped, whatever the patience; the part differs by seed and fold
    assert parts.validation.tolist() == subset(split(K_FOLD), seeds(3)[2], fold, 22).validation.tolist()
    longer = split(K_FOLD, "all", 0.25, patience=9)
    assert parts.stopping.tolist() == subset(longer, seeds(3)[2], fold, 22).stopping.tolist()
    others = {tuple(subset(chosen, seed, number, 22).stopping) for seed in seeds(3) for number in (0, 1, 4)}
    assert len(others) == 9
