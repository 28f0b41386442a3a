import dataclasses

import numpy as np
import pytest
from execution.studies import study, with_folds
from samples import classes, seeds, values

from pipeline.execution import runs, tables
from pipeline.training import engine
from pipeline.training.engine import Examples


def test_weights_of_small_linear_models_are_kept_and_no_others():
    linear = study("regression", **{"loss": "squared_error", "model.hidden": [], "model.dropout": 0.0})
    found = runs.train(linear, seeds(2), values(2)).diagnostics.weights
    assert len(found) == len(linear.variants) * 2 * (13 + 1)
    alone = engine.train(linear.variants[0].config, seeds(2)[1], Examples(values(2)))
    own = found[(found["variant"] == linear.variants[0].id) & (found["seed_index"] == 1)]["value"].tolist()
    assert own == [*alone.weights[0][:, 0], *alone.biases[0]]
    assert runs.train(study(), seeds(2), classes(2)).diagnostics.weights.empty


def test_pictures_are_kept_where_the_study_asks_for_them():
    asked = dataclasses.replace(study(), figure="predictions")
    dataset = classes(2)
    found = runs.train(asked, seeds(2), dataset).diagnostics.pictures
    assert set(found["variant"]) == {variant.id for variant in asked.variants}
    alone = engine.train(asked.variants[0].config, seeds(2)[0], Examples(dataset))
    labels, predictions = dataset.test.targets[0], alone.predictions
    own = found[found["variant"] == asked.variants[0].id]
    for right in (True, False):
        places = np.flatnonzero((labels == predictions) == right)[: tables.PICTURES]
        rows = own[own["right"] == right]
        assert rows["truth"].tolist() == [f"class {labels[place]}" for place in places]
        assert rows["prediction"].tolist() == [f"class {predictions[place]}" for place in places]
    assert runs.train(study(), seeds(2), dataset).diagnostics.pictures.empty


def test_a_row_says_which_examples_its_run_saw():
    dataset = classes(2)
    rows = runs.train(study(), seeds(2), dataset).results
    assert set(zip(rows["seed_index"], rows["data"], strict=True)) == {(n, dataset.fingerprint(n)) for n in (0, 1)}


def test_points_are_kept_of_data_with_two_features():
    found = runs.train(study(), seeds(2), classes(2, features=2)).diagnostics.points
    assert found.groupby("split").size().to_dict() == {"train": 44, "test": 30}
    assert found["x1"].tolist()[:44] == classes(2, features=2).train.inputs[0, :, 0].tolist()


def test_parameters_and_effective_examples_are_counted():
    weighed = with_folds(**{"data.importance_weights": {"name": "oracle"}})
    weighed = dataclasses.replace(weighed, traits=weighed.traits | {"shift"})
    dataset = classes(2)
    results = runs.train(weighed, seeds(2), dataset).results
    assert set(results["parameters"]) == {13 * 33 + 33 + 33 * 20 + 20 + 20 * 7 + 7}
    first = results[(results["seed_index"] == 1) & (results["fold"] == 0)]["effective_examples"].iloc[0]
    weights = dataset.weights["oracle"][1]
    assert first == pytest.approx(weights.sum() ** 2 / np.square(weights).sum())


def test_curves_of_many_runs_take_little_more_memory_than_their_numbers():
    """An array of strings would take as much for every row as the longest name has characters, four times over."""
    long = study(**{"training.epochs": 50, "training.evaluations": 50})
    found = runs.train(long, seeds(3), classes(3)).curves
    assert len(found) == len(long.variants) * 3 * 2 * 50
    assert found.memory_usage(deep=True).sum() < 24 * len(found)
    own = found[(found["variant"] == long.variants[-1].id) & (found["split"] == "test")]
    assert own["epoch"].tolist() == [*range(1, 51)] * 3
