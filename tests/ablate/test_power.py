import numpy as np
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
    detectable = 0.01 * analysis.detectable(10, 2, 0.05, margin=0.5)
    needed = analysis.seeds_for(0.005, 0.01, 2, 0.05, margin=0.005)
    equivalent = analysis.seeds_for(0.0, 0.01, 2, 0.05, margin=0.005)
    assert lines[1] == "2 variants are judged together (Holm, alpha 0.05): at least 7 seeds are needed"
    assert lines[2] == "variant n sd of differences 10 seeds detect seeds for ± 0.50 points seeds for equivalent"
    assert lines[3] == f"learning rate 0.1, relu 0.01 ± {100 * detectable:.2f} points {needed} {equivalent}"
    assert lines[-2].startswith("detected: better or worse with a probability of 80 %")
    assert "within ± 0.50 points" in lines[-1]
    # without margin and effect
    params_file({"seeds.count": 10, "judging.margins": {}})
    lines = printed(capsys, sd=0.01)
    assert lines[2].endswith("10 seeds detect seeds")
    assert lines[3] == f"learning rate 0.1, relu 0.01 ± {analysis.detectable(10, 2, 0.05):.2f} points"
    assert not [line for line in lines if "equivalent" in line]


def test_below_the_margin_the_verdict_to_find_is_equivalent(params_file, in_folder, capsys):
    """An effect of 0.13 points is within the margin of 0.5: no number of seeds finds it better or worse."""
    params_file({"seeds.count": 10})
    for size in (0.0013, 0.0049):
        lines = printed(capsys, sd=0.002, size=size)
        needed = [analysis.seeds_for(effect, 0.002, 2, 0.05, margin=0.005) for effect in (size, 0.0)]
        assert lines[3].split()[-2:] == [str(count) for count in needed]
        assert needed[0] >= needed[1]
        assert (
            lines[-1] == f"± {100 * size:.2f} points lies within the margin: the verdict to expect of it is equivalent"
        )
        assert analysis.power(size, 0.002, needed[0], 0.025, margin=0.005) < 0.2
    lines = printed(capsys, sd=0.002, size=0.006)
    assert not lines[-1].endswith("equivalent")
    assert analysis.power(0.006, 0.002, int(lines[3].split()[-2]), 0.025, margin=0.005) >= 0.8
    # for a loss both a ratio and its inverse; the margin of the study comes first
    margin = {"studies.weight_decay.margin": 1.2}
    for size, within in ((0.9, True), (1.1, True), (0.8, False), (1.25, False)):
        params_file(margin)
        assert (printed(capsys, "weight_decay", sd=0.1, size=size)[-1].endswith("equivalent")) == within


def test_a_metric_without_better_direction_is_higher_or_lower(params_file, in_folder, capsys):
    params_file({"seeds.count": 10})
    lines = printed(capsys, metric="loss_gap", sd=0.1, size=0.2)
    assert lines[0].endswith("neither way is better")
    assert lines[-1].startswith("detected: higher or lower with a probability of 80 %")


def test_the_spread_of_the_runs_is_taken(made, capsys):
    lines = printed(capsys)
    row = lines[4].split()
    assert row[3:5] == ["relu", "10"]
    assert 0.001 < float(row[5]) < 0.01
    # for losses the spread of log ratios, and ratios
    header = "variant n sd of log ratios 10 seeds detect seeds for × 0.952 or × 1.05 seeds for equivalent"
    assert printed(capsys, metric="test_loss")[2] == header
    # the smallest p comes first
    lines = printed(capsys, seeds=5)
    assert lines[1] == "5 seeds cannot show any effect: the smallest adjusted p is 0.12"
    assert lines[4].split()[-3] == "nothing"
    assert "more than 100,000" in printed(capsys, sd=10.0, size=0.0001)[3]
    assert " 1 seed detects " in printed(capsys, seeds=1)[3]


def test_for_a_loss_an_effect_is_a_ratio(made, capsys):
    for size in (0.8, 1.25):
        lines = printed(capsys, "weight_decay", size=size)
        # a ratio and its inverse are effects of one size
        assert "seeds for × 0.800 or × 1.25" in lines[2]
        sd = float(lines[3].split()[2])
        assert lines[3].split()[-2] == str(analysis.seeds_for(0.22314, sd, 1, 0.05, margin=np.log(1.05)))


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
        ({"metric": "parameters"}, "metric: found 'parameters', allowed for this study: train_loss_running"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message, made):
    with pytest.raises(UserError, match=message):
        power.table("activation", **{**DEFAULTS, **options})
