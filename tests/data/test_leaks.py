"""Suspects of a leak: the target in another form is found, and nothing else in real and random tables."""

import numpy as np
import pytest
from sklearn import datasets

from pipeline.data.leaks import suspects

RANDOM = np.random.default_rng(0)
ROWS = 120
CLASSES = RANDOM.integers(3, size=ROWS)
VALUES = RANDOM.lognormal(3.0, 1.0, size=ROWS)
HONEST = {
    "number": RANDOM.standard_normal(ROWS) + CLASSES + np.log(VALUES),
    "gaps": np.where(RANDOM.random(ROWS) < 0.3, np.nan, RANDOM.standard_normal(ROWS)),
    "category": np.array(list("abcd"), object)[RANDOM.integers(4, size=ROWS)],
}


def text(values) -> np.ndarray:
    return np.array([str(value) for value in values], object)


def without(column: np.ndarray, rows) -> np.ndarray:
    """A column of numbers or text without the cells of some rows."""
    found = column.copy()
    found[rows] = np.nan if column.dtype.kind == "f" else ""
    return found


LEAKS = {
    "its names": text(CLASSES),
    "other names, one of them misspelt once": np.where(np.arange(ROWS) == 7, "lrage", text(CLASSES * 7)).astype(object),
    "other numbers": np.array([5.0, 2.0, 9.0])[CLASSES],
    "finer groups": text(CLASSES * 10 + RANDOM.integers(4, size=ROWS)),
    "codes of finer groups": (CLASSES + 3.0 * RANDOM.integers(4, size=ROWS)),
    "a score with thresholds": CLASSES + RANDOM.uniform(0.0, 0.9, size=ROWS),
    "filled later in some rows": without(text(CLASSES), RANDOM.random(ROWS) < 0.4),
    "a number, filled later": without(CLASSES + RANDOM.uniform(0.0, 0.9, size=ROWS), RANDOM.random(ROWS) < 0.4),
    "the reason for one class": np.where(CLASSES == 2, "", text(CLASSES)).astype(object),
    "the date of one class": without(CLASSES + RANDOM.uniform(0.0, 0.9, size=ROWS), CLASSES == 2),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_target_in_other_words_is_found(leak):
    assert suspects({**HONEST, leak: LEAKS[leak]}, CLASSES) == [leak]


UNITS = {
    "its negative": -VALUES,
    "another unit": VALUES * 1.8 + 32.0,
    "another unit, rounded": np.round(100 * VALUES),
    "its rounded values": np.round(VALUES),
    "its logarithm": np.log(VALUES),
    "its rank": np.argsort(np.argsort(VALUES)).astype(float),
    "another unit with gaps": without(VALUES * 1.8 + 32.0, RANDOM.random(ROWS) < 0.4),
}


@pytest.mark.parametrize("leak", UNITS)
def test_a_target_in_another_unit_is_found(leak):
    assert suspects({**HONEST, leak: UNITS[leak]}, VALUES) == [leak]


def test_a_category_with_a_value_for_each_level_is_found():
    prices = np.array([1.5, 9.0, 9.0, 4.25])
    products = RANDOM.integers(4, size=ROWS)
    leaks = {"product": text(products), "code": 1000.0 + products}
    assert suspects({**HONEST, **leaks}, prices[products]) == list(leaks)


def test_a_column_that_is_filled_for_one_class_alone_is_found():
    left = CLASSES == 2
    days = without(HONEST["number"], ~left)
    reasons = np.where(left, HONEST["category"], "").astype(object)
    assert suspects({**HONEST, "reason": reasons, "days": days}, left.astype(np.int64)) == ["reason", "days"]


def test_more_columns_need_more_evidence():
    """By chance, one column in 2.6 million gives the levels of 26 rows one class each."""
    classes = np.arange(26) % 2
    columns = {str(index): np.ones(26) for index in range(9)}
    assert suspects({"own": text(classes)}, classes) == ["own"]
    assert suspects({"own": text(classes), **columns}, classes) == []


def test_a_rare_class_is_enough_and_its_chance_counts():
    """Of 1,000 rows, ten may be a class by chance in 10^23 ways, two in 10^6."""
    for rare, found in ((10, ["own"]), (2, [])):
        classes = (np.arange(1000) < rare).astype(np.int64)
        assert suspects({"own": text(classes)}, classes) == found


SORTED = ("iris", "wine")  # their rows are in the order of the classes


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_no_measured_column_of_a_real_table_is_suspected(name):
    bunch = getattr(datasets, f"load_{name}")()
    columns = dict(enumerate(bunch.data.T.astype(float)))
    assert suspects(columns, bunch.target) == []
    # as categories, too
    assert suspects({key: text(np.round(column)) for key, column in columns.items()}, bunch.target) == []
    rows = np.arange(float(len(bunch.target)))
    assert suspects({"row": rows}, bunch.target) == (["row"] if name in SORTED else [])


def test_small_random_tables_have_no_suspect():
    random = np.random.default_rng(0)
    determined = 0
    for rows in [3, 6, 10, 20, 40] * 100:
        classes = np.append(random.integers(2, size=rows - 2), [0, 1])
        values = random.standard_normal(rows)
        columns = {
            "two": text(random.integers(2, size=rows)),
            "three": text(np.append(random.integers(3, size=rows - 3), [0, 1, 2])),
            "few": random.integers(3, size=rows).astype(float),
            "number": random.standard_normal(rows),
            "gaps": np.where(random.random(rows) < 0.5, np.nan, random.standard_normal(rows)),
            "rare": np.where(np.arange(rows) == random.integers(rows), 9.0, 0.0),
        }
        assert suspects(columns, classes) == suspects(columns, values) == suspects(columns, np.round(values)) == []
        determined += all(len(set(classes[columns["three"] == level])) == 1 for level in "012")
    assert determined > 5  # by chance


def test_an_outlier_in_both_columns_is_no_unit():
    random = np.random.default_rng(1)
    column, values = random.standard_normal((2, ROWS))
    column[5], values[5] = 1e30, 1e30
    assert np.corrcoef(column, values)[0, 1] > 0.9999
    assert suspects({"column": column, "constant": np.ones(ROWS)}, values) == []


def test_names_and_pairs_are_too_many_levels():
    """Nearly every row has a level of its own, as for identifiers."""
    for levels in (np.arange(ROWS), np.arange(ROWS) // 2):
        classes = levels * 7 % 3
        assert suspects({"name": text(levels)}, classes) == []
    assert suspects({"group": text(np.arange(ROWS) // 3)}, np.arange(ROWS) // 3 % 2) == ["group"]
