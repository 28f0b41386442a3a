"""A project in a commit, an experiment or a folder; commits are read from git, without DVC's cache and remotes.

A commit may come from an unreviewed branch: its `params.yaml` passes the reader of the user's own file, and its results
must be those that `dvc.lock` recorded.
"""

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from ablate.repository import git, is_shallow, promisor
from pipeline.core.errors import UserError, escape
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.project import lock, params, parts
from pipeline.project.artifacts import ENVIRONMENT, RESULTS
from pipeline.project.params import Params
from pipeline.project.variants import Study

WORKSPACE = "workspace"
_TEXT = {"variant": str, "status": str, "data": str}
_ENVIRONMENT = TypeAdapter(list[dict[str, str]])


@dataclass(frozen=True)
class Revision:
    """A project in one commit, experiment or folder."""

    name: str  # as the user calls it
    params: Params | None  # None if the file is not valid under today's schema
    problem: str  # why there are no `params`, one line per problem; else empty
    results: Mapping[str, pd.DataFrame]  # the tables of `reports/results/`, by study or measurement
    lock: Mapping[str, Any]  # content of `dvc.lock`
    environment: Sequence[Mapping[str, str]]  # versions of the libraries that computed the results

    @property
    def studies(self) -> Mapping[str, Study]:
        """The studies; none under another schema."""
        return self.params.studies if self.params else {}

    @property
    def measurements(self) -> Mapping[str, MeasurementConfig]:
        """The measurements; none under another schema."""
        return self.params.measurements if self.params else {}

    def dataset(self, key: str) -> DatasetConfig:
        """Return the config of a study's data set."""
        assert self.params is not None
        return self.params.datasets[self.studies[key].dataset]

    def is_stale(self, key: str) -> bool:
        """Return whether the config of a study has changed since it was trained."""
        stage = f"train@{key}"
        text = parts.text_of(stage, self.params.written) if self.params else ""
        return bool(text) and lock.is_stale(self.lock, stage, parts.path_of(stage), text)


def read(name: str | None = None) -> Revision:
    """Read the project of the current folder at a branch, tag, commit or DVC experiment; None is the workspace.

    Raises:
        UserError: If there is no such revision, it holds no project, or its files are damaged.
    """
    if name is None:
        return of_folder(Path(), WORKSPACE)
    digest = commit(name)
    wanted = [path.as_posix() for path in (params.PATH, lock.PATH, ENVIRONMENT, RESULTS)]
    output = git("ls-tree", "-r", "-z", "--name-only", digest, "--", *wanted)
    paths = [os.fsdecode(path) for path in output.split(b"\0") if path]
    try:
        files = {Path(path): git("cat-file", "blob", f"{digest}:./{path}") for path in paths}
    except UserError:
        if promisor():
            remedy = "try again when `git ls-remote` answers"
            problem = "this partial clone lacks files of this commit, and its remote does not answer"
            raise UserError(f"{name}: {problem}; {remedy}") from None
        raise
    return _revision(name, files)


def of_folder(folder: Path, name: str, *, checked: bool = True) -> Revision:
    """Read the project in a folder, as `read`.

    Args:
        folder: The folder of the project.
        name: As the user calls it.
        checked: Refuse an invalid `params.yaml`, and results that `dvc.lock` did not record.
    """
    paths = [folder / params.PATH, folder / lock.PATH, folder / ENVIRONMENT, *sorted((folder / RESULTS).glob("*.csv"))]
    files = {path.relative_to(folder): path.read_bytes() for path in paths if path.is_file()}
    revision = _revision(name, files, checked)
    if checked and revision.problem:
        raise UserError(revision.problem)
    return revision


def commit(name: str) -> str:
    """Return the digest of the commit that a branch, tag, commit or DVC experiment names.

    Raises:
        UserError: If nothing has this name, or the current folder is in no repository.
    """
    head = ""
    git("rev-parse", "--git-dir")  # outside of a repository, or in one of another owner, its error says so
    with contextlib.suppress(UserError):  # a repository without a commit
        head = git("rev-parse", "--verify", "HEAD").decode().strip()
    refs = git("for-each-ref", "--format=%(refname)", "refs/exps").decode().split()
    experiments = [ref for ref in refs if ref.count("/") == 4 and ref.endswith(f"/{name}")]
    # as DVC: among experiments of the same name, the one that started from the current commit
    of_head = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    for candidate in (name, of_head, *(experiments if len(experiments) == 1 else ())):
        # an argument can neither be very long nor hold every character
        with contextlib.suppress(OSError, ValueError, UserError):
            arguments = ("--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
            digest = git("rev-parse", *arguments).decode().strip()
            if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", digest):  # SHA-1 or SHA-256
                return digest
    remedy = "`git branch --all`, `git tag` and `dvc exp list --all-commits` list what there is"
    if not head:
        remedy = "there is no commit yet: `git add -- . && git commit`"
        if git("for-each-ref", "--count=1"):
            remedy = "nothing is checked out: `git checkout BRANCH` with one that `git branch --all` lists"
    elif is_shallow():
        remedy = f"this clone is shallow, `git fetch --unshallow` gets earlier commits; {remedy}"
    raise UserError(f"{escape(name)[:80]}: no branch, tag, commit or experiment of this repository; {remedy}")


def _revision(name: str, files: Mapping[Path, bytes], recorded: bool = True) -> Revision:
    if params.PATH not in files:
        raise UserError(f"{name}: no {params.PATH} in this folder, so no project; change into the folder of a project")
    remedy = f"commit it whole, or name another state than {name}"
    if name == WORKSPACE:
        remedy = "delete it and run `dvc repro`, or take the committed one by `git checkout HEAD --`"
    results, path = {}, lock.PATH
    try:
        records = lock.parse(files.get(path, b""))
        path = ENVIRONMENT
        environment = _ENVIRONMENT.validate_json(files.get(path, b"[]"))
        for path, content in files.items():
            if path.parent == RESULTS and path.suffix == ".csv":
                table = pd.read_csv(io.BytesIO(content), dtype=_TEXT, keep_default_na=False, na_values=[""])
                digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
                if recorded and (problem := lock.problem(records, path, digest)):
                    raise UserError(f"{name}: {path}: {problem}; {remedy}")
                results[path.stem] = table
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: {path} is damaged ({_line(str(error))}); {remedy}") from None
    try:
        project, invalid = params.parse(files[params.PATH], str(params.PATH)), ""
    except UserError as error:
        project, invalid = None, str(error)
    return Revision(name, project, invalid, results, records, environment)


def _line(text: str) -> str:
    return " ".join(text.split())[:120]
