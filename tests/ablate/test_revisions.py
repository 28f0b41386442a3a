import subprocess

import pytest

from ablate import revisions
from pipeline.core.errors import UserError

RESULTS = (
    "variant,seed_root,seed_index,fold,data,status,test_loss\n1e5,0,0,0,00e1,finished,0.1\n1e5,0,1,0,00e2,diverged,\n"
)
PATH = "reports/results/weight_decay.csv"


@pytest.fixture
def made(project, monkeypatch):
    """A repository whose project and `book/` have results; the current folder is the project's."""
    for folder, loss in ((project.folder, "0.1"), (project.folder / "book", "0.3")):
        (folder / "reports/results").mkdir(parents=True)
        (folder / PATH).write_text(RESULTS.replace("0.1\n", f"{loss}\n"))
        (folder / "reports/environment.json").write_text('[{"processor": "x"}]')
    project.commit("first")
    project.run("git", "tag", "first")
    monkeypatch.chdir(project.folder)
    return project


def losses(side):
    return side.results["weight_decay"]["test_loss"].iloc[0]


def test_branches_tags_commits_and_the_workspace_are_read(made):
    digest = made.run("git", "rev-parse", "HEAD").stdout.strip()
    (made.folder / PATH).write_text(RESULTS.replace("0.1\n", "0.2\n"))
    made.write_params({"seeds.count": 7})
    for name in ("main", "first", digest, digest[:8], "HEAD", "HEAD~0"):
        side = revisions.read(name)
        assert (losses(side), len(side.params.seeds), side.problem) == (0.1, 3, "")
        assert side.environment == [{"processor": "x"}]
    side = revisions.read()
    assert (side.name, losses(side), len(side.params.seeds)) == ("workspace", 0.2, 7)
    # before there were results
    earlier = revisions.read("HEAD~1")
    assert (earlier.results, earlier.environment, earlier.lock) == ({}, [], {})


def test_an_experiment_is_found_by_its_name(made):
    """DVC keeps experiments as refs; among those of one name it takes the one of the current commit."""
    first = made.run("git", "rev-parse", "HEAD").stdout.strip()
    made.run("git", "update-ref", f"refs/exps/{first[:2]}/{first[2:]}/slower", "HEAD~1")
    assert revisions.commit("slower") == made.run("git", "rev-parse", "HEAD~1").stdout.strip()
    made.run("git", "commit", "--allow-empty", "-qm", "second")
    second = made.run("git", "rev-parse", "HEAD").stdout.strip()
    assert revisions.commit("slower") != first
    made.run("git", "update-ref", f"refs/exps/{second[:2]}/{second[2:]}/slower", second)
    assert revisions.commit("slower") == second
    made.run("git", "commit", "--allow-empty", "-qm", "third")
    with pytest.raises(UserError, match="slower: no branch, tag, commit or experiment"):
        revisions.commit("slower")


def test_from_book_it_is_book(made, monkeypatch):
    monkeypatch.chdir(made.folder / "book")
    for name in ("HEAD", None):
        side = revisions.read(name)
        assert (losses(side), len(side.params.seeds), list(side.results)) == (0.3, 2, ["weight_decay"])


def test_cells_are_read_as_what_they_are(made):
    table = revisions.read("HEAD").results["weight_decay"]
    assert table["variant"].tolist() == ["1e5", "1e5"]
    assert table["data"].tolist() == ["00e1", "00e2"]
    assert table["test_loss"].isna().tolist() == [False, True]


def test_another_schema_is_a_problem_of_a_commit_and_a_mistake_in_the_workspace(made):
    made.write_params({"device": "cpu", "seeds.count": 0})
    made.commit("another schema")
    side = revisions.read("HEAD")
    assert side.params is None
    assert side.studies == {}
    assert "params.yaml: device: found an unknown key" in side.problem
    assert losses(side) == 0.1
    with pytest.raises(UserError, match="params.yaml: device: found an unknown key"):
        revisions.read()


def test_what_is_no_revision_or_no_project_is_named(made, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="nowhere: no branch, tag, commit or experiment"):
        revisions.read("nowhere")
    (made.folder / "empty").mkdir()
    monkeypatch.chdir(made.folder / "empty")
    for name in ("HEAD", None):
        with pytest.raises(UserError, match=r"no params.yaml in this folder, so no project"):
            revisions.read(name)
    (tmp_path / "outside").mkdir()
    monkeypatch.chdir(tmp_path / "outside")
    with pytest.raises(UserError, match="not a git repository"):
        revisions.read("HEAD")


def test_a_damaged_file_is_named(made):
    for path, content in (
        ("dvc.lock", "\t"),
        ("dvc.lock", "stages: {train@s: {deps: 3}}"),
        ("dvc.lock", "stages: {train@s: {deps: [pipeline/training]}}"),
        ("reports/environment.json", "{"),
        ("reports/environment.json", "1"),
        (PATH, 'a,b\n"1'),
    ):
        (made.folder / path).write_text(content)
        with pytest.raises(UserError, match=f"workspace: {path} is damaged"):
            revisions.read()
        made.commit("damaged")
        with pytest.raises(UserError, match=f"HEAD: {path} is damaged"):
            revisions.read("HEAD")
        made.run("git", "reset", "-q", "--hard", "HEAD~1")


def test_git_that_does_not_end_is_stopped(made, monkeypatch):
    def endless(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", endless)
    with pytest.raises(UserError, match="git rev-parse: did not finish within"):
        revisions.read("HEAD")
