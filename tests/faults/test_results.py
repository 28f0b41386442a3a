"""Results that no stage left, or that older configs gave: nobody reports or compares them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import small_project
from samples import Project

from ablate import compare, frames
from pipeline.core.errors import UserError
from pipeline.stages import report

pytestmark = pytest.mark.xdist_group("damage")

RESULTS = Path("reports/results/weight_decay.csv")
ONE_STUDY = {"studies.activation": ..., "datasets.images": ...}
READERS: dict[str, Callable[[], object]] = {
    "report": lambda: report.main([]),
    "show": lambda: frames.judged("weight_decay"),
    "compare, the workspace": lambda: compare.compare("HEAD~1"),
    "compare, a commit": lambda: compare.compare("HEAD", "HEAD~1"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = small_project(tmp_path_factory.mktemp("results") / "whole")
    made.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    made.write_params(ONE_STUDY)
    made.run("dvc", "repro")
    made.commit("results")
    return made


@pytest.fixture
def project(whole: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = whole.copy(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made


def test_numbers_that_no_stage_left(project, tally):
    """Edited by hand: the commit does not tell, but `dvc.lock` does."""
    text = RESULTS.read_text()
    number = re.search(r"finished,(\d+\.\d+)", text)[1]
    RESULTS.write_text(text.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10)))
    project.commit("edited")
    project.run("git", "commit", "-q", "--allow-empty", "-m", "the same")
    for name, read in READERS.items():
        with pytest.raises(UserError, match=rf"{RESULTS}: damaged or replaced: found md5"):
            read()
        tally("results", "edited by hand", f"{name.split(',')[0]}: refused, named")


def test_results_of_older_configs(project, tally):
    """`params.yaml` was changed and nothing was run since."""
    for changes, key in (
        ({"studies.weight_decay.base.optimizer.learning_rate": 0.001}, "studies.weight_decay"),
        ({"datasets.linear.noise_sd": 0.5}, "datasets.linear"),
    ):
        project.write_params({**ONE_STUDY, **changes})
        for name in ("report", "show"):
            with pytest.raises(UserError, match=rf"{RESULTS}: made with other configs: {key}; `dvc repro train@weight"):
                READERS[name]()
            tally("results", "of older configs", f"{name}: refused, named")
        comparison = compare.compare("HEAD")
        assert set(comparison.rows["verdict"]) == {"not comparable"}
        assert any(key in note for notes in comparison.notes.values() for note in notes)
        tally("results", "of older configs", "compare: not comparable, named")
    # also through DVC, if the page alone is asked for
    done = project.run("dvc", "repro", "--force", "--single-item", "report", ok=False)
    assert done.returncode != 0
    assert f"{RESULTS}: made with other configs: datasets.linear" in done.stderr
    project.run("dvc", "repro")
