"""`ablate compare`: two states of a project, row by row, with verdicts; what `dvc metrics diff` can not say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate import names, revisions, rows
from ablate.text import Table
from pipeline.analysis import comparison
from pipeline.analysis.comparison import Revision
from pipeline.analysis.judging import VERDICTS, floor
from pipeline.core.errors import shorten
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging
from pipeline.project.variants import label
from pipeline.report.numbers import digits, effect, number

_ABSENT = "–"


@dataclass(frozen=True)
class Change:
    """A config that differs: its dotted key, what it was and what it is."""

    key: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.key}: {self.before} → {self.now}"


@dataclass(frozen=True)
class Comparison:
    """What two states of a project have in common and what not.

    Attributes:
        before, now: What the two are called.
        judging: Error rate and margins of the verdicts.
        changes: Config that differ, by the study that they belong to; those of the whole project under "".
        notes: What else differs, in the same way.
        floors: Why no row of a family can be decided, by study and metric; empty where one can.
        rows: `comparison.COMPARED`, one row for each study, metric and variant.
    """

    before: str
    now: str
    judging: Judging
    changes: Mapping[str, Sequence[Change]]
    notes: Mapping[str, Sequence[str]]
    floors: Mapping[tuple[str, str], str]
    rows: pd.DataFrame


def compare(
    before: str,
    now: str | None = None,
    *,
    studies: Sequence[str] = (),
    variants: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> Comparison:
    """The project of the current folder in two states.

    Args:
        before, now: Branch, tag, commit or DVC experiment; `now` is the workspace where none is given.
        studies, variants: Only these are shown; verdicts are those of the whole families.
        metrics: By what, where not by the metric that each study declares.

    Raises:
        UserError: If there is no such state, study, variant or metric.
    """
    theirs, ours = revisions.read(before), revisions.read(now)
    names.check("metric", metrics, METRICS)
    table = comparison.between(ours, theirs, metrics)
    # of whole families, whatever of them is shown
    families = table.groupby(["study", "metric"], sort=False)
    floors = {(str(study), str(name)): floor(family, ours.judging.alpha) for (study, name), family in families}
    names.check("study", studies, dict.fromkeys([*ours.section("studies"), *theirs.section("studies")]))
    table = table[table["study"].isin(studies)] if studies else table
    names.check("variant", variants, table["variant"].unique())
    table = table[table["variant"].isin(variants)] if variants else table
    shown = list(table["study"].unique())
    changes: dict[str, list[Change]] = {"": [], **{study: [] for study in shown}}
    for change in _changes(theirs.params, ours.params):
        for study in _concerned(change.key, ours, theirs):
            changes.setdefault(study, []).append(change)
    own = {study: list(_notes_of(study, ours, theirs)) for study in shown}
    # what holds for every study is said once
    every = dict.fromkeys(note for each in own.values() for note in each)
    shared = [note for note in every if all(note in each for each in own.values())]
    notes = {"": [*_notes(ours, theirs), *shared]}
    notes |= {study: [note for note in each if note not in shared] for study, each in own.items()}
    rows_shown = table.reset_index(drop=True)
    return Comparison(theirs.name, ours.name, ours.judging, changes, notes, floors, rows_shown)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    """The leaves in which two mappings differ; a list is one leaf, and so is what only one of them has."""
    for key in dict.fromkeys([*before, *now]):
        dotted = f"{prefix}{key}"
        one, other = before.get(key), now.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _changes(one, other, f"{dotted}.")
        elif key not in before or key not in now or one != other:
            yield Change(dotted, _words(one) if key in before else _ABSENT, _words(other) if key in now else _ABSENT)


def _words(value: Any) -> str:
    text = label(value) if not isinstance(value, Mapping) or "name" in value else shorten(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _concerned(key: str, *sides: Revision) -> list[str]:
    """The studies beside which a changed config is shown; "" is the whole project."""
    section, _, rest = key.partition(".")
    name = rest.partition(".")[0]
    if section == "studies":
        return [name]
    if section == "datasets":
        users = [
            study for side in sides for study in side.section("studies") if side.study(study).get("dataset") == name
        ]
        return list(dict.fromkeys(users))
    return [""]


def _notes(ours: Revision, theirs: Revision) -> Iterator[str]:
    if note := other_versions(ours, theirs):
        yield note
    for measurement in dict.fromkeys([*ours.section("measurements"), *theirs.section("measurements")]):
        one, other = theirs.results.get(measurement), ours.results.get(measurement)
        if one is not None and other is not None:
            if not one.equals(other):
                yield f"measurement {measurement}: other measurements"
        elif one is not None or other is not None:
            yield f"measurement {measurement}: only in {(ours if one is None else theirs).name}"


def other_versions(ours: Revision, theirs: Revision) -> str:
    """That the sides were made by other versions of the libraries that compute; empty if they were not."""
    before, now = (
        [", ".join(f"{name} {version}" for name, version in one.items()) for one in side.environment]
        for side in (theirs, ours)
    )
    if not before or not now or set(before) == set(now):
        return ""
    return f"other versions: {' / '.join(before)} → {' / '.join(now)}; bits may differ where nothing else does"


def _notes_of(study: str, ours: Revision, theirs: Revision) -> Iterator[str]:
    for side in (theirs, ours):
        if study in side.results and (stale := side.stale(study)):
            yield f"the results of {side.name} were made with other configs: {', '.join(stale)}; `dvc repro` is due"
    before, now = (_code(side, study) for side in (theirs, ours))
    if before and now and before != now:
        changed = sorted(path for path in {**before, **now} if before.get(path) != now.get(path))
        yield f"trained by other code: {', '.join(changed)}"
    if any(study in side.results and "data" not in side.results[study] for side in (ours, theirs)):
        yield "older results do not say which data each run saw; taken for the same"


def _stage(side: Revision, study: str) -> Mapping[str, Any]:
    stages = side.lock.get("stages") or {}
    found = stages.get(f"train@{study}") if isinstance(stages, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _code(side: Revision, study: str) -> dict[str, str]:
    """Digests of the code that a study was trained by, from `dvc.lock`."""
    return {
        item["path"].removeprefix("../"): item["md5"]
        for item in _stage(side, study).get("deps") or []
        if item["path"].removeprefix("../").startswith("pipeline") and "md5" in item
    }


# --- what is printed -------------------------------------------------------------------------------------------------


def tables(found: Comparison, everything: bool = False) -> list[Table]:
    """The comparison as text; a family without any change is one line, unless everything is asked for."""
    header = ["variant", "n", _short(found.before), _short(found.now), *rows.HEADER]
    general = [*map(str, found.changes[""]), *found.notes[""]]
    shown = [Table(f"{found.before} → {found.now}", before=general or ["no config of the whole project differs"])]
    same = []
    for (study, name), family in found.rows.groupby(["study", "metric"], sort=False):
        metric = METRICS.get(name)
        words = [*map(str, found.changes.get(study, ())), *found.notes.get(study, ())]
        identical = bool(family["identical"].all())
        if identical and not words and not everything and not family["note"].str.contains("in common").any():
            same.append(f"{study} ({len(family)})")
            continue
        title = f"{study}: {rows.direction(metric) if metric else name}"
        if identical and not everything:
            notes = "; ".join(dict.fromkeys(note for note in family["note"]))
            shown.append(Table(title, before=words, after=[f"  {len(family)} variants: {notes}"]))
            continue
        too_few = found.floors[str(study), str(name)]
        cells = [
            [
                row.variant,
                _seeds(row),
                *(
                    "" if pd.isna(one) or metric is None else number(one, metric)
                    for one in (row.reference_centre, row.estimate)
                ),
                *(rows.evidence(row, metric) if metric else ["", "", "", "", row.verdict, row.note]),
            ]
            for row in family.itertuples()
        ]
        shown.append(Table(title, header, cells, frozenset([0, 8, 9]), words, [f"  {too_few}"] if too_few else []))
    if same:
        shown.append(Table("identical, bit for bit (variants)", after=[f"  {', '.join(same)}"]))
    counts = rows.summary(list(found.rows["verdict"]), VERDICTS)
    shown.append(Table(counts or "nothing to compare", after=_rules(found)))
    return shown


def _rules(found: Comparison) -> list[str]:
    margins = ", ".join(
        f"{METRICS[name].label} {effect(margin, METRICS[name]).replace('+', '± ')}"
        for name, margin in found.judging.margins.items()
    )
    return [
        f"effect of {found.now} against {found.before}, paired by seed where both have it; "
        "95 % intervals of each row by itself",
        f"verdicts of the variants of a study together (Holm, alpha {digits(found.judging.alpha)}); "
        f"equivalent within {margins or 'no margin'}",
    ]


def _seeds(row: Any) -> str:
    return f"{row.n}" if row.n == row.reference_n else f"{row.reference_n}, {row.n}"


def _short(name: str) -> str:
    """A commit's digest as git abbreviates it; other names as they are, up to a point."""
    digest = len(name) == 40 and set(name) <= set("0123456789abcdef")
    return name[:7] if digest else name if len(name) <= 16 else name[:15] + "…"


def as_json(found: Comparison) -> str:
    """Everything, undefined numbers as null."""
    return json.dumps(
        {
            "before": found.before,
            "now": found.now,
            "judging": found.judging.model_dump(),
            "changes": [
                {"study": study or None, "key": one.key, "before": one.before, "now": one.now}
                for study, changes in found.changes.items()
                for one in changes
            ],
            "notes": [{"study": study or None, "note": note} for study, notes in found.notes.items() for note in notes],
            "rows": rows.records(found.rows),
        },
        indent=2,
    )
