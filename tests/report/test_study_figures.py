"""Figures are tested by what they draw, not by pixels."""

import dataclasses
import io
import math
import re
import tempfile
import types
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from report import invented
from report.sections import of
from samples import SMALL, laid_over, write_params

from pipeline.project import artifacts, params
from pipeline.project.figures import NAMED
from pipeline.report import colours, drawing, svg
from pipeline.report import study_figures as figures
from pipeline.report.figures import render
from pipeline.report.format import significant
from pipeline.report.section import Section, study_section


def drawn(figure: str, section: Section) -> types.SimpleNamespace:
    """Draw a figure, laid out as in a file; return it with its data and its SVG."""
    with drawing.style():
        made = figures.FIGURES[figure][2](section)
        return types.SimpleNamespace(figure=made.figure, data=made.data, svg=svg.write(made.figure))


def panels(figure: str, section: Section) -> list:
    return drawn(figure, section).figure.get_axes()


def made_up(study: str) -> Section:
    """The section of a study with invented results."""
    return next(section for section in invented.made()[3].sections if section.study.id == study)


def rows_of(axes) -> dict[str, tuple[float, bool]]:
    """The label of every row, with its middle and whether it is bold."""
    return {
        label.get_text().replace("\n", " "): (tick, label.get_fontweight() == "bold")
        for tick, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    }


def levels_of(axes) -> list[str]:
    (levels,) = axes.child_axes
    return [label.get_text() for label in levels.get_yticklabels()]


def dots_of(axes) -> list:
    """The x of the dots of each row, in the order of drawing."""
    return [np.asarray(dots.get_offsets())[:, 0] for dots in axes.collections if isinstance(dots, PathCollection)]


def marks_of(axes, shapes: str = "^vs><ox") -> list[tuple[float, str]]:
    return [(line.get_xdata()[0], line.get_marker()) for line in axes.lines if line.get_marker() in shapes]


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


# --- effects ---------------------------------------------------------------------------------------------------------


def test_effects_show_every_seed_every_estimate_and_the_level():
    section = of("weight_decay")
    table = section.effects["test_loss"].set_index("variant")
    made = drawn("effects", section)
    (axes,) = made.figure.get_axes()
    losses = section.results.pivot(index="seed_index", columns="variant", values="test_loss")
    ratios = losses["weight_decay_3"] / losses["weight_decay_0"]
    (dots,) = dots_of(axes)
    assert dots.tolist() == ratios.tolist()
    row = table.loc["weight_decay_3"]
    assert marks_of(axes) == [(row.effect, colours.VERDICTS[row.verdict].marker)]
    assert list(rows_of(axes)) == ["weight decay", "0", "3"]
    assert levels_of(axes) == ["test loss", *map(significant, table["estimate"])]
    assert [text.get_text() for text in axes.texts] == ["baseline"]
    assert (
        axes.get_xlabel()
        == "← better\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}test loss / that of the baseline"
    )
    assert axes.get_xscale() == "log"
    for seed, ratio in ratios.items():
        assert f"<title>3, seed {seed}: × {ratio:.3f}" in made.svg


def test_rows_are_grouped_by_block_with_the_baseline_first_and_the_interactions_last():
    study = made_up("blocks")
    last = {variant.id: variant for variant in study.study.variants}
    order = sorted(last, key=lambda id: last[id].baseline == id)
    variants = tuple(last[id] for id in order)
    table = study.effects["test_accuracy"].set_index("variant").loc[order].reset_index()
    section = dataclasses.replace(
        study,
        study=dataclasses.replace(study.study, variants=variants),
        effects=study.effects | {"test_accuracy": table},
    )
    (axes,) = panels("effects", section)
    names = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert names[:9] == [
        "activation",
        *("learning rate 0.1", "tanh", "relu", "elu"),
        *("learning rate 0.5", "tanh", "relu", "elu"),
    ]
    assert names[9:] == ["interaction", "relu and learning rate 0.5", "elu and learning rate 0.5"]
    bold = [label.get_fontweight() == "bold" for label in axes.get_yticklabels()]
    assert [name for name, is_bold in zip(names, bold, strict=True) if is_bold] == [
        names[0],
        names[1],
        names[5],
        names[9],
    ]
    assert [text.get_text() for text in axes.texts] == ["baseline"] * 2


def test_of_more_interactions_than_six_none_is_drawn():
    section = made_up("blocks")
    for count, shown in ((6, True), (7, False)):
        many = pd.concat([section.interactions.iloc[:1]] * count)
        (axes,) = panels("effects", dataclasses.replace(section, interactions=many))
        assert ("interaction" in rows_of(axes)) == shown


def test_an_outlier_is_an_arrow_with_its_number():
    section = made_up("agreement")
    (axes,) = panels("effects", section)
    low, high = axes.get_xlim()
    assert -0.01 < low < high < 0.01
    assert marks_of(axes, "<")[0] == (low, "<")
    assert [text.get_text() for text in axes.texts] == ["baseline", "−5.00 points\n[−5.72, −4.28]"]
    shades = [artist for artist in axes.collections if to_hex(artist.get_facecolor()[0]) == colours.BAND]
    assert len(shades) == 3  # the margin, of all variants but the baseline
    assert (shades[0].get_datalim(axes.transData).x0, shades[0].get_datalim(axes.transData).x1) == (-0.002, 0.002)


def test_diverged_runs_are_a_count_without_the_dots_of_those_that_finished():
    section = made_up("survivors")
    (axes,) = panels("effects", section)
    assert [text.get_text() for text in axes.texts] == [
        "baseline",
        "▼ 9 of 10 runs diverged",
        "✕ 2 of 10 runs diverged",
    ]
    assert len(dots_of(axes)) == 2  # ELU and identity


def test_neighbours_without_a_decided_difference_share_a_row():
    section = many()
    made = drawn("effects", section)
    (axes,) = made.figure.get_axes()
    rows = rows_of(axes)
    assert list(rows) == ["learning rate", "0.01", "0.02", "0.03 to 0.2 (18 variants)"]
    table = section.effects["test_loss"].set_index("label")
    folded = [value for value, shape in marks_of(axes) if shape in "os"]
    assert folded == table["effect"][2:].tolist()
    assert "<title>0.2: × " in made.svg
    # its level is a range
    assert levels_of(axes)[3] == "1.04 to\n1.05"


def many(count: int = 20) -> Section:
    """A section of a study with 20 learning rates, of which the second alone differs."""
    return _built(
        {"grid": {"optimizer": {"learning_rate": [round(0.01 * n, 2) for n in range(1, count + 1)]}}},
        {"optimizer": {"learning_rate": 0.01}},
        lambda study, variant, seed: 1.0 + 0.02 * seed + (1.0 if variant == 1 else 0.0005 * (seed - 1) * variant),
    )


# --- figures that a study names --------------------------------------------------------------------------------------


def test_a_heat_map_has_the_numbers_of_every_combination():
    section = made_up("product")
    made = drawn("heat", section)
    (axes,) = made.figure.get_axes()
    texts = {(text.get_position()[0], text.get_position()[1]): text.get_text() for text in axes.texts}
    # more rows than columns
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "0.2", "0.5"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weight decay", "dropout")
    assert texts[0, 0].endswith("\nbaseline")
    assert texts[1, 2].endswith("\n▲ × 0.500")
    assert len(axes.patches) == 6
    best = axes.patches[-1]
    assert to_hex(best.get_facecolor()) == colours.diverging(figures.TINT)
    assert made.svg.count("<title>") == 6
    assert "better, n = 20</title>" in made.svg


@pytest.mark.parametrize("columns", [2, 5, 8])
def test_the_text_of_a_heat_map_fits_into_its_cells(columns):
    rates = [round(0.01 * n, 2) for n in range(1, columns + 1)]
    section = _built(
        {"grid": {"optimizer": {"learning_rate": rates, "weight_decay": [0.001 * rate for rate in range(columns)]}}},
        {"optimizer": {"learning_rate": 0.01, "weight_decay": 0.0}},
        lambda study, variant, seed: 1.0 + 0.1 * variant + 1e-5 * seed,
    )
    made = drawn("heat", section)
    (axes,) = made.figure.get_axes()
    renderer = FigureCanvasAgg(made.figure).get_renderer()
    cell = axes.patches[0].get_window_extent(renderer)
    assert max(text.get_window_extent(renderer).width for text in axes.texts) <= cell.width
    assert len(axes.texts) == columns**2


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


def _built(grid: dict, baseline, value, *, metric="test_loss", seeds=5, diverged=()) -> Section:
    """Build the section of a study of the small project, each loss and accuracy of which is `value`.

    Args:
        grid: `grid` or `variants` of the study.
        baseline: Its baseline.
        value: Function of metric, place of the variant and seed.
        diverged: Places of variants all of whose runs diverge.
    """
    changes = {
        "studies": {"awkward": {"question": "?", "dataset": "images", "metric": metric, **grid, "baseline": baseline}},
        "datasets.linear": ...,
        "measurements": {},
        "seeds.count": seeds,
    }
    with tempfile.TemporaryDirectory() as folder:
        project = params.load(path=write_params(Path(folder), laid_over(SMALL, changes)))
    study = project.studies["awkward"]
    rows, curves = [], []
    for place, variant in enumerate(study.variants):
        for seed in range(seeds):
            row = {"variant": variant.id, "seed_root": 0, "seed_index": seed, "fold": 0, "data": "fixed"}
            lost = place in diverged
            row["status"] = "diverged" if lost else "finished"
            row |= {
                one.name: math.nan if lost and one.trained else value(one.name, place, seed) for one in study.metrics
            }
            rows.append(row)
        for split in ("train", "test"):
            for epoch in range(0 if place in diverged else 3):
                estimate = value(f"{split}_loss", place, 0) * 0.9**epoch
                curves.append([variant.id, split, epoch + 1, estimate, estimate * 0.9, estimate * 1.1])
    tables = {name: pd.DataFrame(columns=columns) for name, columns in artifacts.DIAGNOSTICS.items()}
    nothing = artifacts.Diagnostics(**tables, environment={"numpy": "0"}, code="0" * 12)
    loss = pd.DataFrame(curves, columns=artifacts.CURVE_COLUMNS)
    return study_section(project, study, pd.DataFrame(rows), loss, nothing)


RATES = {"grid": {"optimizer": {"learning_rate": [0.1, 0.2, 0.3, 0.4]}}}
FIRST = {"optimizer": {"learning_rate": 0.1}}
AWKWARD = {
    "one seed": lambda: _built(RATES, FIRST, lambda *_: 0.5, seeds=1),
    "one variant": lambda: _built({"variants": {"only": {}}}, "only", lambda metric, place, seed: 1 + seed),
    "every accuracy 100 %": lambda: _built(RATES, FIRST, lambda *_: 1.0, metric="test_accuracy"),
    "every loss 0": lambda: _built(RATES, FIRST, lambda *_: 0.0),
    "one loss 0": lambda: _built(RATES, FIRST, lambda metric, place, seed: float(place * seed)),
    "all diverged": lambda: _built(RATES, FIRST, lambda *_: 1.0, diverged=range(4)),
    "the baseline diverged": lambda: _built(RATES, FIRST, lambda metric, place, seed: 1.0 + seed, diverged=[0]),
    "product all diverged": lambda: _built(
        {"grid": {"optimizer": {"learning_rate": [0.1, 0.2], "weight_decay": [0, 1]}}},
        {"optimizer": {"learning_rate": 0.1, "weight_decay": 0}},
        lambda *_: 1.0,
        diverged=range(4),
    ),
    "huge": lambda: _built(RATES, FIRST, lambda metric, place, seed: 10.0 ** (30 * place + seed)),
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


def test_the_data_of_effects_are_the_estimates_and_the_effects_of_seeds():
    section = of("weight_decay")
    data = drawn("effects", section).data
    whole, seeds = data[data["seed_index"].isna()], data[data["seed_index"].notna()]
    pd.testing.assert_series_equal(whole["effect"], section.effects["test_loss"]["effect"])
    assert seeds[["variant", "seed_index"]].values.tolist() == [["weight_decay_3", seed] for seed in range(3)]
    (axes,) = panels("effects", section)
    assert seeds["effect"].tolist() == dots_of(axes)[0].tolist()


def test_the_data_of_curves_are_the_curves():
    section = of("activation")
    data = drawn("curves", section).data
    assert len(data) == len(section.curves)
    assert set(data["block"]) == set(section.study.blocks)
