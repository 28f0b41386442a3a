import pytest

from ablate import revisions
from pipeline.core.errors import UserError

RESULTS = (
    "variant,seed_root,seed_index,fold,data,status,test_loss\n1e5,0,0,0,00e1,finished,0.1\n1e5,0,1,0,00e2,diverged,\n"
)


@pytest.fixture
def made(project, monkeypatch):
    """A repository whose project and `book/` have results; the current folder is the project's."""
    for folder, loss in ((project.folder, "0.1"), (project.folder / "book", "0.3")):
        (folder / "reports/results").mkdir(parents=True)
        (folder / "reports/results/weight_decay.csv").write_text(RESULTS.replace("0.1\n", f"{loss}\n"))
        (folder / "reports/environment.json").write_text('[{"processor": "x"}]')
    project.commit("first")
    project.run("git", "tag", "first")
    monkeypatch.chdir(project.folder)
    return project


def losses(side):
    return side.results["weight_decay"]["test_loss"].iloc[0]


def test_branches_tags_commits_and_the_workspace_are_read(made):
    digest = made.run("git", "rev-parse", "HEAD").stdout.strip()
    (made.folder / "reports/results/weight_decay.csv").write_text(RESULTS.replace("0.1\n", "0.2\n"))
    for name in ("main", "first", digest, digest[:8], "HEAD", "HEAD~0"):
        assert losses(revisions.read(name)) == 0.1
    assert losses(revisions.read()) == 0.2
    assert revisions.read().name == "workspace"


def test_nothing_is_taken_from_the_workspace_for_a_commit(made):
    made.write_params({"seeds.count": 7})
    assert revisions.read("HEAD").section("seeds")["count"] == 3
    assert revisions.read().section("seeds")["count"] == 7


def test_from_book_it_is_book(made, monkeypatch):
    monkeypatch.chdir(made.folder / "book")
    for name in ("HEAD", None):
        side = revisions.read(name)
        assert losses(side) == 0.3
        assert side.section("seeds")["count"] == 2
        assert list(side.results) == ["weight_decay"]
    monkeypatch.chdir(made.folder)
    assert losses(revisions.read("HEAD")) == 0.1


def test_cells_are_read_as_what_they_are(made):
    table = revisions.read("HEAD").results["weight_decay"]
    assert table["variant"].tolist() == ["1e5", "1e5"]
    assert table["data"].tolist() == ["00e1", "00e2"]
    assert table["test_loss"].isna().tolist() == [False, True]


def test_what_is_no_revision_or_no_project_is_said(made, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="nowhere: no branch, tag, commit or experiment"):
        revisions.read("nowhere")
    (made.folder / "empty").mkdir()
    monkeypatch.chdir(made.folder / "empty")
    for name in ("HEAD", None):
        with pytest.raises(UserError, match=r"no params.yaml in this folder, so no ablation project"):
            revisions.read(name)
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    with pytest.raises(UserError, match="no git repository"):
        revisions.read("HEAD")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("params.yaml", "a: [1"),
        ("dvc.lock", "\t"),
        ("reports/environment.json", "{"),
        ("reports/results/weight_decay.csv", 'a,b\n"1'),
    ],
)
def test_a_damaged_file_is_named(path, content, made):
    (made.folder / path).write_text(content)
    with pytest.raises(UserError, match=f"workspace: .*{path}.* damaged"):
        revisions.read()
    made.commit("damaged")
    with pytest.raises(UserError, match=f"HEAD: .*{path}.* damaged"):
        revisions.read("HEAD")


def test_a_commit_before_there_were_results_has_none(made):
    assert revisions.read("HEAD~1").results == {}
    assert revisions.read("HEAD~1").environment == []
    assert revisions.read("HEAD~1").lock == {}
