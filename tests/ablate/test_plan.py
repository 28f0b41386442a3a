import re

import pytest

from ablate import plan, text
from pipeline.core.errors import UserError

EPOCHS = "studies.weight_decay.base.training.epochs"
DECAY = "studies.weight_decay.grid.optimizer.weight_decay"


def printed(capsys, studies=(), overrides=()) -> list[str]:
    text.show(plan.tables(studies, overrides))
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_runs_of_the_project_and_their_time(params_file, in_folder, capsys):
    path = params_file()
    before = path.read_bytes()
    found = printed(capsys)
    assert found[0] == "one run of the project"
    assert re.fullmatch(r"weight_decay 2 3 6 0 \d+ s", found[2])
    assert re.fullmatch(r"activation 4 3 12 0 \d+ s", found[3])
    assert re.fullmatch(r"18 runs to train, 0 in the store: \d+ s of training here", found[4])
    # nothing is written
    assert path.read_bytes() == before
    assert sorted(in_folder.iterdir()) == [path]


def test_a_sweep_is_counted_as_dvc_would_queue_it(params_file, in_folder, capsys):
    params_file({f"{EPOCHS}": 5})
    overrides = [f"{DECAY}=[0,1],[0,1,2]", "studies.weight_decay.base.optimizer.learning_rate=0.1,0.2"]
    found = printed(capsys, ["weight_decay"], overrides)
    assert found[0] == "4 experiments"
    assert found[1] == f"1: {DECAY}=[0,1], studies.weight_decay.base.optimizer.learning_rate=0.1"
    assert [line.split()[:5] for line in found[6:10]] == [
        ["1", "weight_decay", "2", "3", "6"],
        ["2", "weight_decay", "2", "3", "6"],
        ["3", "weight_decay", "3", "3", "9"],
        ["4", "weight_decay", "3", "3", "9"],
    ]


def test_what_a_sweep_leaves_alone_is_counted_once(params_file, in_folder, capsys):
    params_file()
    found = printed(capsys, overrides=[f"{DECAY}=[0,1],[0,2],[0,3]"])
    assert [line.split()[1] for line in found[5:-2]] == ["weight_decay", "activation", "weight_decay", "weight_decay"]


def test_runs_in_the_store_take_no_time(params_file, in_folder, capsys, monkeypatch):
    from pipeline import data
    from pipeline.execution import runs
    from pipeline.project import params

    params_file()
    monkeypatch.setenv("ABLATE_STORE", str(in_folder / "store"))
    project = params.load()
    runs.train(project.studies["weight_decay"], project.seeds, data.make(project.datasets["linear"], project.seeds))
    assert printed(capsys, ["weight_decay"])[2:4] == [
        "weight_decay 2 3 6 6 0 s",
        "0 runs to train, 6 in the store: 0 s of training here",
    ]
    assert printed(capsys, ["weight_decay"], ["seeds.count=5"])[2].startswith("weight_decay 2 5 10 6 ")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("gone=1", "-S: Invalid `--set-param` value"),
        ("=", "-S: "),
        (f"{DECAY}=[0,-1]", rf"^params.yaml: {DECAY}: found -1"),
        ("seeds.count=range(1,20001)", "-S: found more than 10000 experiments, allowed: at most 10000"),
        ("seeds.count=range(1,100000000000)", "-S: found more than 10000 experiments, allowed: at most 10000"),
    ],
)
def test_a_wrong_override_is_refused_as_dvc_would(override, words, params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match=words):
        plan.tables([], [override])


def test_an_unknown_study_is_refused(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match="study: found 'gone', allowed: weight_decay, activation"):
        plan.tables(["gone"], [])
