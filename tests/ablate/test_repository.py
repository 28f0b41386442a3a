"""States of a repository in which DVC loses files or fails are named, and the remedies work."""

import re

import pytest
from samples import Project

from ablate import repository
from pipeline.core.errors import UserError
from pipeline.project import params


@pytest.fixture
def made(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    return project


def warnings():
    return repository.warnings(params.load())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("git rm -q --cached params.yaml && git commit -qm a", "params.yaml: not tracked by git"),
        ("git rm -q --cached params.yaml dvc.yaml && git commit -qm a", "params.yaml, dvc.yaml: not tracked by git"),
        ("git update-index --skip-worktree params.yaml", "params.yaml: marked as unchanged in git"),
        ("git update-index --assume-unchanged dvc.yaml", "dvc.yaml: marked as unchanged in git"),
        ("git checkout -q --orphan empty", "git: no commit yet"),
        ("git update-index --split-index", "git: split index"),
        ("git config core.splitIndex true", "git: split index"),
        ("git sparse-checkout set --cone --sparse-index pipeline .dvc", "git: sparse index"),
        ("git init -q --separate-git-dir ../elsewhere.git", "git: separate git folder"),
        ("git commit -q --allow-empty -m b && git clone -q --depth 1 file://$PWD ../clone", "git: shallow clone"),
        (
            "git config uploadpack.allowFilter true && git clone -q --filter=blob:none file://$PWD ../clone",
            "git: partial clone",
        ),
    ],
)
def test_a_state_in_which_dvc_loses_files_or_fails_is_named_with_a_remedy_that_works(made, monkeypatch, change, line):
    assert warnings() == []
    made.run("bash", "-ec", change)
    if change.endswith("../clone"):
        monkeypatch.chdir(made.folder.parent / "clone")
        made = Project(made.folder.parent / "clone")
    (found,) = warnings()
    assert found.startswith(line)
    *_, remedy = re.findall("`(.*?)`", found)
    made.run("bash", "-ec", f"export GIT_EDITOR='echo tracked >'; {remedy}")
    assert warnings() == []


def test_a_table_is_tracked_by_git_or_dvc(made, monkeypatch):
    table = {"source": "table", "file": "tables/own.csv", "target": "y"}
    made.write_params({"datasets.own": table})
    (made.folder / "tables/own.csv").write_text("x,y\n" + "1,2.5\n3,4.5\n" * 9)
    made.run("git", "commit", "-qam", "a data set")
    (line,) = warnings()
    assert line.startswith("tables/own.csv: not tracked by git")
    monkeypatch.setattr(repository, "LARGE", 10)
    (line,) = warnings()
    assert line.endswith("run `dvc add tables/own.csv && git add -- tables`, then commit")
    # as `dvc add`
    (made.folder / "tables/own.csv.dvc").write_text("outs: []\n")
    (made.folder / "tables/.gitignore").write_text("/own.csv\n")
    made.run("git", "add", "tables")
    assert warnings() == []


def test_letters_beyond_ascii_that_dvc_cannot_write_are_named(made, monkeypatch):
    folder = made.folder.parent / "Größe 克"
    made.folder.rename(folder)
    monkeypatch.chdir(folder)
    (line,) = warnings()
    assert line.startswith(f"{folder}: not ASCII, where `dvc exp run --queue` and `--temp` fail; move the clone, or")
    (folder / ".dvc/config.local").write_text("[cache]\n    dir = /tmp/cache\n")
    assert warnings() == []
    Project(folder).run("git", "config", "user.name", "Jörg")
    (line,) = warnings()
    assert line.startswith(".git/config: not ASCII")


def test_a_format_of_objects_that_dvc_cannot_read_is_named(in_folder, params_file):
    params_file()
    made = Project(in_folder)
    made.run("git", "init", "-q", "--object-format=sha256")
    made.commit("first")
    (line,) = warnings()
    assert line.startswith("git: object format sha256, where `dvc exp` fails")


def test_without_a_repository_or_git_one_line_says_so(in_folder, params_file, monkeypatch):
    params_file()
    (line,) = warnings()
    assert "not a git repository" in line
    assert "`git init && git add -- . && git commit`" in line
    monkeypatch.setenv("PATH", str(in_folder))
    assert warnings() == ["git: not found; install it, or add its folder to PATH"]
    with pytest.raises(UserError, match="git: not found"):
        repository.root()


def test_variables_of_a_hook_in_another_repository_are_not_read(made, tmp_path, monkeypatch):
    other = Project(tmp_path)
    other.run("git", "init", "-q")
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / ".git/index"))
    assert repository.root() == made.folder
    assert warnings() == []
