"""Run a commit again: in a temporary folder, without its results, the store and DVC's cache.

The code is that of the commit, the environment the current one.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ablate import checkout, machine, names, processes, progress, revisions
from ablate.checkout import Commit
from ablate.revisions import Revision
from pipeline.core.errors import UserError, escape, join_short
from pipeline.project import lock, params
from pipeline.project.artifacts import RESULTS, results_path

REPORTS = RESULTS.parent

_PULL = 3600.0  # seconds: more than the tables of a project take
_CACHE = "ablate-cache"  # DVC's remote that is the cache of the repository with the commit
_DROPPED = ("PYTHONSAFEPATH", "DASK_SCHEDULER_ADDRESS", "DVC_ROOT", "DVC_STAGE")  # other code, other machines


class State(NamedTuple):
    """A project before or after the run: digests by path, as DVC computes them."""

    project: Revision
    files: dict[str, str]  # files in `reports/`
    recorded: dict[str, str]  # outputs that are not in the folder, by `dvc.lock`

    @property
    def digests(self) -> dict[str, str]:
        """The digests of all files and outputs."""
        return self.recorded | self.files


@dataclass(frozen=True)
class Rerun:
    """A commit, and the results of its second run."""

    commit: Commit
    project: str  # folder in the repository: "" or "book"
    stages: Mapping[str, str]  # train or measure, by study or measurement
    keys: Sequence[str]  # of the studies and measurements that were run; empty: all, and the report
    before: State
    after: State
    ignored: frozenset[str]  # new files that git ignores
    other_versions: Sequence[str]  # packages whose versions are not those of the commit's requirements.txt
    seconds: float


def rerun(text: str, keys: Sequence[str] = (), project: str | None = None) -> Rerun:
    """Run a commit again.

    Args:
        text: Branch, tag, commit or DVC experiment, or another repository (`checkout.find`).
        keys: Studies and measurements; default: all, and the report.
        project: Folder of the project in the repository; default: the current one; for a URL, the top folder.

    Raises:
        UserError: If there is no such commit, project or study, it has no results, or the run fails.
    """
    with processes.temporary_folder() as temporary:
        top, environment = temporary / "commit", _environment(temporary)
        top.mkdir()
        with progress.shown(f"reading {escape(checkout.shown(text))}"):
            commit = checkout.find(text, temporary)
            checkout.write(commit, top)
            folder = _project(commit, top, commit.project if project is None else project)
            place, before = folder.relative_to(top).as_posix().removeprefix("."), _state(folder, commit.name)
        keys, stages = list(dict.fromkeys(keys)), _stages(before.project)
        names.check("study", keys, stages)
        if not any(results_path(key).as_posix() in before.digests for key in keys or stages):
            missing = f"no results of {join_short(keys)}" if keys else f"no results in the folder {place or '.'}"
            remedy = "nothing to reproduce; `dvc repro` makes them, `git commit` adds them"
            raise UserError(f"{commit.name}: {missing} of this commit, so {remedy}")
        _configure(commit, top, folder)
        _bring_tables(commit, folder, environment)
        # a committed result that the run does not write must not count as reproduced
        _delete(folder / REPORTS)
        _delete(folder / lock.PATH)
        print(f"running {escape(commit.name)} in a temporary folder", file=sys.stderr, flush=True)
        begun = time.monotonic()
        targets = [f"{stages[key]}@{key}" for key in keys] or ["dvc.yaml"]
        if processes.shown(_dvc("repro", *targets), folder, environment):
            problem = (
                before.project.problem or f"`dvc repro {' '.join(targets)}` failed in a temporary folder, see above"
            )
            raise UserError(f"{commit.name}: {problem}")
        seconds = time.monotonic() - begun
        after = _state(folder, "again")
        new = [folder / path for path in after.files if path not in before.digests]
        ignored = {path.relative_to(folder).as_posix() for path in checkout.ignored(commit, top, new)}
        return Rerun(
            commit, place, stages, keys, before, after, frozenset(ignored), list(_other_versions(top)), seconds
        )


def _project(commit: Commit, top: Path, name: str) -> Path:
    """Return the folder of a project in a written commit."""
    folder = Path(os.path.normpath(top / name))
    if not folder.is_relative_to(top):
        raise UserError(f"--project: found {name!r}, allowed: a folder of the repository, such as book")
    if not (folder / params.PATH).is_file():
        others = sorted(
            path.parent.relative_to(top).as_posix()
            for path in top.rglob(params.PATH.name)
            if path.with_name("dvc.yaml").is_file()
        )
        remedy = f"--project takes one of {join_short(others)}" if others else "no other folder has one"
        raise UserError(f"{commit.name}: no {params.PATH} in the folder {name or '.'} of this commit; {remedy}")
    return folder


def _state(folder: Path, name: str) -> State:
    project = revisions.of_folder(folder, name, checked=False)
    paths = [path for path in (folder / REPORTS).rglob("*") if path.is_file()]
    files = {path.relative_to(folder).as_posix(): md5(path) for path in paths}
    # the files of a folder count, not the folder
    there = {*files, *(parent.as_posix() for path in files for parent in Path(path).parents)}
    return State(
        project, files, {path: digest for path, digest in lock.digests(project.lock).items() if path not in there}
    )


def _stages(project: Revision) -> dict[str, str]:
    """Return the stage of each study and measurement, by `dvc.lock` if `params.yaml` is of another version."""
    if project.params:
        return dict.fromkeys(project.studies, "train") | dict.fromkeys(project.measurements, "measure")
    named = [stage.partition("@") for stage in project.lock.get("stages") or {}]
    return {key: kind for kind, _, key in named if kind in ("train", "measure")}


def _configure(commit: Commit, top: Path, folder: Path) -> None:
    """Make DVC work without git, with a cache of its own and with the remotes of the commit."""
    from dvc.config import Config, ConfigError
    from dvc.config_schema import RelPath

    places = [place / ".dvc" for place in [folder, *folder.parents] if place.is_relative_to(top)]
    settings = next((place for place in places if place.is_dir()), None)
    if settings is None:
        raise UserError(f"{commit.name}: no folder .dvc in this commit, so no project of DVC")
    try:
        with Config(str(settings)).edit("local") as local:
            # DVC reads git's index, and for some formats waits forever
            local["core"] |= {"no_scm": True, "analytics": False, "check_update": False}
            local["cache"]["dir"] = RelPath(str(settings / "cache"))
            if commit.work_tree and (source := commit.work_tree / settings.relative_to(top)).is_dir():
                remotes = Config(str(settings)).load_one("repo")["remote"]
                folders = {
                    name: source / os.path.relpath(remote["url"], settings)
                    for name, remote in remotes.items()
                    if isinstance(remote["url"], RelPath)
                }
                folders[_CACHE] = Path(Config(str(source))["cache"].get("dir") or source / "cache")
                for number, (name, place) in enumerate(folders.items()):
                    link = settings / f"remote{number}"  # DVC writes no names that are not ASCII into its settings
                    link.symlink_to(place)
                    local["remote"][name] = {"url": RelPath(str(link))}
    except ConfigError as error:
        raise UserError(f"{commit.name}: .dvc/config: {escape(str(error))}") from None


def _bring_tables(commit: Commit, folder: Path, environment: Mapping[str, str]) -> None:
    """Bring the tables that DVC keeps: from the cache of a repository on this machine, or from a remote."""
    tables = sorted(path.relative_to(folder).as_posix() for path in (folder / "tables").rglob("*.dvc"))
    if not tables:
        return
    with progress.shown(f"dvc pull {join_short(tables)}"):
        for options in [["--remote", _CACHE], []] if commit.work_tree else [[]]:
            try:
                pulled = processes.captured(_dvc("pull", *options, *tables), folder, environment, _PULL)
            except TimeoutError:
                raise UserError(f"{commit.name}: `dvc pull` did not end within {_PULL:.0f} s") from None
            if not pulled.status:
                return
    reason = escape(" ".join(pulled.errors.partition("ERROR: ")[2].split()))[:200]
    remedy = "its tables must be in DVC's cache, or in a remote that can be read without a question"
    raise UserError(f"{commit.name}: `dvc pull {' '.join(tables)}` failed ({reason}); {remedy}")


def _dvc(*arguments: str) -> list[str]:
    # -P: no module of the commit replaces one of DVC
    return [sys.executable, "-P", "-m", "dvc", *arguments]


def _environment(temporary: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**kept, "PATH": path, "ABLATE_STORE": "off", "DVC_SITE_CACHE_DIR": str(temporary / "site")}


def _other_versions(top: Path) -> Iterator[str]:
    for path in (top / "requirements.txt", top / "requirements-torch.txt"):
        if path.is_file():
            yield from machine.other_than_pinned(path.read_text(errors="replace"))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def within(path: str, folders: Iterable[str | Path]) -> bool:
    """Return whether a path is one of these paths or in one of these folders."""
    return any(Path(path).is_relative_to(folder) for folder in folders)


def md5(path: Path) -> str:
    """Return the digest of a file, as DVC computes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
