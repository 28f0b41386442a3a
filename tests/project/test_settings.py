"""Every kind of mistake is named with its dotted key, what was found and what is allowed."""

import pytest
from samples import CLAIM, SMALL

from pipeline.project import params
from pipeline.project.errors import UserError
from pipeline.project.settings import Table

DECAY = "studies.weight_decay"
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
    "unknown key": ({f"{DECAY}.base.model.widht": 3}, [f"{DECAY}.base.model.widht: found an unknown key", "hidden"]),
    "missing key": ({f"{DECAY}.base.loss": ...}, [f"{DECAY}.base.loss: found nothing"]),
    "margin of an unknown metric": ({"judging.margins": {"weight_norm": 1.0}}, ["judging.margins: found", "test_loss"]),
    "no room": ({"judging.margins": {"test_accuracy": 0.0}}, ["judging.margins.test_accuracy: found 0.0"]),
    "not a ratio": ({"judging.margins": {"test_loss": 0.05}}, ["judging.margins: found", "a ratio above 1 for test_l"]),
    "no error rate": ({"judging.alpha": 0.0}, ["judging.alpha: found 0.0, allowed: greater than 0"]),
    "wrong type": ({f"{DECAY}.base.schedule.epochs": "ten"}, [f"{DECAY}.base.schedule.epochs: found 'ten'", "integer"]),
    "boolean for a number": ({f"{DECAY}.base.schedule.epochs": True}, ["schedule.epochs: found True"]),
    "float epochs": ({f"{DECAY}.base.schedule.epochs": 2.5}, ["schedule.epochs: found 2.5"]),
    "negative epochs": ({f"{DECAY}.base.schedule.epochs": -1}, ["schedule.epochs: found -1", "greater than or equal"]),
    "dropout above 1": ({f"{DECAY}.base.model.dropout": 1.5}, [f"{DECAY}.base.model.dropout: found 1.5", "equal to 1"]),
    "dropout list": (
        {"studies.activation.base.model.dropout": [0.1, 1.5]},
        ["studies.activation.base.model.dropout.1: found 1.5"],
    ),
    "dropout of another length": (
        {"studies.activation.base.model.dropout": [0.1]},
        ["studies.activation.base.model.dropout: found [0.1]", "2 hidden layers"],
    ),
    "infinite": ({f"{DECAY}.base.optimizer.learning_rate": float("inf")}, ["learning_rate: found inf", "finite"]),
    "unknown choice": ({f"{DECAY}.base.model.activation": "relo"}, ["model.activation: found 'relo'", "'relu'"]),
    "unknown initializer": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "xavier"}},
        ["initialization.weight.name: found 'xavier'", "xavier_uniform"],
    ),
    "initializer without std": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "normal"}},
        ["initialization.weight.std: found nothing"],
    ),
    "nesterov without momentum": (
        {f"{DECAY}.base.optimizer.nesterov": True},
        [f"{DECAY}.base.optimizer.nesterov: found True", "momentum above 0"],
    ),
    "unknown optimizer": ({f"{DECAY}.base.optimizer.name": "adan"}, ["optimizer.name: found 'adan'", "adam", "adamw"]),
    "momentum of adam": (
        {f"{DECAY}.base.optimizer": {"name": "adam", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}},
        [f"{DECAY}.base.optimizer.momentum: found an unknown key", "beta1"],
    ),
    "moments that never fade": (
        {f"{DECAY}.base.optimizer": {"name": "adam", "learning_rate": 0.1, "beta2": 1.0, "weight_decay": 0.0}},
        [f"{DECAY}.base.optimizer.beta2: found 1.0"],
    ),
    "unknown schedule": (
        {f"{DECAY}.base.schedule.learning_rate": {"name": "linear"}},
        ["schedule.learning_rate.name: found 'linear'", "constant", "step", "cosine"],
    ),
    "a step that raises": (
        {f"{DECAY}.base.schedule.learning_rate": {"name": "step", "every": 2, "gamma": 1.5}},
        [f"{DECAY}.base.schedule.learning_rate.gamma: found 1.5"],
    ),
    "patience without a fraction": (
        {f"{DECAY}.base.schedule.early_stopping": {"name": "validation_loss", "patience": 3}},
        [f"{DECAY}.base.schedule.early_stopping.fraction: found nothing"],
    ),
    "nothing to stop by": (
        {f"{DECAY}.base.schedule.early_stopping": {"name": "validation_loss", "patience": 3, "fraction": 0.001}},
        [f"{DECAY}.base.schedule.early_stopping: found", "examples on both sides"],
    ),
    "smoothed numbers": (
        {f"{DECAY}.base.label_smoothing": 0.1},
        [f"{DECAY}.base.label_smoothing: found 0.1", "regres"],
    ),
    "labels of nothing but smoothing": (
        {"studies.activation.base.label_smoothing": 1.0},
        ["studies.activation.base.label_smoothing: found 1.0", "less than 1"],
    ),
    "empty grid": ({f"{DECAY}.grid": {}}, [f"{DECAY}.grid: found nothing"]),
    "empty axis": ({f"{DECAY}.grid.optimizer.weight_decay": []}, [f"{DECAY}.grid.optimizer.weight_decay: found an em"]),
    "axis that is no list": ({f"{DECAY}.grid.optimizer.weight_decay": 3}, ["weight_decay: found 3", "a list"]),
    "axis that base lacks": ({f"{DECAY}.grid.optimizer.decay": [1]}, [f"{DECAY}.grid.optimizer.decay: not in base"]),
    "wrong value in a grid": (
        {f"{DECAY}.grid.optimizer.weight_decay": [0, -3]},
        [f"{DECAY}.grid.optimizer.weight_decay: found -3"],
    ),
    "value twice": ({f"{DECAY}.grid.optimizer.weight_decay": [0, 0.0]}, [f"{DECAY}: found the same setting twice"]),
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
    "more examples than there are": (
        {f"{DECAY}.base.data.examples": 21},
        ["base.data.examples: found 21", "data set's 20"],
    ),
    "more images than there are": (
        {"studies.activation.base.data.examples": 1438},
        ["studies.activation.base.data.examples: found 1438", "1437"],
    ),
    "more folds than examples": (
        {f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 21}},
        [f"{DECAY}.base.data.validation: found", "both sides (20 to be had)"],
    ),
    "one fold": ({f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 1}}, ["data.validation.folds: found 1"]),
    "hold-out of nothing": (
        {f"{DECAY}.base.data.validation": {"name": "hold_out", "fraction": 0.01}},
        [f"{DECAY}.base.data.validation: found", "both sides"],
    ),
    "correction where nothing shifts": (
        {f"{DECAY}.base.data.correction": {"name": "oracle"}},
        [f"{DECAY}.base.data.correction: found 'oracle'", "linear does not shift"],
    ),
    "estimate without clip": (
        {f"{DECAY}.base.data.correction": {"name": "estimated"}},
        ["data.correction.clip: found nothing"],
    ),
    "negative penalty": ({f"{DECAY}.base.penalty.l1": -1}, [f"{DECAY}.base.penalty.l1: found -1"]),
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
    "proportions that do not fit": (
        {"datasets.shifted": {**LABELS, "target_proportions": [0.5, 0.25, 0.25]}},
        ["datasets.shifted.target_proportions: found", "that sum to 1"],
    ),
    "proportions that do not sum to 1": (
        {"datasets.shifted": {**LABELS, "proportions": [0.5, 0.4]}},
        ["datasets.shifted.proportions: found", "that sum to 1"],
    ),
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
    "id with a dot": ({"datasets": {**SMALL["datasets"], "a.b": SMALL["datasets"]["images"]}}, ["'a.b'", "a-z"]),
    "unknown dataset": ({f"{DECAY}.dataset": "pictures"}, [f"{DECAY}.dataset: found 'pictures'", "images, linear"]),
    "unknown metric": ({f"{DECAY}.metric": "test_accuracy"}, [f"{DECAY}.metric: found 'test_accuracy'", "test_loss"]),
    "metric without direction": ({f"{DECAY}.metric": "weight_norm"}, [f"{DECAY}.metric: found 'weight_norm'"]),
    "loss of another task": ({f"{DECAY}.base.loss": "cross_entropy"}, [f"{DECAY}.base.loss: found", "squared_error"]),
    "more features than there are": ({f"{DECAY}.base.model.features": 31}, ["model.features: found 31", "30"]),
    "no features": ({f"{DECAY}.base.model.features": 0}, ["model.features: found 0"]),
    "features in words": ({f"{DECAY}.base.model.features": "some"}, ["model.features: found 'some'", "'all'"]),
    "unknown source": ({"datasets.images.source": "cifar"}, ["datasets.images.source: found 'cifar'"]),
    "no source": ({"datasets.images": {"scale": "unit"}}, ["datasets.images.source: found None"]),
    "too many weights": (
        {"datasets.linear": {**SMALL["datasets"]["linear"], "source": "polynomial"}},
        ["datasets.linear"],
    ),
    "no seeds": ({"seeds.count": 0}, ["seeds.count: found 0"]),
    "device": ({"device": "abacus"}, ["device: found 'abacus'", "'cpu'"]),
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
    "section missing": ({"studies": ...}, ["studies: found nothing"]),
    "study is a list": ({"studies.weight_decay": [1]}, ["studies.weight_decay: found [1]"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, params_file):
    changes, words = WRONG[case]
    with pytest.raises(UserError) as caught:
        params.load(path=params_file(changes))
    lines = str(caught.value).splitlines()
    assert all(str(line).count("params.yaml: ") == 1 for line in lines)
    assert any(all(word in line for word in words) for line in lines), lines


def test_all_mistakes_of_the_typed_part_are_named_at_once(params_file):
    path = params_file({"seeds.count": 0, "device": "abacus"})
    with pytest.raises(UserError) as caught:
        params.load(path=path)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("split", "validated", "factor"),
    [("test", 0, 1 / 4), ("train", 0, 4), ("none", 0, 4), ("validation", 0.25, 1 / 4), ("validation", 1, 4)],
)
def test_what_seeds_share_is_the_share_of_the_table_that_a_value_is_measured_on(split, validated, factor):
    table = Table.model_validate({**TABLE, "test_fraction": 0.2})
    assert table.resplit(split, validated) == pytest.approx(factor)
