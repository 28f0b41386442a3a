"""Read and check `params.yaml`: the only module that knows the file, and the only door for what users write.

A mistake is reported with its dotted key, what was found and what is allowed (`UserError`), before anything is
computed. The file of another commit passes through the same door (`parse`).
"""

import contextlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import ScalarEvent

from pipeline.core.config import problems
from pipeline.core.errors import UserError, escape, shorten
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.project.claims import Claim, complete, known_outcomes
from pipeline.project.schema import File, Judging, Published, SeedConfig
from pipeline.project.variants import Study, expand

PATH = Path("params.yaml")
_EXPERIMENT = 60.0  # seconds: more than DVC needs to prepare an experiment


@dataclass(frozen=True)
class Params:
    """All of `params.yaml`, checked: studies are expanded to variants, and claims are complete."""

    title: str
    about: str
    seeds: tuple[Seed, ...]
    judging: Judging
    datasets: Mapping[str, DatasetConfig]
    measurements: Mapping[str, MeasurementConfig]
    studies: Mapping[str, Study]
    claims: Mapping[str, Claim]
    published: Published | None  # without outcomes that refer to unknown ids
    notes: tuple[str, ...]  # on claims and published outcomes that refer to unknown ids
    written: Mapping[str, Any] = field(compare=False)  # the values of the file, as written

    def seeds_of(self, study: Study) -> tuple[Seed, ...]:
        """Return the seeds of all runs of a study."""
        config = SeedConfig(root=self.seeds[0].root, count=len(self.seeds))
        return config.seeds(study.seeds, self.datasets[study.dataset].seeds)

    def judging_of(self, study: Study) -> Judging:
        """Return the rules for verdicts of a study, with its own margin."""
        own = {} if study.margin is None else {study.metric: study.margin}
        return self.judging.model_copy(update={"margins": {**self.judging.margins, **own}})


def load(path: Path = PATH) -> Params:
    """Read and check a `params.yaml`.

    Raises:
        UserError: If anything is wrong; one line per problem.
    """
    return parse(_content(path), str(path))


def parse(content: bytes, name: str) -> Params:
    """Check the content of a `params.yaml`; `name` is the name of the file in messages.

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
    for key, study in studies.items():
        drawn = len(file.seeds.seeds(file.datasets[study.dataset].seeds))
        if study.seeds is not None and study.seeds > drawn and not file.datasets[study.dataset].facts().images:
            allowed = f"at most {drawn}, for which the data set {study.dataset} is drawn"
            raise UserError(f"{name}: studies.{key}.seeds: found {study.seeds}, allowed: {allowed}")
    for key in studies.keys() & file.measurements.keys():
        raise UserError(f"{name}: measurements.{key}: found the id of a study, allowed: another id")
    for kind, ids in (("studies", studies), ("measurements", file.measurements)):
        if "overview" in ids:
            raise UserError(f"{name}: {kind}.overview: found the id of the overview, allowed: another id")
    claims, notes_on_claims = complete(file, studies, name)
    published, notes_on_outcomes = known_outcomes(file, studies, name)
    return Params(
        title=file.title,
        about=file.about or "",
        seeds=file.seeds.seeds(),
        judging=file.judging,
        datasets=file.datasets,
        measurements=file.measurements,
        studies=studies,
        claims=claims,
        published=published,
        notes=(*notes_on_claims, *notes_on_outcomes),
        written=written,
    )


def check_unchanged(project: Params) -> None:
    """Raise an error if `params.yaml` has changed since the stage read it; called before a stage writes.

    While a stage runs, `dvc exp run -S` in the same folder may change the file and restore it, and DVC would record the
    digest of another file than the stage has read. So this waits until no such command prepares an experiment.

    Raises:
        UserError: If one of the values has changed.
    """
    until = time.monotonic() + _EXPERIMENT
    while _is_prepared() and time.monotonic() < until:
        time.sleep(0.1)
    if project.written != _values(_content(PATH), str(PATH)):
        raise UserError(f"{PATH}: changed while this stage ran; run `dvc repro` again")


def _is_prepared() -> bool:
    """Return whether a running `dvc exp run` holds the workspace, to write the values of `-S` and to restore it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            locks = json.loads((folder / ".dvc/tmp/exps/rwlock").read_text())
            return bool(psutil.pid_exists(locks["write"]["workspace"]["pid"]))
    return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        remedy = "change into the folder of a project, or create one by `ablate new`"
        raise UserError(f"{path}: not found; {remedy}") from None
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
        if conflict := re.search(r"^<{7} .*", text, flags=re.MULTILINE):
            where = f"{name}: line {text.count(chr(10), 0, conflict.start()) + 1}"
            allowed = "one of the two sides"
            raise UserError(f"{where}: found {shorten(conflict[0])}, a conflict of git, allowed: {allowed}") from None
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
