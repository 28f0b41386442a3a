"""Results that do not fit the study - a run missing, doubled, or of older configs: nobody reports or compares them."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import small_project
from faults.tally import Mutant
from samples import SMALL, Project, laid_over

from ablate import compare, frames
from pipeline.core.errors import UserError
from pipeline.stages import report

pytestmark = pytest.mark.xdist_group("damage")

MUTANTS = [
    Mutant(
        file="pipeline/project/artifacts.py",
        guard="    for variant, root, index, fold in [*(wanted - found), *(found - wanted)]:\n",
        without="    for variant, root, index, fold in []:\n",
        test="test_runs_that_are_missing_doubled_or_strange",
    ),
    Mutant(
        file="ablate/revisions.py",
        guard="            if count != known:\n",
        without="            if False:\n",
        test="test_runs_that_are_missing_doubled_or_strange",
    ),
    Mutant(
        file="ablate/revisions.py",
        guard="                if problem := lock.problem(recorded, path, digest):\n",
        without="                if problem := None:\n",
        test="test_numbers_that_no_stage_left",
    ),
    Mutant(
        file="pipeline/project/artifacts.py",
        guard="    if stale := lock.stale(",
        without="    if stale := () and lock.stale(",
        test="test_results_of_older_settings",
    ),
    Mutant(
        file="pipeline/analysis/comparison.py",
        guard="    if side.stale(study):\n",
        without="    if False:\n",
        test="test_results_of_older_settings",
    ),
    Mutant(
        file="pipeline/analysis/comparison.py",
        guard="    if not side.study(study):\n",
        without="    if False:\n",
        test="test_results_of_a_study_that_is_gone",
    ),
]

RESULTS = Path("reports/results/weight_decay.csv")
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = small_project(tmp_path_factory.mktemp("results") / "whole")
    made.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    made.write_params({"studies.activation": ..., "datasets.images": ...})
    made.run("dvc", "repro")
    made.commit("results")
    return made


@pytest.fixture
def project(whole: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = whole.copy(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made


def accepted(change: Change) -> None:
    """Change the results, and make DVC's notes fit them, as `dvc commit` does."""
    before = RESULTS.read_bytes()
    table = change(pd.read_csv(RESULTS, dtype=str, keep_default_na=False))
    table.to_csv(RESULTS, index=False, lineterminator="\n")
    digests = [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in (before, RESULTS.read_bytes())]
    lock = Path("dvc.lock").read_text()
    assert digests[0] in lock
    Path("dvc.lock").write_text(lock.replace(*digests))


READERS: dict[str, Callable[[], object]] = {
    "report": lambda: report.main([]),
    "show": lambda: frames.judged("weight_decay"),
    "compare, the workspace": lambda: compare.compare("HEAD~1"),
    "compare, a commit": lambda: compare.compare("HEAD", "HEAD~1"),
}

CHANGES: dict[str, tuple[Change, str]] = {
    "seed missing": (lambda table: table.drop(index=4), "weight_decay_3, seed 0/1, fold 0: found 0, wanted 1"),
    "seed doubled": (
        lambda table: pd.concat([table, table.iloc[[4]]]),
        "weight_decay_3, seed 0/1, fold 0: found 2, wanted 1",
    ),
    "seed of another root": (
        lambda table: table.assign(seed_root="9"),
        "seed 0/0, fold 0: found 0, wanted 1",
    ),
    "seed beyond the count": (
        lambda table: pd.concat([table, table.iloc[[4]].assign(seed_index="7")]),
        "weight_decay_3, seed 0/7, fold 0: found 1, wanted 0",
    ),
    "no number for a seed": (
        lambda table: table.assign(seed_index=["", *table["seed_index"][1:]]),
        "weight_decay_0, seed 0/0, fold 0: found 0, wanted 1",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_runs_that_are_missing_doubled_or_strange(kind, project, tally):
    change, words = CHANGES[kind]
    accepted(change)
    project.commit("changed")
    project.run("git", "commit", "-q", "--allow-empty", "-m", "the same")
    for name, read in READERS.items():
        with pytest.raises(UserError) as caught:
            read()
        (line,) = str(caught.value).splitlines()
        assert str(RESULTS) in line
        assert words in line
        tally("results", kind, f"{name.split(',')[0]}: refused, named")


def test_numbers_that_no_stage_left(project, tally):
    """Edited by hand: who looks at the commit cannot know, but `dvc.lock` does."""
    text = RESULTS.read_text()
    number = re.search(r"finished,(\d+\.\d+)", text)[1]
    RESULTS.write_text(text.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10)))
    project.commit("edited")
    project.run("git", "commit", "-q", "--allow-empty", "-m", "the same")
    for name, read in READERS.items():
        with pytest.raises(UserError, match=rf"{RESULTS}: damaged or replaced: found md5"):
            read()
        tally("results", "edited by hand", f"{name.split(',')[0]}: refused, named")


def test_results_of_older_settings(project, tally):
    """`params.yaml` was changed and nothing was run since."""
    for changes, key in (
        ({"studies.weight_decay.base.optimizer.learning_rate": 0.001}, "studies.weight_decay"),
        ({"datasets.linear.noise_sd": 0.5}, "datasets.linear"),
    ):
        project.write_params({"studies.activation": ..., "datasets.images": ..., **changes})
        for name in ("report", "show"):
            with pytest.raises(UserError, match=rf"{RESULTS}: made with other configs: {key}; `dvc repro train@weight"):
                READERS[name]()
            tally("results", "of older configs", f"{name}: refused, named")
        found = compare.compare("HEAD")
        assert set(found.rows["verdict"]) == {"not comparable"}
        assert set(found.rows["note"]) == {"results of other configs in workspace"}
        assert any(key in note and "`dvc repro` is due" in note for notes in found.notes.values() for note in notes)
        tally("results", "of older configs", "compare: not comparable, named")
    # also through DVC, where somebody asks for the page alone
    done = project.run("dvc", "repro", "--force", "--single-item", "report", ok=False)
    assert done.returncode != 0
    assert f"{RESULTS}: made with other configs: datasets.linear" in done.stderr
    project.run("dvc", "repro")


def test_results_of_a_study_that_is_gone(project, tally):
    """Its file still lies where results belong."""
    renamed = laid_over(SMALL["studies"]["weight_decay"], {})
    changes = {"studies.activation": ..., "datasets.images": ..., "studies.weight_decay": ..., "studies.decay": renamed}
    project.write_params(changes)
    found = compare.compare("HEAD").rows.set_index("study")
    assert set(found.loc[["weight_decay"], "note"]) == {"no such study in workspace"}
    assert set(found["verdict"]) == {"not comparable"}
    tally("results", "left over from a study that is gone", "compare: not comparable, named")
    with pytest.raises(UserError, match=r"reports/results/decay.csv: missing"):
        report.main([])
    project.run("dvc", "repro")
    assert not RESULTS.exists()
    tally("results", "left over from a study that is gone", "report: removed")
