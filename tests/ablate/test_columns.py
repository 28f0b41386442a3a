"""`ablate check` says how each table of the project is read."""

from samples import ONE_STUDY, SMALL, laid_over, write_params
from typer.testing import CliRunner

from ablate.cli import app

ROWS = "id,town,price,passed\n" + "".join(f"{n},{'abc'[n % 3]},{n / 7:.3f},{n % 2}\n" for n in range(30))


def test_a_check_describes_the_tables_of_the_studies(in_folder):
    (in_folder / "tables").mkdir()
    (in_folder / "tables/own.csv").write_text(ROWS)
    own = {"source": "table", "file": "tables/own.csv", "target": "passed", "ignore": ["town"]}
    study = {"question": "?", "dataset": "own", "metric": "test_accuracy", "base": {"loss": "cross_entropy"}}
    grid = {"grid": {"model": {"hidden": [[], [4]]}}, "baseline": {"model": {"hidden": []}}}
    changes = {**ONE_STUDY, "datasets.own": own, "studies.own": {**study, **grid}}
    write_params(in_folder, laid_over(SMALL, changes))
    printed = [" ".join(line.split()) for line in CliRunner().invoke(app, ["check", "own"]).stdout.splitlines()]
    assert printed[:3] == [
        "tables/own.csv: 30 rows",
        "classification: 'passed' has 2 different whole numbers; `task: regression` would predict their values",
        "column role kind levels missing values warnings",
    ]
    assert printed[3].startswith("id input number 30 0 to 29 different whole numbers in nearly all rows")
    assert printed[4:7] == ["town ignored 'a'", "price input number 30 0 to 4.143", "passed target classes 2 0, 1"]
    assert printed[-1] == "params.yaml is valid"
    # a study on other data has no table
    assert "own.csv" not in CliRunner().invoke(app, ["check", "weight_decay"]).stdout
    assert "own.csv: 30" not in CliRunner().invoke(app, ["check", "--resolved", "own"]).stdout
