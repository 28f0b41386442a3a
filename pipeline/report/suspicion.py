"""Suspicion that the inputs of a table contain its target in another form."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.core.errors import shorten
from pipeline.data import DatasetConfig
from pipeline.data.table import Table, read
from pipeline.project.variants import Study
from pipeline.training.kernels.arguments import REGRESSION_LOSSES

_UNEXPLAINED = 0.001  # share of the variance of a target that measured inputs almost always leave unexplained
_MOST = 5  # suspects that a sentence lists at most


class Evidence(NamedTuple):
    """Evidence of a leak in a table, before any training."""

    dataset: str
    ignored: tuple[str, ...]
    suspects: tuple[str, ...]  # inputs that alone determine the target
    variance: float  # of the target, in the unit of the losses of a regression


def evidence(dataset: str, config: DatasetConfig) -> Evidence | None:
    """Find the evidence in a data set; None if it is not a table."""
    if not isinstance(config, Table):
        return None
    columns = read(config)
    variance = 1.0 if config.standardize_target else float(np.var(columns.target))
    return Evidence(dataset, config.ignore, config.described().suspects, variance)


def sentences(study: Study, results: pd.DataFrame, found: Evidence | None) -> str:
    """Return the suspicion and a remedy; empty without a suspicion.

    Suspects are reason enough: a network that only copies an input seldom becomes perfect. Without suspects, all runs
    have to be perfect.

    Args:
        study: The study.
        results: One row per run.
        found: The evidence in the data set of the study.
    """
    if not found:
        return ""
    perfect = _perfect(study, results, found.variance)
    if not (perfect or found.suspects):
        return ""
    if not found.suspects:
        reasons = "the task may be easy, or inputs may contain the target in another form; none alone determines it"
        return f"{perfect}: {reasons}. If they do, list them under `ignore` in datasets.{found.dataset}."
    listed = ", ".join(map(shorten, found.suspects[:_MOST]))
    more = len(found.suspects) - _MOST
    listed += f" and {more} more" if more > 0 else ""
    words = f"input may contain the target in another form; inputs that alone determine it: {listed}"
    ignore = str([*found.ignored, *found.suspects])
    remedy = f"write `ignore: {ignore}`" if len(ignore) <= 120 else "list them under `ignore`"
    return f"{f'{perfect}: an' if perfect else 'An'} {words}. If so, {remedy} in datasets.{found.dataset}."


def _perfect(study: Study, results: pd.DataFrame, variance: float) -> str:
    """Return a statement if all runs predict the test set; empty if one does not, or diverged."""
    whole = results[results["fold"] == 0]
    if "classification" in study.traits:
        return "All variants predict every test example" if (whole["test_accuracy"] == 1).all() else ""
    factors = {variant.id: _factor(variant.config.loss) for variant in study.variants}
    unexplained = whole["test_loss"] / whole["variant"].map(factors) / variance
    explained = (unexplained < _UNEXPLAINED).all()
    return "All variants explain more than 99.9 % of the target’s variance" if explained else ""


def _factor(loss: str) -> float:
    """Return the factor of the squared error in a loss; NaN if it is another function."""
    factor, function = REGRESSION_LOSSES[loss]
    return factor if function == "mse_loss" else float("nan")
