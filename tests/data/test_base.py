"""All sources: mistakes in blocks of `datasets`, facts, and the correlation of seeds."""

import numpy as np
import pytest
from pydantic import TypeAdapter
from samples import seeds

from pipeline.data import DatasetConfig
from pipeline.training.config import HoldOut, KFold, NoValidation

DIGITS = {"source": "digits", "scale": "unit"}
SIZES = {"train_examples": 12, "test_examples": 10}
LINEAR = {"source": "linear", "inputs": 3, "weight": 0.01, "bias": 0.05, "noise_sd": 0.01, **SIZES}
POLYNOMIAL = {"source": "polynomial", "features": 4, "weights": [1.0, 2.0], "noise_sd": 0.1, **SIZES}
LABELS = {"source": "label_shift", "proportions": [0.5, 0.5], "target_proportions": [0.2, 0.8], "separation": 1.0}
LABELS |= {"target_examples": 10, **SIZES}
TABLE = {"source": "table", "file": "tables/own.csv", "target": "y"}
SOURCES = [
    DIGITS,
    POLYNOMIAL,
    LINEAR,
    {"source": "covariate_shift", "shift": 1.0, "slope": 3.0, "target_examples": 10, **SIZES},
    LABELS,
    {"source": "concept_shift", "angle": 60.0, "slope": 1.5, "target_examples": 10, **SIZES},
]
WRONG = {
    # the block, what the one line must name
    "shares of other classes": (
        {**LABELS, "target_proportions": [0.5, 0.25, 0.25]},
        ["target_proportions", "sum to 1"],
    ),
    "shares that do not sum to 1": ({**LABELS, "proportions": [0.5, 0.4]}, ["proportions: found", "sum to 1"]),
    "unknown source": ({"source": "cifar"}, ["source: found 'cifar'", "fashion_mnist", "table"]),
    "too many weights": ({**POLYNOMIAL, "features": 1}, ["weights: found", "(1)"]),
    "table elsewhere": ({**TABLE, "file": "own.csv"}, ["file: found 'own.csv'"]),
    "no table": ({**TABLE, "file": "tables/own.xlsx"}, ["found 'tables/own.xlsx'", ".parquet"]),
    "table without target": ({"source": "table", "file": "tables/own.csv"}, ["target: found"]),
    "no test set": ({**TABLE, "test_fraction": 0.0}, ["test_fraction: found 0.0", "than 0"]),
}


def typed(config):
    return TypeAdapter(DatasetConfig).validate_python(config)


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_key(case, refused):
    dataset, words = WRONG[case]
    lines = refused({"datasets.images": dataset})
    assert any("datasets.images." in line and all(word in line for word in words) for line in lines), lines


@pytest.mark.parametrize("config", SOURCES, ids=lambda config: config["source"])
def test_a_data_set_is_as_its_facts_say(config):
    source = typed(config)
    facts, dataset = source.facts(), source.make(seeds(2))
    sizes = (dataset.features, dataset.train.examples, dataset.test.examples)
    assert facts[:5] == (dataset.task, dataset.outputs, *sizes)
    assert (facts.images, facts.shifts) == (config["source"] == "digits", bool(dataset.weights))
    assert len(dataset.seeds) == (2 if "train_examples" in config else 0)


@pytest.mark.parametrize("config", [LINEAR, POLYNOMIAL], ids=lambda config: config["source"])
def test_a_seed_s_examples_do_not_depend_on_how_many_seeds_or_examples_are_drawn(config):
    few, many = typed({**config, "train_examples": 5}).make(seeds(1)), typed(config).make(seeds(4))
    for left, right in ((few.train, many.train), (few.test, many.test)):
        np.testing.assert_array_equal(left.inputs[0], right.inputs[0, : left.examples])
        np.testing.assert_array_equal(left.targets[0], right.targets[0, : left.examples])
    splits = [split.targets[seed, :10] for split in (many.train, many.test) for seed in range(4)]
    assert len({split.tobytes() for split in splits}) == 8


@pytest.mark.parametrize("config", [LINEAR, POLYNOMIAL], ids=lambda config: config["source"])
def test_true_weights_give_the_values_without_noise(config):
    source = typed({**config, "noise_sd": 0.0})
    train = source.make(seeds(1)).train
    np.testing.assert_allclose(train.inputs[0] @ source.true_weights(), train.targets[0] - config.get("bias", 0.0))
    assert typed(DIGITS).true_weights() == []


HALF, QUARTER = (HoldOut(name="hold_out", fraction=fraction) for fraction in (0.5, 0.25))
FOLDS = KFold(name="k_fold", folds=5)


@pytest.mark.parametrize(
    ("config", "split", "validations", "expected"),
    [
        (DIGITS, "test", [HALF], 0.0),
        (DIGITS, "validation", [QUARTER, FOLDS], 5 / 4),
        (LINEAR, "validation", [HALF], 0.0),
        ({**TABLE, "test_fraction": 0.2}, "test", [], 1 / 4),
        ({**TABLE, "test_fraction": 0.2}, "train", [], 4.0),
        ({**TABLE, "test_fraction": 0.2}, "validation", [NoValidation(name="none"), QUARTER], 1 / 4),
    ],
)
def test_values_of_seeds_correlate_by_the_share_of_the_data_that_they_are_measured_on(
    config, split, validations, expected
):
    assert typed(config).split_correlation(split, validations) == pytest.approx(expected)
