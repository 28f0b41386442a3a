"""Compare a commit with its second run, and the files that DVC keeps with `dvc.lock`."""

import json
import logging
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ablate import between, machine
from ablate.compare import other_versions
from ablate.rerun import REPORTS, Rerun, md5, rerun, within
from ablate.revisions import Revision
from ablate.text import Table
from pipeline.core.errors import UserError, join_short
from pipeline.project import artifacts, lock
from pipeline.project.artifacts import results_path
from pipeline.project.metrics import METRICS

log = logging.getLogger(__name__)

_FOLDERS = (artifacts.RESULTS, artifacts.METRICS)  # the files in them are outputs, the folders are not


@dataclass(frozen=True)
class Verdict:
    """Comparison of a commit with its second run; `ok` if all bytes are equal."""

    heading: str
    table: Table
    ok: bool


def reproduction(text: str, keys: Sequence[str] = (), project: str | None = None) -> Verdict:
    """Run a commit again and compare the results; arguments and errors are those of `rerun`."""
    return verdict(rerun(text, keys, project))


def verdict(run: Rerun) -> Verdict:
    """Compare the files of a commit with those of its second run."""
    files = _compared(run)
    keys = list(run.keys or run.stages)
    outputs = {key: _outputs(run.after.project, f"{run.stages[key]}@{key}") for key in keys}
    rows = []
    for key in keys:
        problem = _problem(key, run, sorted(path for path in files.differing if within(path, outputs[key])))
        runs = f"{len(run.after.project.results.get(key, ()))}" if run.stages[key] == "train" else ""
        rows.append([key, runs, "not reproduced" if problem else "bit for bit", problem])
    counts = [f"{sum(not problem for *_, problem in rows)} of {len(rows)} studies and measurements"]
    notes: list[str] = []
    rest = [path for path in files.compared if not within(path, [out for outs in outputs.values() for out in outs])]
    for in_reports, name in ((True, f"other files of {REPORTS}/"), (False, "outputs that only DVC keeps")):
        if group := {path for path in rest if within(path, [REPORTS]) == in_reports}:
            counts.append(f"{len(group - files.differing)} of {len(group)} {name}")
            notes += _listed(f"not reproduced, {name}", group & files.differing)
    ok = not notes and not any(problem for *_, problem in rows)
    notes += filter(None, [other_versions(run.before.project, run.after.project)])
    notes += _listed("packages of other versions than the commit pins", run.other_versions)
    notes += _listed("other studies and measurements, not run", set(run.stages) - set(keys))
    notes += _listed("not compared, as no stage writes them", files.foreign)
    notes += _listed("not compared, as the commit lacks them", files.unknown)
    notes.append(f"The run took {run.seconds:.0f} s. The same check again:")
    outcome = "Reproduced bit for bit" if ok else "Not reproduced; equal bit for bit are only"
    facts = [f"{run.commit.name}: {run.commit.subject} ({run.commit.date})", *machine.description()]
    header = ["study or measurement", "runs", "reproduced", "what differs"]
    title, left = f"{outcome}: {', '.join(counts)}", frozenset([0, 2, 3])
    return Verdict(_heading(run), Table(title, header, rows, left, facts, notes, _command(run)), ok)


class _Files(NamedTuple):
    """Paths of files in `reports/`, and of outputs that only DVC keeps."""

    compared: Sequence[str]
    differing: Set[str]  # of those compared
    foreign: Set[str]  # files in `reports/` that no stage writes
    unknown: Set[str]  # new files that the commit has neither in git nor in `dvc.lock`


def _compared(run: Rerun) -> _Files:
    before, after = run.before.digests, run.after.digests
    unknown = {path for path in after if path not in before and (path in run.ignored or not within(path, [REPORTS]))}
    # a run of some studies does not write the files of the others and of the report
    gone = set() if run.keys else set(run.before.files) - set(run.after.files)
    foreign = {path for path in gone if not within(path, [*lock.digests(run.after.project.lock), *_FOLDERS])}
    compared = sorted((set(after) | gone) - foreign - unknown)
    return _Files(compared, {path for path in compared if before.get(path) != after.get(path)}, foreign, unknown)


def _problem(key: str, run: Rerun, differing: Sequence[str]) -> str:
    """Describe how the second run of a study or measurement differs; empty if it does not."""
    results = results_path(key).as_posix()
    if results not in run.before.digests:
        return "no results in the commit"
    if results in differing:
        return difference(key, run.before.project, run.after.project)
    return join_short(differing)


def difference(key: str, committed: Revision, again: Revision) -> str:
    """Name the metrics and variants in which the results of a study differ, if their bytes do."""
    if key not in committed.results or key not in again.results:
        return "no results in the commit" if key not in committed.results else "no results"
    if key in again.measurements:
        return "other measurements"
    if key not in again.studies or key not in committed.studies:
        return "other bytes"
    committed, again = (replace(side, results={key: side.results[key]}) for side in (committed, again))
    rows = between.effects(committed, again, list(METRICS))
    rows = rows[~rows["identical"] | rows["note"].str.contains("in common")]
    if rows.empty:
        return "the same numbers, written in another way"
    variants = rows["variant"].unique()
    lines = [f"{join_short(rows['metric'].unique())} of {join_short(variants)}", *filter(None, rows["note"].unique())]
    trained = {variant.config.implementation for variant in again.studies[key].variants if variant.id in variants}
    if trained == {"concise"}:
        lines.append("trained by torch, whose bits are the same on x86-64 alone")
    return "; ".join(lines)


def _outputs(project: Revision, stage: str) -> list[str]:
    return [str(out["path"]) for out in (project.lock.get("stages") or {}).get(stage, {}).get("outs", [])]


def _listed(words: str, items: Iterable[str]) -> Iterator[str]:
    if found := sorted(items):
        yield f"{words} ({len(found)}): {join_short(found)}"


def _heading(run: Rerun) -> str:
    place = f" of {run.commit.location}" if run.commit.location else ""
    return f"Verification of commit {run.commit.digest}{place}{f', project {run.project}' if run.project else ''}"


def _command(run: Rerun) -> str:
    target = f"{run.commit.location}@{run.commit.digest}" if run.commit.location else run.commit.digest
    options = ["--project", run.project] if run.project else []
    return shlex.join(["ablate", "verify", target, *options, *(word for key in run.keys for word in ("--study", key))])


# --- the files that DVC keeps ----------------------------------------------------------------------------------------


def integrity() -> tuple[Table, bool]:
    """Compare every file that DVC keeps, in cache and workspace, with `dvc.lock`; return a table, and whether all fit.

    Raises:
        UserError: If DVC cannot read `dvc.yaml`.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        stages = Repo().stage.collect("dvc.yaml")
    except DvcException as error:
        raise UserError(f"DVC: {' '.join(str(error).split())}; `dvc status` says more") from None
    checked, damaged = 0, []
    # a missing file is not damaged: `dvc repro` or `dvc pull` brings it
    for path, digest in (kept for stage in stages for out in stage.outs for kept in _kept(out) if kept[0].is_file()):
        checked += 1
        log.info("checking file %d of DVC, %s", checked, os.path.relpath(path))
        if md5(path) != digest:
            damaged.append(f"  {os.path.relpath(path)}")
    remedy = ["delete them, then `dvc pull` or `dvc repro` brings them back"] if damaged else []
    title = f"{checked} files that DVC keeps: {len(damaged) or 'none'} damaged"
    return Table(title, after=[*damaged, *remedy]), not damaged


def _kept(out: Any) -> Iterator[tuple[Path, str]]:
    """Yield the paths in cache and workspace of an output of DVC, of a folder those of its list and its files."""
    if not out.use_cache or not out.hash_info:
        return
    digest, listed = out.hash_info.value.removesuffix(".dir"), Path(out.cache_path)
    yield listed, digest
    if not out.hash_info.isdir:
        yield Path(out.fs_path), digest
    elif listed.is_file() and md5(listed) == digest:
        for entry in json.loads(listed.read_bytes()):
            yield Path(out.cache.oid_to_path(entry["md5"])), entry["md5"]
            yield Path(out.fs_path, entry["relpath"]), entry["md5"]
