"""Descriptions of columns: what is in them, and what may be a mistake."""

import numpy as np
import pytest

from pipeline.data.columns import describe


def column(values, name="x", role="input", **changes):
    numeric = not isinstance(values[0], str)
    return describe(name, role, np.array(values, dtype=float if numeric else object), **changes)


def test_a_column_is_described_by_its_values():
    assert column([1.5, 3.0, np.nan, 3.0])[:6] == ("x", "input", "number", 2, 1, "1.5 to 3")
    assert column(["b", "a", "", "b"] * 3)[:6] == ("x", "input", "category", 2, 3, "b, a")
    assert column([19000.0, 19001.5], kind="date")[2:6] == ("date", 2, 0, "2022-01-08 to 2022-01-09")
    assert column(["a", "b"] * 5, role="target", kind="classes")[1:4] == ("target", "classes", 2)
    assert column([1.5, 2.5], hints=("doubtful",)).warnings == ("doubtful",)


N = 40
WARNED = {
    "counts rows": ([*range(1000, 1000 + N)], {}, "identifier"),
    "is called an identifier": ([n * n * 977 for n in range(N)], {"name": "customer_id"}, "identifier"),
    "of a group of rows": (
        [n % 30 for n in range(N)],
        {"name": "patient_id"},
        "30 whole numbers, an identifier by its",
    ),
    "an index after rows were joined": ([n % 30 for n in range(N)], {"name": "Unnamed: 0"}, "identifier by its name"),
    "in camel case": ([n * n * 977 for n in range(N)], {"name": "userId"}, "identifier"),
    "in capitals": ([n * n * 977 for n in range(N)], {"name": "PID"}, "identifier"),
    "a level in nearly each row": ([f"C{n % 19}" for n in range(N)], {}, "19 levels in 40 rows, an identifier?"),
    "rare levels": (["a"] * 20 + ["b"] * 16 + ["c"] * 4, {}, "1 of 3 levels in fewer than 5 rows: 'c'"),
    "rare classes": (["a"] * 38 + ["b"] * 2, {"role": "target", "kind": "classes"}, "1 of 2 levels in fewer than 5"),
    "a single value": ([7] * N, {}, "one value in all rows"),
    "a single level": (["a"] * N, {}, "one value in all rows"),
    "hardly any value": ([np.nan] * 30 + [1, 2, 3, 4, 5, 5, 5, 5, 5, 7], {}, "75% missing"),
}
UNSUSPICIOUS = {
    "measurements": ([n / 7 for n in range(N)], {}),
    "whole numbers far apart": ([n * n * 977 for n in range(N)], {"name": "population"}),
    "whole numbers that repeat": ([n % 30 for n in range(N)], {"name": "code"}),
    "a few whole numbers": ([n % 10 for n in range(N)], {"name": "id"}),
    "no identifier by its end": ([n % 30 for n in range(N)], {"name": "paid"}),
    "a few rows": ([*range(10)], {}),
    "a target that counts": ([*range(N)], {"role": "target"}),
    "dates": ([*range(N)], {"kind": "date"}),
    "levels": (["a", "b", "c", "d"] * 10, {}),
}


@pytest.mark.parametrize("name", WARNED)
def test_a_possible_mistake_is_a_warning(name):
    values, changes, warning = WARNED[name]
    (found,) = column(values, **changes).warnings
    assert warning in found


@pytest.mark.parametrize("name", UNSUSPICIOUS)
def test_anything_else_is_none(name):
    values, changes = UNSUSPICIOUS[name]
    assert column(values, **changes).warnings == ()
