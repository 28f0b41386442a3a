"""The figures of effects, by what they draw."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from report.drawings import built, drawn, made_up, many, panels
from report.sections import of

from pipeline.report import colours, drawing
from pipeline.report.format import significant


def rows_of(axes) -> dict[str, tuple[float, bool]]:
    """The label of every row, with its middle and True if it is bold."""
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


def test_effects_call_the_metric_by_its_label():
    section = made_up("undirected")
    (axes,) = panels("effects", section)
    assert section.metric.label == "gap of test loss to training loss"
    assert levels_of(axes)[0] == "gap of test\nloss to\ntraining loss"
    assert axes.get_xlabel() == "gap of test loss to training loss − that of the baseline"


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


def test_the_data_of_effects_are_the_estimates_and_the_effects_of_seeds():
    section = of("weight_decay")
    data = drawn("effects", section).data
    whole, seeds = data[data["seed_index"].isna()], data[data["seed_index"].notna()]
    pd.testing.assert_series_equal(whole["effect"], section.effects["test_loss"]["effect"])
    assert seeds[["variant", "seed_index"]].values.tolist() == [["weight_decay_3", seed] for seed in range(3)]
    (axes,) = panels("effects", section)
    assert seeds["effect"].tolist() == dots_of(axes)[0].tolist()


# --- heat maps --------------------------------------------------------------------------------------------------------


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
    assert to_hex(best.get_facecolor()) == colours.diverging(drawing.TINT)
    assert made.svg.count("<title>") == 6
    assert "better, n = 20</title>" in made.svg


@pytest.mark.parametrize("columns", [2, 5, 8])
def test_the_text_of_a_heat_map_fits_into_its_cells(columns):
    rates = [round(0.01 * n, 2) for n in range(1, columns + 1)]
    section = built(
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
