"""Effects between two revisions of a project: every variant against itself in the earlier one, paired by seed."""

import logging
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import pandas as pd

from ablate.revisions import Revision
from pipeline.analysis.comparison import outcomes
from pipeline.analysis.judging import COLUMNS, EffectTest, compare_runs, describe, judge, judge_together
from pipeline.data.images import Images
from pipeline.project.metrics import METRICS, Metric

log = logging.getLogger(__name__)

COMPARED = ["study", "metric", "variant", *COLUMNS]
_NEEDED = ["variant", "seed_root", "seed_index", "fold", "data", "status"]


def effects(left: Revision, right: Revision, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """Compare every variant of every study with itself in an earlier revision.

    Args:
        left: The earlier revision.
        right: The later revision, whose error rate and margins the verdicts follow.
        metrics: Judge by these metrics, in studies that have them; default: the metric of each study.

    Returns:
        One row per study, metric and variant of either revision, `COMPARED`; the variants of a study are a family.
    """
    rows: list[list[object]] = []
    project = right.params or left.params
    assert project is not None
    keys = {**right.studies, **left.studies}
    for place, key in enumerate(keys, start=1):
        log.info("comparing study %d of %d, %s", place, len(keys), key)
        study = right.studies.get(key) or left.studies[key]
        for name in metrics or [study.metric]:
            if not metrics or any(name in side.results.get(key, ()) for side in (left, right)):
                family = _family(left, right, key, METRICS[name])
                tests = judge(list(family.values()), METRICS[name], project.judging_of(study))
                rows += [[key, name, id, *astuple(test)] for id, test in zip(family, tests, strict=True)]
    return pd.DataFrame(rows, columns=COMPARED)


def together(rows: pd.DataFrame, left: Revision, right: Revision) -> list[str]:
    """Return the verdicts of all rows as one family, whatever their study and metric.

    If nothing has an effect, at most alpha of comparisons hold a false verdict. Rows that are identical, bit for bit,
    keep their verdict and do not count: nothing random decides that they are.
    """
    project = right.params or left.params
    assert project is not None
    verdicts = list(rows["verdict"])
    tested = [number for number, row in enumerate(rows.itertuples()) if not row.identical]
    tests = [EffectTest(**rows.iloc[number][COLUMNS]) for number in tested]
    metrics = [METRICS[name] for name in rows["metric"].iloc[tested]]
    studies = [right.studies.get(key) or left.studies[key] for key in rows["study"].iloc[tested]]
    rules = [project.judging_of(study) for study in studies]
    judged = judge_together(tests, metrics, rules, project.judging.alpha)
    for number, test in zip(tested, judged, strict=True):
        verdicts[number] = test.verdict
    return verdicts


def _family(left: Revision, right: Revision, key: str, metric: Metric) -> dict[str, EffectTest]:
    """Return the test of every variant of a study."""
    (baselines, left_reason), (variants, right_reason) = (_outcomes(side, key, metric) for side in (left, right))
    reason = right_reason or left_reason or _other_dataset(left, right, key)
    ids = {**variants, **baselines}
    if reason:
        # a study that was never run has no variants to name, and still has a row
        return {id: _not_comparable(reason) for id in ids or ["–"]}
    correlation = max(side.studies[key].split_correlation_of(metric) for side in (left, right))
    family = {}
    for id in ids:
        if id not in variants:
            numbers = describe(baselines[id], metric, correlation, "reference_")
            family[id] = _not_comparable(f"only in {left.name}", **numbers)
        elif id not in baselines:
            family[id] = _not_comparable(f"only in {right.name}", **describe(variants[id], metric, correlation))
        elif problem := _other_data(variants[id], baselines[id], isinstance(right.dataset(key), Images)):
            family[id] = _not_comparable(problem, n=len(variants[id]), reference_n=len(baselines[id]))
        else:
            family[id] = compare_runs(variants[id], baselines[id], metric, correlation)
    return family


def _not_comparable(note: str, **numbers: Any) -> EffectTest:
    return EffectTest(verdict="not comparable", note=note, **numbers)


def _outcomes(side: Revision, key: str, metric: Metric) -> tuple[dict[str, pd.DataFrame], str]:
    """Return the outcomes of a study's variants, or the reason why there are none."""
    results = side.results.get(key)
    if side.params is None:
        return {}, f"other schema in {side.name}"
    if key not in side.studies:
        # its results may still lie there
        return {}, f"no such study in {side.name}"
    if results is None:
        return {}, f"no results in {side.name}"
    if side.is_stale(key):
        return {}, f"results of other configs in {side.name}"
    if missing := [column for column in _NEEDED if column not in results]:
        return {}, f"results of {side.name} lack {', '.join(missing)}"
    if metric.name not in results:
        return dict.fromkeys(results["variant"].unique(), pd.DataFrame()), f"not measured in {side.name}"
    return outcomes(results, metric), ""


def _other_dataset(left: Revision, right: Revision, key: str) -> str:
    """Return which configs of a study's data set differ; its id and number of seeds may."""
    before, now = (side.dataset(key).model_dump(exclude={"seeds"}) for side in (left, right))
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return f"other data set: {', '.join(changed)}" if changed else ""


def _other_data(variant: pd.DataFrame, baseline: pd.DataFrame, fixed: bool) -> str:
    """Return whether two sides were measured on other examples; `fixed` ones do not depend on the seed."""
    common = variant.index.intersection(baseline.index)
    if (variant.loc[common, "data"] != baseline.loc[common, "data"]).any():
        return "same seed, other data"
    return "other data" if fixed and set(variant["data"]) != set(baseline["data"]) else ""
