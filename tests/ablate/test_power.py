import pytest
from trained import fill

from ablate import power, text
from pipeline.analysis import power as analysis
from pipeline.core.errors import UserError

DEFAULTS = {"metric": None, "seeds": None, "size": None, "sd": None, "probability": 0.8}


def printed(capsys, study="activation", **options) -> list[str]:
    text.show([power.table(study, **{**DEFAULTS, **options})])
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def made(params_file, in_folder):
    params_file({"seeds.count": 10})
    fill()


def test_before_any_run_a_spread_is_enough(params_file, in_folder, capsys):
    params_file({"seeds.count": 10})
    lines = printed(capsys, sd=0.01)
    detectable = 0.01 * analysis.detectable(10, 2, 0.05)
    needed = analysis.seeds_for(0.005, 0.01, 2, 0.05)
    assert lines[1] == "2 variants are judged together (Holm, alpha 0.05): at least 7 seeds are needed"
    assert lines[2] == "variant n sd of differences 10 seeds detect seeds for 0.50 points"
    assert lines[3] == f"learning rate 0.1, relu 0.01 {100 * detectable:.2f} points {needed}"
    assert "80 %" in lines[-1]
    # without margin and effect
    params_file({"seeds.count": 10, "judging.margins": {}})
    lines = printed(capsys, sd=0.01)
    assert lines[2].endswith("10 seeds detect seeds")
    assert lines[3].endswith("points")


def test_the_spread_of_the_runs_is_taken(made, capsys):
    lines = printed(capsys)
    row = lines[4].split()
    assert row[3:5] == ["relu", "10"]
    assert 0.001 < float(row[5]) < 0.01
    # for losses the spread of log ratios, and ratios
    assert printed(capsys, metric="test_loss")[2] == "variant n sd of log ratios 10 seeds detect seeds for × 1.05"
    # the smallest p comes first
    lines = printed(capsys, seeds=5)
    assert lines[1] == "5 seeds cannot show any effect: the smallest adjusted p is 0.12"
    assert lines[4].split()[-2] == "nothing"
    assert "more than 100,000" in printed(capsys, sd=10.0, size=0.0001)[3]
    assert " 1 seed detects " in printed(capsys, seeds=1)[3]


def test_for_a_loss_an_effect_is_a_ratio(made, capsys):
    for size, words in (0.8, "seeds for × 0.800"), (1.25, "seeds for × 1.25"):
        lines = printed(capsys, "weight_decay", size=size)
        assert words in lines[2]
        # a ratio and its inverse are effects of one size
        assert lines[3].split()[-1] == str(analysis.seeds_for(0.22314, float(lines[3].split()[2]), 1, 0.05))


def test_what_is_unknown_is_said(params_file, in_folder, capsys):
    params_file({"seeds.count": 1})
    fill()
    lines = printed(capsys)
    assert lines[4].endswith("relu 1 unknown")
    assert lines[-1] == "unknown: fewer than 2 seeds, or runs that diverged"
    single = {"grid": {"model": {"activation": ["relu"]}}, "baseline": {"model": {"activation": "relu"}}}
    params_file({f"studies.activation.{key}": value for key, value in single.items()})
    assert printed(capsys, sd=0.1)[1] == "one variant: nothing to compare"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0.0}, "effect: found 0, allowed: a difference above 0"),
        ({"size": 1.0, "metric": "test_loss"}, "effect: found 1, allowed: a ratio above 0 that is not 1"),
        ({"metric": "weight_norm"}, "metric: found 'weight_norm', allowed for this study: train_loss_running"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message, made):
    with pytest.raises(UserError, match=message):
        power.table("activation", **{**DEFAULTS, **options})
