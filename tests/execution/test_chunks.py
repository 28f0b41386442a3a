import itertools

from execution.studies import study, with_folds
from samples import classes, seeds

from pipeline.execution import chunks
from pipeline.training import loop


def jobs(of, count: int) -> list:
    return [(variant.setting, seed, fold) for variant in of.variants for seed in seeds(count) for fold in variant.folds]


def test_a_stack_is_of_one_program_and_none_is_much_smaller_than_the_others(monkeypatch):
    dataset, made = classes(10), jobs(study(), 10)
    monkeypatch.setattr(chunks, "STACK_BYTES", 7 * chunks._bytes(made[0], dataset))
    stacks = chunks.chunks(made, dataset)
    assert sorted(itertools.chain(*stacks)) == list(range(len(made)))
    programs = [{loop.program(made[place][0], made[place][2], 44) for place in stack} for stack in stacks]
    assert {len(own) for own in programs} == {1}
    assert {len(stack) for stack in stacks} <= {6, 7}


def test_runs_of_one_seed_come_together(monkeypatch):
    """What they share is then drawn once: two learning rates of each program and ten seeds, four runs a stack."""
    dataset, made = classes(10), jobs(study(), 10)
    monkeypatch.setattr(chunks, "STACK_BYTES", 0)
    for stack in chunks.chunks(made, dataset):
        assert len({made[place][1] for place in stack}) == len(stack) / 2


def test_folds_are_runs_of_the_same_stack():
    dataset, made = classes(2), jobs(with_folds(), 2)
    stacks = chunks.chunks(made, dataset)
    assert [{made[place][2] for place in stack} for stack in stacks] == [{0}, {1, 2, 3}]
    assert len(stacks[1]) == 2 * 2 * 3


def test_a_device_that_waits_for_calls_gets_larger_stacks():
    dataset, made = classes(10), jobs(study(), 10)
    small = chunks.chunks(made, dataset)
    large = chunks.chunks(made * 100, dataset, "cuda")
    assert len(large) == len(small) == 3


def test_nothing_to_train_is_no_stack():
    assert chunks.chunks([], classes(2)) == []
