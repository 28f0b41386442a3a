"""`ablate verify`: are the committed results what the committed code makes, and is DVC's cache whole."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import names, revisions
from ablate.compare import other_versions
from ablate.text import Table
from pipeline.analysis.comparison import Revision
from pipeline.core.errors import UserError
from pipeline.project.artifacts import results_path

_BITS, _NOT = "bit for bit", "not reproduced"


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Attributes:
        reproduced: One row a study or measurement: id, runs, whether it was reproduced, what differs.
        files: Other tracked files of `reports/` that came out with other bytes; unknown where only some studies ran.
        damaged: Files of DVC's cache, or brought from it, whose bytes are not those that `dvc.lock` names.
        checked: How many such files there are.
        versions: That the commit was made by other versions, of which other bits may come; else empty.
    """

    reproduced: Sequence[Sequence[str]]
    files: Sequence[str]
    damaged: Sequence[str]
    checked: int
    versions: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything was reproduced bit for bit and nothing is damaged."""
        return not self.damaged and not self.files and all(row[2] == _BITS for row in self.reproduced)


def verify(revision: str, studies: Sequence[str], run: bool) -> Verification:
    """Run a commit again from its parameters, in an empty folder with nothing to take results from.

    Args:
        revision: Branch, tag, commit or DVC experiment.
        studies: Studies and measurements; all where none are named.
        run: If not, DVC's cache alone is checked.

    Raises:
        UserError: If there is no such commit or study, or the run fails.
    """
    rows: list[list[str]] = []
    files: list[str] = []
    versions = ""
    if run:
        committed = revisions.read(revision, held_to_lock=False)  # that is what is to be found out
        there = [*committed.section("studies"), *committed.section("measurements")]
        names.check("study", studies, there)
        with tempfile.TemporaryDirectory(prefix="ablate-verify-") as folder:
            clone = _clone(revision, Path(folder) / "clone")
            _bring_tables(clone)
            stages = {key: "measure" if key in committed.section("measurements") else "train" for key in there}
            _repro(clone, [f"{stages[key]}@{key}" for key in studies] or ["dvc.yaml"])
            again = revisions.of_folder(clone, "again")
            changed = _changed(clone)
            rows = [_row(key, committed, again, changed) for key in studies or there]
            versions = other_versions(again, committed)
            if not studies:
                known = {results_path(key).as_posix() for key in there}
                files = sorted(path for path in changed if path.startswith("reports/") and path not in known)
    damaged = list(_cache())
    return Verification(rows, files, [path for path, whole in damaged if not whole], len(damaged), versions)


def _clone(revision: str, folder: Path) -> Path:
    """A clone of the commit; the current project's folder in it."""
    from git import Repo

    digest, root = revisions.commit(revision), revisions.root()
    # `shared` takes objects from here without copying them; results are not among what git holds twice
    made = Repo.clone_from(str(root), str(folder), shared=True, no_checkout=True)
    made.git.checkout("--quiet", "--detach", digest)
    return folder / os.path.relpath(Path.cwd(), root)


def _bring_tables(folder: Path) -> None:
    """Tables that DVC keeps, from this project's cache: unlike results, nothing makes them anew."""
    kept = [path.relative_to(folder).as_posix() for path in sorted((folder / "tables").rglob("*.dvc"))]
    if not kept:
        return
    from dvc.repo import Repo

    # a cache is laid out as a remote is
    cache = Path(Repo().cache.local.path).parents[1]
    _dvc(folder, "remote", "add", "--local", "here", str(cache))
    _dvc(folder, "pull", "--remote", "here", *kept)


def _repro(folder: Path, targets: Sequence[str]) -> None:
    """All stages by force: the clone's cache is empty, but what git holds would pass for up to date."""
    _dvc(folder, "repro", "--force", *targets)


def _dvc(folder: Path, *words: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603  # this interpreter, and targets that were looked up
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env={**os.environ, "PATH": path, "ABLATE_STORE": "off"},
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise UserError(f"`dvc {' '.join(words)}` failed in a clean clone, see above; what it needs must be committed")


def _changed(folder: Path) -> set[str]:
    """Tracked files of the project with other bytes than the commit, and files that it does not have."""
    from git import Repo

    repo = Repo(folder, search_parent_directories=True)
    lines = repo.git.status("--porcelain", "-z", "--untracked-files=all").split("\0")
    project = os.path.relpath(folder, repo.working_dir)
    return {Path(os.path.relpath(line[3:], project)).as_posix() for line in lines if line}


def _row(key: str, committed: Revision, again: Revision, changed: set[str]) -> list[str]:
    before, now = committed.results.get(key), again.results.get(key)
    if before is None or now is None:
        return [key, "", _NOT, "no results in the commit" if before is None else "no results"]
    runs = f"{len(now)}" if "variant" in now else ""
    if results_path(key).as_posix() not in changed:
        return [key, runs, _BITS, ""]
    return [key, runs, _NOT, _difference(before, now, committed.study(key))]


def _difference(before: pd.DataFrame, now: pd.DataFrame, study: Mapping[str, Any]) -> str:
    """What differs between two tables of results, or of what a measurement measured; `study` as written."""
    if list(before.columns) != list(now.columns):
        return "other columns"
    if len(before) != len(now):
        return f"{len(now)} rows, {len(before)} in the commit"
    rows = now[((before != now) & (before.notna() | now.notna())).any(axis=1)]
    if rows.empty:
        return "the same numbers, written in another way"
    cases = list(dict.fromkeys(rows["variant" if "variant" in rows else "quantity"]))
    words = f"{len(rows)} of {len(now)} rows: {', '.join(cases[:3])}{', ...' if len(cases) > 3 else ''}"
    trained = rows["implementation"] if "implementation" in rows else [(study.get("base") or {}).get("implementation")]
    concise = set(trained) == {"concise"}
    return f"{words}; trained by torch, whose bits are the same on x86-64 alone" if concise else words


def _cache() -> Iterator[tuple[str, bool]]:
    """Every file that DVC keeps for this project, in its cache and in the workspace: is it what `dvc.lock` says?"""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo()
        outs = [
            out for stage in repo.stage.collect("dvc.yaml") for out in stage.outs if out.use_cache and out.hash_info
        ]
    except DvcException as error:
        raise UserError(f"DVC: {' '.join(str(error).split())}; `dvc status` says more") from None
    for out in outs:
        for path in (Path(out.cache_path), Path(out.fs_path)):
            # what is nowhere yet is not damaged: `dvc repro` or `dvc pull` brings it
            if path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
                yield os.path.relpath(path), digest == out.hash_info.value


def tables(found: Verification, revision: str) -> list[Table]:
    """What came of it, as text."""
    shown = []
    if found.reproduced:
        after = [found.versions] if found.versions else []
        if found.files:
            first = ", ".join(found.files[:3]) + (", ..." if len(found.files) > 3 else "")
            after.append(f"{len(found.files)} other files of reports/ have other bytes: {first}")
        header = ["study or measurement", "runs", "reproduced", "what differs"]
        shown.append(Table(f"{revision}, run again", header, found.reproduced, frozenset([0, 2, 3]), after=after))
    words = f"{found.checked} files that DVC keeps: {len(found.damaged) or 'none'} damaged"
    remedy = "delete them, then `dvc pull` or `dvc repro` brings them back"
    shown.append(Table(words, after=[*[f"  {path}" for path in found.damaged], *([remedy] if found.damaged else [])]))
    return shown
