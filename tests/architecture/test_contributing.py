"""What CONTRIBUTING.md promises: hooks that use the pinned tools alone, and one script for `make check` and CI."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from samples import ROOT, Project

CONFIG = ROOT / ".pre-commit-config.yaml"
REPOS = YAML(typ="safe", pure=True).load(CONFIG)["repos"]
BIN = Path(sys.executable).parent
CI = ROOT / ".ci" / "run"


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """A repository with the hooks and the tools, and a commit."""
    made = Project(tmp_path / "repository")
    made.folder.mkdir()
    made.environment["PRE_COMMIT_HOME"] = str(tmp_path / "hooks")
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        (made.folder / name).write_bytes((ROOT / name).read_bytes())
    (made.folder / ".venv").symlink_to(BIN.parent)
    (made.folder / ".gitignore").write_text("/.venv\n")
    made.run("git", "init", "-q", "-b", "main")
    made.commit("first")
    return made


def tried(repository: Project, *hooks: str) -> str:
    """What the hooks say of all files; the status is theirs."""
    repository.run("git", "add", "-A")
    return "".join(repository.run("pre-commit", "run", "--all-files", hook, ok=False).stdout for hook in hooks)


def test_hooks_come_from_nowhere_else_and_run_the_pinned_tools():
    assert [repo["repo"] for repo in REPOS] == ["local"]
    hooks = [hook for repo in REPOS for hook in repo["hooks"]]
    assert len(hooks) >= 6
    for hook in hooks:
        assert hook["language"] == "system"
        program = hook["entry"].split()[0]
        assert program == "sh" or (program.startswith(".venv/bin/") and (BIN / Path(program).name).exists()), program


def test_what_is_wrong_is_refused_before_it_is_committed(repository):
    (repository.folder / "good.py").write_text('"""Nothing."""\n')
    hooks = ("ruff-check", "ruff-format", "large-files", "conflicts")
    assert tried(repository, *hooks).count("Passed") == 4
    (repository.folder / "unsorted.py").write_text('"""Nothing."""\n\nimport sys\nimport os\nprint(os,  sys)\n')
    (repository.folder / "large").write_bytes(bytes(5 * 2**20))
    (repository.folder / "merged.md").write_text("<<<<<<< ours\n")
    said = tried(repository, *hooks)
    assert said.count("Failed") == 4
    for words in ("unsorted.py", "large is above 4 MiB", "merged.md:1"):
        assert words in said
    assert "good.py" not in said


def test_the_hook_of_the_reference_is_the_check_of_its_pages():
    (entry,) = [hook["entry"] for repo in REPOS for hook in repo["hooks"] if hook["id"] == "reference"]
    _, *arguments = entry.split()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_make_check_is_what_ci_runs():
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^check:\n\t\.ci/run\n\n", makefile, flags=re.MULTILINE)
    assert os.access(CI, os.X_OK)
    lines = CI.read_text().splitlines()
    assert [line for line in lines if "make" in line.split()[:2]] == ["time make", "time make test"]
    assert lines.index("export ABLATE_STORE=off") < lines.index("time make")


def test_make_check_refuses_what_it_could_overwrite(repository):
    (repository.folder / ".ci").mkdir()
    (repository.folder / ".ci" / "run").write_bytes(CI.read_bytes())
    # nothing is to be installed
    (repository.folder / "bin").mkdir()
    (repository.folder / "bin" / "chromium").write_text("#!/bin/sh\n")
    (repository.folder / "bin" / "chromium").chmod(0o755)
    repository.environment["PATH"] = f"{repository.folder / 'bin'}{os.pathsep}{repository.environment['PATH']}"
    # if it went on, it would say so
    (repository.folder / "Makefile").write_text("all:\n\t@echo went on; exit 3\n")
    repository.commit("scripts")
    done = repository.run("bash", ".ci/run", ok=False)
    assert (done.returncode != 1, "went on" in done.stdout) == (True, True)
    (repository.folder / "pyproject.toml").write_text("changed\n")
    done = repository.run("bash", ".ci/run", ok=False)
    assert done.returncode == 1
    assert "commit or stash these changes first" in done.stdout
    assert "went on" not in done.stdout
