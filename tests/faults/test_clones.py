"""Clones of one commit in other folders, locales, time zones and processes: the same `dvc.lock` and `reports/`."""

from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from samples import Project

pytestmark = pytest.mark.xdist_group("clones")


# what a user, a machine or a service may have otherwise; the first of each is what the others are held to
FOLDERS = ["clone", "a folder with spaces/größer/克隆", "/".join(["deep"] * 30), "with'quote$HOME;&(1)"]
UMASKS = ["022", "077", "000", "002"]
DIFFERENCES: dict[str, list[str | None]] = {
    "LC_ALL": [None, "C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1"],
    "PYTHONUTF8": [None, "0", "1"],
    "TZ": [None, "Asia/Kathmandu", "America/St_Johns", "UTC"],
    "PYTHONHASHSEED": [None, "0", "1", "random"],
    "ABLATE_THREADS": [None, "1", "3"],
    "OMP_NUM_THREADS": [None, "1", "2"],
    "HOME": [None, "other/home"],
    "USER": [None, "somebody"],
    "LOGNAME": [None, "somebody"],
    "PYTHONOPTIMIZE": [None, "1"],
    "PYTHONDONTWRITEBYTECODE": [None, "1"],
    "SHELL": [None, "/bin/sh"],
    "COLUMNS": [None, "20"],
}
# the two that are always tried have everything otherwise, in the order of the differences
CHOSEN = [
    (FOLDERS[1], "077", [1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
    (FOLDERS[3], "000", [3, 1, 2, 3, 2, 2, 0, 0, 0, 0, 0, 0, 0]),
]


def combinations(count: int) -> list[tuple[str, str, list[int]]]:
    """So many combinations, the chosen ones first."""
    random = np.random.default_rng(0)
    found = list(CHOSEN)
    while len(found) < count:
        chosen = [int(random.integers(len(values))) for values in DIFFERENCES.values()]
        # without UTF-8, DVC itself refuses a folder whose name the locale can not spell
        folders = (
            FOLDERS if DIFFERENCES["PYTHONUTF8"][chosen[1]] != "0" else [name for name in FOLDERS if name.isascii()]
        )
        found.append((str(random.choice(folders)), str(random.choice(UMASKS)), chosen))
    return found[:count]


def outcome(project: Project) -> dict[str, bytes]:
    """`dvc.lock` and everything in `reports/`, by path."""
    paths = [project.folder / "dvc.lock", *sorted((project.folder / "reports").rglob("*"))]
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in paths if path.is_file()}


def run(project: Project, umask: str = "022") -> None:
    """As `make` does, with nothing to take results from."""
    project.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    project.run("sh", "-c", f"umask {umask} && dvc repro && dvc repro --force --single-item report")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was run and committed."""
    project = small_project(tmp_path_factory.mktemp("first") / "project")
    project.write_params(
        {
            "studies.activation.base.training.epochs": 1,
            "studies.activation.grid.optimizer": ...,
            "studies.activation.question": "Größer → ok?",
        }
    )
    run(project)
    project.commit("results")
    return project


def test_a_clone_makes_the_same_bytes(first, tmp_path, many, tally):
    wanted = outcome(first)
    assert {"dvc.lock", "reports/index.html", "reports/results/activation.csv"} <= set(wanted)
    for number, (folder, umask, chosen) in enumerate(combinations(many(20))):
        place = tmp_path / str(number) / folder
        place.parent.mkdir(parents=True)
        first.run("git", "clone", "-q", str(first.folder), str(place))
        clone = Project(place)
        for (name, values), index in zip(DIFFERENCES.items(), chosen, strict=True):
            value = values[index]
            if name == "HOME" and value:
                value = str(tmp_path / str(number) / value)
                Path(value).mkdir(parents=True)
            if value is not None:
                clone.environment[name] = value
        run(clone, umask)
        found = outcome(clone)
        assert found.keys() == wanted.keys()
        assert [path for path in wanted if found[path] != wanted[path]] == []
        assert clone.run("git", "status", "--porcelain").stdout == ""
        tally("clones", "folder, locale, time zone, umask, threads, home", "same dvc.lock and reports/")


def test_a_clone_by_a_git_that_changes_the_ends_of_lines_has_the_same_bytes(first, tmp_path, tally):
    """DVC compares the digests of code and results, so that a clone with other ends of lines would run it all again."""
    changed = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "true"}
    clone = Project(tmp_path / "clone")
    first.run(
        "env", *[f"{key}={value}" for key, value in changed.items()], "git", "clone", "-q", ".", str(clone.folder)
    )
    names = first.run("git", "ls-files", "-z").stdout.split("\0")[:-1]
    assert [name for name in names if (clone.folder / name).read_bytes() != (first.folder / name).read_bytes()] == []
    tally("clones", "core.autocrlf", "same bytes", len(names))
