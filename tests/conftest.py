"""Fixtures: a `params.yaml`, an empty current folder, a project in a git + DVC repository; counts of faults."""

import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from faults.tally import FAULTS, Tally, rows, total, write
from samples import ONE_STUDY, ROOT, SMALL, Project, laid_over, write_params

from pipeline.core.errors import UserError
from pipeline.project import params


@pytest.fixture
def params_file(tmp_path: Path) -> Callable[..., Path]:
    """Write the small `params.yaml` with changes at dotted keys."""
    return lambda changes=None: write_params(tmp_path, laid_over(SMALL, changes or {}))


@pytest.fixture
def refused(params_file):
    """Return the lines with which `params.yaml` is refused after these changes."""

    def lines(changes):
        with pytest.raises(UserError) as caught:
            params.load(path=params_file(changes))
        found = str(caught.value).splitlines()
        assert all(line.count("params.yaml: ") == 1 for line in found)
        return found

    return lines


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither read nor write the user's store of finished runs."""
    monkeypatch.setenv("ABLATE_STORE", "off")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# the second project: other seeds, one study, compared with one published outcome
BOOK: dict[str, Any] = {
    **ONE_STUDY,
    "seeds.count": 2,
    "studies.weight_decay.grid.optimizer.weight_decay": [0, 3, 5],
    "published.file": "published.csv",
    "published.outcomes": [
        {
            "config": "weight_decay_scratch",
            "factor": "lambda=0",
            "study": "weight_decay",
            "variant": "weight_decay_0",
        }
    ],
}


def small_project(folder: Path, changes: Mapping[str, Any] | None = None) -> Project:
    """Commit this repository's code and both dvc.yaml with the small parameters; nothing is run."""
    folder.mkdir()
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    templates = [f".dvc/plots/{path.name}" for path in (ROOT / ".dvc" / "plots").glob("*.json")]
    own = ["dvc.yaml", ".gitattributes", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore", *templates]
    book = ["book/dvc.yaml", "book/published.csv"]
    for name in [*own, *book, "tables/README.md", "book/tables/README.md"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    made = Project(folder)
    made.run("git", "init", "-q", "-b", "main")
    made.write_params(changes)
    write_params(folder / "book", laid_over(SMALL, BOOK))
    made.commit("small parameters")
    return made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a small project, committed, not run."""
    return small_project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a small project that the tests of a module share, committed, not run."""
    return small_project(tmp_path_factory.mktemp("shared") / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of one study with its results, committed; tests work on copies."""
    made = small_project(tmp_path_factory.mktemp("finished") / "project", ONE_STUDY)
    made.run("dvc", "repro")
    made.commit("results")
    return made


@pytest.fixture
def finished_copy(finished: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a copy of the finished project the current folder."""
    made = finished.copy(tmp_path / "copy")
    monkeypatch.chdir(made.folder)
    return made


# a shell makes background processes ignore Ctrl-C, and those that the tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)


# --- counts of faults ------------------------------------------------------------------------------------------------

_REPORTS: list[pytest.TestReport] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="try all random faults, not a tenth of them")
    parser.addoption("--counts", type=Path, help="the page into which the counts of faults are written")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Count a fault that was tried and ended as it must: fault, case, outcome, number."""

    def count(fault: str, case: str, outcome: str, many: int = 1) -> None:
        assert fault in FAULTS
        request.node.user_properties.append(("tally", (fault, case, outcome, many)))

    return count


@pytest.fixture
def many(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return how many random faults to try: a tenth, or in a soak all."""
    return lambda whole: whole if request.config.getoption("--soak") else -(-whole // 10)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # under xdist, the counts of a test travel with its report
    if report.when == "call" and report.passed:
        _REPORTS.append(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a worker of xdist, which has seen a part of the tests
    counts = total(_REPORTS)
    if counts:
        terminalreporter.section("faults that were tried and ended as they must")
        terminalreporter.write("\n".join(rows(counts)) + "\n")
    if config.getoption("--counts") and not terminalreporter.stats.get("failed"):
        write(config.getoption("--counts"), counts)
