"""Clones of one commit in other folders, locales, time zones and processes: the same `dvc.lock` and `reports/`."""

import pytest
from conftest import small_project
from samples import ONE_STUDY, Project

pytestmark = pytest.mark.slow

# folder, umask and environment
CLONES = {
    "spaces and letters, another locale and time zone": (
        "a folder with spaces/größer/克隆",
        "077",
        {
            "LC_ALL": "C",
            "TZ": "Asia/Kathmandu",
            "PYTHONHASHSEED": "1",
            "ABLATE_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "HOME": "/nowhere",
            "USER": "somebody",
            "PYTHONOPTIMIZE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHELL": "/bin/sh",
            "COLUMNS": "20",
        },
    ),
    "signs of the shell, no UTF-8": (
        "with'quote$HOME;&(1)",
        "000",
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0", "PYTHONHASHSEED": "random", "ABLATE_THREADS": "3"},
    ),
}


def run(project: Project, umask: str = "022") -> None:
    """Run the commands of `make`."""
    project.run("sh", "-c", f"umask {umask} && dvc repro && dvc repro --force --single-item report")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that was run and committed."""
    changes = {**ONE_STUDY, "studies.weight_decay.question": "Größer → ok?"}
    made = small_project(tmp_path_factory.mktemp("first") / "project", changes)
    run(made)
    made.commit("results")
    return made


@pytest.mark.parametrize("name", CLONES)
def test_a_clone_makes_the_same_bytes(name, first, tmp_path, tally):
    folder, umask, environment = CLONES[name]
    clone = Project(tmp_path / folder)
    first.run("git", "clone", "-q", ".", str(clone.folder))
    clone.environment |= environment
    if "HOME" in environment:
        (tmp_path / "home").mkdir()
        clone.environment["HOME"] = str(tmp_path / "home")
    run(clone, umask)
    assert clone.files() == first.files()
    assert clone.run("git", "status", "--porcelain").stdout == ""
    tally("clones", name, "same dvc.lock and reports/")


def test_a_clone_by_a_git_that_changes_line_ends_has_the_same_bytes(first, tmp_path, tally):
    """DVC compares digests of code and results, so that other line ends would run everything again."""
    clone = Project(tmp_path / "clone")
    first.run("git", "-c", "core.autocrlf=true", "clone", "-q", ".", str(clone.folder))
    names = first.run("git", "ls-files", "-z").stdout.split("\0")[:-1]
    assert [name for name in names if (clone.folder / name).read_bytes() != (first.folder / name).read_bytes()] == []
    tally("clones", "core.autocrlf", "same bytes", len(names))
