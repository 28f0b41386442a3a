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


def test_the_table_is_that_of_the_page(made):
    study, name, found = show.judged("activation")
    assert name == "test_accuracy"
    results = artifacts.read_results(made, study.id)
    assert found.equals(comparison.effects(study, results, "test_accuracy", made.judging))


def test_the_printed_table(made, capsys):
    text.show(show.tables(*show.judged("activation"), alpha=0.05))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "activation: test accuracy, higher is better"
    assert lines[1] == "Which activation?"
    assert [line.split("  ")[1] for line in lines[3:7]] == [
        "learning rate 0.1, sigmoid",
        "learning rate 0.5, sigmoid",
        "learning rate 0.1, relu",
        "learning rate 0.5, relu",
    ]
    assert lines[3].endswith("baseline")
    assert lines[5].endswith("100 %  better")
    assert lines[-1] == "2 better"


def test_too_few_seeds_are_said(params_file, in_folder, capsys):
    params_file()
    fill()
    text.show(show.tables(*show.judged("activation"), alpha=0.05))
    assert "3 seeds can not decide a family of 2: at least 7 are needed" in capsys.readouterr().out


def test_another_metric_is_judged_on_request_and_one_without_direction_is_not(made):
    assert set(show.judged("activation", "test_loss")[2]["verdict"]) == {"worse", ""}
    assert set(show.judged("activation", "weight_norm")[2]["verdict"]) == {""}
    with pytest.raises(UserError, match="metric: found 'validation_loss', allowed for this study: train_loss_running"):
        show.judged("activation", "validation_loss")


def test_without_results_it_says_how_to_get_them(params_file, in_folder):
    params_file()
    with pytest.raises(
        UserError, match="reports/results/activation.csv: missing; `dvc repro train@activation` makes it"
    ):
        show.judged("activation")
