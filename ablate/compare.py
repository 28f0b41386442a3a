"""`ablate compare`: what differs between two revisions of a project, with a verdict for every variant."""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ablate import between, names, revisions, text
from ablate.revisions import Revision
from ablate.text import Table
from pipeline.analysis.judging import why_underpowered
from pipeline.core.errors import UserError, shorten
from pipeline.project import lock
from pipeline.project.labels import label
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.schema import Judging
from pipeline.report.format import count, count_verdicts, digits, number, within

log = logging.getLogger(__name__)


class Change(NamedTuple):
    """A value that differs: its dotted key, and the value before and now."""

    key: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.key}: {self.before} → {self.now}"


class Comparison(NamedTuple):
    """The differences between two revisions of a project."""

    before: str  # name of the revision
    now: str
    judging: Judging  # error rate and margins of the verdicts
    changes: Mapping[str, Sequence[Change]]  # by study; those of the whole project under ""
    notes: Mapping[str, Sequence[str]]  # what else differs, in the same way
    rows: pd.DataFrame  # `between.COMPARED`, one row per study, metric and variant, and `gate`, its verdict in `gate`
    too_few: Mapping[tuple[str, str], str]  # why no row of a family can be decided, by study and metric; else empty
    gate_too_few: str  # the same of all rows together
    gate_never: int  # number of rows that have too few seeds for the family of all rows, unless others are decided
    own_margins: Mapping[str, str]  # by study that has one, in words


def comparison(
    before: str,
    now: str | None = None,
    *,
    studies: Sequence[str] = (),
    variants: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> Comparison:
    """Compare two revisions of the project in the current folder.

    Args:
        before, now: Branch, tag, commit or DVC experiment; `now` defaults to the workspace.
        studies, variants: Only these are returned; verdicts are those of the whole families, `gate` is that of what is
            returned.
        metrics: Judge by these metrics; default: the metric of each study.

    Raises:
        UserError: If a revision, study, variant or metric does not exist, or both `params.yaml` are invalid.
    """
    left = revisions.read(before)
    log.info("reading %s", now or revisions.WORKSPACE)
    right = revisions.read(now)
    project = right.params or left.params
    if project is None:
        raise UserError("\n".join(map(_other_schema, (left, right))))
    names.check("metric", metrics, METRICS)
    rows = between.effects(left, right, metrics)
    families = rows.groupby(["study", "metric"], sort=False)
    too_few = {
        (str(study), str(name)): why_underpowered(family, project.judging.alpha) for (study, name), family in families
    }
    names.check("study", studies, {**right.studies, **left.studies})
    rows = rows[rows["study"].isin(studies)] if studies else rows
    names.check("variant", variants, rows["variant"].unique())
    rows = rows[rows["variant"].isin(variants)] if variants else rows
    rows = rows.reset_index(drop=True)
    rows["gate"] = between.together(rows, left, right)
    family = rows[~rows["identical"]]
    gate_too_few = why_underpowered(family, project.judging.alpha)
    tested = family.dropna(subset="p")
    gate_never = int((len(tested) * tested["min_p"] > project.judging.alpha).sum())
    keys = list(rows["study"].unique())
    changes = {"": list(_changes(left, right)), **{key: list(_changes_of(key, left, right)) for key in keys}}
    notes = {key: list(_notes_of(key, left, right)) for key in keys}
    # a note on every study is shown once
    common = _common(list(notes.values()))
    notes = {key: [note for note in notes[key] if note not in common] for key in keys}
    notes[""] = [*_notes(left, right), *common]
    compared = {key: right.studies.get(key) or left.studies[key] for key in keys}
    own = {key: within(study.margin, METRICS[study.metric]) for key, study in compared.items() if study.margin}
    gate = gate_too_few, gate_never
    return Comparison(left.name, right.name, project.judging, changes, notes, rows, too_few, *gate, own)


def _common(lists: Sequence[list[Any]]) -> list[Any]:
    """Return the items that all lists have, in the order of the first."""
    return [item for item in lists[0] if all(item in items for items in lists)] if lists else []


# --- configs ---------------------------------------------------------------------------------------------------------


def _changes(left: Revision, right: Revision) -> Iterator[Change]:
    """Yield the values that differ outside of base, studies and data sets."""
    if left.params and right.params:
        before, now = (_omit(side.written, "base", "datasets", "studies") for side in (left.params, right.params))
        yield from _differences(before, now)


def _changes_of(key: str, left: Revision, right: Revision) -> Iterator[Change]:
    """Yield the values that differ in a study, its data set, and the resolved configs of its variants.

    A config that differs in the same way for all variants is one change; otherwise the id of the variant comes first.
    """
    if key not in left.studies or key not in right.studies:
        return
    yield from _differences(_study(key, left), _study(key, right))
    before, now = (
        {variant.id: variant.config.model_dump(mode="json") for variant in side.studies[key].variants}
        for side in (left, right)
    )
    changes = {id: list(_differences(before[id], config)) for id, config in now.items() if id in before}
    common = _common(list(changes.values()))
    yield from common
    for id, differing in changes.items():
        yield from (change._replace(key=f"{id}.{change.key}") for change in differing if change not in common)


def _study(key: str, side: Revision) -> dict[str, Any]:
    """Return a study as written, without the configs of its variants, and with its data set."""
    assert side.params is not None
    written = _omit(side.params.written["studies"][key], "base", "grid", "variants")
    return {**written, "datasets": {side.studies[key].dataset: side.dataset(key).model_dump(mode="json")}}


def _omit(values: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    """Yield the leaves in which two nested mappings differ; a list is one leaf."""
    for key in {**before, **now}:
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{key}.")
        elif key not in before or key not in now or old != new:
            yield Change(f"{prefix}{key}", *(_text(side[key]) if key in side else "–" for side in (before, now)))


def _text(value: Any) -> str:
    text = label(value) if not isinstance(value, Mapping) or "name" in value else shorten(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- notes -----------------------------------------------------------------------------------------------------------


def _notes(left: Revision, right: Revision) -> Iterator[str]:
    yield from (_other_schema(side) for side in (left, right) if side.params is None)
    if note := other_versions(left, right):
        yield note
    for key in {**right.measurements, **left.measurements}:
        measured = [side for side in (left, right) if key in side.results]
        if len(measured) == 1:
            yield f"measurement {key}: only in {measured[0].name}"
        elif measured and not left.results[key].equals(right.results[key]):
            yield f"measurement {key}: other measurements"


def _other_schema(side: Revision) -> str:
    return f"{side.name}: not comparable: other schema: {side.problem.splitlines()[0]}"


def other_versions(left: Revision, right: Revision) -> str:
    """Return a note that other versions of the libraries computed the results; empty if the versions are equal."""
    before, now = (
        [", ".join(f"{name} {version}" for name, version in environment.items()) for environment in side.environment]
        for side in (left, right)
    )
    if not before or not now or set(before) == set(now):
        return ""
    return f"other versions: {' / '.join(before)} → {' / '.join(now)}; bits may differ where nothing else does"


def _notes_of(key: str, left: Revision, right: Revision) -> Iterator[str]:
    for side in (left, right):
        if key in side.results and side.is_stale(key):
            yield f"the results of {side.name} were made with other configs; `dvc repro` is due"
    before, now = (_code(side, key) for side in (left, right))
    if before and now and (changed := sorted({path for path, _ in before ^ now})):
        yield f"trained by other code: {', '.join(changed)}"


def _code(side: Revision, key: str) -> set[tuple[str, str]]:
    """Return paths and digests of the code that trained a study; a project in a folder has `../` before the paths."""
    digests = lock.dependencies(side.lock, f"train@{key}")
    code = {(path.removeprefix("../"), digest) for path, digest in digests.items()}
    return {(path, digest) for path, digest in code if path.startswith("pipeline")}


# --- output ----------------------------------------------------------------------------------------------------------


def tables(comparison: Comparison, everything: bool = False) -> list[Table]:
    """Return the comparison as tables; a family without any change is one line unless `everything` is asked for."""
    before, now, judging = comparison.before, comparison.now, comparison.judging
    general = [*map(str, comparison.changes[""]), *comparison.notes[""]] or ["no config of the whole project differs"]
    shown = [Table(f"{before} → {now}", before=general)]
    same = []
    for (key, name), family in comparison.rows.groupby(["study", "metric"], sort=False):
        lines = [*map(str, comparison.changes[key]), *comparison.notes[key]]
        title = f"{key}: {text.direction(METRICS[name])}"
        if not family["identical"].all() or everything:
            header = ["variant", "n", _short(before), _short(now), *text.EVIDENCE]
            too_few = comparison.too_few[key, name]
            cells = [_cells(row, METRICS[name]) for row in family.itertuples()]
            shown.append(Table(title, header, cells, frozenset([0, 8, 9]), lines, [f"  {too_few}"] if too_few else []))
        elif lines or family["note"].str.contains("in common").any():
            notes = "; ".join(family["note"].unique())
            shown.append(Table(title, before=lines, after=[f"  {len(family)} variants: {notes}"]))
        else:
            same.append(f"{key} ({len(family)})")
    if same:
        shown.append(Table("identical, bit for bit (variants)", after=[f"  {', '.join(same)}"]))
    judged = set(comparison.rows["metric"])
    margins_of_metrics = [
        f"{METRICS[name].label} {within(margin, METRICS[name])}"
        for name, margin in judging.margins.items()
        if name in judged
    ]
    margins = ", ".join([*margins_of_metrics, *(f"{key} {words}" for key, words in comparison.own_margins.items())])
    rules = [
        f"effect of {now} against {before}, paired by seed where both have it; 95 % intervals of each row by itself",
        f"verdicts of the variants of a study together (Holm, alpha {digits(judging.alpha)}); "
        f"equivalent within {margins or 'no margin'}",
    ]
    gate = count_verdicts(list(comparison.rows.loc[~comparison.rows["identical"], "gate"]))
    if gate:
        rules.append(f"for --fail-on, all rows that are not identical are one family: {gate}")
    if comparison.gate_never and not comparison.gate_too_few:
        rules.append(f"for --fail-on, {comparison.gate_never} of them have too few seeds for this family")
    rules += [f"for --fail-on, {comparison.gate_too_few}"] if comparison.gate_too_few else []
    verdicts = count_verdicts(list(comparison.rows["verdict"]))
    return [*shown, Table(verdicts or "nothing to compare", after=rules)]


def _cells(row: Any, metric: Metric) -> list[str]:
    before, now = count(row.reference_n, row.reference_diverged), count(row.n, row.diverged)
    seeds = now if before == now else f"{before}, {now}"
    estimates = ["" if pd.isna(value) else number(value, metric) for value in (row.reference_estimate, row.estimate)]
    return [row.variant, seeds, *estimates, *text.evidence(row, metric)]


def _short(name: str) -> str:
    """Abbreviate the digest of a commit as git does, and a long name."""
    if re.fullmatch("[0-9a-f]{40}", name):
        return name[:7]
    return name if len(name) <= 16 else name[:15] + "…"


def as_json(comparison: Comparison) -> str:
    """Return the whole comparison as JSON, undefined numbers as null."""
    changes = [
        {"study": key or None, **change._asdict()} for key, changes in comparison.changes.items() for change in changes
    ]
    notes = [{"study": key or None, "note": note} for key, notes in comparison.notes.items() for note in notes]
    judging, rows = comparison.judging.model_dump(), text.records(comparison.rows)
    values = {"before": comparison.before, "now": comparison.now, "judging": judging}
    return json.dumps({**values, "changes": changes, "notes": notes, "rows": rows}, indent=2)
