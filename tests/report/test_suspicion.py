"""A study on a table whose inputs contain the target says so, on the page, in its summary and in a terminal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faults import whole
from report import rendered
from samples import SMALL, laid_over, write_params

from ablate import show, text
from pipeline.project import artifacts, params
from pipeline.report import suspicion

ROWS = 80


def exam() -> pd.DataFrame:
    """Who passed an exam: twelve of the marks in theory and practice, each."""
    random = np.random.default_rng(0)
    theory, practice = random.integers(8, 20, size=(2, ROWS))
    passed = (theory >= 12) & (practice >= 12)
    hours = (theory + practice + 5 * random.standard_normal(ROWS)).round(2)
    return pd.DataFrame(
        {
            "hours": hours,
            "theory": np.where(theory >= 12, "enough", "too little"),
            "practice": np.where(practice >= 12, "enough", "too little"),
            "certificate": np.where(passed, random.choice(["blue", "red"], ROWS), "none"),
            "cents": hours * 100,
            "passed": np.where(passed, "yes", "no"),
        }
    )


@pytest.fixture
def write(in_folder: Path):
    """Write a project with a study on these columns, the last of which is the target."""

    def written(columns: list[str], dataset: dict[str, object] | None = None, seeds: int = 3) -> params.Params:
        frame = exam()[columns]
        (in_folder / "tables").mkdir(exist_ok=True)
        frame.to_csv("tables/exam.csv", index=False)
        numbers = columns[-1] == "hours"
        training = {"epochs": 60, "batch_size": 10, "evaluations": 2}
        study = {
            "question": "Does size matter?",
            "dataset": "exam",
            "metric": "test_loss" if numbers else "test_accuracy",
            "base": {"loss": "half_squared_error" if numbers else "cross_entropy", "training": training},
            "grid": {"model": {"hidden": [[], [8]]}},
            "baseline": {"model": {"hidden": []}},
        }
        table = {"source": "table", "file": "tables/exam.csv", "target": columns[-1], **(dataset or {})}
        changes = {"datasets": {"exam": table}, "studies": {"size": study}, "measurements": {}, "seeds.count": seeds}
        write_params(in_folder, laid_over(SMALL, changes))
        return params.load()

    return written


def said(project: params.Params, metric: str, values: list[float]) -> str:
    """The sentences if the runs of two variants with three seeds have these values; runs of folds have none."""
    study = project.studies["size"]
    variants = np.repeat([variant.id for variant in study.variants], 3)
    results = pd.DataFrame({"variant": variants, "fold": 0, metric: values})
    results = pd.concat([results, results.assign(fold=1, **{metric: np.nan})])
    return suspicion.sentences(study, results, suspicion.evidence("exam", project.datasets["exam"]))


REMEDY = "If so, write `ignore: ['certificate']` in datasets.exam."
ALONE = "input may contain the target in another form; inputs that alone determine it: 'certificate'."


def test_a_leak_is_named_on_the_page_in_the_summary_and_in_a_terminal(write, capsys):
    project = write(["hours", "certificate", "passed"])
    whole.run()
    assert (whole.rows("size")["test_accuracy"] == 1).all()
    expected = f"All variants predict every test example: an {ALONE} {REMEDY}"
    page = rendered.page(artifacts.PAGE.read_text())
    assert rendered.plain(f"Possible leak. {expected.replace('`', '')}") in page["size"].text
    assert "Possible leak in size" in page["overview"].text
    warned = {row["column"]: row["warnings"] for row in page["data-sets"].table("column", "warnings").rows()}
    assert bool(warned["certificate"])
    assert not warned["hours"]
    assert f"Possible leak.** {expected}" in rendered.summary(artifacts.SUMMARY.read_text())["size"].text
    text.show([show.table(project, "size", *show.judged(project, "size"))])
    assert f"possible leak: {expected}" in capsys.readouterr().out.splitlines()
    # the remedy works
    write(["hours", "certificate", "passed"], {"ignore": ["certificate"]})
    whole.run()
    assert "leak" not in artifacts.PAGE.read_text() + artifacts.SUMMARY.read_text()


def test_inputs_that_determine_a_target_only_together_are_suspected_by_the_results(write):
    project = write(["hours", "theory", "practice", "passed"])
    perfect = said(project, "test_accuracy", [1.0] * 6)
    assert perfect.startswith("All variants predict every test example: the task may be easy, or inputs may contain")
    assert "ignore" in perfect
    for worse in (0.95, np.nan):  # a run that diverged
        assert said(project, "test_accuracy", [1.0] * 5 + [worse]) == ""


def test_an_input_that_alone_determines_the_target_is_suspected_whatever_the_results_are(write):
    project = write(["certificate", "passed"], {"ignore": []})
    assert said(project, "test_accuracy", [1.0] * 5 + [0.9]) == f"An {ALONE} {REMEDY}"
    several = write(["hours", "certificate", "cents", "passed"], {"categorical": [], "ignore": ["hours"]})
    assert "write `ignore: ['hours', 'certificate']` in" in said(several, "test_accuracy", [0.9] * 6)


@pytest.mark.parametrize(("standardize", "unit"), [(True, 1.0), (False, None)])
def test_the_loss_of_a_regression_is_measured_in_the_variance_of_its_target(write, standardize, unit):
    project = write(["theory", "practice", "hours"], {"standardize_target": standardize})
    unit = unit or exam()["hours"].var(ddof=0)
    # half the squared error
    perfect = said(project, "test_loss", [0.00049 * unit] * 6)
    assert perfect.startswith("All variants explain more than 99.9 % of the target’s variance: the task may be easy")
    assert said(project, "test_loss", [0.00049 * unit] * 5 + [0.00051 * unit]) == ""
    units = write(["theory", "cents", "hours"], {"standardize_target": standardize})
    assert said(units, "test_loss", [0.1 * unit] * 6).startswith("An input may contain the target in another form")


def test_many_suspects_are_counted(params_file):
    project = params.load(path=params_file())
    study, names = project.studies["activation"], tuple(f"column number {index}" for index in range(12))
    results = pd.DataFrame({"variant": "x", "fold": [0], "test_accuracy": 0.5})
    words = suspicion.sentences(study, results, suspicion.Evidence("exam", (), names, 1.0))
    assert "'column number 4' and 7 more. If so, list them under `ignore` in datasets.exam." in words


def test_generated_data_and_images_are_not_suspected(params_file):
    project = params.load(path=params_file())
    study = project.studies["activation"]
    assert suspicion.evidence("images", project.datasets["images"]) is None
    results = pd.DataFrame({"variant": [variant.id for variant in study.variants], "fold": 0, "test_accuracy": 1.0})
    assert suspicion.sentences(study, results, None) == ""
