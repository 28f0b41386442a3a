"""Error rates of what is judged about a whole study: interactions, trends and other claims of made-up results."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis import claims
from pipeline.analysis.interactions import interactions
from pipeline.analysis.judging import DECIDED
from pipeline.analysis.statistics import Scale
from pipeline.project import params
from pipeline.project.params import Params
from pipeline.project.schema import Judging

_LEVELS = 5
_TREND = [f"weight_decay_{level}" for level in range(_LEVELS)]
SEED_SD = 2.0  # of the part that all variants of a seed share; that of a variant's own part is 1
MARGIN = 1.0

# means of five variants in the order of a claim that they fall, in standard deviations of their noise
TRENDS: Mapping[str, Sequence[float]] = {
    "none: all alike": (0, 0, 0, 0, 0),
    "none: a symmetric U": (1, 0.5, 0, 0.5, 1),
    "falls by 0.25 a step": (1, 0.75, 0.5, 0.25, 0),
    "falls by 1 a step": (4, 3, 2, 1, 0),
    "falls, then stays": (2, 1, 0, 0, 0),
    "falls by 3, rises by 0.5": (3, 2, 1, 0, 0.5),
    "falls by 3, rises by 1": (3, 2, 1, 0, 1),
    "falls by 3, rises by 2": (3, 2, 1, 0, 2),
}

# scale of the metric, and noise on that scale
PRODUCTS: Mapping[str, tuple[Scale, str]] = {
    "normal, differences": ("linear", "normal"),
    "exponential, differences": ("linear", "exponential"),
    "lognormal, ratios": ("log", "normal"),
}


@functools.cache
def _project(text: str) -> Params:
    written = {
        name: value for name, value in params.load().written.items() if name not in ("measurements", "published")
    }
    return params.parse(
        json.dumps({**written, "measurements": {}, "studies": {"study": json.loads(text)}}).encode(), ""
    )


def _study(grid: Mapping[str, Any], metric: str = "test_accuracy", declared: Mapping[str, Any] | None = None) -> Params:
    """Return a project with one study, whose baseline has the first value of every factor."""
    baseline = {factor: values[0] for factor, values in grid.items()}
    study = {"question": "?", "dataset": "images", "metric": metric, "grid": {"optimizer": grid}}
    return _project(json.dumps({**study, "baseline": {"optimizer": baseline}, "claims": declared or {}}))


def _results(project: Params, values: np.ndarray, metric: str) -> pd.DataFrame:
    """Return one row per run for the values of m variants with n seeds, (m, n)."""
    ids, n = [variant.id for variant in project.studies["study"].variants], values.shape[1]
    table = {"variant": np.repeat(ids, n), "seed_root": 0, "seed_index": np.tile(np.arange(n), len(ids)), "fold": 0}
    return pd.DataFrame({**table, "status": "finished", metric: values.ravel()})


def _noise(kind: str, random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return noise with mean 0 and sd 1 of every variant, and what all variants of a seed share."""
    own = random.exponential(size=size) - 1 if kind == "exponential" else random.normal(size=size)
    return own + random.normal(0, SEED_SD, size[1])


# --- interactions ----------------------------------------------------------------------------------------------------


def false_interactions(scale: Scale, kind: str, n: int, samples: int) -> tuple[float, float]:
    """Simulate products of four and three values, six interactions, whose factors add up (multiply on a log scale).

    Returns:
        The share of intervals that hold the true interaction, none; and of studies with a verdict of higher or lower.
    """
    metric = "test_loss" if scale == "log" else "test_accuracy"
    project = _study({"learning_rate": [0.1, 0.2, 0.3, 0.4], "weight_decay": [0, 1, 2]}, metric)
    random, zero = np.random.default_rng([n, scale == "log"]), 1.0 if scale == "log" else 0.0
    effects = np.add.outer(np.arange(4.0), np.arange(3.0)).reshape(-1, 1)
    covered, false = [], []
    for _ in range(samples):
        values = effects + _noise(kind, random, (12, n))
        values = np.exp(values) if scale == "log" else values
        results = _results(project, values, metric)
        table = interactions(project.studies["study"], results, metric, Judging(alpha=0.05))
        covered.append(((table["effect_low"] <= zero) & (zero <= table["effect_high"])).mean())
        false.append(table["verdict"].isin(DECIDED).any())
    return float(np.mean(covered)), float(np.mean(false))


# --- trends and other claims -----------------------------------------------------------------------------------------


def _verdicts(project: Params, values: np.ndarray) -> dict[str, str]:
    """Return the verdict on every claim about the gap, by which the study is not judged."""
    table = claims.judge(project, {"study": _results(project, values, "loss_gap")}, {}, {})
    return dict(zip(table["id"], table["verdict"], strict=True))


def trend_verdicts(name: str, n: int, samples: int) -> tuple[float, float]:
    """Return how often a claim that five variants fall holds, and how often it fails, as the only claim of a study."""
    claim = {"claim": "it falls", "metric": "loss_gap", "trend": _TREND, "expect": "lower"}
    project = _study({"weight_decay": list(range(_LEVELS))}, declared={"falls": claim})
    random, found = np.random.default_rng(n), []
    for _ in range(samples):
        values = np.array(TRENDS[name], dtype=float)[:, None] + _noise("normal", random, (_LEVELS, n))
        found.append(_verdicts(project, values)["falls"])
    return found.count("holds") / samples, found.count("fails") / samples


def false_claims(kind: str, n: int, samples: int) -> tuple[float, float, float, float, float]:
    """Simulate four claims that the study does not judge, none of which is true or false by more than chance.

    Two are directions between equals (two variants; a variant and a number), one the equality of two variants that
    differ by exactly the margin, and one a trend of five equal variants.

    Returns:
        The share of studies in which any claim holds or fails, and that of each claim.
    """
    declared: dict[str, dict[str, Any]] = {
        "variants": {"variant": "weight_decay_1", "against": "weight_decay_2", "expect": "higher"},
        "number": {"variant": "weight_decay_3", "against": 0.0, "expect": "lower"},
        "equality": {"variant": "weight_decay_5", "expect": "equal", "margin": MARGIN},
        "trend": {"trend": _TREND, "expect": "lower"},
    }
    written = {id: {"claim": id, "metric": "loss_gap", **claim} for id, claim in declared.items()}
    project = _study({"weight_decay": list(range(_LEVELS + 1))}, declared=written)
    random, found = np.random.default_rng(n), []
    for _ in range(samples):
        values = _noise(kind, random, (_LEVELS + 1, n))
        values[_LEVELS] += MARGIN
        verdicts = _verdicts(project, values)
        found.append([verdicts[id] in ("holds", "fails") for id in declared])
    decided = np.array(found)
    variants, number, equality, trend = (float(share) for share in decided.mean(axis=0))
    return float(decided.any(axis=1).mean()), variants, number, equality, trend
