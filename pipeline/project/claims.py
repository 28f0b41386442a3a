"""Complete the claims of a project; note claims and published outcomes that refer to unknown ids.

A user who changes a grid need not rewrite its claims: a claim about a variant that is gone is not measured.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.errors import UserError, join_short, shorten
from pipeline.measurements import MeasurementConfig
from pipeline.measurements.base import MeasurementClaimConfig
from pipeline.project.metrics import METRICS
from pipeline.project.schema import File, Published, PublishedConfig, StudyClaimConfig
from pipeline.project.variants import Study


@dataclass(frozen=True)
class Claim:
    """A claim about a metric of a variant, or about a quantity of a measurement.

    Attributes:
        config: The claim as written.
        source: Id of the study or measurement.
        metric: Metric or quantity that is compared; if the claim names none, the metric of the study.
        against: A number, or the id of another variant; if the claim names none, the baseline of its variant; empty if
            it is about a trend.
        judged: Id of the variant whose verdict decides the claim, because the study judges the same pair by the same
            metric; empty if the study does not judge them.
        unknown: A note on a name that the project does not have; empty if it has all.
    """

    config: StudyClaimConfig | MeasurementClaimConfig
    source: str
    metric: str
    against: str | float
    judged: str = ""
    unknown: str = ""


def complete(file: File, studies: Mapping[str, Study], name: str) -> tuple[dict[str, Claim], list[str]]:
    """Return all claims of a file by id, and a note on each that refers to an unknown id.

    Raises:
        UserError: If an id is used twice, or if a ratio is expected and the number or margin is not one.
    """
    claims: dict[str, Claim] = {}
    notes = []
    for where, id, claim in _all(file, studies, name):
        if id in claims:
            raise UserError(f"{where}: found the id of another claim, allowed: each id once")
        claims[id] = claim
        if claim.unknown:
            notes.append(f"{where}.{claim.unknown}; not measured")
    return claims, notes


def known_outcomes(file: File, studies: Mapping[str, Study], name: str) -> tuple[Published | None, list[str]]:
    """Return the published outcomes that refer to known ids, and a note on each other one."""
    if file.published is None:
        return None, []
    known, notes = [], []
    for index, outcome in enumerate(file.published.outcomes):
        if unknown := _unknown_source(outcome, studies, file.measurements):
            notes.append(f"{name}: published.outcomes.{index}.{unknown}; not measured")
        else:
            known.append(outcome)
    return file.published.model_copy(update={"outcomes": tuple(known)}), notes


def _all(file: File, studies: Mapping[str, Study], name: str) -> Iterator[tuple[str, str, Claim]]:
    """Yield the place, the id and the claim for all claims of a file."""
    for key, measurement in file.measurements.items():
        for id, config in measurement.claims.items():
            unknown = _unknown("quantity", config.quantity, measurement.quantities)
            claim = Claim(config, key, config.quantity, config.against, unknown=unknown)
            yield f"{name}: measurements.{key}.claims.{id}", id, claim
    for key, study in studies.items():
        for id, written in file.studies[key].claims.items():
            where = f"{name}: studies.{key}.claims.{id}"
            yield where, id, _of_study(written, study, where)


def _of_study(config: StudyClaimConfig, study: Study, where: str) -> Claim:
    metric = config.metric or study.metric
    baselines = {variant.id: variant.baseline for variant in study.variants}
    variants = [config.variant] if config.variant is not None else list(config.trend or ())
    against = baselines.get(config.variant or "", "") if config.against is None else config.against
    if metric in METRICS and METRICS[metric].scale == "log":
        if config.margin is not None and config.margin <= 1:
            allowed = f"a ratio above 1 for {metric}, which is compared as a ratio"
            raise UserError(f"{where}.margin: found {config.margin:g}, allowed: {allowed}")
        if not isinstance(against, str) and against <= 0:
            allowed = f"more than 0 for {metric}, which is compared as a ratio"
            raise UserError(f"{where}.against: found {against:g}, allowed: {allowed}")
    pair = (config.variant, against)
    judged = next((id for id, baseline in baselines.items() if set(pair) == {id, baseline} and id != baseline), "")
    judged = judged if metric == study.metric else ""
    key = "variant" if config.variant is not None else "trend"
    unknown = next(filter(None, (_unknown(key, id, baselines) for id in variants)), "")
    unknown = unknown or _unknown("metric", metric, [known.name for known in study.metrics if known.random])
    if not unknown and isinstance(against, str) and config.trend is None:
        unknown = _unknown("against", against, [*baselines, "a number"])
    if not unknown and against == config.variant:
        unknown = f"against: found {shorten(against)}, the variant itself"
    # not errors, since a change of the baseline or the metric in a sweep decides what the study judges
    if not unknown and judged and config.margin is not None:
        unknown = f"margin: found {config.margin:g}, but the margin of the study decides"
    if not unknown and config.expect == "equal" and config.margin is None and not judged:
        unknown = "margin: found nothing, but equal needs a number"
    return Claim(config, study.id, metric, against, judged, unknown)


def _unknown_source(
    outcome: PublishedConfig, studies: Mapping[str, Study], measurements: Mapping[str, MeasurementConfig]
) -> str:
    if outcome.measurement is not None:
        return _unknown("measurement", outcome.measurement, measurements)
    study = studies.get(outcome.study or "")
    if study is None:
        return _unknown("study", outcome.study, studies)
    return _unknown("variant", outcome.variant, [variant.id for variant in study.variants])


def _unknown(key: str, name: str | None, names: Iterable[str]) -> str:
    """Return a note if the project has no such name, otherwise an empty text."""
    known = list(names)
    return "" if name in known else f"{key}: found {shorten(name)}, there is {join_short(known)}"
