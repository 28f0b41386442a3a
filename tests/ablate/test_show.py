import pytest
from trained import fill

from ablate import show, text
from pipeline.analysis import comparison
from pipeline.core.errors import UserError
from pipeline.project import artifacts, params


@pytest.fixture
def made(params_file, in_folder):
    params_file({"seeds.count": 8})
    fill()
    return params.load()


def test_the_table_is_that_of_the_page(made, capsys):
    name, rows = show.judged(made, "activation")
    assert name == "test_accuracy"
    results = artifacts.read_results(made, "activation")
    assert rows.equals(comparison.effects(made.studies["activation"], results, "test_accuracy", made.judging))
    text.show([show.table(made, "activation", name, rows)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["activation: test accuracy, higher is better", "Which activation?"]
    assert [line.split("  ")[1] for line in lines[3:7]] == [
        "learning rate 0.1, sigmoid",
        "learning rate 0.5, sigmoid",
        "learning rate 0.1, relu",
        "learning rate 0.5, relu",
    ]
    assert lines[3].endswith("baseline")
    assert lines[5].endswith("100 %  better")
    assert lines[-1] == "2 better"


def test_too_few_seeds_and_diverged_baselines_are_shown(params_file, in_folder, capsys):
    params_file()
    fill()
    project = params.load()
    name, rows = show.judged(project, "activation")
    rows.loc[rows["is_baseline"], "diverged"] = 2
    text.show([show.table(project, "activation", name, rows)])
    out = capsys.readouterr().out
    assert "3 seeds cannot decide a family of 2: at least 7 are needed" in out
    assert "baseline   diverged: 2 of 3" in out


def test_another_metric_is_judged_on_request_and_one_without_direction_is_not(made):
    assert set(show.judged(made, "activation", "test_loss")[1]["verdict"]) == {"worse", ""}
    assert set(show.judged(made, "activation", "weight_norm")[1]["verdict"]) == {""}
    with pytest.raises(UserError, match="metric: found 'validation_loss', allowed for this study: train_loss_running"):
        show.judged(made, "activation", "validation_loss")
