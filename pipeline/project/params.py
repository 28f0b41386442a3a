"""Read and check `params.yaml`: the only module that knows the file, and the only door for what users write.

A mistake is reported with its dotted key, what was found and what is allowed (`UserError`), before anything is
computed. The file of another commit passes through the same door (`parse`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from pipeline.core.config import problems
from pipeline.core.errors import UserError, escape, join_short, shorten
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.project.metrics import METRICS
from pipeline.project.schema import File, Judging, Published, PublishedConfig, StudyClaimConfig
from pipeline.project.variants import Study, expand

PATH = Path("params.yaml")


@dataclass(frozen=True)
class StudyClaim:
    """A claim about a metric of a variant, compared with another variant (by id) or with a number."""

    id: str
    claim: str
    expected: Literal["higher", "lower", "equal"]
    margin: float | None
    study: str
    metric: str
    variant: str
    against: str | float


@dataclass(frozen=True)
class MeasurementClaim:
    """A claim about a quantity of a measurement, compared with a number."""

    id: str
    claim: str
    expected: Literal["higher", "lower", "equal"]
    margin: float | None
    measurement: str
    quantity: str
    against: float


@dataclass(frozen=True)
class Params:
    """All of `params.yaml`, checked: studies are expanded to variants, claims say all that they compare."""

    seeds: tuple[Seed, ...]
    judging: Judging
    datasets: Mapping[str, DatasetConfig]
    measurements: Mapping[str, MeasurementConfig]
    studies: Mapping[str, Study]
    claims: Mapping[str, StudyClaim | MeasurementClaim]
    published: Published | None
    notes: tuple[str, ...]  # claims and published outcomes that name something that does not exist
    written: Mapping[str, Any] = field(compare=False)  # the values of the file, as written

    def seeds_of(self, dataset: str) -> tuple[Seed, ...]:
        """Return the seeds of all runs on a data set: its own number of them, or the number of the file."""
        count = self.datasets[dataset].seeds or len(self.seeds)
        return tuple(Seed(self.seeds[0].root, index) for index in range(count))


def load(path: Path = PATH) -> Params:
    """Read and check a `params.yaml`.

    Raises:
        UserError: If anything is wrong; one line per problem.
    """
    return parse(_content(path), str(path))


def parse(content: bytes, name: str) -> Params:
    """Check the content of a `params.yaml`; `name` is what messages call the file.

    Raises:
        UserError: If anything is wrong; one line per problem.
    """
    written = _values(content, name)
    try:
        file = File.model_validate(written)
    except ValidationError as error:
        lines = [
            f"{name}: {'.'.join(keys)}{': ' if keys else ''}found {found}, allowed: {allowed}"
            for keys, found, allowed in problems(error, written)
        ]
        raise UserError("\n".join(map(escape, lines))) from None
    studies = {key: expand(key, study, written, file.datasets, name) for key, study in file.studies.items()}
    for key in studies.keys() & file.measurements.keys():
        raise UserError(f"{name}: measurements.{key}: found the id of a study, allowed: an id that no study has")
    claims, notes = _claims(file, studies, name)
    for number, outcome in enumerate(file.published.outcomes if file.published else ()):
        if reason := missing(outcome, studies, file.measurements):
            notes.append(f"{name}: published.outcomes.{number}.{reason}; not measured")
    return Params(
        seeds=tuple(Seed(file.seeds.root, index) for index in range(file.seeds.count)),
        judging=file.judging,
        datasets=file.datasets,
        measurements=file.measurements,
        studies=studies,
        claims=claims,
        published=file.published,
        notes=tuple(notes),
        written=written,
    )


def check_unchanged(project: Params, *keys: str) -> None:
    """Refuse to write results of configs that `params.yaml` no longer has; called before a stage writes.

    `dvc exp run -S` changes the file for a moment, also beside another command, and DVC records the values that stand
    there when a stage has ended.

    Args:
        project: The params that the stage computed with.
        keys: Dotted keys that the stage depends on; without any, on all of the file.

    Raises:
        UserError: If one of their values has changed.
    """
    now = _values(_content(PATH), str(PATH))
    if any(value_at(now, key) != value_at(project.written, key) for key in keys) or (
        not keys and now != project.written
    ):
        raise UserError(f"{PATH}: changed while this stage ran; `dvc repro` runs it again")


def value_at(written: Any, dotted: str) -> Any:
    """Return the value at a dotted key of nested mappings, or None."""
    for key in dotted.split("."):
        written = written.get(key) if isinstance(written, Mapping) else None
    return written


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: not found; change into the folder of a project, or make one: `ablate new`") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _values(content: bytes, name: str) -> dict[str, Any]:
    """Return the values of a YAML 1.2 file, as DVC reads it: 1e-05 is a number."""
    try:
        text = content.decode()
        _check_features(text, name)
        values = YAML(typ="safe", pure=True).load(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: found bytes that are not UTF-8 ({error.reason})") from None
    except (YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UserError(f"{name}: {f'line {mark.line + 1}: ' if mark else ''}{problem[:240]}") from None
    if not isinstance(values, dict):
        raise UserError(f"{name}: found {shorten(values)}, allowed: the keys {', '.join(File.model_fields)}")
    return values


def _check_features(text: str, name: str) -> None:
    """Refuse the features of YAML that DVC mishandles: `-S` changes the wrong value where there is an anchor."""
    for event in YAML(typ="safe", pure=True).parse(text):
        problem = ""
        if getattr(event, "anchor", None):
            problem = f"the anchor or alias {shorten(event.anchor)}, allowed: none (`dvc exp run -S` mishandles them)"
        elif getattr(event, "tag", None):
            problem = f"the tag {shorten(event.tag)}, allowed: none"
        elif isinstance(event, ScalarEvent) and event.value == "<<":
            problem = "the merge key '<<', allowed: every key written out"
        elif isinstance(event, ScalarEvent) and "${" in event.value:
            problem = f"${{ in {shorten(event.value)}, allowed: text without ${{ (DVC replaces it)"
        if problem:
            raise UserError(f"{name}: line {event.start_mark.line + 1}: found {problem}")


def _claims(
    file: File, studies: Mapping[str, Study], name: str
) -> tuple[dict[str, StudyClaim | MeasurementClaim], list[str]]:
    """Return all claims by id, and a note on each that names something that does not exist."""
    claims: dict[str, StudyClaim | MeasurementClaim] = {}
    notes = []
    for section, entries in (("measurements", file.measurements), ("studies", file.studies)):
        for key, entry in entries.items():
            for id, written in entry.claims.items():
                where = f"{name}: {section}.{key}.claims.{id}"
                if id in claims:
                    raise UserError(f"{where}: found the id of another claim, allowed: each id once")
                shared: dict[str, Any] = {
                    "id": id,
                    "claim": written.claim,
                    "expected": written.expect,
                    "margin": written.margin,
                }
                claim: StudyClaim | MeasurementClaim
                if isinstance(written, StudyClaimConfig):
                    claim = StudyClaim(**shared, **_compared(written, studies[key], where))
                else:
                    claim = MeasurementClaim(
                        **shared, measurement=key, quantity=written.quantity, against=written.against
                    )
                if reason := missing(claim, studies, file.measurements):
                    notes.append(f"{where}.{reason}; not measured")
                claims[id] = claim
    return claims, notes


def _compared(claim: StudyClaimConfig, study: Study, where: str) -> dict[str, Any]:
    """Return what a claim compares: it may leave out the metric and the baseline, which the study has."""
    metric = claim.metric or study.metric
    baselines = {variant.id: variant.baseline for variant in study.variants}
    against = baselines.get(claim.variant, "") if claim.against is None else claim.against
    if metric in METRICS and METRICS[metric].scale == "log":
        if claim.margin is not None and claim.margin <= 1:
            allowed = f"a ratio above 1 for {metric}, which is compared as a ratio"
            raise UserError(f"{where}.margin: found {claim.margin:g}, allowed: {allowed}")
        if not isinstance(against, str) and against <= 0:
            allowed = f"more than 0 for {metric}, which is compared as a ratio"
            raise UserError(f"{where}.against: found {against:g}, allowed: {allowed}")
    return {"study": study.id, "metric": metric, "variant": claim.variant, "against": against}


def missing(
    named: StudyClaim | MeasurementClaim | PublishedConfig,
    studies: Mapping[str, Study],
    measurements: Mapping[str, MeasurementConfig],
) -> str | None:
    """Return which name of a claim or a published outcome does not exist in the project, or None if all do.

    A user who changes a grid need not rewrite its claims: they are not measured, and say so.
    """

    def among(key: str, name: object, names: Iterable[str]) -> str | None:
        known = list(names)
        return None if name in known else f"{key}: found {shorten(name)}, there is {join_short(known)}"

    if not isinstance(named, StudyClaim) and named.measurement is not None:
        unknown = among("measurement", named.measurement, measurements)
        if unknown is None and isinstance(named, MeasurementClaim):
            unknown = among("quantity", named.quantity, measurements[named.measurement].quantities)
        return unknown
    assert not isinstance(named, MeasurementClaim)
    study = studies.get(named.study or "")
    if study is None:
        return among("study", named.study, studies)
    variants = [variant.id for variant in study.variants]
    unknown = among("variant", named.variant, variants)
    if isinstance(named, StudyClaim):
        unknown = unknown or among("metric", named.metric, [metric.name for metric in study.metrics])
        if isinstance(named.against, str):
            unknown = unknown or among("against", named.against, [*variants, "a number"])
    return unknown
