import numpy as np
import pandas as pd
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


def test_the_caveat_and_the_number_of_runs_that_finished_are_shown(params_file, in_folder, capsys):
    params_file({"seeds.count": 10, "studies.activation.caveat": "One epoch."})
    fill()
    path = artifacts.results_path("activation")
    runs = pd.read_csv(path)
    lost = (runs["variant"] == "activation_relu_learning_rate_0p1") & (runs["seed_index"] > 0)
    runs.loc[lost, "status"], runs.loc[lost, "test_accuracy"] = "diverged", np.nan
    runs.to_csv(path, index=False)
    project = params.load()
    text.show([show.table(project, "activation", *show.judged(project, "activation"))])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "caveat: One epoch."
    (row,) = (line.split() for line in lines if "diverged: 9 of 10" in line)
    # the one that finished, by which no effect is shown
    value = runs.loc[(runs["variant"] == "activation_relu_learning_rate_0p1") & ~lost, "test_accuracy"].item()
    assert row[4:10] == ["1", "of", "10", f"{100 * value:.1f}", "%", "0.0039"]
    assert not [cell for cell in row if cell.startswith("[")]
    # computed, not sampled: neither n nor interval
    text.show([show.table(project, "activation", *show.judged(project, "activation", "parameters"))])
    computed = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("learning")]
    assert [len(row[4:]) for row in computed] == [2, 2, 3, 3]
    assert {row[5] for row in computed} == {"baseline", "×"}


def test_another_metric_is_judged_on_request_and_one_that_is_not_random_is_not(made):
    assert set(show.judged(made, "activation", "test_loss")[1]["verdict"]) == {"worse", ""}
    assert set(show.judged(made, "activation", "weight_norm")[1]["verdict"]) == {"higher", ""}
    assert set(show.judged(made, "activation", "parameters")[1]["verdict"]) == {""}
    with pytest.raises(UserError, match="metric: found 'validation_loss', allowed for this study: train_loss_running"):
        show.judged(made, "activation", "validation_loss")
