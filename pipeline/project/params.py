"""params.yaml -> the whole project, checked.

Everything a result depends on stands in `params.yaml`, and this module is the only one that reads it. A mistake is
reported with its dotted key, what was found and what is allowed (`UserError`), before anything is computed.
"""

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent
from ruamel.yaml.reader import ReaderError

from pipeline.core.config import LARGEST_DATASET, LONGEST_ID, problems
from pipeline.core.errors import UserError, in_bytes, join_short, shorten
from pipeline.core.seeding import Seed
from pipeline.data.config import DatasetConfig, Facts, Generated, Shift
from pipeline.measurements.config import MeasurementConfig
from pipeline.project.schema import File, Judging, MeasurementClaim, Place, Published, StudyClaim
from pipeline.project.variants import Study, described, expand

PATH = Path("params.yaml")


@dataclass(frozen=True)
class Params:
    """The whole of `params.yaml`, checked."""

    seeds: tuple[Seed, ...]
    judging: Judging
    datasets: Mapping[str, DatasetConfig]
    measurements: Mapping[str, MeasurementConfig]
    studies: Mapping[str, Study]
    claims: Mapping[str, StudyClaim | MeasurementClaim]
    published: Published | None
    notes: tuple[str, ...]  # what claims and published outcomes name that is not there
    written: Mapping[str, Any] = field(compare=False)  # the whole file, as it is written
    content: bytes = field(compare=False, repr=False)  # the same, to the byte

    def seeds_of(self, dataset: str) -> tuple[Seed, ...]:
        """The seeds of all runs on a data set: as many as it asks for, or as all do."""
        count = self.datasets[dataset].seeds or len(self.seeds)
        return tuple(Seed(self.seeds[0].root, index) for index in range(count))


def load(
    *, path: Path = PATH, dataset: str | None = None, study: str | None = None, measurement: str | None = None
) -> Params:
    """Read and check `params.yaml`.

    Args:
        path: The file.
        dataset: If given, this data set alone is checked and returned, and no study.
        study: If given, this study and its data set alone are checked and returned.
        measurement: If given, this measurement alone is checked and returned.

    Raises:
        UserError: If anything is wrong; one line a problem.
    """
    raw, content = _read(path)
    foreign = [
        f"{path}: {'.'.join(keys)}{': ' if keys else ''}found {found}, allowed: {allowed}"
        for keys, found, allowed in _foreign(raw, ())
    ]
    if foreign:
        raise UserError("\n".join(foreign))
    if not isinstance(raw, dict):
        raise UserError(f"{path}: found {shorten(raw)}, allowed: the keys {', '.join(File.model_fields)}")
    written = raw
    if study is not None:
        found = _entry(raw, path, "studies", study)
        raw = {**raw, **_NOTHING, "studies": {study: found}}
        own = found.get("dataset") if isinstance(found, dict) else None
        if isinstance(own, str) and isinstance(raw.get("datasets"), dict) and own in raw["datasets"]:
            raw["datasets"] = {own: raw["datasets"][own]}
    elif dataset is not None:
        raw = {**raw, **_NOTHING, "datasets": {dataset: _entry(raw, path, "datasets", dataset)}}
    elif measurement is not None:
        raw = {
            **raw,
            **_NOTHING,
            "datasets": {},
            "measurements": {measurement: _entry(raw, path, "measurements", measurement)},
        }
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(keys)}: found {found}, allowed: {allowed}"
            for keys, found, allowed in problems(error, raw)
        ]
        raise UserError("\n".join(lines)) from None
    seeds = tuple(Seed(file.seeds.root, index) for index in range(file.seeds.count))
    for key, data in file.datasets.items():
        _check_size(f"{path}: datasets.{key}", data, data.seeds or len(seeds))
    studies = {key: expand(key, value, file.datasets, path) for key, value in file.studies.items()}
    for key, own in studies.items():
        count = file.datasets[own.dataset].seeds or len(seeds)
        runs = count * sum(len(variant.folds) for variant in own.variants)
        if runs > MOST_RUNS:
            found = f"{len(own.variants):,} variants and {count:,} seeds: {runs:,} runs, folds among them"
            raise UserError(f"{path}: studies.{key}: found {found}, allowed: at most {MOST_RUNS:,}")
    for key in studies.keys() & file.measurements.keys():
        raise UserError(f"{path}: measurements.{key}: found the id of a study, allowed: one of its own")
    places = {f"published.places.{n}": place for n, place in enumerate(file.published.places if file.published else ())}
    named = {**{f"claims.{key}": claim for key, claim in file.claims.items()}, **places}
    reasons = {place: missing(one, studies, file.measurements) for place, one in named.items()}
    return Params(
        seeds=seeds,
        judging=file.judging,
        datasets=file.datasets,
        measurements=file.measurements,
        studies=studies,
        claims=file.claims,
        published=file.published,
        notes=tuple(f"{path}: {place}.{reason}; not measured" for place, reason in reasons.items() if reason),
        written=written,
        content=content,
    )


def check_unchanged(
    project: Params, *, dataset: str | None = None, study: str | None = None, measurement: str | None = None
) -> None:
    """Refuse what was computed from configs that `params.yaml` no longer has; called before it is written.

    `dvc exp run -S` changes the file for a moment, also beside another command, and DVC records the configs that stand
    there when a stage has ended.

    Args:
        project: What the stage was computed from.
        dataset, study, measurement: As `load` got them; what is judged by may change where one of them is given.

    Raises:
        UserError: If another config has changed.
    """
    with contextlib.suppress(OSError):  # `load` says why it cannot be read
        if PATH.read_bytes() == project.content:
            return
    now = load(dataset=dataset, study=study, measurement=measurement)
    if dataset or study or measurement:
        now = replace(now, judging=project.judging)
    if now != project:
        raise UserError(f"{PATH}: changed while this stage ran; `dvc repro` runs it again")


# the sections that one data set, study or measurement does not need
_NOTHING: dict[str, Any] = {"studies": {}, "measurements": {}, "claims": {}, "published": None}


MOST_RUNS = 1_000_000  # of a study: each is a row of its table, which must fit into memory
MOST_BYTES = 4 * 2**20
MOST_LEVELS = 16  # as deep as a value can stand in the file, twice


class _Constructor(SafeConstructor):
    """Says on which line a value stands that is none, such as the 45th of a month."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            problem = f"found {shorten(node.value)}, which is no value ({error})"
            raise ConstructorError(None, None, problem, node.start_mark) from None


def _read(path: Path) -> tuple[Any, bytes]:
    """Return the values in the file and its bytes."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path}: found {in_bytes(path.stat().st_size)}, allowed: at most {in_bytes(MOST_BYTES)}")
        content = path.read_bytes()
        text = content.decode()
    except FileNotFoundError:
        raise UserError(f"{path}: missing; change into the folder of a project, or make one: `ablate new`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    try:
        _check_plain(text, path)
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        # YAML 1.2, as DVC reads and writes it: 1e-05 is a number.
        return yaml.load(text), content
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error)
        if isinstance(error, ReaderError):
            line = text.count("\n", 0, error.position) + 1
            problem = f"found the character U+{error.character:04X}, allowed: text"
        where = f"line {line}: " if line else ""
        raise UserError(f"{path}: {where}{_printable(problem)}") from None


def _check_plain(text: str, path: Path) -> None:
    """Refuse what YAML has beyond mappings, lists, text and numbers written out: it reads otherwise than it looks.

    Nothing is built yet: an alias that stands for a billion values, and brackets in brackets, end here.
    """

    def refuse(line: int, found: str, allowed: str) -> UserError:
        return UserError(f"{path}: line {line}: found {found}, allowed: {allowed}")

    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if line.startswith("%"):
            raise refuse(number, f"the directive {shorten(line)}", "none; the file is YAML 1.2")
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        number = event.start_mark.line + 1
        if getattr(event, "anchor", None):
            # DVC changes the wrong value when `-S` meets an anchor, and says nothing.
            mishandled = "none (`dvc exp run -S` mishandles them)"
            raise refuse(number, f"the anchor or alias {shorten(str(event.anchor))}", mishandled)
        if getattr(event, "tag", None):
            raise refuse(number, f"the tag {shorten(str(event.tag))}", "none")
        if isinstance(event, ScalarEvent) and event.value == "<<":
            raise refuse(number, "the merge key '<<'", "every key written out")
        depth += isinstance(event, MappingStartEvent | SequenceStartEvent)
        depth -= isinstance(event, MappingEndEvent | SequenceEndEvent)
        if depth > MOST_LEVELS:
            raise refuse(number, f"more than {MOST_LEVELS} levels", f"at most {MOST_LEVELS}")


def _printable(text: str) -> str:
    """Words that may quote what the file has: on one line, not too long, with nothing that moves a cursor."""
    words = " ".join(text.split())[:240]
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in words)


_KEY = re.compile(rf"[\w-]{{1,{LONGEST_ID}}}")


def _foreign(node: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What no config can be, wherever it stands: the keys that lead there, what was found and what is allowed."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(key, str) and _KEY.fullmatch(key):
                yield from _foreign(value, (*keys, key))
            else:
                yield keys, f"the key {shorten(key)}", f"a-z, 0-9 and _, at most {LONGEST_ID} of them"
    elif isinstance(node, list):
        for place, item in enumerate(node):
            yield from _foreign(item, (*keys, str(place)))
    elif isinstance(node, str):
        refused = next((one for one in node if one != "\n" and _moves_the_cursor(one)), None)
        if refused is not None:
            yield keys, f"the character U+{ord(refused):04X} in {shorten(node)}", "text without control characters"
    elif isinstance(node, int):
        if not -(2**63) <= node < 2**63:
            yield keys, shorten(node), "a number of at most 18 digits"
    elif not isinstance(node, float | None):
        yield keys, shorten(node), "text in quotes, a number, true or false"


def _moves_the_cursor(one: str) -> bool:
    """Control characters, what ends a line, halves of a character, no characters, and what turns the direction."""
    turns = "\u202a" <= one <= "\u202e" or "\u2066" <= one <= "\u2069"
    return turns or unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or ord(one) & 0xFFFE == 0xFFFE


def _check_size(place: str, data: DatasetConfig, seeds: int) -> None:
    """Refuse a data set that would not fit into memory, and a table that can not be read.

    Raises:
        UserError: If it would not, with a line that begins with `place`; if it can not, with lines that name the file.
    """
    own = described(data)
    if not isinstance(own, Generated | Facts):
        return
    counts = {"train_examples": own.train_examples, "test_examples": own.test_examples}
    if isinstance(own, Shift):
        counts["target_examples"] = own.target_examples
    # inputs and a target, in double precision; of a shift two weights besides
    size = 8 * seeds * sum(counts.values()) * (own.features + (3 if isinstance(own, Shift) else 1))
    if size > LARGEST_DATASET:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        found += f", {own.features} features and {seeds} seeds: {in_bytes(size)}"
        raise UserError(f"{place}: found {found}, allowed: at most {in_bytes(LARGEST_DATASET)}")


def missing(
    named: StudyClaim | MeasurementClaim | Place,
    studies: Mapping[str, Study],
    measurements: Mapping[str, MeasurementConfig],
) -> str | None:
    """What a claim or the place of a published outcome names that the project does not have; None where all is there.

    Whoever changes a grid or removes a study need not rewrite the claims about it: they are not measured, and say so.
    """

    def among(key: str, found: object, there: Iterable[str]) -> str | None:
        names = list(there)
        return None if found in names else f"{key}: found {shorten(found)}, there is {join_short(names)}"

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


def _entry(raw: dict[str, Any], path: Path, section: str, key: str) -> Any:
    entries = raw.get(section)
    if not isinstance(entries, dict) or key not in entries:
        allowed = join_short(entries) if isinstance(entries, dict) else "a mapping"
        raise UserError(f"{path}: {section}.{_printable(key)}: not found, allowed: {allowed}")
    return entries[key]
