"""Variants against their baselines, and a project against an earlier state of itself.

The one place where effects are computed and judged, for the page and the commands alike.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pydantic import ValidationError

from pipeline.analysis.judging import COLUMNS as EVIDENCE
from pipeline.analysis.judging import Evidence, cells, evidence, judge
from pipeline.analysis.runs import by_seed
from pipeline.analysis.statistics import estimate_mean
from pipeline.core.errors import UserError, shorten
from pipeline.data.config import Table
from pipeline.project import lock
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.project.variants import Study
from pipeline.training.config import HoldOut, KFold

# --- variants against their baselines --------------------------------------------------------------------------------

EFFECTS = ["variant", "label", "block", "is_baseline", "runs", *EVIDENCE]


def effects(study: Study, results: pd.DataFrame, metric: str, judging: Judging | None = None) -> pd.DataFrame:
    """For each variant its estimate, and its effect against the baseline of its block, paired by seed.

    Args:
        study: Says which variant is compared with which.
        results: One row a run, as `artifacts.read_results` gives them.
        metric: Name of the metric.
        judging: If given, the variants of the study are judged by this metric, as one family.

    Returns:
        One row a variant, `EFFECTS`. Centres are taken over the runs that finished; an effect is undefined (NaN) where
        a run of either side diverged, because to leave that run out would flatter the side that lost it. A baseline
        has a estimate and nothing else.
    """
    kind = METRICS[metric]
    sides = outcomes(results, kind)
    split_correlation = study.split_correlation_of(kind)
    compared = [variant for variant in study.variants if variant.id != variant.baseline]
    family = [evidence(sides[variant.id], sides[variant.baseline], kind, split_correlation) for variant in compared]
    family = [replace(one, verdict="") for one in family] if judging is None else judge(family, kind, judging)
    found = dict(zip((variant.id for variant in compared), family, strict=True))
    rows = []
    for variant in study.variants:
        side = sides[variant.id]
        own = found.get(variant.id)
        if own is None:
            middle = estimate_mean(side.loc[side["finished"], "value"], kind.scale, split_correlation)
            own = Evidence(n=len(side), ours=middle, diverged=int((~side["finished"]).sum()))
        rows.append([variant.id, variant.label, variant.block, variant.id == variant.baseline, len(side), *cells(own)])
    return pd.DataFrame(rows, columns=EFFECTS)


def outcomes(results: pd.DataFrame, metric: Metric) -> dict[str, pd.DataFrame]:
    """For each variant one row a seed: `value` of the metric, whether the run `finished`, and its `data`, if known.

    Args:
        results: One row a run.
        metric: One of validation is the mean over the folds of a seed, and finished where all of them did; one that
            does not come from training counts as finished in any case.
    """
    seeds = by_seed(results)
    keys = ["variant", "seed_root", "seed_index"]
    if metric.split == "validation":
        folds = results[results["fold"] > 0]
        lost = set(folds.loc[folds["status"] != "finished", keys].itertuples(index=False, name=None))
        finished = [row not in lost for row in seeds[keys].itertuples(index=False, name=None)]
    else:
        finished = (seeds["status"] == "finished") | (not metric.trained)
    seeds = seeds.assign(value=seeds[metric.name], finished=finished)
    columns = ["value", "finished"] + (["data"] if "data" in seeds else [])
    return {
        str(key): group.set_index(["seed_root", "seed_index"]).sort_index()[columns]
        for key, group in seeds.groupby("variant", sort=False)
    }


# --- a project against an earlier state of itself --------------------------------------------------------------------


@dataclass(frozen=True)
class Revision:
    """A project as one commit, experiment or workspace has it; its configs are not checked.

    Attributes:
        name: As a user calls it.
        params: What `params.yaml` says; older commits may have another schema.
        results: One row a run, by study, as in the file.
        lock: What `dvc.lock` says.
        environment: Kinds of processor, device and versions.
    """

    name: str
    params: Mapping[str, Any]
    results: Mapping[str, pd.DataFrame]
    lock: Mapping[str, Any]
    environment: Sequence[Mapping[str, str]]

    def section(self, name: str) -> dict[str, Any]:
        """A section of `params.yaml`; empty where there is none."""
        found = self.params.get(name)
        return dict(found) if isinstance(found, Mapping) else {}

    def study(self, key: str) -> dict[str, Any]:
        """A study as written; empty where there is none."""
        found = self.section("studies").get(key)
        return dict(found) if isinstance(found, Mapping) else {}

    def stale(self, key: str) -> list[str]:
        """Dotted keys of configs that the results of a study were made with other values of."""
        return lock.stale(self.lock, f"train@{key}", self.params)

    @property
    def judging(self) -> Judging:
        """Error rate and margins; the defaults where an older commit has none.

        Raises:
            UserError: If they are wrong.
        """
        try:
            return Judging.model_validate(self.section("judging"))
        except ValidationError as error:
            raise UserError(f"{self.name}: params.yaml: judging: {shorten(error.errors()[0]['msg'])}") from None


COMPARED = ["study", "metric", "variant", *EVIDENCE]
_NEEDED = {"variant", "seed_root", "seed_index", "fold", "status"}


def between(ours: Revision, theirs: Revision, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """Every variant of every study against itself in an earlier state, judged by the error rate and margins of `ours`.

    Args:
        ours: The later state.
        theirs: The one that it is compared with.
        metrics: By what, where not by the metric that each study declares; only studies that have them are shown.

    Returns:
        One row for each study, metric and variant that either side has, `COMPARED`; the variants of a study are a
        family.
    """
    rows: list[list[object]] = []
    for key in dict.fromkeys([*ours.section("studies"), *theirs.section("studies")]):
        own = ours.study(key) or theirs.study(key)
        for name in metrics or [str(own.get("metric"))]:
            measured = any(key in side.results and name in side.results[key] for side in (ours, theirs))
            if metrics and not measured:
                continue
            rows += [[key, name, variant, *cells(one)] for variant, one in _family(ours, theirs, key, name).items()]
    return pd.DataFrame(rows, columns=COMPARED)


def _family(ours: Revision, theirs: Revision, study: str, name: str) -> dict[str, Evidence]:
    metric = METRICS.get(name)
    sides = [_sides(one, study, metric) for one in (ours, theirs)]
    (mine, reason), (other, other_reason) = sides
    reason = reason or other_reason or _other_data_set(ours, theirs, study)
    split_correlation = max(_split_correlation(one, study, metric) for one in (ours, theirs)) if metric else 0.0
    configs = _data_settings(ours, study)
    fixed = "train_examples" not in configs and configs.get("source") != "table"
    found = {}
    # a study that was never run has no variants to name, and is not dropped for it
    for variant in dict.fromkeys([*mine, *other]) or (["–"] if reason else []):
        if reason or metric is None:
            found[variant] = Evidence(verdict="not comparable", note=reason or f"no metric {name}")
        elif variant not in mine or variant not in other:
            there, (side, place) = ("ours", (mine, ours)) if variant in mine else ("theirs", (other, theirs))
            middle = estimate_mean(
                side[variant].loc[side[variant]["finished"], "value"], metric.scale, split_correlation
            )
            known = {"n" if there == "ours" else "reference_n": len(side[variant]), there: middle}
            found[variant] = Evidence(verdict="not comparable", note=f"only in {place.name}", **known)  # type: ignore[arg-type]
        elif problem := _other_data(mine[variant], other[variant], fixed):
            found[variant] = Evidence(len(mine[variant]), len(other[variant]), verdict="not comparable", note=problem)
        else:
            found[variant] = evidence(mine[variant], other[variant], metric, split_correlation)
    if metric is None:
        return found
    return dict(zip(found, judge(list(found.values()), metric, ours.judging), strict=True))


def _sides(side: Revision, study: str, metric: Metric | None) -> tuple[dict[str, pd.DataFrame], str]:
    """The outcomes of a study's variants on one side, or why there are none."""
    results = side.results.get(study)
    if not side.study(study):
        # also where an earlier one of this name left results
        return {}, f"no such study in {side.name}"
    if results is None:
        return {}, f"no results in {side.name}"
    if side.stale(study):
        return {}, f"results of other configs in {side.name}"
    lacking = _NEEDED.difference(results.columns)
    if lacking:
        return {}, f"results of {side.name} lack {', '.join(sorted(lacking))}"
    if metric is None or metric.name not in results:
        return dict.fromkeys(map(str, results["variant"].unique()), pd.DataFrame()), f"not measured in {side.name}"
    return outcomes(results, metric), ""


def _data_settings(side: Revision, study: str) -> dict[str, Any]:
    found = side.section("datasets").get(str(side.study(study).get("dataset")))
    return {key: value for key, value in found.items() if key != "seeds"} if isinstance(found, Mapping) else {}


def _other_data_set(ours: Revision, theirs: Revision, study: str) -> str:
    mine, other = _data_settings(ours, study), _data_settings(theirs, study)
    changed = [key for key in {**other, **mine} if mine.get(key) != other.get(key)]
    return f"other data set: {', '.join(changed)}" if changed else ""


def _other_data(mine: pd.DataFrame, other: pd.DataFrame, fixed: bool) -> str:
    if "data" not in mine or "data" not in other:
        return ""
    common = mine.index.intersection(other.index)
    pairs = zip(mine.loc[common, "data"], other.loc[common, "data"], strict=True)
    if any(ours != theirs for ours, theirs in pairs):
        return "same seed, other data"
    return "other data" if fixed and set(mine["data"]) != set(other["data"]) else ""


def _split_correlation(side: Revision, study: str, metric: Metric) -> float:
    """As `Study.split_correlation_of`, of a study as it is written."""
    data = _data_settings(side, study)
    if "train_examples" in data:
        return 0.0
    validations: list[HoldOut | KFold] = []
    open_: list[Any] = [side.study(study)]
    while open_:
        node = open_.pop()
        if isinstance(node, Mapping):
            with contextlib.suppress(ValidationError):  # what another schema means is not known
                if node.get("name") in ("hold_out", "k_fold"):
                    kind: type[HoldOut | KFold] = HoldOut if node["name"] == "hold_out" else KFold
                    validations.append(kind.model_validate(node))
            open_ += node.values()
    if data.get("source") == "table":
        with contextlib.suppress(ValidationError):
            table = Table.model_validate(data)
            return table.split_correlation(metric.split, max((one.validated for one in validations), default=0.0))
    return max((one.split_correlation for one in validations), default=0.0) if metric.split == "validation" else 0.0
