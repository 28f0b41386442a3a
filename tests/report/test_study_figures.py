"""Figures are tested by what they draw, not by pixels."""

import dataclasses
import io
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from report.drawings import built, drawn, many, panels
from report.sections import of

from pipeline.project.figures import NAMED
from pipeline.report import colours, drawing
from pipeline.report import study_figures as figures
from pipeline.report.figures import render
from pipeline.report.section import Section

# --- the registry ----------------------------------------------------------------------------------------------------


def test_every_figure_that_a_study_may_name_can_be_drawn():
    assert set(NAMED) <= set(figures.FIGURES)


@pytest.mark.parametrize(
    ("study", "names"),
    [
        ("weight_decay", ["effects", "curves"]),
        ("activation", ["effects", "curves", "layers"]),
        ("named", ["effects", "curves"]),
        ("ridge", ["effects", "ridge", "path", "curves"]),
        ("weights", ["effects", "weights", "curves"]),
        ("selection", ["effects", "selection", "curves", "layers"]),
        ("predictions", ["effects", "heat", "predictions", "curves", "layers"]),
        ("initialization", ["effects", "curves", "signals", "layers"]),
        ("capacity", ["effects", "capacity", "curves"]),
        ("shifted", ["effects", "shift", "curves"]),
        ("labels", ["effects", "shift", "curves"]),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_a_study_has_the_figure_that_it_names_and_those_that_follow_from_its_factors(study, names, count):
    sketches = figures.sketches(of(study, count))
    assert [sketch.name for sketch in sketches] == [name for name in names if name != "heat"]
    for sketch in sketches:
        files = render(sketch)
        text = files["svg"].decode()
        assert text.startswith("<?xml")
        assert f'width="{72 * drawing.WIDTH:g}pt"' in text
        assert not [word for word in ("dc:date", "dc:creator", "Matplotlib v") if word in text]
        assert files["png"].startswith(b"\x89PNG")
        assert len(pd.read_csv(io.BytesIO(files["csv"])))
        assert sketch.caption[0].isupper()
        assert "{" not in sketch.caption
        if study in ("weight_decay", "activation", "selection"):
            assert render(sketch) == files  # byte for byte


@pytest.mark.parametrize(
    ("count", "parts"), [(3, ["over 3 seeds and", "its 95 % interval"]), (1, ["over 1 seed (no interval"])]
)
def test_captions_say_how_many_seeds(count, parts):
    for sketch in figures.sketches(of("activation", count)):
        assert all(part in sketch.caption for part in parts)
        assert ("band" in sketch.caption) <= (count > 1)


def test_sources_are_the_files_that_a_figure_is_drawn_from():
    sources = {sketch.name: sketch.sources for sketch in figures.sketches(of("predictions"))}
    assert sources["effects"] == ("reports/results/predictions.csv",)
    assert sources["curves"] == ("data/curves/predictions.csv",)
    assert sources["layers"] == sources["predictions"] == ("data/diagnostics/predictions.npz",)


# --- figures that a study names --------------------------------------------------------------------------------------


def test_predictions_stand_above_the_images():
    section = of("predictions")
    made = drawn("predictions", section)
    (axes,) = made.figure.get_axes()
    table = section.diagnostics.pictures
    assert len(axes.images) == len(table) == len(made.data) > 8
    for image, row in zip(axes.images, table.itertuples(), strict=True):
        assert (row.prediction == row.truth) == row.right
        np.testing.assert_allclose(image.get_array(), np.reshape(row.pixels, (8, 8)))
        left, right, below, above = image.get_extent()
        words = {
            text.get_position()[1]: text.get_text() for text in axes.texts if left < text.get_position()[0] < right
        }
        assert words[above] == row.prediction
        assert words.get(below) == (None if row.right else row.truth)


def test_variants_with_the_same_predictions_share_their_rows():
    section = of("predictions")
    pictures = section.diagnostics.pictures
    variants = section.study.variants[:2]
    first = pictures[pictures["variant"] == variants[0].id]
    for prediction, rows in ((first["prediction"], 1), (first["truth"].to_numpy()[::-1], 2)):
        second = first.assign(variant=variants[1].id, prediction=prediction)
        diagnostics = dataclasses.replace(section.diagnostics, pictures=pd.concat([first, second]))
        made = drawn("predictions", dataclasses.replace(section, diagnostics=diagnostics))
        (axes,) = made.figure.get_axes()
        assert len(axes.images) == rows * len(first)
        assert len(made.data) == 2 * len(first)
        together = f"{variants[0].name}; {variants[1].name}: right"
        assert (together in [text.get_text() for text in axes.texts]) == (rows == 1)


def test_learned_weights_without_bias_stand_beside_the_true_ones():
    section = of("weights")
    (axes,) = panels("weights", section)
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
    (axes,) = panels("weights", section)
    positions = np.asarray(axes.collections[0].get_offsets())[:, 0]
    assert set(np.round(positions).tolist()) == {0, 1, 2, 3, 4}


def test_training_stands_beside_its_closed_form():
    section = of("ridge")
    for axes, metric in zip(panels("ridge", section), ("weight_norm", "test_loss"), strict=True):
        trained, solved = axes.lines[:2]
        assert list(trained.get_ydata()) == section.effects[metric]["estimate"].tolist()
        assert list(solved.get_ydata()) == section.effects[f"closed_form_{metric}"]["estimate"].tolist()
        assert axes.get_yscale() == "log"


def test_every_seed_chooses_once_with_each_rule_if_any_variant_finished():
    section = of("selection")
    made = drawn("selection", section)
    counts = [sum(bar.get_height() for bar in bars) for axes in made.figure.get_axes() for bars in axes.containers]
    assert counts == [section.seeds] * 4  # two blocks, two rules
    assert made.data["seeds"].sum() == sum(counts)
    texts = [
        text
        for axes in panels("selection", dataclasses.replace(section, choices=section.choices[:0]))
        for text in axes.texts
    ]
    assert [text.get_text() for text in texts] == ["none: of every variant a run diverged"] * 2


def test_training_and_test_stand_at_the_number_of_parameters():
    section = of("capacity")
    above, below = panels("capacity", section)
    sizes = section.effects["parameters"]["estimate"].tolist()
    assert sizes == pytest.approx([31, 31 * 4 + 5, 31 * 4 + 5 * 4 + 5])
    assert [bar.lines[0].get_xdata()[0] for bar in above.containers] == sizes * 2
    assert [bar.lines[0].get_ydata()[0] for bar in below.containers] == section.effects["loss_gap"]["estimate"].tolist()
    assert not [tick.get_text() for tick in below.get_xticklabels() if "$" in tick.get_text()]


@pytest.mark.parametrize("study", ["shifted", "labels"])
def test_boundaries_lie_where_two_classes_are_equally_likely(study):
    section = of(study)
    left, _ = panels("shift", section)
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
    left, _ = panels("shift", dataclasses.replace(section, diagnostics=diverged))
    assert not [collection for collection in left.collections if hasattr(collection, "levels")]


@pytest.mark.parametrize(("study", "classes"), [("shifted", 2), ("labels", 3)])
def test_a_legend_names_the_classes_that_are_drawn(study, classes):
    figure = drawn("shift", of(study)).figure
    (entries,) = [legend.legend_handles for legend in figure.legends if legend.get_title().get_text() == ""]
    assert [entry.get_label() for entry in entries] == [f"class {number}" for number in range(classes)]
    dots = [artist for artist in figure.axes[0].collections if isinstance(artist, PathCollection)]
    assert [to_hex(artist.get_facecolor()[0]) for artist in dots] == [entry.get_color() for entry in entries]


def test_classes_with_one_marker_share_an_entry_of_the_legend():
    section = of("shifted")
    points = section.diagnostics.points.assign(label=np.arange(len(section.diagnostics.points)) % 12)
    many_classes = dataclasses.replace(section.diagnostics, points=points)
    figure = drawn("shift", dataclasses.replace(section, diagnostics=many_classes)).figure
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert labels[:10] == ["class 0, 10", "class 1, 11", *(f"class {number}" for number in range(2, 10))]


# --- figures that follow from the factors ----------------------------------------------------------------------------


def test_the_path_of_a_number_has_every_split_and_the_gap():
    section = of("ridge")
    made = drawn("path", section)
    above, below = made.figure.get_axes()
    lines = {line.get_label(): list(line.get_ydata()) for line in above.lines}
    splits = {"training": "train", "validation": "validation", "test": "test"}
    assert lines == {label: section.effects[f"{split}_loss"]["estimate"].tolist() for label, split in splits.items()}
    assert list(below.lines[0].get_ydata()) == section.effects["loss_gap"]["estimate"].tolist()
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["0", "1", "3", "10"]
    assert below.get_ylabel() == "gap of test loss to\ntraining loss"
    assert set(made.data["metric"]) == {"train_loss", "validation_loss", "test_loss", "loss_gap"}


def test_curves_draw_both_splits_of_every_variant_with_a_band():
    section = of("weight_decay")
    made = drawn("curves", section)
    for axes, split in zip(made.figure.get_axes(), ("train", "test"), strict=True):
        tables = section.curves[section.curves["split"] == split].groupby("variant")["estimate"]
        assert sorted(tuple(line.get_ydata()) for line in axes.lines) == sorted(tuple(group) for _, group in tables)
        assert len(axes.collections) == 2
        assert axes.get_yscale() == "log"
    assert len({line.get_color() for line in axes.lines}) == 2
    assert re.search(r"<title>3, test: [\d.]+ after epoch 5</title>", made.svg)


def test_of_many_curves_some_are_coloured_and_the_others_share_a_grey_entry_of_the_legend():
    made = drawn("curves", many())
    left, _ = made.figure.get_axes()
    grey = [line for line in left.lines if line.get_color() == colours.FAINT]
    assert (len(left.lines), len(grey), len(left.collections)) == (20, 15, 5)
    (legend,) = made.figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["0.01", "0.06", "0.11", "0.15", "0.2", "15 others"]


def test_layers_have_a_line_of_panels_for_each_quantity_and_block_and_a_column_for_each_moment():
    section = of("activation")
    made = drawn("layers", section)
    axes = made.figure.get_axes()
    depths = [max(max(line.get_xdata()) for line in one.lines) for one in axes]
    # gradients of two hidden layers and the output; activations of the hidden layers
    assert depths == [3] * 4 + [2] * 4
    assert [one.get_title() for one in axes[:2]] == ["at the start\n", "after training\n"]
    assert [one.get_title(loc="left") for one in axes[:4:2]] == section.study.blocks


def test_signals_are_the_sizes_behind_all_layers_at_the_start():
    section = of("initialization")
    made, estimates = drawn("signals", section), section.layers.set_index(["variant", "moment", "quantity", "layer"])
    layers = {"activation_sd": 2, "gradient_rms": 1}  # of two hidden layers
    colours_of = {}
    for axes, (quantity, layer) in zip(made.figure.get_axes(), layers.items(), strict=True):
        pairs = zip(axes.texts, axes.patches, strict=True)
        cells = {text.get_position(): (text.get_text(), cell) for text, cell in pairs}
        for variant in section.study.variants:
            place = section.study.blocks.index(variant.block), section.study.labels.index(variant.label)
            text, cell = cells.pop(place)
            size = estimates["estimate"].get((variant.id, "start", quantity, layer))
            colours_of[quantity, variant.block, variant.label] = to_hex(cell.get_facecolor())
            if size is None:
                assert text == "–"
            else:
                assert abs(np.log10(size) - np.log10(float(text) if text[:2] != "10" else power(text))) < 0.5
        assert not cells
    # weights of 0 pass no gradient to the first layer
    missing = made.data[made.data["estimate"].isna()]
    assert (set(missing["label"]), set(missing["quantity"])) == ({"zeros"}, {"gradient_rms"})
    assert colours_of["gradient_rms", "relu", "zeros"] == colours.diverging(0)
    assert "<title>zeros, relu: 0 or not finite in layer 1</title>" in made.svg


def power(text: str) -> float:
    return float("1e" + text[2:].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.24, "0.24"), (0.0067, "0.007"), (3.1e-7, "10⁻⁷"), (3.2e-7, "10⁻⁶"), (899.0, "900")],
)
def test_a_size_far_from_1_is_a_power_of_ten(value, text):
    assert figures._rough(value) == text


# --- awkward studies -------------------------------------------------------------------------------------------------


RATES = {"grid": {"optimizer": {"learning_rate": [0.1, 0.2, 0.3, 0.4]}}}
FIRST = {"optimizer": {"learning_rate": 0.1}}
AWKWARD = {
    "one seed": lambda: built(RATES, FIRST, lambda *_: 0.5, seeds=1),
    "one variant": lambda: built({"variants": {"only": {}}}, "only", lambda metric, place, seed: 1 + seed),
    "every accuracy 100 %": lambda: built(RATES, FIRST, lambda *_: 1.0, metric="test_accuracy"),
    "every loss 0": lambda: built(RATES, FIRST, lambda *_: 0.0),
    "one loss 0": lambda: built(RATES, FIRST, lambda metric, place, seed: float(place * seed)),
    "all diverged": lambda: built(RATES, FIRST, lambda *_: 1.0, diverged=range(4)),
    "the baseline diverged": lambda: built(RATES, FIRST, lambda metric, place, seed: 1.0 + seed, diverged=[0]),
    "product all diverged": lambda: built(
        {"grid": {"optimizer": {"learning_rate": [0.1, 0.2], "weight_decay": [0, 1]}}},
        {"optimizer": {"learning_rate": 0.1, "weight_decay": 0}},
        lambda *_: 1.0,
        diverged=range(4),
    ),
    "huge": lambda: built(RATES, FIRST, lambda metric, place, seed: 10.0 ** (30 * place + seed)),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_every_figure_of_an_awkward_study_can_be_drawn_without_a_warning(name):
    section = AWKWARD[name]()
    for figure in ["effects", "curves", "path", "capacity", *(["heat"] if "product" in name else [])]:
        made = drawn(figure, section)
        assert "nan" not in re.sub(r"<title>.*?</title>", "", made.svg).lower().replace("hanan", "")
        for axes in made.figure.get_axes():
            assert all(np.isfinite([*axes.get_xlim(), *axes.get_ylim()]))
    texts = [text.get_text() for axes in panels("effects", section) for text in axes.texts]
    if "all diverged" in name:
        assert texts[:4] == ["✕ 5 of 5 runs diverged"] * 4
        assert {text.get_text() for axes in panels("curves", section) for text in axes.texts} == {"no values"}


def renamed(section: Section, name: str) -> Section:
    """Return the section with another label of its last variant, as tables with such values have."""
    *variants, last = section.study.variants
    study = dataclasses.replace(section.study, variants=(*variants, dataclasses.replace(last, label=name)))
    effects = {metric: table.assign(label=[*table["label"][:-1], name]) for metric, table in section.effects.items()}
    return dataclasses.replace(section, study=study, effects=effects)


@pytest.mark.parametrize(
    "name", ["x" * 200, "long words " * 19, "naïve → 数据 😀", r"$\frac{a}$ and $x$", 'a <b> & "c"']
)
def test_every_name_can_be_drawn(name):
    section = renamed(of("activation"), name)
    for sketch in figures.sketches(section):
        svg_file = render(sketch)["svg"].decode()
        ElementTree.fromstring(svg_file)  # noqa: S314
        assert "clip-path" in svg_file
    made = drawn("effects", section)
    (axes,) = made.figure.get_axes()
    assert axes.get_position().width > 0.3


# --- data ------------------------------------------------------------------------------------------------------------


def test_the_data_of_curves_are_the_curves():
    section = of("activation")
    data = drawn("curves", section).data
    assert len(data) == len(section.curves)
    assert set(data["block"]) == set(section.study.blocks)
