"""The project in the current folder as pandas frames, for notebooks.

Each function reads `params.yaml` and the results at every call and refuses results of other configs.
Effects of losses are ratios, of all other metrics differences; accuracies are fractions.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from ablate import compare, names, show
from ablate import power as power_of
from pipeline.analysis import claims as judging_of_claims
from pipeline.analysis import comparison
from pipeline.analysis.findings import findings
from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.project.labels import label
from pipeline.project.metrics import METRICS
from pipeline.project.params import Params
from pipeline.project.variants import Study


def runs(study: str) -> pd.DataFrame:
    """Return the results of the single runs of a study.

    Args:
        study: Id of the study.

    Returns:
        One row per variant, seed and fold: `variant`, its `label` and `block`, a column for each factor under its
        dotted key, `seed_root`, `seed_index`, `fold` (0: trained on all examples), `data` (digest of the examples),
        `status` (finished or diverged) and a column for each metric. Names, and factors other than numbers, are
        ordered categories in the order of the study, which plots keep. A factor that a variant does not have is
        missing.

    Raises:
        UserError: If there is no such study, or no results of these configs.

    Examples:
        runs("dropout").query("fold == 0").groupby("label", observed=True)["test_accuracy"].describe()
    """
    project = names.project(study)
    table = _named(artifacts.read_results(project, study), project.studies[study])
    for factor in project.studies[study].factors:
        table[factor] = _factor(table["variant"], {v.id: v.factors[factor] for v in project.studies[study].variants})
    return table


def curves(study: str) -> pd.DataFrame:
    """Return the learning curves of a study.

    Args:
        study: Id of the study.

    Returns:
        One row per variant, `split` and `epoch`: the `estimate` of the loss over the seeds with its 95 % interval,
        `low` and `high`; `variant`, `label` and `block` as for `runs`.

    Raises:
        UserError: If there is no such study, or no curves: git does not track them, `dvc repro` makes them.

    Examples:
        curves("dropout").query("split == 'test'").pivot(index="epoch", columns="label", values="estimate")
    """
    project = names.project(study)
    artifacts.read_results(project, study)  # refuses results of other configs, which a curve does not name
    return _named(artifacts.read_curves(study), project.studies[study])


def judged(
    study: str | None = None,
    *,
    against: str | None = None,
    revision: str | None = None,
    metric: str | None = None,
    margin: float | None = None,
) -> pd.DataFrame:
    """Return the estimates, effects and verdicts of all variants.

    Args:
        study: Id of a study; default: all studies.
        against: Compare each variant with itself in this branch, tag, commit or DVC experiment, as `ablate compare`
            does. By default variants are compared with their baselines, as by `ablate show`.
        revision: The state that is compared with `against`; default: the workspace.
        metric: Judge by this metric; default: the metric of each study.
        margin: Largest difference that does not matter, for losses a ratio above 1; default: that of `params.yaml`.
            Only for one study, and not with `against`.

    Returns:
        One row per study and variant: `study`, `metric`, `variant`, `label`, the `estimate` with its 95 % interval
        (`low`, `high`), the `effect` with its own (`effect_low`, `effect_high`), `p`, `p_adjusted` (Holm), `verdict`,
        `note` and more.

    Raises:
        UserError: If there is no such study, metric or revision, no results, or an argument is out of range.

    Examples:
        judged("dropout")[["label", "estimate", "effect", "effect_low", "effect_high", "p_adjusted", "verdict"]]
        judged("dropout", metric="test_accuracy", margin=0.01)["verdict"].value_counts()
        judged(against="HEAD~1").query("verdict == 'worse'")
    """
    studies, metrics = ([name] if name else [] for name in (study, metric))
    if margin is not None and (study is None or against is not None):
        raise UserError("margin: found one, allowed: for one study, without `against`")
    if against is not None:
        return compare.comparison(against, revision, studies=studies, metrics=metrics).rows
    project = names.project(*studies)
    if study and margin is not None:
        project = _with_margin(project, study, metric, margin)
    tables = []
    for key in studies or project.studies:
        name, table = show.judged(project, key, metric)
        table.insert(0, "study", key)
        table.insert(1, "metric", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def claims() -> pd.DataFrame:
    """Judge the claims of `params.yaml`, as the report does.

    Returns:
        One row per claim: `id`, `source` (study or measurement), `claim`, `where` (what is compared), `metric`,
        `expected`, `effect` with its interval (`low`, `high`), `p`, `rule` (what decides), `verdict` (holds, fails,
        undecided or not measured), `note` and more.

    Raises:
        UserError: If there are no results of these configs.

    Examples:
        claims().query("verdict != 'holds'")[["source", "claim", "verdict", "note"]]
    """
    project = names.project()
    results = {key: artifacts.read_results(project, key) for key in project.studies}
    measured = {key: findings(config, artifacts.read_measured(key)) for key, config in project.measurements.items()}
    verdicts = {
        key: comparison.effects(study, results[key], study.metric, project.judging_of(study))
        for key, study in project.studies.items()
    }
    return judging_of_claims.judge(project, results, measured, verdicts)


def power(
    study: str,
    *,
    metric: str | None = None,
    seeds: int | None = None,
    effect: float | None = None,
    sd: float | None = None,
    probability: float = 0.8,
) -> pd.DataFrame:
    """Return the effects that a number of seeds detects, and the number of seeds that an effect needs.

    Args:
        study: Id of the study.
        metric: Judge by this metric; default: the metric of the study.
        seeds: Number of seeds; default: that of `params.yaml`.
        effect: Effect to detect, a difference, for losses a ratio; default: the margin of the metric.
        sd: Standard deviation of the differences within pairs, for losses of the logarithms of their ratios; default:
            that of the runs.
        probability: Wanted power.

    Returns:
        One row per compared variant: `variant`, `label`, `block`, `n` and `sd` of the pairs in the results,
        `detectable` (the smallest effect that the seeds find better or worse), `seeds` (how many detect `effect`, 0 if
        none do) and `equivalent` (how many find the absence of an effect equivalent).

    Raises:
        UserError: If there is no such study or metric, an argument is out of range, or there are neither runs nor `sd`.

    Examples:
        power("dropout", seeds=20)[["label", "sd", "detectable", "seeds"]]
    """
    return power_of.compute(study, metric=metric, seeds=seeds, size=effect, sd=sd, probability=probability).rows


def _named(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add label and block to a table of variants; all three are categories in the order of the study."""
    variants = {variant.id: variant for variant in study.variants}
    table.insert(1, "label", table["variant"].map({id: variant.label for id, variant in variants.items()}))
    table.insert(2, "block", table["variant"].map({id: variant.block for id, variant in variants.items()}))
    for name, order in (("variant", list(variants)), ("label", study.labels), ("block", study.blocks)):
        table[name] = pd.Categorical(table[name], order, ordered=True)
    return table


def _factor(variants: pd.Series, values: Mapping[str, Any]) -> pd.Series:
    """Return the value of a factor for each row: numbers as they are, others as categories; missing where not set."""
    if all(value is None or type(value) in (int, float) for value in values.values()):
        return pd.Series([values[id] for id in variants], variants.index)
    texts = {id: None if value is None else label(value) for id, value in values.items()}
    order = [text for text in dict.fromkeys(texts.values()) if text is not None]
    return pd.Series(pd.Categorical([texts[id] for id in variants], order, ordered=True), variants.index)


def _with_margin(project: Params, key: str, metric: str | None, margin: float) -> Params:
    """Return the project with another margin for one metric of one study."""
    study = project.studies[key]
    name = metric or study.metric
    names.check("metric", [name], [known.name for known in study.metrics], of=" for this study")
    least = METRICS[name].zero_effect
    if not margin > least:
        raise UserError(f"margin: found {margin:g}, allowed: above {least:g} for {name}")
    margins = {**project.judging.margins, name: margin}
    return replace(
        project,
        judging=project.judging.model_copy(update={"margins": margins}),
        studies={**project.studies, key: replace(study, margin=None)},
    )
