"""Run git in the repository of a project, and warn of states in which DVC's experiments lose files or fail.

`dvc exp run` moves uncommitted files into a stash and back, and copies the repository for queued experiments. In some
repositories it then deletes a file, loses the results without an error, or fails with an error that names no remedy.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.errors import UserError
from pipeline.project import params
from pipeline.project.params import Params

STAGES = Path("dvc.yaml")
LARGE = 10_000_000  # bytes of a table that DVC should track instead of git
_TIMEOUT = 300  # seconds: more than git needs for a large repository
# variables that select a repository, as git sets them for a hook, or the format of a new one
SELECTING = re.compile(
    "GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX"
    "|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|IMPLICIT_WORK_TREE|CONFIG|QUARANTINE_PATH|DEFAULT_HASH|DEFAULT_REF_FORMAT)"
)


def git(*arguments: str, folder: Path | None = None) -> bytes:
    """Run git in a folder, by default the current one, and return its output.

    Raises:
        UserError: If git is not installed, fails or does not end in time.
    """
    # a hook of another repository sets these variables; DVC ignores them, too
    environment = {name: value for name, value in os.environ.items() if not SELECTING.fullmatch(name)}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # never through a shell
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
    except FileNotFoundError:
        raise UserError("git: not found; install it, or add its folder to PATH") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"git {arguments[0]}: did not finish within {_TIMEOUT} s") from None
    except subprocess.CalledProcessError as error:
        message = " ".join(error.stderr.decode(errors="replace").split())
        raise UserError(f"{Path.cwd()}: git {arguments[0]}: {message[:300]}") from None
    return done.stdout


def root() -> Path:
    """Return the folder of the repository that holds the current folder."""
    return Path(os.fsdecode(git("rev-parse", "--show-toplevel").removesuffix(b"\n")))


def is_shallow() -> bool:
    """Return whether the repository lacks earlier commits."""
    return git("rev-parse", "--is-shallow-repository").strip() == b"true"


def promisor() -> str:
    """Return the key of git's configuration that makes this a partial clone, which fetches files on demand; or ""."""
    return _ask("config", "--name-only", "--get-regexp", r"^remote\..*\.promisor$").partition("\n")[0]


def warnings(project: Params) -> list[str]:
    """Return a line for each reason why DVC would lose files or results, or fail."""
    try:
        git("rev-parse", "--git-dir")
        return list(_warnings(project))
    except UserError as error:
        remedy = "; DVC needs a repository: `git init && git add -- . && git commit`"
        return [f"{error}{remedy if 'not a git repository' in str(error) else ''}"]


def _warnings(project: Params) -> Iterator[str]:
    flags = _flags(project)
    large = [path for path, flag in flags.items() if not flag and Path(path).stat().st_size > LARGE]
    for path in large:
        remedy = f"run `dvc add {shlex.quote(path)} && git add -- tables`, then commit"
        yield f"{path}: tracked neither by git nor by DVC; {remedy}"
    if files := [path for path, flag in flags.items() if not flag and path not in large]:
        listed = " ".join(map(shlex.quote, files))
        problem = "not tracked by git, and `dvc exp run` may delete or omit such a file"
        yield f"{', '.join(files)}: {problem}; commit first: `git add -- {listed} && git commit -- {listed}`"
    if files := [path for path, flag in flags.items() if flag == "S" or flag.islower()]:
        listed = " ".join(map(shlex.quote, files))
        remedy = f"`git update-index --no-skip-worktree {listed} && git update-index --no-assume-unchanged {listed}`"
        yield f"{', '.join(files)}: marked as unchanged in git, where `dvc exp run` loses edits; run {remedy}"
    if not _ask("rev-parse", "--verify", "HEAD"):
        yield "git: no commit yet, without which `dvc exp run` fails; run `git add -- . && git commit`"
    copies = "`dvc exp run --queue` and `--temp`"
    if is_shallow():
        yield f"git: shallow clone, where {copies} lose their results; run `git fetch --unshallow`"
    if key := promisor():
        remedy = f"`git fetch --refetch --no-filter && git config --unset {shlex.quote(key)}`"
        yield f"git: partial clone, where {copies} fail; run {remedy}"
    if _ask("rev-parse", "--show-object-format") == "sha256":
        yield "git: object format sha256, where `dvc exp` fails; change params.yaml and run `dvc repro` instead"
    # the library by which DVC reads the index knows neither of these formats
    if _ask("rev-parse", "--shared-index-path") or _is_on("core.splitIndex"):
        remedy = "`git config core.splitIndex false && git update-index --no-split-index`"
        yield f"git: split index, where `dvc exp run` fails; run {remedy}"
    if _is_on("index.sparse"):
        yield "git: sparse index, where `dvc exp run` fails; run `git sparse-checkout reapply --no-sparse-index`"
    top = root()
    folder = Path(_ask("rev-parse", "--absolute-git-dir"))
    if (top / ".git").is_file() and not (folder / "commondir").exists() and not _ask("config", "core.worktree"):
        # the library takes the parent of the git folder for the working tree
        remedy = f"`git config core.worktree {shlex.quote(str(top))}`"
        yield f"git: separate git folder, where `dvc exp run` loses uncommitted edits; run {remedy}"
    # DVC writes the path of its cache and a copy of git's configuration in ASCII
    if not str(top).isascii() and not any(_sets_cache(top / ".dvc" / name) for name in ("config", "config.local")):
        yield f"{top}: not ASCII, where {copies} fail; move the clone, or run `dvc cache dir --local FOLDER`"
    config = Path(_ask("rev-parse", "--git-path", "config"))
    if config.is_file() and not config.read_bytes().isascii():
        yield f"{config}: not ASCII, where {copies} fail; set such values by `git config --global`"


def _flags(project: Params) -> dict[str, str]:
    """Return the files of the project that exist, each with the flag of `git ls-files -v`; empty if not tracked.

    A table may be tracked by DVC: then git tracks a file that stands for it.
    """
    tables = {config.file: f"{config.file}.dvc" for config in project.datasets.values() if config.source == "table"}
    files = [path for path in (params.PATH.as_posix(), STAGES.as_posix(), *tables) if Path(path).is_file()]
    lines = os.fsdecode(git("ls-files", "-z", "-v", "--", *files, *tables.values())).split("\0")
    flags = {path: flag for flag, _, path in (line.partition(" ") for line in lines)}
    return {path: flags.get(path, flags.get(tables.get(path, ""), "")) for path in files}


def _is_on(key: str) -> bool:
    return _ask("config", "--type=bool", key) == "true"


def _ask(*arguments: str) -> str:
    """Return the line that git prints; empty if git fails, as for a key that is not set."""
    try:
        return os.fsdecode(git(*arguments).removesuffix(b"\n"))
    except UserError:
        return ""


def _sets_cache(path: Path) -> bool:
    return path.is_file() and bool(re.search(r"^\s*dir\s*=", path.read_text(errors="replace"), flags=re.MULTILINE))
