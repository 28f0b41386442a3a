"""Mistakes in blocks of `probes`."""

import pytest
from samples import SMALL

WRONG = {
    # changes, what the one line must name
    "unknown kind of probe": ({"probes.product.kind": "sum"}, ["probes.product.kind: found 'sum'", "matrix_product"]),
    "probe out of range": ({"probes.product.repetitions": 1}, ["probes.product.repetitions: found 1"]),
    "probe with the id of a study": (
        {"probes.activation": SMALL["probes"]["product"]},
        ["probes.activation: found the id of a study"],
    ),
    "functions from high to low": (
        {"probes.f": {"kind": "activations", "functions": ["relu"], "low": 1.0, "high": 1.0, "points": 9}},
        ["probes.f.high: found 1.0, allowed: more than low"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines
