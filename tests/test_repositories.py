"""Commands in unusual repositories: they work or end in one line, and none waits for ever.

A sweep that DVC cannot run in a repository is announced by `ablate check`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import Project

pytestmark = pytest.mark.slow

DEADLINE = 120  # seconds for one command, which takes a few


@pytest.fixture(scope="module")
def made(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with results in two commits."""
    project = finished.copy(tmp_path_factory.mktemp("made") / "project")
    params = project.folder / "params.yaml"
    params.write_text(params.read_text().replace("count: 3", "count: 4"))
    project.run("dvc", "repro")
    project.commit("four seeds")
    return project


def shell(project: Project, script: str) -> None:
    project.run("bash", "-ec", script)


def in_place(script: str) -> Callable[[Project, Path], Project]:
    """Return what makes a copy and runs a script in it."""

    def make(made: Project, folder: Path) -> Project:
        project = made.copy(folder / "copy")
        shell(project, script)
        return project

    return make


def elsewhere(script: str, name: str = "clone") -> Callable[[Project, Path], Project]:
    """Return what makes a copy, runs a script in it and goes to the folder that the script makes beside it."""

    def make(made: Project, folder: Path) -> Project:
        project = in_place(script)(made, folder)
        other = Project(folder / name)
        other.environment = project.environment
        return other

    return make


def without_git(made: Project, folder: Path) -> Project:
    project = made.copy(folder / "copy")
    project.environment["PATH"] = f"{Path(sys.executable).parent}"
    return project


WORKS = {
    "detached HEAD": in_place("git checkout -q --detach"),
    "worktree": elsewhere("git worktree add -q -b other ../clone"),
    "submodule": elsewhere(
        "git init -q ../super && cd ../super && "
        "git -c protocol.file.allow=always submodule --quiet add ../copy clone && git commit -qm sub",
        "super/clone",
    ),
    "symbolic link to the folder": elsewhere("ln -s copy ../clone"),
    "path with spaces": elsewhere("cp -r . '../a folder'", "a folder"),
    "default branch trunk": in_place("git branch -q -m main trunk"),
    "clone that shares objects": elsewhere("git clone -q --shared . ../clone"),
    "clone with converted line ends": elsewhere("git -c core.autocrlf=true clone -q . ../clone"),
    "sparse checkout, cone": in_place("git sparse-checkout set --cone pipeline tables reports .dvc data"),
    "sparse checkout, patterns": in_place("git sparse-checkout set --no-cone '/*' '!/book' '!/reports/images'"),
}
# what `ablate compare HEAD~1 HEAD` prints, and what `ablate check`, if they do not work
LINES = {
    "shallow clone": (
        elsewhere("git clone -q --depth 1 file://$PWD ../clone"),
        "HEAD~1: no branch, tag, commit or experiment of this repository; this clone is shallow, `git fetch --unsh",
        "git: shallow clone",
    ),
    "split index": (in_place("git update-index --split-index"), "", "git: split index"),
    "split index by config": (
        in_place("git config core.splitIndex true && git update-index --force-write-index"),
        "",
        "git: split index",
    ),
    "sparse index": (
        in_place("git sparse-checkout set --cone --sparse-index pipeline tables reports .dvc data"),
        "",
        "git: sparse index",
    ),
    "path with umlauts": (elsewhere("cp -r . ../größe", "größe"), "", "{folder}/größe: not ASCII"),
    "objects by SHA-256": (
        in_place(
            "rm -rf .git && git init -q --object-format=sha256 && git add -A && git commit -qm a && "
            "echo >> params.yaml && git commit -qam b"
        ),
        "",
        "git: object format sha256",
    ),
    "separate git folder": (in_place("git init -q --separate-git-dir ../elsewhere"), "", "git: separate git folder"),
    "parent cut off": (
        in_place("git replace --graft HEAD"),
        "HEAD~1: no branch, tag, commit or experiment of this repository",
        "",
    ),
    "partial clone": (
        elsewhere("git config uploadpack.allowFilter true && git clone -q --filter=blob:none file://$PWD ../clone"),
        "",
        "git: partial clone",
    ),
    "partial clone, remote gone": (
        elsewhere(
            "git config uploadpack.allowFilter true && git clone -q --filter=blob:none file://$PWD ../clone && "
            "rm -r .git"
        ),
        "HEAD~1: this partial clone lacks files of this commit, and its remote does not answer; try again when",
        "git: partial clone",
    ),
    "no commit": (
        in_place("rm -rf .git && git init -q && git add -A"),
        "HEAD~1: no branch, tag, commit or experiment of this repository; there is no commit yet: `git add -- .",
        "git: no commit yet",
    ),
    "no repository": (
        in_place("rm -rf .git"),
        "{folder}/copy: git rev-parse: fatal: not a git repository",
        "{folder}/copy: git rev-parse: fatal: not a git repository",
    ),
    "no git": (without_git, "git: not found", "git: not found"),
}


def run(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    options = {"cwd": project.folder, "env": project.environment, "capture_output": True, "text": True}
    return subprocess.run(command, timeout=DEADLINE, stdin=subprocess.DEVNULL, check=False, **options)


def refused(done: subprocess.CompletedProcess[str], line: str) -> bool:
    return done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith(line)


@pytest.mark.parametrize("kind", WORKS)
def test_commands_and_sweeps_work(kind, made, tmp_path):
    project = WORKS[kind](made, tmp_path)
    assert run(project, "ablate", "check").stderr == ""
    # with an uncommitted edit, which has to stay
    params = project.folder / "params.yaml"
    params.write_text(params.read_text() + "# an edit\n")
    before = params.read_text(), project.run("git", "status", "--porcelain").stdout
    options = ["-n", "few", "-S", "seeds.count=2", "train@weight_decay"]
    done = run(project, "dvc", "exp", "run", "--temp", *options)
    assert done.returncode == 0, done.stderr
    assert (params.read_text(), project.run("git", "status", "--porcelain").stdout) == before
    done = run(project, "ablate", "compare", "HEAD~1", "few")
    assert done.returncode == 0, done.stderr
    assert "seeds.count: 3 → 2" in done.stdout


@pytest.mark.parametrize("kind", LINES)
def test_what_does_not_work_ends_in_one_line(kind, made, tmp_path):
    make, of_compare, of_check = LINES[kind]
    project = make(made, tmp_path)
    done = run(project, "ablate", "compare", "HEAD~1", "HEAD")
    assert refused(done, of_compare.format(folder=tmp_path)) if of_compare else done.returncode == 0, done.stderr
    done = run(project, "ablate", "check")
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {of_check.format(folder=tmp_path)}") if of_check else not done.stderr
    assert done.stderr.count("\n") == bool(of_check)
    assert run(project, "ablate", "show", "weight_decay").returncode == 0
    # DVC may fail, but neither for ever nor with a loss
    before = (project.folder / "params.yaml").read_text()
    run(project, "dvc", "exp", "run", "--queue", "-S", "seeds.count=2,3", "train@weight_decay")
    assert (project.folder / "params.yaml").read_text() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_owner_ends_in_the_line_of_git(made, tmp_path):
    project = made.copy(tmp_path / "copy")
    shell(project, "chown -R nobody .")
    words = f"git config --global --add safe.directory {project.folder}"
    for command in (["compare", "HEAD~1", "HEAD"], ["check"]):
        done = run(project, "ablate", *command)
        assert done.stderr.count("\n") == 1
        assert words in done.stderr


def test_experiments_travel_through_a_bare_remote_and_become_branches(made, tmp_path):
    project = made.copy(tmp_path / "copy")
    shell(project, "git init -q -b other --bare ../bare && git remote add origin ../bare && git push -q origin main")
    project.run("dvc", "exp", "run", "--temp", "-n", "few", "-S", "seeds.count=2", "train@weight_decay")
    # curves and diagnostics need a remote of DVC, the comparison does not
    for command in ("exp push --no-cache origin few", "exp branch few few-seeds"):
        assert run(project, "dvc", *command.split()).returncode == 0
    compared = run(project, "ablate", "compare", "main", "few-seeds").stdout
    assert "count: 4 → 2" in compared
    other = Project(tmp_path / "other")
    shell(project, "git clone -q ../bare ../other")
    # the default branch of the remote is another, so nothing is checked out
    missing = "few: no branch, tag, commit or experiment of this repository; "
    assert refused(run(other, "ablate", "compare", "few"), f"{missing}nothing is checked out: `git checkout BRANCH`")
    shell(other, "git checkout -q main")
    assert refused(run(other, "ablate", "compare", "HEAD", "few"), missing)
    done = run(other, "dvc", "exp", "pull", "--no-cache", "origin", "few")
    assert done.returncode == 0, done.stderr
    again = run(other, "ablate", "compare", "main", "few").stdout
    assert again == compared.replace("few-seeds", "few")
