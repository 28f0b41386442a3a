"""A new project is valid for every source, and runs where it stands."""

import contextlib
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faults import whole
from samples import ROOT, Project
from sklearn import datasets as scikit

from ablate import cli, names, new, repository
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
    Project(in_folder).run("git", "init", "-q")
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
    assert lines[1:3] == [
        f"next: git commit --message 'New project {source}' -- deep/down/{source}",
        f"next: cd deep/down/{source} && dvc repro",
    ]
    assert {path.name for path in made.iterdir()} == {"params.yaml", "dvc.yaml", ".gitignore", "tables", "data"}
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
        new.new(Path(folder), "table", Path("people.csv"), "group", {"missing": missing, **options})
        return load(clone / folder).datasets["people"]

    table = made("made", ignore=["name"], categorical=["postcode"])
    assert (table.missing, table.ignore, table.categorical) == ("median", ("name",), ("postcode",))
    with pytest.raises(UserError, match="column 'name': found 40 different values"):
        made("other")
    with pytest.raises(UserError, match="^--missing: found 'guess', allowed: 'refuse', 'mean', 'median' or 'most_freq"):
        made("other", missing="guess")


def test_the_suffix_of_a_table_may_be_in_capitals(clone):
    new.new(Path("made"), "table", write_table(clone / "IRIS.CSV"), "target")
    assert load(clone / "made").datasets["iris"].file == "tables/IRIS.csv"


MESSY = (
    "\ufeff;id;name;sold;area;price;share;rooms;state;\n"
    + "".join(
        f"{n};{1000 + n};house {n};{1 + n % 28}.{1 + n % 12}.2023;{50 + n % 17},{n % 10};{1 + n % 3}.{100 + n}.000 €;"
        f"{n % 90},5 %;{n % 4 if n % 7 else '?'};{'good' if n % 5 else 'bad'};\n"
        for n in range(60)
    )
    + ";;;;;;;;;\n"
)


def until_accepted(capsys, file: str, target: str) -> tuple[list[str], str]:
    """Call `ablate new made`, adding the options that its errors propose; return the errors and the last output."""
    command = ["ablate", "new", "made", "--table", file, "--target", target]
    errors = []
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", command)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        out, err = capsys.readouterr()
        if not ended.value.code:
            return errors, out
        assert not Path("made").exists()
        errors.append(err)
        command += shlex.split(err.rpartition("to go on: ")[2])
    raise AssertionError(errors)


def test_a_messy_table_becomes_a_project_by_the_options_that_its_errors_propose(clone, capsys):
    """The recognised keys stand in params.yaml."""
    Path("houses.csv").write_text(MESSY)
    (error,), out = until_accepted(capsys, "houses.csv", "price")
    assert "column 'name': found 60 different values" in error
    assert "column 'sold': found the date '1.1.2023', allowed: the column under `dates`" in error
    assert "column 'rooms': found '?', which stands for a missing value (9 such rows)" in error
    assert "regression: 'price' has 60 different whole numbers; `task: classification` would make" in out
    assert "different whole numbers in nearly all rows, an identifier?" in out
    table = load(clone / "made").datasets["houses"]
    assert (table.separator, table.decimal, table.thousands, table.units) == (";", ",", ".", ("%", "€"))
    assert (table.ignore, table.dates, table.missing) == (("name",), ("sold",), "median")
    assert "?" in table.missing_values
    description = table_in(clone / "made", table)
    assert {column.name: (column.role, column.kind, column.example) for column in description.columns} == {
        "": ("empty", "", ""),
        "id": ("input", "number", "1000 to 1059"),
        "name": ("ignored", "", "'house 0'"),
        "sold": ("input", "date", "2023-01-01 to 2023-12-24"),
        "area": ("input", "number", "50 to 66.6"),
        "price": ("target", "number", "1.1e+06 to 3.159e+06"),
        "share": ("input", "number", "0.5 to 59.5"),
        "rooms": ("input", "number", "0 to 3"),
        "state": ("input", "category", "good, bad"),
    }


def like_seaborn_s(name: str) -> pd.DataFrame:
    """Made-up rows with the columns, kinds and gaps of the data sets that seaborn downloads."""
    rows, random = 120, np.random.default_rng(0)
    number, choice = random.random(rows), lambda *levels: random.choice(levels, rows)
    survived = choice(0, 1)
    frames = {
        "titanic": {
            "survived": survived,
            "pclass": choice(1, 2, 3),
            "sex": choice("male", "female"),
            "age": np.where(number < 0.2, np.nan, np.round(80 * number)),
            "fare": 500 * random.random(rows),
            "embarked": np.where(number > 0.99, None, choice("S", "C", "Q")),
            "adult_male": choice(True, False),
            "deck": np.where(number < 0.7, None, choice("A", "B", "C")),
            "alive": np.where(survived, "yes", "no"),
        },
        "taxis": {
            "pickup": pd.date_range("2019-03-01", periods=rows, freq="7h").astype(str),
            "dropoff": pd.date_range("2019-03-01 00:12", periods=rows, freq="7h").astype(str),
            "passengers": choice(1, 2, 3, 4),
            "distance": 10 * number,
            "total": 5 + 30 * number + random.random(rows),
            "payment": np.where(number < 0.05, None, choice("cash", "credit card")),
        },
        "mpg": {
            "mpg": 10 + 30 * number,
            "cylinders": choice(4, 6, 8),
            "horsepower": np.where(number < 0.05, np.nan, np.round(200 * random.random(rows))),
            "model_year": choice(*range(70, 83)),
            "origin": choice("usa", "japan", "europe"),
            "name": [f"car {n}" for n in range(rows)],
        },
    }
    return pd.DataFrame(frames[name])


@pytest.mark.parametrize(
    ("name", "target", "task", "keys"),
    [
        ("titanic", "survived", "classification", {"missing": "median"}),
        ("taxis", "total", "regression", {"missing": "median", "dates": ("pickup", "dropoff")}),
        ("mpg", "mpg", "regression", {"missing": "median", "ignore": ("name",)}),
    ],
)
def test_the_data_sets_of_seaborn_become_projects(clone, capsys, name, target, task, keys):
    like_seaborn_s(name).to_csv(f"{name}.csv", index=False)
    errors, out = until_accepted(capsys, f"{name}.csv", target)
    assert len(errors) == 1
    assert f"{task}: '{target}' has " in out
    leaks = [line.split()[0] for line in out.splitlines() if "alone determines the target" in line]
    assert leaks == (["alive"] if name == "titanic" else [])
    (table,) = load(clone / "made").datasets.values()
    assert {key: getattr(table, key) for key in keys} == keys


def table_in(folder: Path, table):
    with contextlib.chdir(folder):
        return table.described()


CASES = ROOT.parent / "shared" / "cases"


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs of users are not beside this checkout")
@pytest.mark.parametrize("file", sorted(path.name for path in CASES.glob("*.csv")))
def test_inputs_of_users_are_read_as_they_mean_or_refused(clone, file):
    target, task, rest = {
        "quoted_decimal_comma.csv": ("stars", "regression", {"decimal": ","}),
        "semicolon_decimal_comma.csv": ("grade", "classification", {"decimal": ",", "separator": ";"}),
        "unnamed_index.csv": ("y", "regression", {}),
        "ids_and_codes.csv": ("stayed", "classification", {"ignore": ("room",)}),
    }[file]
    path = clone / file
    path.write_bytes((CASES / file).read_bytes())
    if "ignore" in rest:
        with pytest.raises(UserError, match=r"room.*\nto go on: --ignore room$"):
            new.new(Path("refused"), "table", path, target)
    new.new(Path("made"), "table", path, target, {key: [*rest[key]] for key in rest if key == "ignore"})
    (table,) = load(clone / "made").datasets.values()
    assert {key: getattr(table, key) for key in rest} == rest
    description = table_in(clone / "made", table)
    assert description.task.startswith(task)
    kinds = {column.kind for column in description.columns if column.role == "input" and column.name != "wing"}
    assert kinds == {"number"}
    roles = [column.role for column in description.columns]
    assert roles.count("index") == (file == "unnamed_index.csv")
    warnings = " ".join(warning for column in description.columns for warning in column.warnings)
    assert ("an identifier?" in warnings) == (file == "ids_and_codes.csv")


@pytest.mark.parametrize(
    ("folder", "source", "file", "target", "line"),
    [
        ("full", "digits", None, None, "full: found a file or a folder that is not empty"),
        ("full/a.txt/b/c", "digits", None, None, "full/a.txt/b/c: found a file or a folder that is not empty"),
        ("a", "cifar", None, None, "source: found 'cifar', allowed: concept_shift, covariate_shift, digits"),
        ("a", "table", "iris.csv", None, "source: found 'table', allowed: table with --table FILE --target COLUMN"),
        ("a", "table", "gone.csv", "x", "gone.csv: not found, allowed: a CSV or Parquet file"),
        ("a", "table", "full/a.txt", "x", "tables/a.txt: found 1 rows, allowed: a header and rows below it"),
        (
            "a",
            "table",
            "iris.xlsx",
            "x",
            "file: found 'tables/iris.xlsx', allowed: a .csv, .tsv, .txt or .parquet file",
        ),
        ("a/b/c", "table", "iris.csv", "x", "tables/iris.csv: no column 'x' (target), there is sepal length (cm)"),
    ],
)
def test_what_no_project_can_be_made_of_is_refused(clone, folder, source, file, target, line):
    (clone / "full").mkdir()
    (clone / "full" / "a.txt").write_text("x")
    write_table(clone / "iris.csv")
    write_table(clone / "iris.xlsx")
    before = sorted(clone.rglob("*"))
    with pytest.raises(UserError) as caught:
        new.new(Path(folder), source, Path(file) if file else None, target)
    assert str(caught.value).startswith(line)
    assert sorted(clone.rglob("*")) == before


def staged(clone):
    return Project(clone).run("git", "diff", "--cached", "--name-only", "--no-renames").stdout.splitlines()


def test_all_but_a_large_table_is_staged_for_the_commit_that_comes_next(clone, monkeypatch):
    write_table(clone / "a b*.csv")
    new.new(Path("made"), "table", clone / "a b*.csv", "target")
    files = [".gitignore", "dvc.yaml", "params.yaml", "tables/README.md"]
    assert sorted(staged(clone)) == sorted(f"made/{name}" for name in [*files, "tables/a b*.csv"])
    monkeypatch.setattr(repository, "LARGE", 1000)
    lines = new.new(Path("large"), "table", clone / "a b*.csv", "target")
    assert [path for path in staged(clone) if path.startswith("large/")] == sorted(f"large/{name}" for name in files)
    assert lines[1:3] == [
        "next: dvc add 'large/tables/a b*.csv' && git add -- large/tables",
        "next: git commit --message 'New project large' -- large",
    ]


def test_a_folder_that_git_ignores_is_written_and_one_line_says_that_it_is_not_staged(clone):
    (clone / ".gitignore").write_text("/projects/\n")
    lines = new.new(Path("projects/made"), "digits")
    assert lines[1].startswith("not staged in git: ")
    assert "ignored by one of your .gitignore files" in lines[1]
    assert lines[2] == "next: git add --force -- projects/made"
    Project(clone).run(*lines[2].removeprefix("next: ").split())
    assert "projects/made/params.yaml" in staged(clone)


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
    # what a user does next: DVC stashes files that are not committed, and has to bring them back
    before = params_file.read_text()
    made.run("dvc", "exp", "run", "--queue", "-S", "base.training.epochs=3,4")
    assert params_file.read_text() == before
    made.run("dvc", "queue", "remove", "--all")
    assert params_file.read_text() == before
    # another table makes the data set and the page again, and trains nothing
    write_table(made.folder / "tables" / "wine.csv", "wine")
    done = made.run("dvc", "repro")
    ran = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert sorted(ran) == ["check", "data@iris", "report"]
    # DVC may keep a table, and an experiment elsewhere has it too
    made.run("git", "rm", "-q", "--cached", "tables/iris.csv")
    made.run("dvc", "add", "-q", "tables/iris.csv")
    made.commit("made")
    made.run(
        "dvc", "exp", "run", "--temp", "-n", "half", "-S", "datasets.iris.test_fraction=0.5", "-S", "seeds.count=2"
    )
    assert "half" in made.run("dvc", "exp", "show", "--csv").stdout
    # the comparison reads its params.yaml with the table of the workspace
    assert "other data set: test_fraction" in made.run("ablate", "compare", "HEAD", "half").stdout
