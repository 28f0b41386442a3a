"""Mistakes in typed values of `params.yaml` are named with their place, what was found and what is allowed.

tests/core/test_config.py has the kinds of mistakes, tests/project/test_variants.py those in the variants of a study.
"""

import pytest
from samples import SMALL

DECAY = "studies.weight_decay"
IMAGES = SMALL["datasets"]["images"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"stduies": {}}, "stduies: found an unknown key, allowed: one of title, about, seeds"),
        ({"title": "?" * 101}, "title: found '???"),
        ({"about": ""}, "about: found '', allowed: at least 1 characters"),
        ({"studies.overview": SMALL["studies"]["activation"]}, "studies.overview: found the id of the overview"),
        ({"measurements.overview": SMALL["measurements"]["product"]}, "measurements.overview: found the id of the"),
        ({"base.model.widht": 3}, "base.model.widht: found an unknown key, allowed: one of features"),
        ({"studies": ...}, "studies: found nothing, allowed: every field written out"),
        ({DECAY: [1]}, f"{DECAY}: found [1]"),
        ({"base.training.epochs": "ten"}, "base.training.epochs: found 'ten', allowed: integer"),
        ({"base.optimizer.learning_rate": 1e308}, "base.optimizer.learning_rate: found 1e+308"),
        ({"base.model.activation": "relo"}, "base.model.activation: found 'relo', allowed: 'relu'"),
        ({"datasets": SMALL["datasets"] | {"a.b": IMAGES}}, "datasets.a.b: found the id 'a.b'"),
        ({"datasets." + "x" * 61: IMAGES}, f"datasets.{'x' * 61}: found the id"),
        ({"measurements.activation": SMALL["measurements"]["product"]}, "measurements.activation: found the id of a"),
        ({"seeds.count": 0}, "seeds.count: found 0"),
        ({"judging.margins": {"parameters": 2.0}}, "judging.margins: found {'parameters': 2.0}, allowed: metrics: "),
        ({"judging.margins": {"weight_norm": 1.0}}, "judging.margins: found {'weight_norm': 1.0}, allowed: a ratio"),
        ({"judging.margins": {"test_loss": 0.05}}, "judging.margins: found {'test_loss': 0.05}, allowed: a ratio"),
        ({f"{DECAY}.question": "\x1b[31m?"}, f"{DECAY}.question: found '\\x1b[31m?'"),
        ({f"{DECAY}.figure": "pie"}, f"{DECAY}.figure: found 'pie'"),
        ({f"{DECAY}.asks": "agree"}, f"{DECAY}.asks: found 'agree', allowed: 'difference', 'agreement' or 'choice'"),
        ({f"{DECAY}.margin": 0}, f"{DECAY}.margin: found 0, allowed: greater than 0"),
        ({f"{DECAY}.caveat": ""}, f"{DECAY}.caveat: found '', allowed: at least 1 characters"),
        ({f"{DECAY}.caveat": "?" * 301}, f"{DECAY}.caveat: found '???"),
        ({f"{DECAY}.seeds": 0}, f"{DECAY}.seeds: found 0, allowed: greater than or equal to 1"),
        ({f"{DECAY}.seeds": 100_001}, f"{DECAY}.seeds: found 100001, allowed: less than or equal to 100000"),
        ({"published": {"file": "../x.csv", "outcomes": []}}, "published.file: found '../x.csv'"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes, line, refused):
    lines = [found.partition(": ")[2] for found in refused(changes)]
    assert any(found.startswith(line) for found in lines), lines


def test_all_mistakes_of_typed_values_are_named_at_once(refused):
    assert len(refused({"seeds.count": 0, "judging.alpha": 2})) == 2
