"""A new project is valid for every source, and runs where it stands."""

import contextlib
import re
from pathlib import Path

import pandas as pd
import pytest
from faults import whole
from ruamel.yaml import YAML
from samples import ROOT, Project
from sklearn import datasets as scikit

from ablate import new
from pipeline.core.errors import UserError
from pipeline.data.config import DatasetConfig
from pipeline.project import artifacts, params

SOURCES = [
    "digits",
    "fashion_mnist",
    "mnist",
    "kmnist",
    "polynomial",
    "linear",
    "covariate_shift",
    "label_shift",
    "concept_shift",
]


@pytest.fixture
def clone(in_folder: Path) -> Path:
    """What a folder must have to pass for a clone."""
    (in_folder / "pipeline").mkdir()
    (in_folder / "pipeline" / "stages").mkdir()
    (in_folder / ".dvc").mkdir()
    (in_folder / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (in_folder / "tables").mkdir()
    (in_folder / "tables" / "README.md").write_text("")
    return in_folder


def write_table(place: Path, name: str = "iris") -> Path:
    frame: pd.DataFrame = getattr(scikit, f"load_{name}")(as_frame=True).frame
    frame.to_csv(place, index=False)
    return place


def load(folder: Path) -> params.Params:
    with contextlib.chdir(folder):
        return params.load()


def test_there_is_a_project_for_every_source():
    known = {
        name for kind in DatasetConfig.__origin__.__args__ for name in kind.model_fields["source"].annotation.__args__
    }
    assert known == {*SOURCES, "table"}


@pytest.mark.parametrize("source", SOURCES)
def test_the_project_of_a_source_is_valid_and_has_one_study(clone, source):
    said = new.new(Path("deep/down") / source, source)
    project = load(clone / "deep/down" / source)
    (study,) = project.studies.values()
    assert project.datasets[study.dataset].source == source
    assert len(project.seeds_of(study.dataset)) == 10
    assert said[1] == f"next: cd deep/down/{source} && dvc repro"
    files = {path.name for path in (clone / "deep/down" / source).iterdir()}
    assert files == {"params.yaml", "dvc.yaml", ".gitignore", "tables"}
    # nothing is left of what it was made in
    assert [path.name for path in (clone / "deep/down").iterdir()] == [source]


@pytest.mark.parametrize(
    ("name", "task", "metric"), [("iris", "classification", "test_accuracy"), ("diabetes", "regression", "test_loss")]
)
def test_a_table_is_copied_and_its_study_is_of_its_task(clone, tmp_path, name, task, metric):
    file = write_table(tmp_path / f"My {name}-2.csv", name)
    new.new(Path("mine"), "table", file, "target")
    project = load(clone / "mine")
    (study,) = project.studies.values()
    assert (study.dataset, study.metric) == (f"my_{name}_2", metric)
    assert task in study.traits
    assert (clone / "mine/tables" / file.name).read_bytes() == file.read_bytes()


def test_what_a_table_needs_besides_is_written(clone):
    rows = "".join(f"person {n},{n if n % 9 else ''},{10115 + n % 5},{'ab'[n % 2]}\n" for n in range(40))
    Path("people.csv").write_text(f"name,age,postcode,kind\n{rows}")
    new.new(
        Path("mine"), "table", Path("people.csv"), "kind", missing="median", ignore=["name"], categorical=["postcode"]
    )
    project = load(clone / "mine")
    own = project.datasets["people"]
    assert (own.missing, own.ignore, own.categorical, own.test_fraction) == ("median", ("name",), ("postcode",), 0.25)
    with pytest.raises(UserError, match="column 'name': found 40 different values"):
        new.new(Path("other"), "table", Path("people.csv"), "kind", missing="median")
    with pytest.raises(
        UserError, match="missing: found 'guess', allowed: 'refuse', 'mean', 'median' or 'most_frequent'"
    ):
        new.new(Path("other"), "table", Path("people.csv"), "kind", missing="guess")


def test_lists_are_written_as_dvc_writes_them(clone):
    """`dvc exp run -S` rewrites the file: block style stays as it is."""
    for source in SOURCES:
        new.new(Path(source), source)
        text = (clone / source / "params.yaml").read_text()
        assert "[" not in text.replace("[]", "")
        assert YAML(typ="safe").load(text)["measurements"] == {}


def test_an_empty_folder_may_be_there_already(clone):
    (clone / "mine").mkdir()
    new.new(Path("mine"), "digits")
    assert (clone / "mine/params.yaml").is_file()


@pytest.mark.parametrize(
    ("folder", "source", "file", "target", "line"),
    [
        ("full", "digits", None, None, "full: holds something already, allowed: a new or an empty folder"),
        ("full/a.txt", "digits", None, None, "full/a.txt: holds something already, allowed: a new or an empty folder"),
        ("a", "cifar", None, None, "source: found 'cifar', allowed: digits, fashion_mnist, mnist, kmnist, polynomial"),
        ("a", "table", None, None, "source: found table without a file and its target, allowed: --table FILE --target"),
        ("a", "table", "iris.csv", None, "source: found table without a file and its target"),
        (
            "a",
            "digits",
            "iris.csv",
            "target",
            "source: found 'digits' with a table or a target, allowed with them: table",
        ),
        ("a", "table", "wine.csv", "target", "wine.csv: no such file, allowed: a CSV or Parquet file"),
        ("a", "table", "full/a.txt", "x", "full/a.txt: found .txt, allowed: a file that ends with .csv or .parquet"),
        ("a", "table", "iris.csv", "", "target: found '', allowed: at least 1 characters"),
        ("full/a.txt/b/c", "digits", None, None, "full/a.txt/b/c: full/a.txt is no folder, allowed: a new or an empty"),
        (
            "a/b/c",
            "table",
            "iris.csv",
            "kind",
            "tables/iris.csv: no column 'kind' (target), there is sepal length (cm)",
        ),
    ],
)
def test_what_no_project_can_be_made_of_is_refused(clone, folder, source, file, target, line):
    (clone / "full").mkdir()
    (clone / "full" / "a.txt").write_text("x")
    write_table(clone / "iris.csv")
    before = sorted(clone.rglob("*"))
    with pytest.raises(UserError) as caught:
        new.new(Path(folder), source, Path(file) if file else None, target)
    assert str(caught.value).startswith(line)
    assert sorted(clone.rglob("*")) == before


def test_outside_a_clone_is_refused(in_folder):
    with pytest.raises(UserError, match=r"not inside a clone of mlp-ablations"):
        new.new(in_folder / "a", "digits")


@pytest.mark.parametrize(
    "source", ["digits", "polynomial", "linear", "covariate_shift", "label_shift", "concept_shift"]
)
def test_the_stages_of_a_new_project_run(clone, source):
    new.new(Path("mine"), source)
    path = clone / "mine" / "params.yaml"
    text = re.sub(r"(epochs|evaluations): \d+", r"\1: 1", path.read_text()).replace("count: 10 ", "count: 2 ")
    path.write_text(text)
    with contextlib.chdir(clone / "mine"):
        whole.run()
        assert artifacts.PAGE.is_file()


def test_a_new_project_runs_where_it_stands(project, tmp_path):
    """From the command to the page; nothing of the other projects is touched."""
    table = write_table(tmp_path / "iris.csv")
    made = Project(project.folder / "deep" / "mine")
    ablate = ("python", "-c", "from ablate import cli; cli.main()")
    environment = {**project.environment, "PYTHONPATH": str(project.folder)}
    project.environment = environment
    project.run(*ablate, "new", "deep/mine", "--table", str(table), "--target", "target")
    params_file = made.folder / "params.yaml"
    params_file.write_text(params_file.read_text().replace("count: 10", "count: 3").replace("epochs: 20", "epochs: 2"))
    made.environment = {key: value for key, value in environment.items() if key != "PYTHONPATH"}
    made.run("dvc", "repro")
    assert "How many hidden units are enough?" in made.read("reports/index.html")
    assert len(made.read("reports/results/size.csv").splitlines()) == 1 + 3 * 4
    assert not (project.folder / "reports").exists()
    # another table makes the data set anew, and trains nothing
    write_table(made.folder / "tables" / "wine.csv", "wine")
    before = made.read("dvc.lock")
    done = made.run("dvc", "repro")
    ran = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert sorted(ran) == ["check", "data@iris"]
    assert made.read("dvc.lock") != before
    # DVC may keep a table, and an experiment elsewhere has it too
    made.run("git", "rm", "-q", "--cached", "--ignore-unmatch", "tables/iris.csv")
    made.run("dvc", "add", "-q", "tables/iris.csv")
    made.commit("mine")
    made.run(
        "dvc", "exp", "run", "--temp", "-n", "half", "-S", "datasets.iris.test_fraction=0.5", "-S", "seeds.count=2"
    )
    assert "half" in made.run("dvc", "exp", "show", "--csv").stdout
    # a table that can not be read is named before anything is lost
    (made.folder / "tables" / "wine.csv").unlink()
    text = (made.folder / "tables" / "iris.csv").read_text().replace("5.1", "five", 1)
    (made.folder / "tables" / "iris.csv").unlink()
    (made.folder / "tables" / "iris.csv").write_text(text)
    done = made.run("dvc", "repro", ok=False)
    assert "tables/iris.csv: row 2, column 'sepal length (cm)': found 'five', allowed: a number" in done.stderr
    assert made.read("reports/results/size.csv")
