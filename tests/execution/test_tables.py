import dataclasses

import numpy as np
import pytest
from execution.studies import study, with_folds
from samples import classes, seeds, values

from pipeline.execution import tables
from pipeline.execution.runs import train_study
from pipeline.training import engine
from pipeline.training.engine import Examples


def test_weights_are_those_of_linear_models():
    linear = study("regression", **{"loss": "squared_error", "model.hidden": [], "model.dropout": 0.0})
    weights = train_study(linear, seeds(2), values(2)).diagnostics.weights
    assert len(weights) == len(linear.variants) * 2 * (13 + 1)
    trained = engine.train(linear.variants[0].config, seeds(2)[1], Examples(values(2)))
    rows = weights[(weights["variant"] == linear.variants[0].id) & (weights["seed_index"] == 1)]
    assert rows["value"].tolist() == [*trained.weights[0][:, 0], *trained.biases[0]]
    assert train_study(linear, seeds(1), values(1, features=1001)).diagnostics.weights.empty


def test_pictures_are_kept_if_the_study_shows_them():
    dataset, variant = classes(2), study().variants[0]
    pictures = train_study(dataclasses.replace(study(), figure="predictions"), seeds(2), dataset).diagnostics.pictures
    assert set(pictures["variant"]) == {variant.id for variant in study().variants}
    predictions = engine.train(variant.config, seeds(2)[0], Examples(dataset)).predictions
    labels = dataset.test.targets[0]
    for right in (True, False):
        examples = np.flatnonzero((labels == predictions) == right)[: tables.PICTURES]
        rows = pictures[(pictures["variant"] == variant.id) & (pictures["right"] == right)]
        assert rows["truth"].tolist() == [f"class {labels[example]}" for example in examples]
        assert rows["prediction"].tolist() == [f"class {predictions[example]}" for example in examples]
        assert all((pixels.min(), pixels.max()) == (0, 1) for pixels in rows["pixels"])
    assert train_study(study(), seeds(2), dataset).diagnostics.pictures.empty


def test_a_row_says_which_examples_its_run_saw():
    dataset = classes(2)
    rows = train_study(study(), seeds(2), dataset).results
    assert set(zip(rows["seed_index"], rows["data"], strict=True)) == {(n, dataset.fingerprint(n)) for n in (0, 1)}


def test_points_are_examples_with_two_features():
    dataset = classes(2, features=2)
    points = train_study(study(), seeds(2), dataset).diagnostics.points
    assert points.groupby("split").size().to_dict() == {"train": 44, "test": 30}
    assert points["x1"].tolist()[:44] == dataset.train.inputs[0, :, 0].tolist()


def test_parameters_and_effective_examples_are_counted():
    weighed = with_folds(**{"data.importance_weights": {"name": "oracle"}})
    weighed = dataclasses.replace(weighed, traits=weighed.traits | {"shift"})
    dataset = classes(2)
    results = train_study(weighed, seeds(2), dataset).results
    assert set(results["parameters"]) == {13 * 33 + 33 + 33 * 20 + 20 + 20 * 7 + 7}
    first = results[(results["seed_index"] == 1) & (results["fold"] == 0)]["effective_examples"].iloc[0]
    weights = dataset.weights["oracle"][1]
    assert first == pytest.approx(weights.sum() ** 2 / np.square(weights).sum())


def test_curves_of_many_runs_take_little_more_memory_than_their_numbers():
    """An array of strings would take four bytes per character of the longest name for every row."""
    long = study(**{"training.epochs": 50, "training.evaluations": 50})
    curves = train_study(long, seeds(3), classes(3)).curves
    assert len(curves) == len(long.variants) * 3 * 2 * 50
    assert curves.memory_usage(deep=True).sum() < 24 * len(curves)
    rows = curves[(curves["variant"] == long.variants[-1].id) & (curves["split"] == "test")]
    assert rows["epoch"].tolist() == [*range(1, 51)] * 3
