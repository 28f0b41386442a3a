"""All kinds of mistakes are named with their dotted key, what was found and what is allowed."""

import pytest
from samples import SMALL

DECAY = "studies.weight_decay"
WRONG = {
    # changes, what the one line must name
    "unknown key": ({f"{DECAY}.base.model.widht": 3}, [f"{DECAY}.base.model.widht: found an unknown key", "hidden"]),
    "missing key": ({f"{DECAY}.base.loss": ...}, [f"{DECAY}.base.loss: found nothing"]),
    "wrong type": ({f"{DECAY}.base.training.epochs": "ten"}, [f"{DECAY}.base.training.epochs: found 'ten'", "integer"]),
    "boolean for a number": ({f"{DECAY}.base.training.epochs": True}, ["training.epochs: found True"]),
    "float epochs": ({f"{DECAY}.base.training.epochs": 2.5}, ["training.epochs: found 2.5"]),
    "infinite": ({f"{DECAY}.base.optimizer.learning_rate": float("inf")}, ["learning_rate: found inf", "finite"]),
    "unknown choice": ({f"{DECAY}.base.model.activation": "relo"}, ["model.activation: found 'relo'", "'relu'"]),
    "id with a dot": ({"datasets": {**SMALL["datasets"], "a.b": SMALL["datasets"]["images"]}}, ["'a.b'", "a-z"]),
    "section missing": ({"studies": ...}, ["studies: found nothing"]),
    "study is a list": ({"studies.weight_decay": [1]}, ["studies.weight_decay: found [1]"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines


def test_all_mistakes_of_the_typed_part_are_named_at_once(refused):
    assert len(refused({"seeds.count": 0, "judging.alpha": 2})) == 2
