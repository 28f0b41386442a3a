import re

import pytest
from samples import classes, config, seeds

from ablate import plan, text
from pipeline.core.errors import UserError
from pipeline.execution import runs
from pipeline.execution.results import RunSpec
from pipeline.project import params
from pipeline.training.engine import Examples

EPOCHS = "studies.weight_decay.base.training.epochs"
RATE = "studies.weight_decay.base.optimizer.learning_rate"
DECAY = "studies.weight_decay.grid.optimizer.weight_decay"


def printed(capsys, studies=(), overrides=()) -> list[str]:
    text.show([plan.table(studies, overrides)])
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_runs_of_the_project_and_their_time(params_file, in_folder, capsys):
    path = params_file()
    before = path.read_bytes()
    lines = printed(capsys)
    assert lines[0] == "one run of the project"
    assert re.fullmatch(r"weight_decay 2 3 6 0 \d+ s", lines[2])
    assert re.fullmatch(r"activation 4 3 12 0 \d+ s", lines[3])
    assert re.fullmatch(r"18 runs to train, 0 in the store: \d+ s of training here", lines[4])
    # nothing is written
    assert path.read_bytes() == before
    assert sorted(in_folder.iterdir()) == [path]


def test_a_sweep_is_counted_as_dvc_would_queue_it(params_file, in_folder, capsys):
    params_file({EPOCHS: 5})
    lines = printed(capsys, ["weight_decay"], [f"{DECAY}=[0,1],[0,1,2]", f"{RATE}=0.1,0.2"])
    assert lines[0] == "4 experiments"
    assert lines[1] == f"1: {DECAY}=[0,1], {RATE}=0.1"
    assert [line.split()[:5] for line in lines[6:10]] == [
        ["1", "weight_decay", "2", "3", "6"],
        ["2", "weight_decay", "2", "3", "6"],
        ["3", "weight_decay", "3", "3", "9"],
        ["4", "weight_decay", "3", "3", "9"],
    ]
    # what a sweep leaves alone is counted once
    lines = printed(capsys, overrides=[f"{DECAY}=[0,1],[0,2],[0,3]"])
    assert [line.split()[1] for line in lines[5:-2]] == ["weight_decay", "activation", "weight_decay", "weight_decay"]
    with pytest.raises(UserError, match="-S: found more than 10000 experiments, allowed: at most 10000"):
        plan.table([], ["seeds.count=range(1,100000000000)"])


def test_runs_in_the_store_take_no_time(params_file, in_folder, capsys, monkeypatch):
    params_file()
    monkeypatch.setenv("ABLATE_STORE", str(in_folder / "store"))
    project = params.load()
    runs.train_study(project.studies["weight_decay"], project.seeds, project.datasets["linear"].make(project.seeds))
    assert printed(capsys, ["weight_decay"])[2:4] == [
        "weight_decay 2 3 6 6 0 s",
        "0 runs to train, 6 in the store: 0 s of training here",
    ]
    assert printed(capsys, ["weight_decay"], ["seeds.count=5"])[2].startswith("weight_decay 2 5 10 6 ")


def test_a_project_may_have_no_study_and_an_unknown_one_is_refused(params_file, in_folder, capsys):
    params_file({"studies": {}})
    assert printed(capsys)[1].startswith("0 runs to train, 0 in the store: 0 s")
    params_file()
    with pytest.raises(UserError, match="study: found 'gone', allowed: weight_decay, activation"):
        plan.table(["gone"], [])


# --- seconds: a busy machine is slow, so that a clock is set ----------------------------------------------------------


@pytest.fixture
def trained(monkeypatch):
    """The training configs that were timed; an epoch takes a hundredth of a second."""
    clock, timed = [0.0], []

    def train(spec, examples):
        timed.append(spec.config.training)
        clock[0] += 0.01 * spec.config.training.epochs

    monkeypatch.setattr(plan.results, "run_one", train)
    monkeypatch.setattr(plan.time, "perf_counter", lambda: clock[0])
    return timed


def test_a_few_epochs_stand_for_all(trained):
    spec = RunSpec(config({"training.epochs": 1000, "training.evaluations": 100}), seeds(1)[0], 0)
    assert plan.seconds_of(spec, Examples(classes(1))) == pytest.approx(10)
    assert trained[0].epochs == 1
    # with as many evaluations per epoch
    assert 20 <= trained[-1].epochs < 200
    assert trained[-1].evaluations == round(trained[-1].epochs / 10)
    # and never more than there are
    plan.seconds_of(RunSpec(config({"training.epochs": 3}), seeds(1)[0], 0), Examples(classes(1)))
    assert [training.epochs for training in trained[-2:]] == [1, 3]


def test_what_was_timed_once_is_not_timed_again(params_file, in_folder, trained):
    params_file()
    plan.table(["activation"], ["seeds.count=3,4"])
    assert len(trained) < 12
    first = len(trained)
    plan.table(["activation"], ["seeds.count=3"])
    assert len(trained) == 2 * first
