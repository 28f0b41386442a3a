"""Rows of effects, by what is drawn: marks with their colours, bands, arrows and text."""

import itertools
import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from pipeline.analysis.judging import VERDICTS
from pipeline.project.metrics import METRICS
from pipeline.report import colours, drawing, forest, svg

LOSS, ACCURACY, GAP = METRICS["test_loss"], METRICS["test_accuracy"], METRICS["loss_gap"]
NOTHING = (math.nan,) * 3
CLOSE = {"a": 1.02, "b": 0.97, "c": 1.1}


def row(name="row", numbers=(0.9, 0.8, 1.1), verdict="undecided", *, place=0, metric=LOSS, **fields):
    return forest.Row(place * 0.24, 0.24, name, verdict, numbers, 5, metric, **fields)


def rows_of(effects: dict[str, float], **fields):
    return [
        row(name, (value, value / 1.01, value * 1.01), place=place, **fields)
        for place, (name, value) in enumerate(effects.items())
    ]


def drawn(rows, *, gap=3.0, share=1 / 3, numbers=True):
    with drawing.style():
        figure, panels = drawing.grid(1)
        axes = panels[0, 0]
        forest.draw(axes, rows, rows[0].metric, 0.24 * len(rows), gap=gap, share=share, numbers=numbers)
        axes.text_svg = svg.write(figure)
    return axes


def marks(axes, *shapes: str) -> list:
    """The x of all lines with these markers, or with any."""
    return [line.get_xdata()[0] for line in axes.lines if line.get_marker() in (shapes or "<>^vsox")]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_an_estimate_has_its_interval_and_the_marker_and_colour_of_its_verdict(verdict):
    axes = drawn([row(verdict=verdict, points={0: 0.85, 3: 0.95})])
    ink = colours.VERDICTS[verdict]
    (mark,) = [line for line in axes.lines if line.get_marker() != "None"]
    assert (mark.get_xdata()[0], mark.get_marker(), mark.get_color()) == (0.9, ink.marker, ink.colour)
    assert mark.get_markerfacecolor() == (ink.colour if ink.filled else colours.GROUND)
    assert [0.8, 1.1] in [list(line.get_xdata()) for line in axes.lines if line.get_color() == ink.colour]
    (dots,) = [artist for artist in axes.collections if len(artist.get_offsets()) == 2]
    assert np.asarray(dots.get_offsets())[:, 0].tolist() == [0.85, 0.95]
    assert to_hex(dots.get_facecolor()[0]) == ink.colour
    assert f"<title>row: × 0.900 [0.800, 1.100], {verdict}, n = 5</title>" in axes.text_svg
    assert "<title>row, seed 3: × 0.950</title>" in axes.text_svg


@pytest.mark.parametrize(
    ("metric", "margin", "band"),
    [(LOSS, 1.25, (0.8, 1.25)), (ACCURACY, 0.01, (-0.01, 0.01)), (GAP, 0.5, (-0.5, 0.5))],
)
def test_the_band_covers_the_margin_around_zero_effect(metric, margin, band):
    numbers = (metric.zero_effect,) * 3
    axes = drawn([row(numbers=numbers, metric=metric, margin=margin)])
    (covered,) = [artist.get_datalim(axes.transData) for artist in axes.collections]
    assert (covered.x0, covered.x1) == pytest.approx(band)
    assert [metric.zero_effect] * 2 in [list(line.get_xdata()) for line in axes.lines]
    assert axes.get_xlim()[0] < band[0] < band[1] < axes.get_xlim()[1]


def test_an_effect_far_beyond_all_others_is_an_arrow_with_its_number():
    rows = rows_of({**CLOSE, "outlier": 0.001}, verdict="worse", points={0: 0.9})
    axes = drawn(rows)
    low, high = axes.get_xlim()
    assert 0.5 < low < 0.97
    assert 1.1 < high < 1.5
    assert marks(axes, "<") == [low]
    assert len([artist for artist in axes.collections if len(artist.get_offsets())]) == len(CLOSE)
    (text,) = axes.texts
    assert text.get_text() == "× 0.00100\n[0.00099, 0.00101]"
    assert "<title>outlier: × 0.00100 [0.00099, 0.00101], worse, n = 5</title>" in axes.text_svg
    assert not drawn(rows, numbers=False).texts


def test_an_axis_is_not_cut_if_many_effects_lie_beyond_or_one_remains():
    assert drawn(rows_of({"a": 1.01, "b": 0.01, "c": 0.011})).get_xlim()[0] < 0.01
    baseline = row("baseline", NOTHING, "", note="baseline")
    gone = row("gone", NOTHING, "not comparable", note="diverged", margin=1.05)
    assert drawn([baseline, gone, row("only", (0.1, 0.09, 0.11), margin=1.05)]).get_xlim()[0] < 0.1


def test_a_seed_beyond_the_axis_is_an_arrow_at_its_end_and_an_interval_ends_in_one():
    seeds = {seed: 1 + 0.001 * seed for seed in range(100)} | {100: 50.0}
    rows = [*rows_of(CLOSE), row("wide", (1.05, 0.01, 1.06), place=3, points=seeds)]
    axes = drawn(rows)
    low, high = axes.get_xlim()
    assert low > 0.01
    assert marks(axes, "<") == [low]
    dots, arrows = (artist for artist in axes.collections if len(artist.get_offsets()))
    assert len(dots.get_offsets()) == 100
    assert np.asarray(dots.get_offsets())[:, 0].max() < high < 2
    assert np.asarray(arrows.get_offsets())[:, 0].tolist() == [high]
    # a triangle that points to the right
    assert arrows.get_paths()[0].vertices[:, 0].argmax() == 0
    assert "seed 100: × 50.0" in axes.text_svg


def test_folded_effects_are_small_marks_that_always_fit():
    others = ((0.5, "undecided", "e: × 0.500"), (0.01, "equivalent", "f: × 0.0100"))
    axes = drawn([*rows_of(CLOSE), row("", NOTHING, "undecided", place=3, others=others)])
    low, _ = axes.get_xlim()
    assert low < 0.01
    assert {0.5, 0.01} < set(marks(axes))
    assert "<title>f: × 0.0100</title>" in axes.text_svg
    # beside an estimate they do not set the axis, and stand at its end
    axes = drawn([row(others=others)])
    low, _ = axes.get_xlim()
    assert 0.5 < low < 0.8
    assert sorted(marks(axes)) == [low, low, 0.9]


def test_an_undefined_effect_is_a_text_in_the_colour_of_its_verdict():
    axes = drawn([row("gone", NOTHING, "worse", note="▼ 2 of 3 runs diverged"), row("baseline", NOTHING, "", note="x")])
    assert [(text.get_text(), text.get_color()) for text in axes.texts] == [
        ("▼ 2 of 3 runs diverged", colours.VERDICTS["worse"].colour),
        ("x", colours.QUIET),
    ]
    assert not marks(axes)


@pytest.mark.parametrize("value", [1.0, 1.0001, 1.3, 3.0, 20.0, 1e3, 1e9])
@pytest.mark.parametrize("metric", [LOSS, ACCURACY, GAP])
def test_the_labels_of_the_axis_do_not_overlap(value, metric):
    effect = value if metric is LOSS else value - 1 if metric is GAP else min(value - 1, 1.0)
    axes = drawn([row(numbers=(effect,) * 3, metric=metric)])
    # as narrow as beside long names
    axes.figure.set_layout_engine("none")
    axes.set_position([0.1, 0.3, 0.45, 0.6])
    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    boxes = sorted((tick.get_window_extent(renderer) for tick in axes.get_xticklabels()), key=lambda box: box.x0)
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_the_legend_names_what_is_drawn():
    rows = [
        row(verdict="worse", others=((0.9, "better", ""),)),
        row(verdict="better", points={0: 1.0}, margin=1.05),
        row("baseline", NOTHING, "", note="baseline"),
    ]
    axes = drawn(rows)
    names = [handle.get_label() for handle in forest.legend_handles(axes, rows)]
    assert names == ["better", "worse", "one seed", "within the margin"]
    assert forest.legend_handles(axes, rows[2:]) == []


@pytest.mark.parametrize(
    ("margins", "is_named"), [([1.01], False), ([1.01, 2.0], True), ([1e9], True), ([1.0], False), ([None], False)]
)
def test_the_legend_names_a_band_that_can_be_seen(margins, is_named):
    rows = [row(numbers=(1000.0, 900.0, 1100.0), margin=margin, place=place) for place, margin in enumerate(margins)]
    axes = drawn(rows)
    names = [handle.get_label() for handle in forest.legend_handles(axes, rows)]
    assert ("within the margin" in names) == is_named
