"""Commits of repositories of many kinds, found by what a user types and written into a folder."""

import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ablate import checkout
from pipeline.core.errors import UserError

FILES = {"params.yaml": b"a: 1\n", "book/ä b.txt": b"one\r\ntwo\n", "x.bin": bytes(range(256))}
DEADLINE = 20  # seconds


def git(folder: Path, *arguments: str) -> str:
    """Run git with an author, as a user does; fail if it does not end."""
    author = {f"GIT_{role}_{what}": "a@b.test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(
        command, env=os.environ | author, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch, tmp_path):
    """Read no configuration of the machine; tests write theirs into this home."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def origin(tmp_path):
    """A repository with two commits: the first has the tag v1, the second the branches main, a@b and feature/größe."""
    folder = tmp_path / "a folder ü" / "origin"
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for path, content in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "-a", "v1", "-m", "one")
    (folder / "params.yaml").write_bytes(b"a: 2\n")
    git(folder, "commit", "-qam", "größer | @x")
    for branch in ("a@b", "feature/größe"):
        git(folder, "branch", branch)
    return folder


def written(text: str, temporary: Path) -> tuple[checkout.Commit, dict[str, bytes]]:
    """Find a commit, write it, and return it with its files."""
    temporary.mkdir()
    (temporary / "commit").mkdir()
    commit = checkout.find(text, temporary)
    checkout.write(commit, temporary / "commit")
    paths = [path for path in (temporary / "commit").rglob("*") if path.is_file()]
    return commit, {path.relative_to(temporary / "commit").as_posix(): path.read_bytes() for path in paths}


SECOND = FILES | {"params.yaml": b"a: 2\n"}


@pytest.mark.parametrize(
    ("rev", "files"), [("main", SECOND), ("v1", FILES), ("a@b", SECOND), ("feature/größe", SECOND), ("HEAD~1", FILES)]
)
def test_a_commit_of_this_and_of_another_repository(rev, files, origin, tmp_path, monkeypatch):
    found = [
        written(text, tmp_path / f"{number}")
        for number, text in enumerate((f"{origin}@{rev}", f"file://{origin}@{rev}"))
    ]
    monkeypatch.chdir(origin / "book")
    found.append(written(rev, tmp_path / "here"))
    monkeypatch.chdir(tmp_path)
    found.append(written(f"./a folder ü/origin/@{rev}", tmp_path / "relative"))
    digest = git(origin, "rev-parse", f"{rev}^{{commit}}")
    subject = {"a: 1": "first"}.get(files["params.yaml"].decode().strip(), "größer | @x")
    for commit, those in found:
        assert (commit.digest, commit.subject, those) == (digest, subject, files)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", commit.date)
    assert [commit.project for commit, _ in found] == ["", "", "book", ""]
    assert [commit.location for commit, _ in found] == [str(origin), str(origin), "", str(origin)]
    assert git(origin, "status", "--porcelain") == ""


def clone(origin: Path, *options: str) -> Path:
    folder = origin.parent / "clone"
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin.parent, "clone", "-q", *options, origin.as_uri(), str(folder))
    return folder


def worktree(origin: Path) -> Path:
    git(origin, "worktree", "add", "-q", "--detach", "../tree")
    return origin.parent / "tree"


def submodule(origin: Path) -> Path:
    outer = origin.parent / "outer"
    git(origin.parent, "init", "-q", str(outer))
    git(outer, "submodule", "--quiet", "add", origin.as_uri(), "inner")
    return outer / "inner"


def sparse(origin: Path, *options: str) -> Path:
    folder = clone(origin)
    git(folder, "sparse-checkout", "set", *options, "nothing")
    assert not (folder / "book").exists()
    return folder


def split_index(origin: Path) -> Path:
    git(origin, "config", "core.splitIndex", "true")
    git(origin, "update-index", "--split-index")
    return origin


def linked(origin: Path) -> Path:
    (origin.parent / "link").symlink_to(origin)
    return origin.parent / "link"


def replaced(origin: Path) -> Path:
    """A commit that git shows with the files of another one."""
    git(origin, "replace", "HEAD", "HEAD~1")
    return origin


def named_like_a_revision(origin: Path) -> Path:
    return origin.rename(origin.with_name("origin@v1"))


KINDS = {
    "bare": lambda origin: clone(origin, "--bare"),
    "shallow": lambda origin: clone(origin, "--depth=1"),
    "partial": lambda origin: clone(origin, "--filter=blob:none", "--no-checkout"),
    "alternates": lambda origin: clone(origin, "--shared"),
    "worktree": worktree,
    "submodule": submodule,
    "sparse, cone": lambda origin: sparse(origin, "--cone"),
    "sparse, no cone": lambda origin: sparse(origin, "--no-cone"),
    "sparse index": lambda origin: sparse(origin, "--cone", "--sparse-index"),
    "split index": split_index,
    "symlink": linked,
    "replaced": replaced,
    "an @ in its name": named_like_a_revision,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_repository_gives_all_files_and_is_left_alone(kind, origin, tmp_path, monkeypatch):
    folder = KINDS[kind](origin)
    digest = git(folder, "rev-parse", "HEAD")
    before = sorted(folder.rglob("*"))
    found = [written(str(folder), tmp_path / "by path")]
    monkeypatch.chdir(folder)
    found.append(written("HEAD", tmp_path / "from within"))
    for commit, files in found:
        assert (commit.digest, files) == (digest, SECOND)
    if kind != "partial":  # git adds the objects that it lacks
        assert sorted(folder.rglob("*")) == before


def test_the_variables_of_a_hook_select_no_repository(origin, tmp_path, monkeypatch):
    bare = clone(origin, "--bare", "--branch=v1")
    monkeypatch.setenv("GIT_DIR", str(bare))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(origin)
    assert written("HEAD", tmp_path / "own")[1] == SECOND
    assert written(str(bare), tmp_path / "other")[1] == FILES


CONFIGURATION = """
[core]
splitIndex = true
autocrlf = true
eol = crlf
hooksPath = {home}/hooks
attributesFile = {home}/attributes
fsmonitor = {home}/hooks/post-checkout
untrackedCache = true
sparseCheckout = true
excludesFile = {home}/attributes
askPass = {home}/hooks/post-checkout
[init]
templateDir = {home}/template
defaultBranch = trunk
defaultObjectFormat = sha256
[commit]
gpgSign = true
[log]
showSignature = true
[feature]
manyFiles = true
[index]
version = 4
[submodule]
recurse = true
[fetch]
prune = true
fsckObjects = true
[transfer]
fsckObjects = true
[clone]
defaultRemoteName = else
rejectShallow = true
[color]
ui = always
[i18n]
logOutputEncoding = latin-1
"""


def test_the_configuration_of_the_user_neither_runs_nor_changes_a_byte(origin, tmp_path, daemon):
    home = tmp_path / "home"
    for folder in ("hooks", "template/hooks"):
        for hook in ("post-checkout", "post-index-change", "reference-transaction", "post-merge", "pre-auto-gc"):
            path = home / folder / hook
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(f"#!/bin/sh\ntouch '{home}/ran'\n")
            path.chmod(0o755)
    (home / "attributes").write_text("* text=auto eol=crlf\n")
    (home / ".gitconfig").write_text(CONFIGURATION.format(home=home))
    for number, place in enumerate((str(origin), daemon)):
        commit, files = written(f"{place}@feature/größe", tmp_path / f"{number}")
        assert (commit.subject, files) == ("größer | @x", SECOND)
    assert not (home / "ran").exists()


# --- the network -----------------------------------------------------------------------------------------------------


@pytest.fixture
def daemon(origin):
    """Serve the repository by git's own protocol; return its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["git", "daemon", "--export-all", f"--base-path={origin.parent}", "--listen=127.0.0.1", f"--port={port}"]
    with subprocess.Popen([*command, "--reuseaddr"], stderr=subprocess.PIPE, start_new_session=True) as process:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"git://127.0.0.1:{port}/origin"
        os.killpg(process.pid, signal.SIGTERM)


def test_a_commit_is_fetched_by_branch_tag_digest_and_expression(daemon, origin, tmp_path):
    first, second = (git(origin, "rev-parse", name) for name in ("v1^{commit}", "HEAD"))
    revs = {"": second, "@main": second, "@a@b": second, "@feature/größe": second, "@refs/heads/main": second}
    revs |= {"@v1": first, f"@{first}": first, f"@{first[:9]}": first, "@HEAD~1": first, "@main^": first}
    git(origin, "checkout", "-q", "--detach", "v1")
    git(origin, "commit", "-q", "--allow-empty", "-m", "of no branch")
    lost = git(origin, "rev-parse", "HEAD")
    git(origin, "checkout", "-q", "main")
    for number, (rev, digest) in enumerate({**revs, f"@{lost}": lost}.items()):
        commit, files = written(f"{daemon}{rev}", tmp_path / f"{number}")
        assert (commit.digest, commit.location, commit.project) == (digest, daemon, ""), rev
        assert files == (SECOND if digest == second else FILES)
    for rev in ("nowhere", "123456", "0" * 40, "HEAD~7", "a:b", "+main", "*", "v1^{tree}", "-x"):
        with pytest.raises(UserError, match=re.escape(f"{daemon}: no branch, tag or commit {rev}")):
            written(f"{daemon}@{rev}", tmp_path / f"none {ord(rev[0])}{len(rev)}")


@pytest.fixture
def web(origin):
    """Serve a bare copy as files, as a web server without git does; `/closed` asks for a password."""
    bare = clone(origin, "--bare")
    git(bare, "update-server-info")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(bare.parent))

        def do_GET(self):
            if self.path.startswith("/closed"):
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server_without_git_and_a_bundle_give_a_commit_too(web, origin, tmp_path):
    git(origin, "bundle", "create", "-q", "../all.bundle", "HEAD", "--all")
    for number, place in enumerate((f"{web}/clone", f"{origin.parent}/all.bundle")):
        assert written(place, tmp_path / f"{number} head")[1] == SECOND
        assert written(f"{place}@v1", tmp_path / f"{number} tag")[1] == FILES
        assert written(f"{place}@HEAD~1", tmp_path / f"{number} expression")[1] == FILES


def refused(text: str, temporary: Path) -> str:
    """Return the line with which a commit is refused, within the deadline."""
    begun = time.monotonic()
    with pytest.raises(UserError) as caught:
        written(text, temporary)
    assert time.monotonic() - begun < DEADLINE
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_password_is_neither_asked_for_nor_printed(web, tmp_path, monkeypatch):
    """Neither by git, nor by a program of the desktop or by ssh, which would wait for an answer."""
    asks = tmp_path / "asks"
    asks.write_text(f"#!/bin/sh\ntouch '{tmp_path}/asked'; sleep 60\n")
    asks.chmod(0o755)
    (tmp_path / "home/.gitconfig").write_text(f"[core]\naskPass = {asks}\n")
    for name in ("SSH_ASKPASS", "DISPLAY"):
        monkeypatch.setenv(name, str(asks))
    url = f"{web.replace('//', '//user:secret@')}/closed@v1"
    line = refused(url, tmp_path / "web")
    assert line.startswith(f"{web}/closed: fatal: Authentication failed")
    assert "secret" not in line
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("given", ["variable", "configuration", "path"])
def test_ssh_is_told_not_to_ask(given, tmp_path, monkeypatch):
    (tmp_path / "ssh").write_text(
        f"#!/bin/sh\nprintf '%s ' \"$@\" > '{tmp_path}/arguments'\necho no key >&2\nexit 255\n"
    )
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.delenv("GIT_SSH", raising=False)
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    if given == "variable":
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{tmp_path}/ssh -i mine")
    elif given == "configuration":
        (tmp_path / "home/.gitconfig").write_text(f"[core]\nsshCommand = {tmp_path}/ssh -i mine\n")
    else:
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for number, (url, host, rev) in enumerate(
        [
            ("git@host.test:user/project.git", "git@host.test", ""),
            ("git@host.test:user/project.git", "git@host.test", "@feature/x"),
            ("ssh://user@host.test:22/project", "user@host.test", "@v1"),
        ]
    ):
        assert refused(f"{url}{rev}", tmp_path / f"{number}").startswith(f"{url}: no key; fatal: ")
        arguments = (tmp_path / "arguments").read_text()
        assert arguments.startswith("-o BatchMode=yes" if given == "path" else "-i mine -o BatchMode=yes")
        assert host in arguments


def test_a_server_that_says_nothing_is_left_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "_SILENCE", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("git", "http"):
            line = refused(f"{scheme}://127.0.0.1:{port}/project.git@v1", tmp_path / scheme)
            assert line.startswith(f"{scheme}://127.0.0.1:{port}/project.git: no answer within 2 s; ")


def test_a_place_without_a_repository_is_refused_in_a_line(origin, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no bundle")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    git(tmp_path, "init", "-q", "--bare", "new.git")
    for text, words in {
        f"{tmp_path}/gone@v1": "gone@v1: no such folder",
        "./empty": "./empty: no such folder",
        "../empty": "empty: fatal: not a git repository",
        "../text@v1": "text",
        "../new.git": "new.git: no branch, tag or commit HEAD",
        f"{origin}@gone": "origin: no branch, tag or commit gone",
        f"{origin}@": "origin@: no such folder",
        "file:///": "not a git repository",
        "file://": "no such folder",
        "nowhere": "not a git repository",
        "ext::sh -c touch% pwned": "not a git repository",
        "ftp://host/x": "found the scheme 'ftp', allowed: https, http, ssh, git, file",
        "https://": "https://",
        "https://-x/y": "https://-x/y",
        "./\ud800": "no such folder",
        "./" + "x" * 100_000: "no such folder",
        "http://127.0.0.1:1/\0": "cannot be run",
        f"http://127.0.0.1:1/{'x' * 200_000}": "cannot be run",
    }.items():
        assert words in refused(text, tmp_path / f"t{abs(hash(text))}"), text
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_refused_with_the_remedy_of_git(origin, tmp_path):
    for path in [origin, *origin.rglob("*")]:
        os.chown(path, 12345, 12345)
    line = refused(str(origin), tmp_path / "t")
    assert "dubious ownership" in line
    assert "git config --global --add safe.directory" in line


def test_objects_that_a_partial_clone_can_no_longer_fetch_are_a_line(origin, tmp_path):
    folder = clone(origin, "--filter=blob:none", "--no-checkout")
    origin.rename(origin.with_name("moved"))
    line = refused(str(folder), tmp_path / "t")
    assert line.startswith(f"{folder}: its files cannot be written: ")
    assert "origin" in line
