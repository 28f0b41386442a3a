"""Interactions: does the effect of one factor depend on another?

The interaction of two values is the difference of differences, on a log scale the ratio of ratios, of four variants:
both factors at these values, either, or neither. Neither is the reference: the values of the baseline and, for a factor
that the baseline leaves free, the first one in the grid. All other factors have their reference values.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import astuple, replace

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import outcomes
from pipeline.analysis.judging import COLUMNS, EffectTest, compare_runs, judge
from pipeline.project.labels import spoken
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study

INTERACTIONS = ["variant", "term", *COLUMNS]


def interactions(study: Study, results: pd.DataFrame, metric: str, judging: Judging) -> pd.DataFrame:
    """Estimate and judge every interaction of two factors of a grid; together they are a family.

    Args:
        results: One row per run.

    Returns:
        One row per interaction, `INTERACTIONS`: `variant` has both values, and `term` names them. Estimates are the
        effect of the first factor beside the value of the second, and beside its reference. Verdicts are higher, lower,
        equivalent, undecided, and, if a run diverged, not comparable.
    """
    corners = list(_corners(study))
    if not corners:
        return pd.DataFrame(columns=INTERACTIONS)
    definition = METRICS[metric]
    runs, split_correlation = outcomes(results, definition), study.split_correlation_of(definition)
    neutral = replace(definition, better=None, bounds=(-math.inf, math.inf))
    tests = []
    for both, first, second, neither, _ in corners:
        beside, alone = (_effects(runs[a], runs[b], definition) for a, b in ((both, second), (first, neither)))
        test = compare_runs(beside, alone, neutral, split_correlation)
        if test.diverged or test.reference_diverged:
            test = replace(test, p=math.nan, verdict="not comparable")
        tests.append(test)
    judged: list[EffectTest] = judge(tests, neutral, judging)
    rows = [[corner[0], corner[-1], *astuple(test)] for corner, test in zip(corners, judged, strict=True)]
    return pd.DataFrame(rows, columns=INTERACTIONS)


def _corners(study: Study) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the ids of the variants with both values, the first, the second, neither, and the two values in words."""
    if study.named:
        return
    points = {tuple(variant.written_factors().values()): variant for variant in study.variants}
    neither = study.variant(study.variants[0].baseline)
    reference = neither.written_factors()
    # in the order of the grid
    for first, second in itertools.combinations(reference, 2):
        for variant in study.variants:
            values = variant.written_factors()
            if {factor for factor in reference if values[factor] != reference[factor]} == {first, second}:
                alone = [points[tuple({**reference, name: values[name]}.values())].id for name in (first, second)]
                term = " and ".join(spoken({factor: variant.factors[factor]}) for factor in (first, second))
                yield variant.id, alone[0], alone[1], neither.id, term


def _effects(variant: pd.DataFrame, baseline: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the difference or ratio of two variants for every seed, as `outcomes` does for one."""
    finished = variant["finished"] & baseline["finished"]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = variant["value"] / baseline["value"] if metric.scale == "log" else variant["value"] - baseline["value"]
    return pd.DataFrame({"value": values.where(finished), "finished": finished})
