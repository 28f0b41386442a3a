"""The seconds are not tested - a busy machine is slow -, but what they are made of is."""

import pytest
from execution.studies import study
from samples import classes, config, seeds

from ablate import estimate
from ablate.estimate import Estimator
from pipeline.execution import pool


def test_a_few_epochs_stand_for_all(monkeypatch):
    clock = [0.0]
    trained = []

    def train(spec, examples):
        epochs = spec.config.training.epochs
        trained.append(epochs)
        clock[0] += 0.01 * epochs

    monkeypatch.setattr(estimate.results, "train", train)
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: clock[0])
    one = study(**{"training.epochs": 1000, "training.evaluations": 100})
    found = Estimator()(one, seeds(2), classes(2))
    assert found.runs == len(one.variants) * 2
    assert found.stored == 0
    # a hundredth of a second per epoch of each run, however few were tried
    assert found.seconds == pytest.approx(10 * found.runs / pool.threads())
    assert max(trained) < 200
    assert trained[0] == 1


def test_never_more_epochs_than_there_are(monkeypatch):
    trained = []
    monkeypatch.setattr(estimate.results, "train", lambda spec, _: trained.append(spec.config.training.epochs))
    Estimator()(study(**{"training.epochs": 3}), seeds(2), classes(2))
    assert max(trained) == 3


def test_fewer_epochs_are_evaluated_as_often_for_each():
    full = config({"training": {"epochs": 100, "batch_size": 17, "evaluations": 20}})
    for epochs, evaluations in ((100, 20), (10, 2), (1, 1)):
        shorter = estimate._shorter(full, epochs)
        assert (shorter.training.epochs, shorter.training.evaluations) == (epochs, evaluations)
        assert shorter.model == full.model


def test_what_was_timed_once_is_not_timed_again(monkeypatch):
    calls = []
    monkeypatch.setattr(estimate.results, "train", lambda spec, _: calls.append(spec))
    estimator = Estimator()
    estimator(study(), seeds(2), classes(2))
    first = len(calls)
    estimator(study(), seeds(2), classes(2))
    assert len(calls) == first
