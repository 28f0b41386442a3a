"""Named figures, by what they draw."""

import dataclasses

import numpy as np
import pytest
from report.sections import made

from pipeline.report import named


def of(study: str):
    return next(section for section in made().sections if section.study.id == study)


def test_predictions_are_said_under_the_images_right_ones_and_wrong_ones():
    section = of("predictions")
    figure = named.predictions(section)
    axes = figure.get_axes()
    shown = [one for one in axes if one.images]
    table = section.diagnostics.pictures
    assert len(shown) == len(table) > 8
    for one, row in zip(shown, table.itertuples(), strict=True):
        words = one.get_title().split("\nis ")
        assert words[0] == row.prediction
        assert (row.prediction == row.truth) == row.right
        if not row.right:
            assert words[1] == row.truth
        np.testing.assert_allclose(one.images[0].get_array(), np.reshape(row.pixels, (8, 8)))


def test_learned_weights_stand_beside_the_true_ones():
    section = of("weights")
    (axes,) = named.weights(section).get_axes()
    *_, truth = axes.collections
    assert np.asarray(truth.get_offsets())[:, 1].tolist() == [0.01] * 30
    dots = axes.collections[0].get_offsets()
    own = section.diagnostics.weights[section.diagnostics.weights["variant"] == "weight_decay_0"]
    assert own["place"].max() == 30  # the bias, which is no weight
    assert sorted(np.asarray(dots)[:, 1]) == sorted(own.loc[own["place"] < 30, "value"])


def test_training_stands_beside_its_closed_form():
    section = of("ridge")
    norm, loss = named.ridge(section).get_axes()
    for axes, metric in ((norm, "weight_norm"), (loss, "test_loss")):
        trained, solved = axes.lines[:2]
        assert list(trained.get_ydata()) == section.effects[metric]["estimate"].tolist()
        assert list(solved.get_ydata()) == section.effects[f"closed_form_{metric}"]["estimate"].tolist()


def test_every_seed_chooses_once_with_each_rule():
    section = of("selection")
    axes = named.selection(section).get_axes()
    heights = [sum(bar.get_height() for bar in container) for one in axes for container in one.containers]
    assert heights == [section.seeds] * 4  # two blocks, two rules


def test_training_and_test_stand_at_the_number_of_parameters():
    section = of("capacity")
    above, below = named.capacity(section).get_axes()
    sizes = section.effects["parameters"]["estimate"].tolist()
    assert sizes == pytest.approx([31, 31 * 4 + 5, 31 * 4 + 5 * 4 + 5])
    assert [bar.lines[0].get_xdata()[0] for bar in above.containers] == sizes * 2
    assert [bar.lines[0].get_ydata()[0] for bar in below.containers] == section.effects["loss_gap"]["estimate"].tolist()


@pytest.mark.parametrize("study", ["shifted", "labels"])
def test_boundaries_lie_where_two_classes_are_as_likely(study):
    section = of(study)
    figure = named.shift(section)
    left, _ = figure.get_axes()
    weights = section.diagnostics.weights
    own = weights[(weights["variant"] == section.study.variants[0].id) & (weights["seed_index"] == 0)]["value"]
    classes = len(own) // 3
    matrix, bias = own.to_numpy()[: 2 * classes].reshape(2, classes), own.to_numpy()[2 * classes :]
    lines = [one for one in left.collections if hasattr(one, "levels")]
    assert lines
    paths = [path.vertices for one in lines[: classes - 1] for path in one.get_paths() if len(path.vertices)]
    for vertices in paths[:1]:
        outputs = np.sort(vertices @ matrix + bias, axis=1)
        # the contour's end, where a third class takes over, lies within a cell of the grid
        assert np.quantile(np.abs(outputs[:, -1] - outputs[:, -2]), 0.9) < 1e-6
    points = sum(len(one.get_offsets()) for one in left.collections if not hasattr(one, "levels"))
    assert points == (section.diagnostics.points["split"] == "train").sum()


def test_the_bias_of_a_small_model_is_not_drawn_as_a_weight_of_a_large_one():
    section = of("weights")
    first, other = section.study.variants
    small = dataclasses.replace(
        first,
        config=first.config.model_copy(update={"model": first.config.model.model_copy(update={"features": 5})}),
    )
    section = dataclasses.replace(section, study=dataclasses.replace(section.study, variants=(small, other)))
    (axes,) = named.weights(section).get_axes()
    places = np.asarray(axes.collections[0].get_offsets())[:, 0]
    assert set(np.round(places).tolist()) == {0, 1, 2, 3, 4}
