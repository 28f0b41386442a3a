"""Mistakes in blocks of `datasets`."""

import pytest
from samples import SMALL

from pipeline.data.config import Table

LABELS = {
    "source": "label_shift",
    "proportions": [0.5, 0.5],
    "target_proportions": [0.2, 0.8],
    "separation": 1.0,
    "train_examples": 10,
    "target_examples": 10,
    "test_examples": 10,
}
TABLE = {"source": "table", "file": "tables/own.csv", "target": "y"}
WRONG = {
    # changes, what the one line must name
    "proportions that do not fit": (
        {"datasets.shifted": {**LABELS, "target_proportions": [0.5, 0.25, 0.25]}},
        ["datasets.shifted.target_proportions: found", "that sum to 1"],
    ),
    "proportions that do not sum to 1": (
        {"datasets.shifted": {**LABELS, "proportions": [0.5, 0.4]}},
        ["datasets.shifted.proportions: found", "that sum to 1"],
    ),
    "unknown source": ({"datasets.images.source": "cifar"}, ["datasets.images.source: found 'cifar'"]),
    "no source": ({"datasets.images": {"scale": "unit"}}, ["datasets.images.source: found None"]),
    "too many weights": (
        {"datasets.linear": {**SMALL["datasets"]["linear"], "source": "polynomial"}},
        ["datasets.linear"],
    ),
    "table elsewhere": (
        {"datasets.images": {**TABLE, "file": "own.csv"}},
        ["datasets.images.file: found 'own.csv'", "in"],
    ),
    "table outside": (
        {"datasets.images": {**TABLE, "file": "tables/../../a.csv"}},
        ["file: found 'tables/../../a.csv'"],
    ),
    "no table": ({"datasets.images": {**TABLE, "file": "tables/own.xlsx"}}, ["found 'tables/own.xlsx'", ".parquet"]),
    "table without target": (
        {"datasets.images": {"source": "table", "file": "tables/own.csv"}},
        ["datasets.images.target: found"],
    ),
    "no test set": ({"datasets.images": {**TABLE, "test_fraction": 0.0}}, ["test_fraction: found 0.0", "than 0"]),
    "all of it a test set": ({"datasets.images": {**TABLE, "test_fraction": 1.0}}, ["test_fraction: found 1.0"]),
    "unknown task": ({"datasets.images": {**TABLE, "task": "guess"}}, ["task: found 'guess'", "'infer'"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    lines = refused(changes)
    assert any(all(word in line for word in words) for line in lines), lines


@pytest.mark.parametrize(
    ("split", "validated", "factor"),
    [("test", 0, 1 / 4), ("train", 0, 4), ("none", 0, 4), ("validation", 0.25, 1 / 4), ("validation", 1, 4)],
)
def test_what_seeds_share_is_the_share_of_the_table_that_a_value_is_measured_on(split, validated, factor):
    table = Table.model_validate({**TABLE, "test_fraction": 0.2})
    assert table.split_correlation(split, validated) == pytest.approx(factor)
