"""Figures are tested by what they draw, not by pixels."""

import dataclasses

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from report.sections import of

from pipeline.project.figures import NAMED
from pipeline.report import drawing
from pipeline.report import study_figures as figures


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        yield


def heights(axes) -> list:
    """The estimates that bars with intervals stand at, in the order of drawing."""
    return [bar.lines[0].get_ydata()[0] for bar in axes.containers]


# --- the registry ----------------------------------------------------------------------------------------------------


def test_every_figure_that_a_study_may_name_can_be_drawn():
    assert set(NAMED) <= set(figures.FIGURES)


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
@pytest.mark.parametrize("count", [1, 3])
def test_a_study_has_the_figure_that_it_names_and_those_that_follow_from_its_factors(study, names, count):
    sketches = figures.sketches(of(study, count))
    assert [sketch.name for sketch in sketches] == names
    for sketch in sketches:
        svg = drawing.svg(sketch.draw)
        assert svg.startswith("<?xml")
        assert not [word for word in ("dc:date", "dc:creator", "Matplotlib v") if word in svg]
        assert sketch.caption[0].isupper()
        assert "{" not in sketch.caption
        if study in ("weight_decay", "activation", "selection"):
            assert drawing.svg(sketch.draw) == svg  # byte for byte


@pytest.mark.parametrize(
    ("count", "parts"), [(3, ["over 3 seeds and", "its 95 % interval"]), (1, ["over 1 seed (no interval"])]
)
def test_captions_say_how_many_seeds(count, parts):
    for sketch in figures.sketches(of("activation", count)):
        assert all(part in sketch.caption for part in parts)
        assert ("band" in sketch.caption) <= (count > 1)


# --- figures that a study names --------------------------------------------------------------------------------------


def test_predictions_stand_above_the_images():
    section = of("predictions")
    shown = [axes for axes in figures.predictions(section).get_axes() if axes.images]
    table = section.diagnostics.pictures
    assert len(shown) == len(table) > 8
    for axes, row in zip(shown, table.itertuples(), strict=True):
        assert axes.get_title().split("\nis ") == [row.prediction, *([] if row.right else [row.truth])]
        assert (row.prediction == row.truth) == row.right
        np.testing.assert_allclose(axes.images[0].get_array(), np.reshape(row.pixels, (8, 8)))


def test_learned_weights_without_bias_stand_beside_the_true_ones():
    section = of("weights")
    (axes,) = figures.weights(section).get_axes()
    *_, truth = axes.collections
    assert np.asarray(truth.get_offsets())[:, 1].tolist() == [0.01] * 30
    learned = section.diagnostics.weights[section.diagnostics.weights["variant"] == "weight_decay_0"]
    assert learned["position"].max() == 30  # the bias
    dots = np.asarray(axes.collections[0].get_offsets())[:, 1]
    assert sorted(dots) == sorted(learned.loc[learned["position"] < 30, "value"])


def test_the_bias_of_a_small_model_is_not_drawn_as_a_weight_of_a_large_one():
    section = of("weights")
    first, other = section.study.variants
    model = first.config.model.model_copy(update={"features": 5})
    small = dataclasses.replace(first, config=first.config.model_copy(update={"model": model}))
    section = dataclasses.replace(section, study=dataclasses.replace(section.study, variants=(small, other)))
    (axes,) = figures.weights(section).get_axes()
    positions = np.asarray(axes.collections[0].get_offsets())[:, 0]
    assert set(np.round(positions).tolist()) == {0, 1, 2, 3, 4}


def test_training_stands_beside_its_closed_form():
    section = of("ridge")
    for axes, metric in zip(figures.ridge(section).get_axes(), ("weight_norm", "test_loss"), strict=True):
        trained, solved = axes.lines[:2]
        assert list(trained.get_ydata()) == section.effects[metric]["estimate"].tolist()
        assert list(solved.get_ydata()) == section.effects[f"closed_form_{metric}"]["estimate"].tolist()


def test_every_seed_chooses_once_with_each_rule_if_any_variant_finished():
    section = of("selection")
    panels = figures.selection(section).get_axes()
    counts = [sum(bar.get_height() for bar in container) for axes in panels for container in axes.containers]
    assert counts == [section.seeds] * 4  # two blocks, two rules
    panels = figures.selection(dataclasses.replace(section, choices=section.choices[:0])).get_axes()
    assert [text.get_text() for axes in panels for text in axes.texts] == ["none: of every variant a run diverged"] * 2


def test_training_and_test_stand_at_the_number_of_parameters():
    section = of("capacity")
    above, below = figures.capacity(section).get_axes()
    sizes = section.effects["parameters"]["estimate"].tolist()
    assert sizes == pytest.approx([31, 31 * 4 + 5, 31 * 4 + 5 * 4 + 5])
    assert [bar.lines[0].get_xdata()[0] for bar in above.containers] == sizes * 2
    assert heights(below) == section.effects["loss_gap"]["estimate"].tolist()


@pytest.mark.parametrize("study", ["shifted", "labels"])
def test_boundaries_lie_where_two_classes_are_equally_likely(study):
    section = of(study)
    left, _ = figures.shift(section).get_axes()
    weights = section.diagnostics.weights
    first = (weights["variant"] == section.study.variants[0].id) & (weights["seed_index"] == 0)
    first, second, biases = weights.loc[first, "value"].to_numpy().reshape(3, -1)
    lines = [collection for collection in left.collections if hasattr(collection, "levels")]
    vertices = next(path.vertices for line in lines for path in line.get_paths() if len(path.vertices))
    outputs = np.sort(vertices @ np.stack([first, second]) + biases, axis=1)
    # the end of the contour, where a third class takes over, lies within a cell of the grid
    assert np.quantile(np.abs(outputs[:, -1] - outputs[:, -2]), 0.9) < 1e-6
    points = sum(len(dots.get_offsets()) for dots in left.collections if not hasattr(dots, "levels"))
    assert points == (section.diagnostics.points["split"] == "train").sum()
    diverged = dataclasses.replace(section.diagnostics, weights=weights.assign(value=np.inf))
    left, _ = figures.shift(dataclasses.replace(section, diagnostics=diverged)).get_axes()
    assert not [collection for collection in left.collections if hasattr(collection, "levels")]


# --- figures that follow from the factors ----------------------------------------------------------------------------


def test_effects_show_every_finished_run_and_every_estimate_with_its_interval():
    section = of("activation")
    table, blocks = section.effects["test_accuracy"], ["learning rate 0.1", "learning rate 0.5"]
    for axes, block in zip(figures.effects(section).get_axes(), blocks, strict=True):
        assert axes.get_title() == block
        rows = table[table["block"] == block]
        dots = [artist.get_offsets() for artist in axes.collections if isinstance(artist, PathCollection)]
        runs = section.results[section.results["variant"].isin(rows["variant"])]
        assert sorted(np.concatenate(dots)[:, 1]) == sorted(runs["test_accuracy"])
        assert heights(axes) == rows["estimate"].tolist()
        lows = [caps[0].get_ydata()[0] for _, caps, _ in (bar.lines for bar in axes.containers)]
        assert lows == pytest.approx(rows["low"].tolist())
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["sigmoid", "relu"]
        assert axes.get_yscale() == "linear"


def test_a_loss_is_drawn_on_a_log_axis_that_says_so():
    (axes,) = figures.effects(of("weight_decay")).get_axes()
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "test loss (log scale)")
    assert axes.get_xlabel() == "weight decay"


def test_a_variant_whose_runs_all_diverged_keeps_its_tick_and_says_so():
    (axes,) = figures.effects(of("named")).get_axes()
    assert [text.get_text() for text in axes.texts] == ["3 of 3 runs diverged"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["plain", "wild"]
    assert axes.get_xlim() == (-0.5, 1.5)


def test_the_path_of_a_number_has_every_split_and_the_gap():
    section = of("ridge")
    above, below = figures.path(section).get_axes()
    lines = {line.get_label(): list(line.get_ydata()) for line in above.lines}
    splits = {"training": "train", "validation": "validation", "test": "test"}
    assert lines == {label: section.effects[f"{split}_loss"]["estimate"].tolist() for label, split in splits.items()}
    assert list(below.lines[0].get_ydata()) == section.effects["loss_gap"]["estimate"].tolist()
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["0", "1", "3", "10"]


def test_curves_draw_both_splits_of_every_variant_with_a_band():
    section = of("weight_decay")
    (axes,) = figures.curves(section).get_axes()
    assert len(axes.lines) == len(axes.collections) == 4
    tables = section.curves.groupby(["variant", "split"])["estimate"]
    assert sorted(tuple(line.get_ydata()) for line in axes.lines) == sorted(tuple(group) for _, group in tables)
    assert {line.get_linestyle() for line in axes.lines} == {"-", "--"}


def test_layers_have_a_row_for_each_quantity_and_a_column_for_each_block():
    panels = figures.layers(of("activation")).get_axes()
    depths = [max(max(line.get_xdata()) for line in axes.lines) for axes in panels]
    assert depths == [3, 3, 2, 2]  # gradients of two hidden layers and the output; activations of the hidden layers
