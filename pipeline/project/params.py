"""params.yaml -> the whole project, checked.

Everything a result depends on stands in `params.yaml`, and this module is the only one that reads it. A mistake is
reported with its dotted key, what was found and what is allowed (`UserError`), before anything is computed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.project.errors import UserError
from pipeline.project.seeding import Seed
from pipeline.project.settings import (
    DatasetSettings,
    File,
    Judging,
    Place,
    ProbeClaim,
    ProbeSettings,
    Published,
    StudyClaim,
    brief,
    problems,
)
from pipeline.project.variants import Study, expand

PATH = Path("params.yaml")


@dataclass(frozen=True)
class Params:
    """The whole of `params.yaml`, checked."""

    seeds: tuple[Seed, ...]
    judging: Judging
    device: str
    datasets: Mapping[str, DatasetSettings]
    probes: Mapping[str, ProbeSettings]
    studies: Mapping[str, Study]
    claims: Mapping[str, StudyClaim | ProbeClaim]
    published: Published | None
    notes: tuple[str, ...]  # what claims and published outcomes name that is not there

    def seeds_of(self, dataset: str) -> tuple[Seed, ...]:
        """The seeds of all runs on a data set: as many as it asks for, or as all do."""
        count = self.datasets[dataset].seeds or len(self.seeds)
        return tuple(Seed(self.seeds[0].root, index) for index in range(count))


def load(
    *, path: Path = PATH, dataset: str | None = None, study: str | None = None, probe: str | None = None
) -> Params:
    """Read and check `params.yaml`.

    Args:
        path: The file.
        dataset: If given, this data set alone is checked and returned, and no study.
        study: If given, this study and its data set alone are checked and returned.
        probe: If given, this probe alone is checked and returned.

    Raises:
        UserError: If anything is wrong; one line a problem.
    """
    raw = _read(path)
    if not isinstance(raw, dict):
        raise UserError(f"{path}: found {brief(raw)}, allowed: the keys {', '.join(File.model_fields)}")
    if study is not None:
        found = _entry(raw, path, "studies", study)
        raw = {**raw, **_NOTHING, "studies": {study: found}}
        own = found.get("dataset") if isinstance(found, dict) else None
        if isinstance(own, str) and isinstance(raw.get("datasets"), dict) and own in raw["datasets"]:
            raw["datasets"] = {own: raw["datasets"][own]}
    elif dataset is not None:
        raw = {**raw, **_NOTHING, "datasets": {dataset: _entry(raw, path, "datasets", dataset)}}
    elif probe is not None:
        raw = {**raw, **_NOTHING, "datasets": {}, "probes": {probe: _entry(raw, path, "probes", probe)}}
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(keys)}: found {found}, allowed: {allowed}"
            for keys, found, allowed in problems(error, raw)
        ]
        raise UserError("\n".join(lines)) from None
    studies = {key: expand(key, value, file.datasets, path) for key, value in file.studies.items()}
    seeds = tuple(Seed(file.seeds.root, index) for index in range(file.seeds.count))
    for key in studies.keys() & file.probes.keys():
        raise UserError(f"{path}: probes.{key}: found the id of a study, allowed: one of its own")
    places = {f"published.places.{n}": place for n, place in enumerate(file.published.places if file.published else ())}
    named = {**{f"claims.{key}": claim for key, claim in file.claims.items()}, **places}
    reasons = {place: missing(one, studies, file.probes) for place, one in named.items()}
    return Params(
        seeds=seeds,
        judging=file.judging,
        device=file.device,
        datasets=file.datasets,
        probes=file.probes,
        studies=studies,
        claims=file.claims,
        published=file.published,
        notes=tuple(f"{path}: {place}.{reason}; not measured" for place, reason in reasons.items() if reason),
    )


# the sections that one data set, study or probe does not need
_NOTHING: dict[str, Any] = {"studies": {}, "probes": {}, "claims": {}, "published": None}


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if getattr(event, "anchor", None):
                # DVC changes the wrong value when `-S` meets an anchor, and says nothing.
                line = event.start_mark.line + 1
                raise UserError(
                    f"{path}: line {line}: found the anchor or alias '{event.anchor}', "
                    "allowed: none (`dvc exp run -S` mishandles them)"
                )
        # YAML 1.2, as DVC reads and writes it: 1e-05 is a number.
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"{path}: {where}{' '.join(problem.split())}") from None


def missing(
    named: StudyClaim | ProbeClaim | Place, studies: Mapping[str, Study], probes: Mapping[str, ProbeSettings]
) -> str | None:
    """What a claim or the place of a published outcome names that the project does not have; None where all is there.

    Whoever changes a grid or removes a study need not rewrite the claims about it: they are not measured, and say so.
    """

    def among(key: str, found: object, there: Iterable[str]) -> str | None:
        names = list(there)
        return None if found in names else f"{key}: found {brief(found)}, there is {', '.join(names)}"

    if not isinstance(named, StudyClaim) and named.probe is not None:
        unknown = among("probe", named.probe, probes)
        if unknown is None and isinstance(named, ProbeClaim):
            unknown = among("quantity", named.quantity, probes[named.probe].quantities)
        return unknown
    assert not isinstance(named, ProbeClaim)
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


def _entry(raw: dict[str, Any], path: Path, section: str, key: str) -> Any:
    entries = raw.get(section)
    if not isinstance(entries, dict) or key not in entries:
        allowed = ", ".join(map(str, entries)) if isinstance(entries, dict) else "a mapping"
        raise UserError(f"{path}: {section}.{key}: not found, allowed: {allowed}")
    return entries[key]
