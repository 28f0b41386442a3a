"""Mistakes in blocks of `measurements`."""

import pytest
from samples import SMALL

WRONG = {
    # changes, what the one line must name
    "unknown kind of measurement": (
        {"measurements.product.kind": "sum"},
        ["measurements.product.kind: found 'sum'", "matrix_product"],
    ),
    "measurement out of range": (
        {"measurements.product.repetitions": 1},
        ["measurements.product.repetitions: found 1"],
    ),
    "measurement with the id of a study": (
        {"measurements.activation": SMALL["measurements"]["product"]},
        ["measurements.activation: found the id of a study"],
    ),
    "functions from high to low": (
        {"measurements.f": {"kind": "activations", "functions": ["relu"], "low": 1.0, "high": 1.0, "points": 9}},
        ["measurements.f.high: found 1.0, allowed: more than low"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines
