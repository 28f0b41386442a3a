"""The same training on a GPU: other bits, the same conclusions. Skipped where there is none."""

import dataclasses

import numpy as np
import pytest
import torch
from execution.studies import study
from samples import classes, seeds, setting, values

from pipeline.execution import runs
from pipeline.execution.store import Store
from pipeline.training import concise, loop

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


@pytest.mark.parametrize("make", [classes, values])
def test_without_dropout_the_numbers_are_those_of_the_processor_but_for_rounding(make):
    changes = {"loss": "squared_error"} if make is values else {}
    chosen = [setting({**changes, "optimizer.learning_rate": rate}) for rate in (0.05, 0.1, 0.2)]
    here = loop.train(chosen, seeds(3), make(3))
    there = loop.train(chosen, seeds(3), make(3), device="cuda")
    for name, curve in here.curves.items():
        np.testing.assert_allclose(there.curves[name], curve, rtol=1e-3, atol=1e-3, err_msg=name)
    for one, other in zip(here.weights, there.weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4)


def test_the_concise_implementation_agrees_on_the_device_too():
    stacked = loop.train([setting()] * 2, seeds(2), classes(2), device="cuda")
    for run, seed in enumerate(seeds(2)):
        alone = concise.train(setting(), seed, classes(2), device="cuda")
        np.testing.assert_allclose(alone.curves["test_loss"][0], stacked.curves["test_loss"][run], rtol=1e-3)


def test_with_dropout_the_mean_loss_is_that_of_the_processor():
    """Other masks: 40 seeds, four standard errors of the difference of the means."""
    chosen = setting({"model.dropout": [0.2, 0.5]})
    dataset = classes(40)
    here, there = (
        loop.train([chosen] * 40, seeds(40), dataset, device=device).metrics()["test_loss"]
        for device in ("cpu", "cuda")
    )
    difference = there - here
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / 40**0.5


def test_a_study_trains_on_the_device_and_says_so():
    found = runs.train(dataclasses.replace(study(), figure="predictions"), seeds(2), classes(2), "cuda", Store(None))
    assert (found.results["status"] == "finished").all()
    assert found.probes.environment["device"].startswith("cuda ")
