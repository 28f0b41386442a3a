"""A new project is valid for every source, and runs where it stands."""

import contextlib
import re
from pathlib import Path

import pandas as pd
import pytest
from faults import whole
from samples import ROOT, Project
from sklearn import datasets as scikit

from ablate import names, new
from pipeline.core.errors import UserError
from pipeline.data import DatasetConfig
from pipeline.project import artifacts, params

SOURCES = [source for source in names.sources() if source != "table"]


@pytest.fixture
def clone(in_folder: Path) -> Path:
    """What a folder must have to pass for a clone."""
    for folder in ("pipeline/stages", ".dvc", "tables"):
        (in_folder / folder).mkdir(parents=True)
    (in_folder / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (in_folder / "tables" / "README.md").write_text("")
    return in_folder


def write_table(path: Path, name: str = "iris") -> Path:
    frame: pd.DataFrame = getattr(scikit, f"load_{name}")(as_frame=True).frame
    frame.to_csv(path, index=False)
    return path


def load(folder: Path) -> params.Params:
    with contextlib.chdir(folder):
        return params.load()


def test_there_is_a_template_for_every_source():
    known = {
        name
        for config in DatasetConfig.__origin__.__args__
        for name in config.model_fields["source"].annotation.__args__
    }
    assert known == {*SOURCES, "table"}


@pytest.mark.parametrize("source", SOURCES)
def test_the_project_of_a_source_is_valid_and_stays_readable(clone, source):
    lines = new.new(Path("deep/down") / source, source)
    made = clone / "deep/down" / source
    project = load(made)
    (study,) = project.studies.values()
    assert project.datasets[study.dataset].source == source
    assert project.title == f"Ablations on {source}"
    assert lines[1] == f"next: cd deep/down/{source} && dvc repro"
    assert {path.name for path in made.iterdir()} == {"params.yaml", "dvc.yaml", ".gitignore", "tables"}
    # nothing is left of what it was made in
    assert [path.name for path in made.parent.iterdir()] == [source]
    # comments, flow style and about ten lines for the study
    text = (made / "params.yaml").read_text()
    assert "  # every variant is trained once with each seed\n" in text
    assert "  penalty: {l1: 0.0, l2: 0.0}\n" in text
    assert len(text[text.index("studies:") :].splitlines()) <= 12


@pytest.mark.parametrize(
    ("name", "task", "metric"), [("iris", "classification", "test_accuracy"), ("diabetes", "regression", "test_loss")]
)
def test_a_table_is_copied_and_its_study_is_of_its_task(clone, tmp_path, name, task, metric):
    file = write_table(tmp_path / f"My {name}-2.csv", name)
    (clone / "empty").mkdir()
    new.new(Path("empty"), "table", file, "target")
    project = load(clone / "empty")
    (study,) = project.studies.values()
    assert (study.dataset, study.metric) == (f"my_{name}_2", metric)
    assert task in study.traits
    assert (clone / "empty/tables" / file.name).read_bytes() == file.read_bytes()
    assert project.title == f"Ablations on My {name}-2"
    # with the comments of the template
    assert "# share of the rows" in (clone / "empty/params.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "title"), [("$x: 'y'.csv", "x   y"), ("数据.csv", "数据"), ("y" * 90 + ".csv", "y" * 80), ("{}.csv", "")]
)
def test_a_title_is_valid_whatever_a_table_is_called(clone, name, title):
    new.new(Path("made"), "table", write_table(clone / name), "target")
    assert load(clone / "made").title == (f"Ablations on {title}" if title else "Ablation report")


def test_the_options_of_a_table_are_written(clone):
    rows = "".join(f"name {n},{n if n % 9 else ''},{10115 + n % 5},{'ab'[n % 2]}\n" for n in range(40))
    Path("people.csv").write_text(f"name,age,postcode,group\n{rows}")

    def made(folder: str, missing: str = "median", **options):
        new.new(Path(folder), "table", Path("people.csv"), "group", missing=missing, **options)
        return load(clone / folder).datasets["people"]

    table = made("made", ignore=["name"], categorical=["postcode"])
    assert (table.missing, table.ignore, table.categorical) == ("median", ("name",), ("postcode",))
    with pytest.raises(UserError, match="column 'name': found 40 different values"):
        made("other")
    with pytest.raises(UserError, match="missing: found 'guess', allowed: 'refuse', 'mean', 'median' or 'most_freq"):
        made("other", missing="guess")


@pytest.mark.parametrize(
    ("folder", "source", "file", "target", "line"),
    [
        ("full", "digits", None, None, "full: found a file or a folder that is not empty"),
        ("full/a.txt/b/c", "digits", None, None, "full/a.txt/b/c: found a file or a folder that is not empty"),
        ("a", "cifar", None, None, "source: found 'cifar', allowed: concept_shift, covariate_shift, digits"),
        ("a", "table", "iris.csv", None, "source: found 'table', allowed: table with --table FILE --target COLUMN"),
        ("a", "table", "gone.csv", "x", "gone.csv: not found, allowed: a CSV or Parquet file"),
        ("a", "table", "full/a.txt", "x", "params.yaml: datasets.a.file: found 'tables/a.txt', allowed: a .csv or"),
        ("a/b/c", "table", "iris.csv", "x", "tables/iris.csv: no column 'x' (target), there is sepal length (cm)"),
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


@pytest.mark.parametrize("source", ["digits", "label_shift", "linear", "polynomial"])
def test_the_stages_of_a_new_project_run(clone, source):
    new.new(Path("made"), source)
    path = clone / "made" / "params.yaml"
    text = re.sub(r"(epochs|evaluations): \d+", r"\1: 1", path.read_text()).replace("count: 10", "count: 2")
    path.write_text(text)
    with contextlib.chdir(clone / "made"):
        whole.run()
        assert artifacts.PAGE.is_file()


@pytest.mark.slow
def test_a_new_project_runs_where_it_stands(project, tmp_path):
    """From the command to the page; nothing of the other projects is touched."""
    table = write_table(tmp_path / "iris.csv")
    made = Project(project.folder / "deep" / "made")
    environment = dict(project.environment)
    project.environment["PYTHONPATH"] = str(ROOT)
    project.run("ablate", "new", "deep/made", "--table", str(table), "--target", "target")
    made.environment = environment
    params_file = made.folder / "params.yaml"
    params_file.write_text(params_file.read_text().replace("count: 10", "count: 3").replace("epochs: 20", "epochs: 2"))
    made.run("dvc", "repro")
    assert "How many hidden units are enough?" in made.read("reports/index.html")
    assert len(made.read("reports/results/size.csv").splitlines()) == 1 + 3 * 4
    assert not (project.folder / "reports").exists()
    # another table makes the data set again, and trains nothing
    write_table(made.folder / "tables" / "wine.csv", "wine")
    done = made.run("dvc", "repro")
    ran = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert sorted(ran) == ["check", "data@iris"]
    # DVC may keep a table, and an experiment elsewhere has it too
    made.run("dvc", "add", "-q", "tables/iris.csv")
    made.commit("made")
    made.run(
        "dvc", "exp", "run", "--temp", "-n", "half", "-S", "datasets.iris.test_fraction=0.5", "-S", "seeds.count=2"
    )
    assert "half" in made.run("dvc", "exp", "show", "--csv").stdout
    # the comparison reads its params.yaml with the table of the workspace
    assert "other data set: test_fraction" in made.run("ablate", "compare", "HEAD", "half").stdout
