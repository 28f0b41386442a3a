"""Find a commit of this repository or of another one, and write its files into an empty folder.

Git runs without hooks, without prompts and without the settings of the user that change the bytes of files, and writes
nothing into a repository of the user.
"""

import contextlib
import functools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ablate import processes, revisions
from ablate.processes import Ended
from ablate.repository import SELECTING
from pipeline.core.errors import UserError, escape

_SILENCE = 120.0  # seconds in which git shows no progress
_SCHEMES = ("https", "http", "ssh", "git", "file")
# settings of the user that run hooks, change line ends, write indexes that DVC cannot read, or leave out files
_NEUTRAL = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.splitIndex=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.sparseCheckout=false",
    "index.sparse=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "init.defaultObjectFormat=sha1",
    "init.defaultRefFormat=files",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
)
_LOCATION = re.compile(r"\w+://|\.{0,2}/|\.{1,2}(@|$)")
_SCP = re.compile(r"([\w.-]+@)?([\w.-]+|\[[\w:.]+\]):(?!:)[^\s]")
_HEAD_OF_URL = re.compile(r"\w+://[^/]*|[^/:\[]*(\[[^\]]*\])?:")
_PROGRESS = re.compile(
    r".*\d%|remote: \w+ing objects|remote: Total|From |\* |hint: |warning: |Please make|and the repo"
)
_NAME = re.compile(r"[^\s~^:?*\[\\+@-][^\s~^:?*\[\\]*")  # of a branch or tag; others are expressions such as HEAD~1


@dataclass(frozen=True)
class Commit:
    """A commit, and where it is."""

    name: str  # as the user calls it, without a password
    location: str  # URL or path of the repository, without a password; empty for that of the current folder
    digest: str
    subject: str
    date: str  # of the commit, YYYY-MM-DD
    git: Path  # git's folder with the objects
    work_tree: Path | None  # of a repository on this machine
    project: str  # the user's folder in the repository: "" or "book"


def find(text: str, temporary: Path) -> Commit:
    """Find a commit; one from the network is fetched into a temporary folder.

    Args:
        text: Branch, tag, commit or DVC experiment of this repository; or a URL or path of a repository, which `@` and
            a branch, tag or commit may follow.
        temporary: An existing folder.

    Raises:
        UserError: If there is no such commit or repository, or it cannot be read.
    """
    if not _LOCATION.match(text):
        try:
            return _here(text)
        except UserError as error:
            if (not _SCP.match(text) or _is_object(text)) and not _split_path(text):
                raise UserError(f"{error}; another repository is URL@REV or PATH@REV, a study --study") from None
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme and scheme not in _SCHEMES:
        raise UserError(f"{_brief(text)}: found the scheme {scheme!r}, allowed: {', '.join(_SCHEMES)}")
    is_path = scheme == "file" or not (scheme or _SCP.match(text))
    if scheme in ("", "file") and (split := _split_path(unquote(text.removeprefix("file://")) if scheme else text)):
        return _there(*split) if split[0].is_dir() else _fetched(text, [(str(split[0]), split[1])], temporary)
    if is_path:
        raise UserError(f"{_brief(text)}: no such folder")
    return _fetched(text, _split_url(text), temporary)


def write(commit: Commit, folder: Path) -> None:
    """Write the files of a commit into an empty folder, with the bytes that git has.

    Raises:
        UserError: If an object is missing, or the disk is full.
    """
    # neither `clone` nor `worktree`, which fail or write into the repository if it is shallow, partial or read-only
    done = _git("read-tree", "--reset", "-u", commit.digest, git=commit.git, work_tree=folder)
    if done.status:
        raise UserError(f"{commit.name}: its files cannot be written: {_reason(done)}")


def ignored(commit: Commit, folder: Path, paths: Sequence[Path]) -> set[Path]:
    """Return the files in the folder of a written commit that its `.gitignore` files ignore."""
    check = ("-c", "core.excludesFile=/dev/null", "check-ignore", "-z", "--", *map(str, paths))
    done = _git(*check, git=commit.git, work_tree=folder)
    return {Path(os.fsdecode(path)) for path in done.output.split(b"\0") if path}


# --- repositories on this machine ------------------------------------------------------------------------------------


def _here(name: str) -> Commit:
    return _commit(name, "", None, revisions.commit(name))


def _there(path: Path, rev: str) -> Commit:
    return _commit(
        f"{path}@{rev}" if rev else str(path), str(path), path, _digest(rev or "HEAD", str(path), folder=path)
    )


def _commit(name: str, location: str, folder: Path | None, digest: str) -> Commit:
    git, prefix, has_work_tree = (
        _asked("rev-parse", question, folder=folder)
        for question in ("--absolute-git-dir", "--show-prefix", "--is-inside-work-tree")
    )
    top = Path(_asked("rev-parse", "--show-toplevel", folder=folder)) if has_work_tree == "true" else None
    return Commit(name, location, digest, *_described(Path(git), digest), Path(git), top, prefix.rstrip("/"))


def _asked(*arguments: str, folder: Path | None) -> str:
    """Return the answer of git about a repository."""
    done = _git(*arguments, folder=folder)
    if done.status:
        raise UserError(f"{folder or Path.cwd()}: {_reason(done)}")
    return os.fsdecode(done.output.removesuffix(b"\n"))


def _described(git: Path, digest: str) -> tuple[str, str]:
    """Return subject and date of a commit."""
    form = "--format=%s%x00%cs"
    done = _git("log", "-1", "--no-show-signature", "--no-color", "--encoding=UTF-8", form, digest, git=git)
    subject, _, date = done.output.decode(errors="replace").strip("\n").partition("\0")
    return subject, date


def _digest(rev: str, location: str, folder: Path | None = None, git: Path | None = None) -> str:
    """Return the digest of a commit in another repository on this machine, or in a fetched one."""
    name = f"{rev}^{{commit}}"
    done = _git("rev-parse", "--verify", "--quiet", "--end-of-options", name, folder=folder, git=git)
    if done.status:
        if folder:
            _asked("rev-parse", "--git-dir", folder=folder)  # says why, if it is no repository
        raise UserError(f"{location}: no branch, tag or commit {escape(rev)[:80]}")
    return done.output.decode().strip()


def _is_object(text: str) -> bool:
    """Return whether this repository has an object of this name, such as the file HEAD:params.yaml."""
    return not _git("rev-parse", "--verify", "--quiet", "--end-of-options", text).status


# --- URLs and paths --------------------------------------------------------------------------------------------------


def _splits(text: str, at: str = "@(?=.)") -> Iterator[tuple[str, str]]:
    """Yield a location without and with a revision after each `@`, the shortest revision first."""
    yield text, ""
    for place in reversed([match.start() for match in re.finditer(at, text)]):
        yield text[:place], text[place + 1 :]


def _split_path(text: str) -> tuple[Path, str] | None:
    """Return an existing folder or bundle, and a revision; a folder may have `@` in its name."""
    for path, rev in _splits(text):
        with contextlib.suppress(OSError, ValueError):
            if path and Path(path).exists():
                return Path(path).absolute(), rev
    return None


def _split_url(text: str) -> list[tuple[str, str]]:
    """Return the ways to read a URL, the likely one first; an `@` before the host starts no revision.

    >>> _split_url("git@host.org:user/project.git")
    [('git@host.org:user/project.git', '')]
    >>> _split_url("https://host.org/@user/project@feature/x")
    [('https://host.org/@user/project', 'feature/x'), ('https://host.org/@user/project@feature/x', '')]
    """
    head = _HEAD_OF_URL.match(text)
    assert head
    whole, *others = [(head[0] + path, rev) for path, rev in _splits(text[head.end() :], r"(?<=[^/:])@(?=.)")]
    certain = [(url, rev) for url, rev in others if url.endswith(".git")]
    return certain[-1:] or [*others, whole]


def shown(url: str) -> str:
    """Return a URL without the user and password of a web server.

    >>> shown("https://user:token@host.org/project@v1")
    'https://host.org/project@v1'
    """
    return re.sub(r"^(https?://)[^/]*@", r"\1", url)


# --- the network -----------------------------------------------------------------------------------------------------


def _fetched(text: str, ways: Sequence[tuple[str, str]], temporary: Path) -> Commit:
    """Fetch a commit of another repository in the first of several ways to read its URL that succeeds."""
    git, errors = temporary / "repository.git", []
    done = _git("init", "--quiet", "--bare", "--template=", str(git), folder=temporary)
    if done.status:
        raise UserError(f"{git}: {_reason(done)}")
    for url, rev in ways:
        try:
            digest = _fetch(url, rev or "HEAD", git)
        except UserError as error:
            errors.append(error)
        else:
            return Commit(_brief(text), shown(url), digest, *_described(git, digest), git, None, "")
    raise errors[0]


def _fetch(url: str, rev: str, git: Path) -> str:
    """Fetch a commit, without its history if the server allows it, and return its digest."""
    command, name = ("fetch", "--progress", "--no-tags"), _brief(url)
    missing = f"{name}: no branch, tag or commit {escape(rev)[:80]}"
    if _NAME.fullmatch(rev) and "@{" not in rev:
        done = _git(*command, "--depth=1", "--", url, rev, git=git)
        if "shallow" in done.errors:  # a server that only serves files, or a bundle
            done = _git(*command, "--", url, rev, git=git)
        if not done.status:
            return _digest("FETCH_HEAD", name, git=git)
        no_ref = "couldn't find remote ref" in done.errors
        if not no_ref and not re.search("not our ref|unadvertised object", done.errors):
            remedy = f"`git ls-remote {shlex.quote(name)}` must work without a question"
            raise UserError(f"{name}: {_reason(done).replace(url, name)}; {remedy}")
        if no_ref and not re.fullmatch("[0-9a-f]{4,64}", rev):
            raise UserError(missing)
    # an expression, a part of a digest, or a server that serves only the commits of branches and tags
    done = _git(*command, "--", url, "HEAD", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", git=git)
    if done.status:
        raise UserError(f"{name}: {_reason(done).replace(url, name)}")
    _git("update-ref", "--no-deref", "HEAD", "FETCH_HEAD", git=git)
    try:
        return _digest(rev, name, git=git)
    except UserError:
        raise UserError(missing) from None


# --- git -------------------------------------------------------------------------------------------------------------


def _git(*arguments: str, folder: Path | None = None, git: Path | None = None, work_tree: Path | None = None) -> Ended:
    """Run git on the repository of the current folder, or of another folder, or on this git folder."""
    environment = _environment()
    command = ["git", *(word for setting in _NEUTRAL for word in ("-c", setting))]
    if git:
        command.append(f"--git-dir={git}")
        environment |= _ssh(git)
    if work_tree:
        command.append(f"--work-tree={work_tree}")
        environment["GIT_INDEX_FILE"] = str(work_tree.with_name("index"))
    try:
        return processes.captured([*command, *arguments], work_tree or folder or Path(), environment, _SILENCE)
    except TimeoutError:
        return Ended(124, b"", f"no answer within {_SILENCE:.0f} s")
    except (OSError, ValueError) as error:  # not installed, or an argument with a NUL character
        return Ended(127, b"", f"git cannot be run ({escape(str(error))[:80]})")


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not SELECTING.fullmatch(name)}
    # git may open a window that asks; a program that the user has set is kept
    environment.setdefault("GIT_ASKPASS", "true")
    never = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "SSH_ASKPASS_REQUIRE": "never"}
    return environment | never | {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}


@functools.cache
def _ssh(git: Path) -> dict[str, str]:
    """Return the variable with the user's command for ssh and options that forbid questions."""
    command = os.environ.get("GIT_SSH_COMMAND", "")
    if not command and git.exists():
        configured = ["git", f"--git-dir={git}", "config", "--get", "core.sshCommand"]
        command = subprocess.run(configured, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    if not command and "GIT_SSH" in os.environ:
        return {}
    command = command or "ssh"
    if Path(command.split()[0]).name.startswith("ssh"):  # other programs have other options, and no terminal
        command += " -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15"
    return {"GIT_SSH_COMMAND": command}


def _reason(done: Ended) -> str:
    """Return the error message of git in one line."""
    lines = dict.fromkeys(line.strip() for line in re.split(r"[\r\n]", done.errors))
    words = "; ".join([line for line in lines if line and not _PROGRESS.match(line)][:3])
    return escape(words)[:400] or f"git ended with status {done.status}"


def _brief(text: str) -> str:
    """Return a URL or name for a line of text."""
    return escape(shown(text))[:160]
