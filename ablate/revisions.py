"""A project as a commit, an experiment or the workspace has it: git alone is asked, no DVC cache and no remote."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.analysis.comparison import Revision
from pipeline.core.console import escape
from pipeline.core.errors import UserError
from pipeline.project import lock, params
from pipeline.project.artifacts import ENVIRONMENT, RESULTS, plain

WORKSPACE = "workspace"
_LISTS = "`git branch --all`, `git tag` and `dvc exp list --all-commits` list what there is"
_CHANGE = "change into the folder of a project"
_TEXT = {"variant": str, "status": str, "data": str}


def read(name: str | None = None, *, held_to_lock: bool = True) -> Revision:
    """The project of the current folder at a revision.

    Args:
        name: A branch, tag, commit or DVC experiment; None is the workspace.
        held_to_lock: Whether results must be those that `dvc.lock` says its stages left.

    Raises:
        UserError: If there is no such revision, it holds no such project, or its files are damaged.
    """
    return of_folder(Path(), WORKSPACE) if name is None else _revision(name, _of_git(name), held_to_lock)


def of_folder(folder: Path, name: str) -> Revision:
    """The project in a folder, as it lies there."""
    paths = [params.PATH, lock.PATH, ENVIRONMENT, *sorted(path.relative_to(folder) for path in _results(folder))]
    return _revision(name, {path: (folder / path).read_bytes() for path in paths if (folder / path).is_file()})


def _results(folder: Path) -> list[Path]:
    return list((folder / RESULTS).glob("*.csv"))


def commit(name: str) -> str:
    """The digest of the commit that a branch, tag, commit or DVC experiment names.

    Raises:
        UserError: If there is none.
    """
    # half a second that the other commands need not pay
    from dvc.scm import RevError, resolve_rev
    from scmrepo.exceptions import RevError as NoCommit

    git = _git()
    try:
        # a name may also be that of a file or a folder in a commit
        found: str = git.resolve_rev(f"{resolve_rev(git, name)}^{{commit}}") if name else ""
    except (RevError, NoCommit, ValueError):  # the last of a name that is too long, or that UTF-8 can not spell
        found = ""
    if not found:
        raise UserError(f"{escape(name)[:80]}: no branch, tag, commit or experiment of this repository; {_LISTS}")
    return found


def _git() -> Any:
    from scmrepo.exceptions import SCMError
    from scmrepo.git import Git

    try:
        return Git(".", search_parent_directories=True)
    except SCMError:
        raise UserError(f"{Path.cwd()}: no git repository, from which another state could be read; {_CHANGE}") from None


def root() -> Path:
    """The folder of the repository that the current folder lies in."""
    return Path(_git().root_dir)


def _of_git(name: str) -> dict[Path, bytes]:
    files = _git().get_fs(commit(name))
    project = Path(os.path.relpath(Path.cwd(), root()))

    def there(path: Path) -> str:
        return (project / path).as_posix().removeprefix("./")

    paths = [path for path in (params.PATH, lock.PATH, ENVIRONMENT) if files.isfile(there(path))]
    if files.isdir(there(RESULTS)):
        names = sorted(Path(path).name for path in files.ls(there(RESULTS), detail=False))
        paths += [RESULTS / name for name in names if name.endswith(".csv")]
    return {path: files.cat_file(there(path)) for path in paths}


def _revision(name: str, files: Mapping[Path, bytes], held_to_lock: bool = True) -> Revision:
    if params.PATH not in files:
        raise UserError(f"{name}: no {params.PATH} in this folder, so no ablation project; {_CHANGE}")
    try:
        written = _mapping(YAML(typ="safe", pure=True).load(files[params.PATH]))
        recorded = lock.parse(files.get(lock.PATH, b""))
        environment = json.loads(files.get(ENVIRONMENT, b"[]"))
    except (YAMLError, ValueError, RecursionError) as error:
        raise UserError(
            f"{name}: {params.PATH}, {lock.PATH} or {ENVIRONMENT} is damaged ({_line(error)}); {_mend(name)}"
        ) from None
    results = {}
    for path, content in files.items():
        if path.parent == RESULTS:
            results[path.stem] = _table(name, path, content)
            if held_to_lock:
                _check_whole(name, path, results[path.stem], lock.configs(recorded, f"train@{path.stem}"))
                digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
                if problem := lock.problem(recorded, path, digest):
                    raise UserError(f"{name}: {path}: {problem}; {_mend(name)}")
    return Revision(name, written, results, recorded, environment)


def _check_whole(name: str, path: Path, results: pd.DataFrame, configs: Mapping[str, Any]) -> None:
    """Refuse the results of a study in which a run is missing, doubled or of a seed that it was not run with.

    Commits of any age are read, so that only what they have is looked at.
    """
    if not {"variant", "seed_root", "seed_index", "fold"} <= set(results.columns):
        return
    counts = results.groupby(["variant", "fold", "seed_root", "seed_index"], dropna=False).size()
    own = next((value for key, value in configs.items() if key.startswith("datasets.")), None)
    seeds = _mapping(configs.get("seeds"))
    wanted = _mapping(own).get("seeds") or seeds.get("count")
    for (variant, fold), group in counts.groupby(level=[0, 1], sort=False):
        found = group.droplevel([0, 1]).to_dict()
        if isinstance(wanted, int):
            found = {(seeds.get("root"), index): 0 for index in range(wanted)} | found
        for (root, index), count in found.items():
            known = not isinstance(wanted, int) or (root == seeds.get("root") and index in range(wanted))
            if count != known:
                run = f"the run of {plain(variant)}, seed {root}/{index}, fold {fold}"
                raise UserError(f"{name}: {path}: {run}: found {count}, wanted {int(known)}; {_mend(name)}")


def _table(name: str, path: Path, content: bytes) -> pd.DataFrame:
    try:
        return pd.read_csv(io.BytesIO(content), dtype=_TEXT, keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise UserError(f"{name}: {path} is damaged ({_line(error)}); {_mend(name)}") from None


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _mend(name: str) -> str:
    """What to do where a file of this state is not whole."""
    again = "delete it and run `dvc repro`, or take the committed one by `git restore`"
    return again if name == WORKSPACE else f"commit it whole, or name another state than {name}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
