"""What CONTRIBUTING.md promises: hooks that use the pinned tools alone, and a `make check` that overwrites nothing."""

import os
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from samples import ROOT, Project

BIN = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """Return a repository with the hooks, the script of `make check` and the tools, and a commit."""
    made = Project(tmp_path / "repository")
    for name in (".pre-commit-config.yaml", "pyproject.toml", ".ci/run"):
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (made.folder / name).write_bytes((ROOT / name).read_bytes())
    made.environment["PRE_COMMIT_HOME"] = str(tmp_path / "hooks")
    (made.folder / ".venv").symlink_to(BIN.parent)
    (made.folder / ".gitignore").write_text("/.venv\n")
    # if `make check` went on, it would say so
    (made.folder / "Makefile").write_text("all:\n\t@echo went on; exit 3\n")
    made.run("git", "init", "-q", "-b", "main")
    made.commit("first")
    return made


def test_hooks_come_from_nowhere_else_and_run_the_pinned_tools():
    repos = YAML(typ="safe", pure=True).load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system"
        program = hook["entry"].split()[0]
        assert program == "sh" or (program.startswith(".venv/bin/") and (BIN / Path(program).name).exists()), program


def test_what_is_wrong_is_refused_before_it_is_committed(repository):
    def said() -> str:
        repository.run("git", "add", "-A")
        hooks = ("ruff-check", "ruff-format", "large-files", "conflicts")
        return "".join(repository.run("pre-commit", "run", "--all-files", hook, ok=False).stdout for hook in hooks)

    (repository.folder / "good.py").write_text('"""Nothing."""\n')
    assert said().count("Passed") == 4
    (repository.folder / "unsorted.py").write_text('"""Nothing."""\n\nimport sys\nimport os\nprint(os,  sys)\n')
    (repository.folder / "large").write_bytes(bytes(5 * 2**20))
    (repository.folder / "merged.md").write_text("<<<<<<< ours\n")
    refused = said()
    assert refused.count("Failed") == 4
    for words in ("unsorted.py", "large is above 4 MiB", "merged.md:1"):
        assert words in refused
    assert "good.py" not in refused


def test_make_check_refuses_what_it_could_overwrite(repository, tmp_path):
    # a program of this name, so that nothing is installed
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    repository.environment["PATH"] = f"{tmp_path}{os.pathsep}{repository.environment['PATH']}"
    assert "went on" in repository.run("bash", ".ci/run", ok=False).stdout
    (repository.folder / "pyproject.toml").write_text("changed\n")
    done = repository.run("bash", ".ci/run", ok=False)
    assert done.returncode == 1
    assert "commit or stash these changes first" in done.stdout
    assert "went on" not in done.stdout
