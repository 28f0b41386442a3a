"""Mistakes in studies, claims and what all share."""

import pytest
from samples import CLAIM

DECAY = "studies.weight_decay"
WRONG = {
    # changes, what the one line must name
    "margin of an unknown metric": ({"judging.margins": {"weight_norm": 1.0}}, ["judging.margins: found", "test_loss"]),
    "no room": ({"judging.margins": {"test_accuracy": 0.0}}, ["judging.margins.test_accuracy: found 0.0"]),
    "not a ratio": ({"judging.margins": {"test_loss": 0.05}}, ["judging.margins: found", "a ratio above 1 for test_l"]),
    "no error rate": ({"judging.alpha": 0.0}, ["judging.alpha: found 0.0, allowed: greater than 0"]),
    "empty grid": ({f"{DECAY}.grid": {}}, [f"{DECAY}.grid: found nothing"]),
    "empty axis": ({f"{DECAY}.grid.optimizer.weight_decay": []}, [f"{DECAY}.grid.optimizer.weight_decay: found an em"]),
    "axis that is no list": ({f"{DECAY}.grid.optimizer.weight_decay": 3}, ["weight_decay: found 3", "a list"]),
    "axis that base lacks": ({f"{DECAY}.grid.optimizer.decay": [1]}, [f"{DECAY}.grid.optimizer.decay: not in base"]),
    "wrong value in a grid": (
        {f"{DECAY}.grid.optimizer.weight_decay": [0, -3]},
        [f"{DECAY}.grid.optimizer.weight_decay: found -3"],
    ),
    "value twice": ({f"{DECAY}.grid.optimizer.weight_decay": [0, 0.0]}, [f"{DECAY}: found the same config twice"]),
    "baseline outside": ({f"{DECAY}.baseline.optimizer.weight_decay": 1}, ["baseline.optimizer.weight_decay: found 1"]),
    "baseline of no factor": ({f"{DECAY}.baseline": {"loss": "x"}}, [f"{DECAY}.baseline.loss: no factor"]),
    "empty baseline": ({f"{DECAY}.baseline": {}}, [f"{DECAY}.baseline: found nothing"]),
    "baseline is an id": ({f"{DECAY}.baseline": "weight_decay_0"}, [f"{DECAY}.baseline: found 'weight_decay_0'"]),
    "grid and variants": ({f"{DECAY}.variants": {"a": None}}, [f"{DECAY}: found both"]),
    "neither": ({f"{DECAY}.grid": ...}, [f"{DECAY}: found neither"]),
    "baseline is no variant": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": None}, f"{DECAY}.baseline": "b"},
        [f"{DECAY}.baseline: found 'b', allowed: a"],
    ),
    "no variant": ({f"{DECAY}.grid": ..., f"{DECAY}.variants": {}}, [f"{DECAY}.variants: found none"]),
    "unknown figure": ({f"{DECAY}.figure": "pie"}, [f"{DECAY}.figure: found 'pie'", "'ridge'"]),
    "figure of another kind of study": (
        {f"{DECAY}.figure": "predictions"},
        [f"{DECAY}.figure: found 'predictions', allowed for this study: weights, ridge, capacity"],
    ),
    "figure that needs validation": ({f"{DECAY}.figure": "selection"}, [f"{DECAY}.figure: found 'selection'"]),
    "metric that needs validation": (
        {f"{DECAY}.metric": "validation_loss"},
        [f"{DECAY}.metric: found 'validation_loss'"],
    ),
    "metric without a direction": ({f"{DECAY}.metric": "weight_norm"}, [f"{DECAY}.metric: found 'weight_norm'"]),
    "the same without a margin": ({"claims.c": {**CLAIM, "expected": "equal"}}, ["claims.c.margin: found None"]),
    "higher with a margin": ({"claims.c": {**CLAIM, "margin": 0.1}}, ["claims.c.margin: found 0.1"]),
    "override that base lacks": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": {"model": {"depth": 3}}}, f"{DECAY}.baseline": "a"},
        [f"{DECAY}.variants.a.model.depth: not in base", "hidden"],
    ),
    "wrong override": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": {"model": {"bias": 3}}}, f"{DECAY}.baseline": "a"},
        [f"{DECAY}.variants.a.model.bias: found 3", "boolean"],
    ),
    "unknown dataset": ({f"{DECAY}.dataset": "pictures"}, [f"{DECAY}.dataset: found 'pictures'", "images, linear"]),
    "unknown metric": ({f"{DECAY}.metric": "test_accuracy"}, [f"{DECAY}.metric: found 'test_accuracy'", "test_loss"]),
    "metric without direction": ({f"{DECAY}.metric": "weight_norm"}, [f"{DECAY}.metric: found 'weight_norm'"]),
    "no seeds": ({"seeds.count": 0}, ["seeds.count: found 0"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines
