"""Figures are tested by what they draw, not by pixels."""

import matplotlib
import numpy as np
import pytest
from report.sections import made

from pipeline.report import figures


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        yield


def of(study: str, count: int = 3):
    return next(section for section in made(count).sections if section.study.id == study)


def panels(figure) -> list:
    return figure.get_axes()


def test_the_effects_figure_draws_every_finished_run_and_every_centre_with_its_interval():
    section = of("activation")
    table = section.effects["test_accuracy"]
    figure = figures.effects(section)
    assert [axes.get_title() for axes in panels(figure)] == ["learning rate 0.1", "learning rate 0.5"]
    for axes, block in zip(panels(figure), ("learning rate 0.1", "learning rate 0.5"), strict=True):
        rows = table[table["block"] == block]
        dots = np.concatenate([np.asarray(points.get_offsets())[:, 1] for points in axes.collections[:2]])
        runs = section.results[section.results["variant"].isin(rows["variant"])]
        assert sorted(dots) == sorted(runs["test_accuracy"])
        bars = [bar.lines for bar in axes.containers]
        assert [float(line.get_ydata()[0]) for line, _, _ in bars] == rows["estimate"].tolist()
        lows = [float(caps[0].get_ydata()[0]) for _, caps, _ in bars]
        assert lows == pytest.approx(rows["low"].tolist())
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["sigmoid", "relu"]
        assert axes.get_yscale() == "linear"


def test_a_loss_is_drawn_on_a_log_axis_that_says_so():
    (axes,) = panels(figures.effects(of("weight_decay")))
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "test loss (log scale)"
    assert axes.get_xlabel() == "weight decay"


def test_diverged_runs_are_said_in_the_figure():
    (axes,) = panels(figures.effects(of("named")))
    assert [text.get_text() for text in axes.texts] == ["3 of 3 runs diverged"]


def test_curves_draw_both_splits_of_every_variant_with_a_band():
    section = of("weight_decay")
    (axes,) = panels(figures.curves(section))
    lines = [line for line in axes.lines if len(line.get_xdata())]
    assert len(lines) == len(axes.collections) == 4
    drawn = sorted(tuple(line.get_ydata()) for line in lines)
    tables = section.curves.groupby(["variant", "split"])["estimate"]
    assert drawn == sorted(tuple(group) for _, group in tables)
    assert {line.get_linestyle() for line in lines} == {"-", "--"}


def test_layers_have_a_row_for_each_quantity_and_a_column_for_each_block():
    section = of("activation")
    grid = panels(figures.layers(section))
    assert len(grid) == 4
    gradients = grid[0]
    assert max(max(line.get_xdata()) for line in gradients.lines) == 3  # weights of two hidden layers and the output
    assert max(max(line.get_xdata()) for line in grid[2].lines) == 2  # activations of two hidden layers


@pytest.mark.parametrize("study", ["weight_decay", "activation", "named", "ridge", "selection", "predictions"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_same_tables_give_the_same_bytes_without_date_or_tool(study, count):
    section = of(study, count)
    first, second = figures.pictures(section), figures.pictures(section)
    assert first == second
    for one in first:
        assert one.svg.startswith("<?xml")
        for word in ("dc:date", "dc:creator", "Matplotlib v"):
            assert word not in one.svg


@pytest.mark.parametrize(
    ("count", "words"), [(3, ["over 3 seeds and", "its 95 % interval"]), (1, ["over 1 seed (no interval"])]
)
def test_captions_say_how_many_seeds(count, words):
    for one in figures.pictures(of("activation", count)):
        assert all(word in one.caption for word in words)
        assert ("band" in one.caption) <= (count > 1)


def test_a_variant_that_wholly_diverged_keeps_its_place_on_the_axis():
    (axes,) = panels(figures.effects(of("named")))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["plain", "wild"]
    low, high = axes.get_xlim()
    assert low < 0 < 1 < high


def test_the_path_of_a_number_has_every_split_and_the_gap():
    section = of("ridge")
    above, below = panels(figures.path(section))
    lines = {line.get_label(): line for line in above.lines}
    assert set(lines) == {"training", "validation", "test"}
    for label, metric in (("training", "train_loss"), ("validation", "validation_loss"), ("test", "test_loss")):
        assert list(lines[label].get_ydata()) == section.effects[metric]["estimate"].tolist()
    assert list(below.lines[0].get_ydata()) == section.effects["loss_gap"]["estimate"].tolist()
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["0", "1", "3", "10"]


@pytest.mark.parametrize(
    ("study", "names"),
    [
        ("weight_decay", ["effects", "curves"]),
        ("activation", ["effects", "curves", "layers"]),
        ("named", ["effects", "curves"]),
        ("ridge", ["ridge", "effects", "path", "curves"]),
        ("weights", ["weights", "effects", "curves"]),
        ("selection", ["selection", "effects", "curves", "layers"]),
        ("predictions", ["predictions", "effects", "curves", "layers"]),
        ("capacity", ["capacity", "effects", "curves"]),
        ("shifted", ["shift", "effects", "curves"]),
    ],
)
def test_a_study_has_the_figures_that_it_names_and_that_its_factors_ask_for(study, names):
    assert [one.name for one in figures.pictures(of(study))] == names
