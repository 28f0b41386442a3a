"""Measured outcomes beside published ones: the same quantity, the same statistic, a rule that each row states."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.judging import position
from pipeline.analysis.significance import holm
from pipeline.core.rounding import rounded
from pipeline.data import DatasetConfig
from pipeline.data.linear import Linear
from pipeline.data.polynomial import Polynomial
from pipeline.project.params import Params
from pipeline.project.variants import Study
from pipeline.training.config import RunConfig
from pipeline.training.initializers import Normal

_HEAD = ["config", "factor", "quantity", "rebuilds", "statistic"]
_PUBLISHED = {"estimate": "published", "sd": "published_sd", "low": "published_low", "high": "published_high"}


def judge(
    project: Params, table: pd.DataFrame, results: Mapping[str, pd.DataFrame], findings: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Put the measured outcome, the closed form, the verdict and a two-sample test beside every published outcome.

    `z` is Welch's statistic of the difference of two means, `p` adjusted over the table by Holm's procedure; both are
    undefined for medians and without a published standard deviation.

    Args:
        project: Says which study and variant, or which measurement, measures each outcome.
        table: Published outcomes; empty if the project names none.
        results: By study, one row per run.
        findings: By measurement.
    """
    outcomes = project.published.outcomes if project.published else ()
    sources = {(source.config, source.factor): source for source in outcomes}
    rows = []
    for item in table.itertuples():
        source = sources.get((item.config, item.factor))
        numbers = dict.fromkeys(("measured", "sd", "min", "max", "closed_form"), np.nan)
        row: dict[str, Any] = {"where": "", "n": 0, **numbers}
        if source is not None and source.measurement is not None:
            row["where"] = source.measurement
            quantities = findings[source.measurement].rename(columns={"estimate": "measured"}).set_index("quantity")
            if item.quantity in quantities.index:
                row |= {name: quantities.at[item.quantity, name] for name in ("n", "measured", "sd", "min", "max")}
        elif source is not None:
            study = project.studies[str(source.study)]
            variant = study.variant(str(source.variant))
            row["where"] = f"{study.id}: {variant.id}"
            row["closed_form"] = closed_form(variant.config, project.datasets[study.dataset], item.quantity)
            runs, name = results[study.id], metric(study, item.quantity)
            if name in runs.columns:
                finished = (runs["variant"] == variant.id) & (runs["fold"] == 0) & (runs["status"] == "finished")
                values = runs.loc[finished, name]
                row |= {"n": len(values), "sd": values.std(), "min": values.min(), "max": values.max()}
                row["measured"] = values.median() if item.statistic == "median" else values.mean()
        row["rule"], row["verdict"] = verdict(item.estimate, item.sd, item.low, item.high, row["measured"])
        published_mean = item.estimate if item.statistic == "mean" else np.nan
        row["z"], row["p"] = two_sample(row["measured"], row["sd"], row["n"], published_mean, item.sd, item.rebuilds)
        rows.append(row)
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p"] = p
    published = table.rename(columns=_PUBLISHED)[[*_HEAD, *_PUBLISHED.values()]]
    return published.join(pd.DataFrame(rows, index=table.index))


def two_sample(mean: float, sd: float, n: int, other: float, other_sd: float, m: int) -> tuple[float, float]:
    """Return Welch's statistic of the difference of two means, and its two-sided p; NaN if a number is undefined.

    >>> two_sample(0.5, 0.1, 10, 0.4, 0.1, 10)
    (2.2360679775, 0.0382496145161)
    """
    from scipy import stats

    if math.isnan(mean + sd + other + other_sd) or not (n > 1 and m > 1) or sd == other_sd == 0:
        return math.nan, math.nan
    z, p = stats.ttest_ind_from_stats(mean, sd, n, other, other_sd, m, equal_var=False)
    return rounded(float(z)), rounded(float(p))


def metric(study: Study, quantity: str) -> str:
    """Return the metric of a published quantity: training metrics of image models are running means of an epoch."""
    running = "classification" in study.traits and quantity.startswith("train_")
    return f"{quantity}_running" if running else quantity


def verdict(estimate: float, sd: float, low: float, high: float, measured: float) -> tuple[str, str]:
    """Return rule and verdict ("inside", "outside" or "not measured") of a measured value.

    The rule is the published range if there is one, else two published standard deviations around the published
    estimate, else, if no spread was published, 10 % around it.

    >>> verdict(0.8, 0.1, 0.7, 0.85, 0.86)
    ('range', 'outside')
    >>> verdict(0.8, 0.1, math.nan, math.nan, 0.86)
    ('2 sd', 'inside')
    >>> verdict(0.8, math.nan, math.nan, math.nan, 0.9)
    ('10 %', 'outside')
    """
    rule = "range" if not math.isnan(low) else "2 sd" if not math.isnan(sd) else "10 %"
    if rule != "range":
        distance = 2 * sd if rule == "2 sd" else 0.1 * abs(estimate)
        low, high = rounded(estimate - distance), rounded(estimate + distance)
    where = position(rounded(measured), rounded(measured), (low, high))
    return rule, "not measured" if where == "across" else where


def closed_form(config: RunConfig, data: DatasetConfig, quantity: str) -> float:
    """Return the value that theory predicts for a quantity, or NaN.

    Linear data with more inputs D than examples N, weights from N(0, s^2): only the penalty has a gradient in the D - N
    directions outside the data. The norm of the weights is about s sqrt(D - N) (1 - eta lambda)^steps; without penalty
    the test loss is about s^2 (D - N), or half of it for the halved loss. Polynomials: the test loss of a model that
    has all true features cannot fall below the variance of the noise.
    """
    halved = 0.5 if config.loss == "half_squared_error" else 1.0
    start = config.model.initialization.weight
    reduced = config.model.hidden or config.model.features != "all" or config.data.examples != "all"
    if isinstance(data, Linear) and isinstance(start, Normal) and data.inputs > data.train_examples and not reduced:
        free = data.inputs - data.train_examples
        decay = config.optimizer.weight_decay + config.penalty.l2
        steps = config.training.epochs * -(-data.train_examples // config.training.batch_size)
        if quantity == "weight_norm":
            with np.errstate(over="ignore"):  # if training diverges
                remaining = float(np.float64(1 - config.optimizer.learning_rate * decay) ** steps)
            return start.std * math.sqrt(free) * remaining
        if quantity == "test_loss" and decay == 0:
            return start.std**2 * free * halved
    if isinstance(data, Polynomial) and quantity == "test_loss":
        features = data.features if config.model.features == "all" else config.model.features
        if features >= len(data.weights):
            return data.noise_sd**2 * halved
    return np.nan
