"""Fixtures: a `params.yaml`, an empty current folder, a whole project in a git + DVC repository of its own."""

import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from faults.tally import FAULTS, Tally, rows, total, write
from samples import ROOT, SMALL, Project, laid_over, write_params

from pipeline.core.errors import UserError
from pipeline.project import params


@pytest.fixture
def params_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small `params.yaml` with changes at dotted keys."""

    def write(changes: Mapping[str, Any] | None = None) -> Path:
        return write_params(tmp_path, laid_over(SMALL, changes or {}))

    return write


@pytest.fixture
def refused(params_file):
    """The lines with which `params.yaml` is refused after these changes."""

    def lines(changes):
        with pytest.raises(UserError) as caught:
            params.load(path=params_file(changes))
        found = str(caught.value).splitlines()
        assert all(line.count("params.yaml: ") == 1 for line in found)
        return found

    return lines


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken from the user's store of finished runs, and nothing goes there."""
    monkeypatch.setenv("ABLATE_STORE", "off")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# the second project: other seeds, one study, held to one published outcome
BOOK: dict[str, Any] = {
    "seeds.count": 2,
    "studies.activation": ...,
    "datasets.images": ...,
    "studies.weight_decay.grid.optimizer.weight_decay": [0, 3, 5],
    "published": {
        "file": "published.csv",
        "outcomes": [
            {
                "config": "weight_decay_scratch",
                "factor": "lambda=0",
                "study": "weight_decay",
                "variant": "weight_decay_0",
            }
        ],
    },
}


def small_project(folder: Path) -> Project:
    """The repository's own code and both dvc.yaml with the small parameters, committed, not yet run."""
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=ignored)
    for name in ("tables", "book/tables"):
        (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / name / "README.md", folder / name / "README.md")
    for name in ("dvc.yaml", ".gitattributes", ".gitignore", ".dvcignore", "book/dvc.yaml", "book/published.csv"):
        shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc" / "plots").mkdir(parents=True)
    templates = [f"plots/{path.name}" for path in (ROOT / ".dvc" / "plots").glob("*.json")]
    for name in ("config", ".gitignore", *templates):
        shutil.copy(ROOT / ".dvc" / name, folder / ".dvc" / name)
    made = Project(folder)
    made.run("git", "init", "-q", "-b", "main")
    made.write_params()
    write_params(folder / "book", laid_over(SMALL, BOOK))
    made.commit("small parameters")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project, committed, not yet run."""
    return small_project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project that the tests of a module share, committed, not yet run."""
    made = small_project(tmp_path_factory.mktemp("shared") / "project")
    # `no_store` lives no longer than a test
    made.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    return made


# a shell ignores Ctrl-C on behalf of what it starts in the background, and so would all that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


# --- counts of faults ------------------------------------------------------------------------------------------------

_REPORTS: list[pytest.TestReport] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="all of the random faults, not a tenth of them")
    parser.addoption("--counts", type=Path, help="the page that the counts of faults are written into")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts a fault that was tried and ended as it must: fault, case, outcome, how many."""

    def count(fault: str, case: str, outcome: str, many: int = 1) -> None:
        assert fault in FAULTS
        request.node.user_properties.append(("tally", (fault, case, outcome, many)))

    return count


@pytest.fixture
def many(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How many of so many random faults are tried: a tenth, or in a soak all."""
    return lambda whole: whole if request.config.getoption("--soak") else -(-whole // 10)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # also of other processes: what a test counted travels with its report
    if report.when == "call" and report.passed:
        _REPORTS.append(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a process beside others, which has seen a part of the tests
    counts = total(_REPORTS)
    if counts:
        terminalreporter.section("faults that were tried and ended as they must")
        terminalreporter.write("\n".join(rows(counts)) + "\n")
    if config.getoption("--counts") and not terminalreporter.stats.get("failed"):
        write(config.getoption("--counts"), counts)
