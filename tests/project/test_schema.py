"""Every mistake in `params.yaml` is named with its place, what was found and what is allowed."""

from typing import Any

import pytest
from samples import CLAIM, SMALL

DECAY = "studies.weight_decay"
ADAM = {"name": "adam", "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.0}
MEASURED = {"claim": "?", "quantity": "log10_largest", "against": 1.0, "expect": "higher"}


def named(*variants: str, **overrides: Any) -> dict[str, Any]:
    """Changes that turn the grid of the study into named variants."""
    return {
        f"{DECAY}.grid": ...,
        f"{DECAY}.baseline": variants[0],
        f"{DECAY}.variants": dict.fromkeys(variants) | overrides,
    }


WRONG = {
    # changes, what one line must say
    "unknown key": ({"base.model.widht": 3}, "base.model.widht: found an unknown key, allowed: one of features"),
    "unknown section": ({"stduies": {}}, "stduies: found an unknown key, allowed: one of seeds"),
    "missing key": ({"base.loss": ...}, "base.loss: found nothing"),
    "missing section": ({"studies": ...}, "studies: found nothing"),
    "wrong type": (
        {f"{DECAY}.base.training.epochs": "ten"},
        f"{DECAY}.base.training.epochs: found 'ten', allowed: int",
    ),
    "boolean for a number": ({"base.training.epochs": True}, "base.training.epochs: found True"),
    "infinite": ({"base.optimizer.learning_rate": float("inf")}, "base.optimizer.learning_rate: found inf"),
    "beyond single precision": ({"base.optimizer.learning_rate": 1e308}, "base.optimizer.learning_rate: found 1e+308"),
    "unknown choice": ({"base.model.activation": "relo"}, "base.model.activation: found 'relo', allowed: 'relu'"),
    "list for a mapping": ({DECAY: [1]}, f"{DECAY}: found [1]"),
    "id with a dot": (
        {"datasets": {**SMALL["datasets"], "a.b": SMALL["datasets"]["images"]}},
        "datasets.a.b: found the id 'a.b'",
    ),
    "long id": ({"datasets." + "x" * 61: SMALL["datasets"]["images"]}, "found the id"),
    "id of a study": ({"measurements.activation": SMALL["measurements"]["product"]}, "measurements.activation: found"),
    "no seeds": ({"seeds.count": 0}, "seeds.count: found 0"),
    "margin of an unknown metric": ({"judging.margins": {"weight_norm": 1.0}}, "judging.margins: found"),
    "margin that is not a ratio": ({"judging.margins": {"test_loss": 0.05}}, "judging.margins: found"),
    "text that moves the cursor": ({f"{DECAY}.question": "\x1b[31m?"}, f"{DECAY}.question: found '\\x1b[31m?'"),
    "text in the other direction": ({f"{DECAY}.question": "a\u202eb"}, f"{DECAY}.question: found 'a\\u202eb'"),
    "question that DVC rewrites": ({f"{DECAY}.question": "${seeds.count}?"}, "line "),
    "override that the base lacks": (
        {f"{DECAY}.base.model.depth": 3},
        f"{DECAY}.base.model.depth: not in the base, which has a value for every key: features, hidden",
    ),
    "option of another choice": (
        {"studies.activation.base.optimizer": {**ADAM, "momentum": 0.9}},
        "studies.activation.base.optimizer.momentum: found an unknown key, allowed: one of",
    ),
    "option of another choice, in a sweep": (
        {"studies.activation.base.optimizer": {**ADAM, "momentum": 0.9}},
        "`-S '~studies.activation.base.optimizer.momentum'` removes it",
    ),
    "choice without its options": (
        {"studies.activation.base.optimizer": {"name": "adam", "learning_rate": 0.1}},
        "studies.activation.base.optimizer.weight_decay: found nothing",
    ),
    "neither grid nor variants": ({f"{DECAY}.grid": ...}, f"{DECAY}: found neither"),
    "grid and variants": ({f"{DECAY}.variants": {"a": None}}, f"{DECAY}: found both"),
    "empty grid": ({f"{DECAY}.grid": {}}, f"{DECAY}.grid: found 0 variants"),
    "empty axis": ({f"{DECAY}.grid.optimizer.weight_decay": []}, f"{DECAY}.grid.optimizer.weight_decay: found []"),
    "axis that is not a list": (
        {f"{DECAY}.grid.optimizer.weight_decay": 3},
        f"{DECAY}.grid.optimizer.weight_decay: found",
    ),
    "axis that the base lacks": (
        {f"{DECAY}.grid.optimizer.decay": [1]},
        f"{DECAY}.grid.optimizer.decay: not in the base",
    ),
    "nothing in a grid": ({f"{DECAY}.grid.penalty": {}}, f"{DECAY}.grid.penalty: found {{}}, allowed: a list"),
    "wrong value in a grid": (
        {f"{DECAY}.grid.optimizer.weight_decay": [0, -3]},
        f"{DECAY}.grid.optimizer.weight_decay: found -3",
    ),
    "value twice": ({f"{DECAY}.grid.optimizer.weight_decay": [0, 0.0]}, f"{DECAY}: found the same config twice"),
    "variants beyond counting": (
        {
            f"{DECAY}.grid": {
                "optimizer": {key: [*range(1000)] for key in ("weight_decay", "learning_rate")},
                "penalty": {key: [*range(1000)] for key in ("l1", "l2")},
            }
        },
        f"{DECAY}.grid: found 1,000,000,000,000 variants",
    ),
    "long id of a grid": (
        {f"{DECAY}.grid": {"model": {"hidden": [[1] * 120]}}, f"{DECAY}.baseline": {"model": {"hidden": [1] * 120}}},
        f"{DECAY}.grid: found the id 'hidden_1_1_1",
    ),
    "baseline outside the grid": (
        {f"{DECAY}.baseline.optimizer.weight_decay": 1},
        f"{DECAY}.baseline.optimizer.weight_decay: found 1, allowed: 0, 3",
    ),
    "baseline of no factor": ({f"{DECAY}.baseline": {"loss": "x"}}, f"{DECAY}.baseline.loss: not a factor of the grid"),
    "empty baseline": ({f"{DECAY}.baseline": {}}, f"{DECAY}.baseline: found nothing"),
    "id as the baseline of a grid": (
        {f"{DECAY}.baseline": "weight_decay_0"},
        f"{DECAY}.baseline: found 'weight_decay_0'",
    ),
    "baseline is not a variant": ({**named("a"), f"{DECAY}.baseline": "b"}, f"{DECAY}.baseline: found 'b', allowed: a"),
    "no variant": ({**named("a"), f"{DECAY}.variants": {}}, f"{DECAY}.variants: found 0 variants"),
    "wrong override": (named("a", b={"model": {"bias": 3}}), f"{DECAY}.variants.b.model.bias: found 3"),
    "mapping for a number": (
        named("a", b={"optimizer": {"learning_rate": {"x": 1}}}),
        f"{DECAY}.variants.b.optimizer.learning_rate: found {{'x': 1}}, allowed: number",
    ),
    "unknown data set": (
        {f"{DECAY}.dataset": "pictures"},
        f"{DECAY}.dataset: found 'pictures', allowed: images, linear",
    ),
    "metric that needs validation": (
        {f"{DECAY}.metric": "validation_loss"},
        f"{DECAY}.metric: found 'validation_loss'",
    ),
    "metric without a direction": ({f"{DECAY}.metric": "weight_norm"}, f"{DECAY}.metric: found 'weight_norm'"),
    "unknown figure": ({f"{DECAY}.figure": "pie"}, f"{DECAY}.figure: found 'pie'"),
    "figure of another kind of study": (
        {f"{DECAY}.figure": "selection"},
        f"{DECAY}.figure: found 'selection', allowed",
    ),
    "equal without a margin": (
        {f"{DECAY}.claims.c": {**CLAIM, "expect": "equal"}},
        f"{DECAY}.claims.c.margin: found None",
    ),
    "higher with a margin": ({f"{DECAY}.claims.c": {**CLAIM, "margin": 0.1}}, f"{DECAY}.claims.c.margin: found 0.1"),
    "margin of a ratio": (
        {f"{DECAY}.claims.c": {**CLAIM, "expect": "equal", "margin": 0.5}},
        f"{DECAY}.claims.c.margin: found 0.5, allowed: a ratio above 1 for test_loss",
    ),
    "number of a ratio": (
        {f"{DECAY}.claims.c": {**CLAIM, "against": 0.0}},
        f"{DECAY}.claims.c.against: found 0, allowed",
    ),
    "claim twice": (
        {f"{DECAY}.claims.c": CLAIM, "measurements.product.claims.c": MEASURED},
        f"{DECAY}.claims.c: found the id of another claim",
    ),
    "published file outside": ({"published": {"file": "../x.csv", "outcomes": []}}, "published.file: found '../x.csv'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    assert any(words in line for line in refused(changes)), refused(changes)


def test_all_mistakes_of_typed_values_are_named_at_once(refused):
    assert len(refused({"seeds.count": 0, "judging.alpha": 2})) == 2
