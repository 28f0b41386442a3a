"""`ablate verify`: does the committed code reproduce the committed results, and is DVC's cache intact?"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate import between, names, progress, revisions
from ablate.compare import other_versions
from ablate.revisions import Revision
from ablate.text import Table
from pipeline.core.errors import UserError, join_short
from pipeline.project.artifacts import results_path
from pipeline.project.metrics import METRICS

log = logging.getLogger(__name__)


def reproduction(name: str, keys: Sequence[str]) -> tuple[Table, bool]:
    """Run a commit again in a clean clone; return a table, and whether all its bytes are those of the commit.

    Args:
        name: Branch, tag, commit or DVC experiment.
        keys: Studies and measurements; default: all, and the other files of `reports/`.

    Raises:
        UserError: If there is no such commit or study, or the run fails.
    """
    with progress.shown(f"reading {name}"):
        committed = revisions.read(name, recorded=False)
    if committed.params is None:
        raise UserError(f"{name}: {committed.problem}")
    stages = dict.fromkeys(committed.studies, "train") | dict.fromkeys(committed.measurements, "measure")
    names.check("study", keys, stages)
    with tempfile.TemporaryDirectory(prefix="ablate-verify-") as folder:
        print(f"running {name} again in a clean clone", file=sys.stderr, flush=True)
        clone = _clone(name, Path(folder) / "clone")
        # by force: what git holds would pass for up to date
        _dvc(clone, "repro", "--force", *([f"{stages[key]}@{key}" for key in keys] or ["dvc.yaml"]))
        with progress.shown("reading the results"):
            again = revisions.of_folder(clone, "again")
        output = revisions.git("ls-files", "-z", "--modified", "--others", "--exclude-standard", folder=clone)
    changed = {os.fsdecode(path) for path in output.split(b"\0") if path.startswith(b"reports/")}
    rows = []
    with progress.shown("comparing with the commit"):
        for key in keys or stages:
            text = difference(key, committed, again) if results_path(key).as_posix() in changed else ""
            runs = f"{len(again.results[key])}" if key in again.studies and key in again.results else ""
            rows.append([key, runs, "not reproduced" if text else "bit for bit", text])
    others = [] if keys else sorted(changed.difference(results_path(key).as_posix() for key in stages))
    after = [f"{len(others)} other files of reports/ have other bytes: {join_short(others)}"] if others else []
    if note := other_versions(committed, again):
        after.insert(0, note)
    header = ["study or measurement", "runs", "reproduced", "what differs"]
    table = Table(f"{name}, run again", header, rows, frozenset([0, 2, 3]), after=after)
    return table, not others and not any(text for *_, text in rows)


def difference(key: str, committed: Revision, again: Revision) -> str:
    """Return in which metrics of which variants the results of a study differ, whose bytes do."""
    if key not in committed.results or key not in again.results:
        return "no results in the commit" if key not in committed.results else "no results"
    if key not in again.studies:
        return "other measurements"
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


def _clone(name: str, folder: Path) -> Path:
    """Clone a commit and return the current project's folder in it, with the tables that DVC keeps."""
    root = revisions.root()
    # `--shared` copies no objects
    revisions.git("clone", "--quiet", "--shared", "--no-checkout", str(root), str(folder))
    revisions.git("checkout", "--quiet", "--detach", revisions.commit(name), folder=folder)
    project = folder / os.path.relpath(Path.cwd(), root)
    tables = [path.relative_to(project).as_posix() for path in sorted((project / "tables").rglob("*.dvc"))]
    if tables:
        from dvc.repo import Repo

        # no stage makes them; a cache has the layout of a remote
        _dvc(project, "remote", "add", "--local", "here", str(Path(Repo().cache.local.path).parents[1]))
        _dvc(project, "pull", "--remote", "here", *tables)
    return project


def _dvc(folder: Path, *arguments: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603  # this interpreter, and targets that were looked up
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "ABLATE_STORE": "off"},
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise UserError(f"`dvc {' '.join(arguments)}` failed in a clean clone, see above; commit what it needs")


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
        if _md5(path) != digest:
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
    elif listed.is_file() and _md5(listed) == digest:
        for entry in json.loads(listed.read_bytes()):
            yield Path(out.cache.oid_to_path(entry["md5"])), entry["md5"]
            yield Path(out.fs_path, entry["relpath"]), entry["md5"]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
