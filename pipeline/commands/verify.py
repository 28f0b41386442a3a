"""`ablate verify`: are the committed results what the committed code makes, and is DVC's cache whole."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import Revision, between
from pipeline.commands import names, revisions
from pipeline.commands.compare import another_machine
from pipeline.commands.text import Table
from pipeline.project.artifacts import results_path
from pipeline.project.errors import UserError

_BITS, _WITHIN, _NOT = "bit for bit", "within the interval", "not reproduced"
_ROUNDING = 1e-6  # relative; what numbers without an interval may differ by on another processor


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Attributes:
        reproduced: One row a study or probe: id, runs, how it was reproduced, what differs.
        files: Other tracked files of `reports/` that came out with other bytes; unknown where only some studies ran.
        damaged: Files of DVC's cache, or brought from it, whose bytes are not those that `dvc.lock` names.
        checked: How many such files there are.
        machine: That the commit was made on another kind of machine, where bits cannot be expected; else empty.
    """

    reproduced: Sequence[Sequence[str]]
    files: Sequence[str]
    damaged: Sequence[str]
    checked: int
    machine: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything was reproduced, if only within the interval, and nothing is damaged."""
        return not self.damaged and all(row[2] != _NOT for row in self.reproduced)


def verify(revision: str, studies: Sequence[str], run: bool) -> Verification:
    """Run a commit again from its parameters, in an empty folder with nothing to take results from.

    Args:
        revision: Branch, tag, commit or DVC experiment.
        studies: Studies and probes; all where none are named.
        run: If not, DVC's cache alone is checked.

    Raises:
        UserError: If there is no such commit or study, or the run fails.
    """
    rows: list[list[str]] = []
    files: list[str] = []
    machine = ""
    if run:
        committed = revisions.read(revision, held_to_lock=False)  # that is what is to be found out
        there = [*committed.section("studies"), *committed.section("probes")]
        names.demand("study", studies, there)
        with tempfile.TemporaryDirectory(prefix="ablate-verify-") as folder:
            clone = _clone(revision, Path(folder) / "clone")
            _bring_tables(clone)
            stages = {key: "probe" if key in committed.section("probes") else "train" for key in there}
            _repro(clone, [f"{stages[key]}@{key}" for key in studies] or ["dvc.yaml"])
            again = revisions.of_folder(clone, "again")
            changed = _changed(clone)
            rows = [_row(key, committed, again, changed) for key in studies or there]
            machine = another_machine(again, committed)
            if not studies:
                known = {results_path(key).as_posix() for key in there}
                files = sorted(path for path in changed if path.startswith("reports/") and path not in known)
    damaged = list(_cache())
    return Verification(rows, files, [path for path, whole in damaged if not whole], len(damaged), machine)


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
    problems = list(_study_problems(key, committed, again) if "variant" in now else _probe_problems(before, now))
    return [key, runs, _NOT if problems else _WITHIN, "; ".join(problems) or "other bits"]


def _study_problems(key: str, committed: Revision, again: Revision) -> Iterator[str]:
    runs, there = (len(side.results[key]) for side in (again, committed))
    if runs != there:
        yield f"{runs} runs, {there} in the commit"
    table = between(again, committed)
    for row in table[table["study"] == key].itertuples():
        limits = f"[{row.reference_low:.4g}, {row.reference_high:.4g}]"
        if row.diverged != row.reference_diverged:
            yield f"{row.variant}: {row.diverged} diverged, {row.reference_diverged} in the commit"
        elif row.n and row.diverged == row.n == row.reference_n:
            continue  # as in the commit, there is no run to take a centre of
        elif pd.isna(row.centre) or pd.isna(row.reference_centre):
            yield f"{row.variant}: {row.note}"
        elif pd.isna(row.reference_low):
            if not np.isclose(row.centre, row.reference_centre, rtol=_ROUNDING, atol=0):
                values = f"{row.centre:.8g}, {row.reference_centre:.8g} in the commit"
                yield f"{row.variant}: {values}; one run has no interval"
        elif not (row.reference_low <= row.centre <= row.reference_high or row.centre == row.reference_centre):
            yield f"{row.variant}: {row.centre:.4g} is outside {limits}"


def _probe_problems(before: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    words = [name for name in before.columns if before[name].dtype.kind not in "fiu"]
    if list(before.columns) != list(now.columns) or not before[words].equals(now[words]):
        yield "other measurements"
        return
    numbers = [name for name in before.columns if name not in words]
    if not np.allclose(before[numbers], now[numbers], rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True):
        yield "other numbers, not by rounding alone"


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
        after = [found.machine] if found.machine else []
        if found.files:
            first = ", ".join(found.files[:3]) + (", ..." if len(found.files) > 3 else "")
            after.append(f"{len(found.files)} other files of reports/ have other bytes: {first}")
        header = ["study or probe", "runs", "reproduced", "what differs"]
        shown.append(Table(f"{revision}, run again", header, found.reproduced, frozenset([0, 2, 3]), after=after))
    words = f"{found.checked} files that DVC keeps: {len(found.damaged) or 'none'} damaged"
    remedy = "delete them, then `dvc pull` or `dvc repro` brings them back"
    shown.append(Table(words, after=[*[f"  {path}" for path in found.damaged], *([remedy] if found.damaged else [])]))
    return shown
