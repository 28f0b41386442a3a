import pytest
from trained import fill

from ablate import power, text
from pipeline.analysis import power as analysis
from pipeline.core.errors import UserError

NOTHING = {"metric": None, "seeds": None, "size": None, "sd": None, "wanted": 0.8}


def printed(capsys, study="activation", **options) -> list[str]:
    text.show(power.tables(study, **{**NOTHING, **options}))
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def made(params_file, in_folder):
    params_file({"seeds.count": 10})
    fill()


def test_before_any_run_a_spread_is_enough(params_file, in_folder, capsys):
    params_file({"seeds.count": 10})
    found = printed(capsys, sd=0.01)
    detectable = analysis.detectable(0.01, 10, 2, 0.05)
    needed = analysis.seeds_for(0.005, 0.01, 2, 0.05)
    assert found[1] == "2 variants are judged together (Holm, alpha 0.05), which takes at least 7 seeds"
    assert found[2] == "variant n sd of differences 10 seeds find seeds for 0.50 points"
    assert found[3] == f"learning rate 0.1, relu 0.01 {100 * detectable:.2f} points {needed}"
    assert "80 %" in found[-1]


def test_the_floor_is_said_first(made, capsys):
    found = printed(capsys, seeds=5)
    assert found[1] == "5 seeds can not show anything: the smallest adjusted p is 0.12"
    assert found[4].split()[-2] == "nothing"


def test_the_spread_of_the_runs_there_are_is_taken(made, capsys):
    _, row = [line for line in printed(capsys) if "relu" in line]
    assert row.split()[3:5] == ["relu", "10"]
    assert 0.001 < float(row.split()[5]) < 0.01
    # of losses the spread of log ratios, and ratios
    found = printed(capsys, metric="test_loss")
    assert found[2] == "variant n sd of log ratios 10 seeds find seeds for × 1.05"


@pytest.mark.parametrize(("size", "words"), [(0.8, "seeds for × 0.800"), (1.25, "seeds for × 1.25")])
def test_of_a_loss_an_effect_is_a_ratio(size, words, made, capsys):
    found = printed(capsys, "weight_decay", size=size)
    assert words in found[2]
    # a ratio and its inverse are effects of one size
    assert found[3].split()[-1] == str(analysis.seeds_for(0.22314, float(found[3].split()[2]), 1, 0.05))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0.0}, "effect: found 0, allowed: a difference above 0"),
        ({"size": 1.0, "metric": "test_loss"}, "effect: found 1, allowed: a ratio above 0 that is not 1"),
        ({"metric": "weight_norm"}, "metric: found 'weight_norm', allowed for this study: train_loss_running"),
    ],
)
def test_what_makes_no_sense_is_refused(options, words, made):
    with pytest.raises(UserError, match=words):
        power.tables("activation", **{**NOTHING, **options})


def test_without_margin_and_effect_only_the_detectable_is_said(params_file, in_folder, capsys):
    params_file({"seeds.count": 10, "judging.margins": {}})
    found = printed(capsys, sd=0.01)
    assert found[2].endswith("10 seeds find seeds")
    assert found[3].endswith("points")


def test_more_seeds_than_there_may_be(made, capsys):
    assert "more than 100,000" in printed(capsys, sd=10.0, size=0.0001)[3]
