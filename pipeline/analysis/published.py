"""Our outcomes held to published ones: the same quantity, the same statistic, a rule that is stated row by row."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.core.rounding import rounded
from pipeline.data.config import DatasetConfig, Linear, Polynomial
from pipeline.project.schema import PublishedConfig
from pipeline.project.variants import Study
from pipeline.training.config import Normal, RunConfig

COLUMNS = [
    "config",
    "factor",
    "quantity",
    "rebuilds",
    "statistic",
    "published",
    "published_sd",
    "published_low",
    "published_high",
    "where",
    "n",
    "ours",
    "sd",
    "least",
    "most",
    "closed_form",
    "rule",
    "verdict",
]


def compare(
    table: pd.DataFrame,
    places: Sequence[PublishedConfig],
    studies: Mapping[str, Study],
    datasets: Mapping[str, DatasetConfig],
    results: Mapping[str, pd.DataFrame],
    findings: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """One row for each published outcome, `COLUMNS`.

    The verdict is `inside`, `outside` or `not measured`; the rule: inside the published range where there is one, else
    within two published standard deviations of the published estimate, else, where no spread was published, within 10 %.

    Args:
        table: Published outcomes, as `artifacts.read_published` gives them.
        places: Where each is measured.
        studies, datasets: By id.
        results: One row a run, by id of the study.
        findings: Of the measurements, by id.
    """
    measured_at = {(place.config, place.factor): place for place in places}
    rows = []
    for item in table.itertuples():
        place = measured_at.get((item.config, item.factor))
        ours = [0, np.nan, np.nan, np.nan, np.nan]
        where, closed = "", np.nan
        if place is not None and place.measurement is not None:
            found = findings[place.measurement].set_index("quantity")
            where = place.measurement
            if item.quantity in found.index:
                one = found.loc[item.quantity]
                ours = [int(one["n"]), *(float(one[name]) for name in ("estimate", "sd", "least", "most"))]
        elif place is not None:
            study, runs = studies[str(place.study)], results[str(place.study)]
            where = f"{place.study}: {place.variant}"
            name = metric(study, item.quantity)
            if name in runs.columns:
                whole = runs[(runs["variant"] == place.variant) & (runs["fold"] == 0)]
                values = whole.loc[whole["status"] == "finished", name]
                if len(values):
                    middle = values.median() if item.statistic == "median" else values.mean()
                    ours = [len(values), *map(float, (middle, values.std(), values.min(), values.max()))]
            config = study.variant(str(place.variant)).config
            closed = closed_form(config, datasets[study.dataset], item.quantity)
        rule, verdict = judge(item.estimate, item.sd, item.low, item.high, float(ours[1]))
        published = [item.estimate, item.sd, item.low, item.high]
        head = [item.config, item.factor, item.quantity, item.rebuilds, item.statistic]
        rows.append([*head, *published, where, *ours, closed, rule, verdict])
    return pd.DataFrame(rows, columns=COLUMNS)


def metric(study: Study, quantity: str) -> str:
    """The metric that a published quantity is: of image models what was measured while training is a running mean."""
    running = "classification" in study.traits and quantity.startswith("train_")
    return f"{quantity}_running" if running else quantity


def judge(estimate: float, sd: float, low: float, high: float, ours: float) -> tuple[str, str]:
    """Rule and verdict.

    >>> judge(0.8, 0.1, 0.7, 0.85, 0.86)
    ('range', 'outside')
    >>> judge(0.8, 0.1, math.nan, math.nan, 0.86)
    ('2 sd', 'inside')
    >>> judge(0.8, math.nan, math.nan, math.nan, 0.9)
    ('10 %', 'outside')
    """
    distance = rounded(abs(ours - estimate))
    if not math.isnan(low):
        rule, inside = "range", low <= rounded(ours) <= high
    elif not math.isnan(sd):
        rule, inside = "2 sd", distance <= rounded(2 * sd)
    else:
        rule, inside = "10 %", distance <= rounded(0.1 * abs(estimate))
    return rule, "not measured" if math.isnan(ours) else "inside" if inside else "outside"


def closed_form(config: RunConfig, data: DatasetConfig, quantity: str) -> float:
    """What theory says of a quantity, undefined (NaN) where it says nothing.

    Linear data with more inputs D than examples N, weights from N(0, s^2): the D - N directions outside the data know
    no gradient but that of the penalty; the norm of the weights is about s sqrt(D - N) (1 - eta lambda)^steps, and
    without penalty the test loss about s^2 (D - N), half of it where the loss is halved. Polynomials: the test loss of
    a model that has all the true features can not fall below the variance of the noise.
    """
    start = config.model.initialization.weight
    if isinstance(data, Linear) and isinstance(start, Normal) and data.inputs > data.train_examples:
        if config.model.hidden or config.model.features != "all" or config.data.examples != "all":
            return np.nan
        free = data.inputs - data.train_examples
        decay = config.optimizer.weight_decay + config.penalty.l2
        steps = config.training.epochs * -(-data.train_examples // config.training.batch_size)
        # where training diverges it is more than a float can hold
        with np.errstate(over="ignore"):
            kept = float(np.float64(1 - config.optimizer.learning_rate * decay) ** steps)
        if quantity == "weight_norm":
            return start.std * math.sqrt(free) * kept
        if quantity == "test_loss" and decay == 0:
            return start.std**2 * free * (0.5 if config.loss == "half_squared_error" else 1.0)
    if isinstance(data, Polynomial) and quantity == "test_loss":
        features = data.features if config.model.features == "all" else config.model.features
        if features >= len(data.weights):
            return data.noise_sd**2 * (0.5 if config.loss == "half_squared_error" else 1.0)
    return np.nan
