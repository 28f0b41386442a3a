import dataclasses
import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from report.sections import of

from pipeline.report import colours, drawing, svg


def study_of(labels, factors=None):
    """The study `weight_decay` with variants of these labels: named ones, or numbers of one factor."""
    study = of("weight_decay").study
    variants = []
    for index, label in enumerate(labels):
        own = {} if factors is None else {"factors": {"optimizer.weight_decay": factors[index]}}
        id, baseline = (label, labels[0]) if factors is None else (f"v{index}", "v0")
        variants.append(dataclasses.replace(study.variants[0], id=id, label=label, baseline=baseline, **own))
    return dataclasses.replace(study, variants=tuple(variants))


def numbers(count):
    return study_of([str(number) for number in range(count)], list(range(count)))


def test_a_figure_does_not_depend_on_the_user_s_configuration_of_matplotlib():
    def text() -> str:
        with drawing.style():
            figure, panels = drawing.grid(1)
            panels[0, 0].plot([1, 2], [1, 3])
            return svg.write(figure)

    before = text()
    with matplotlib.rc_context({"axes.xmargin": 0.3, "font.sans-serif": ["cmr10"]}):
        assert text() == before


def test_few_variants_have_a_colour_each_and_shades_follow_numbers():
    named = study_of([f"name {index}" for index in range(8)])
    assert list(drawing.palette(named).values()) == list(colours.CATEGORICAL)
    styles = [(style["color"], style["linestyle"]) for style in drawing.lines_of(named).values()]
    assert len(set(styles)) == 8
    assert list(drawing.palette(numbers(5)).values()) == colours.ordered(5)


def test_of_many_variants_some_are_highlighted_and_the_others_grey():
    study = numbers(20)
    styles = drawing.lines_of(study)
    grey = [label for label, style in styles.items() if style["color"] == colours.FAINT]
    assert len(grey) == 15
    assert {"0", "19"}.isdisjoint(grey)  # the baseline and both ends
    handles = drawing.label_handles(study)
    coloured = [label for label in styles if label not in grey]
    assert [handle.get_label() for handle in handles] == [*coloured, "15 others"]


def test_a_baseline_in_the_middle_is_highlighted():
    study = numbers(20)
    variants = tuple(dataclasses.replace(variant, baseline="v3") for variant in study.variants)
    assert "3" in drawing.highlighted(dataclasses.replace(study, variants=variants))


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1e-13, 1e5], ["10⁻¹⁰", "0.0001"]),
        ([0.02, 0.6], ["0.03", "0.1", "0.3"]),
        ([0.9, 1.4], ["0.9", "1.2"]),
        ([1e-7, 5e-6], ["10⁻⁷", "3 × 10⁻⁷"]),
    ],
)
def test_a_logarithmic_axis_has_labels_in_every_range_and_says_so(values, labels):
    with drawing.style():
        figure, panels = drawing.grid(1)
        axes = panels[0, 0]
        axes.plot([0, 1], values)
        axes.set_ylabel("loss")
        drawing.log_axis(axes)
        figure.draw_without_rendering()
    low, high = axes.get_ylim()
    shown = [tick.label1.get_text() for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert set(labels) <= set(shown)
    assert not [tick for tick in axes.yaxis.get_minor_ticks() if tick.label1.get_text()]
    assert axes.get_ylabel() == "loss (log scale)"
    axes.set_ylabel("norm of the weights")
    drawing.log_axis(axes)
    assert axes.get_ylabel() == "norm of the weights\n(log scale)"


@pytest.mark.parametrize(("values", "scale"), [([0, 0], "linear"), ([0, 1], "log"), ([2, 2 * (1 + 1e-15)], "log")])
def test_losses_of_0_and_equal_losses_have_an_axis(values, scale):
    with drawing.style():
        figure, panels = drawing.grid(1)
        panels[0, 0].plot([0, 1], values)
        drawing.log_axis(panels[0, 0])
        svg.write(figure)
    assert panels[0, 0].get_yscale() == scale


def boxes(figure, texts) -> list:
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [text.get_window_extent(renderer) for text in texts]


def test_titles_of_columns_stand_above_those_of_blocks():
    study = of("activation").study
    with drawing.style():
        figure, panels = drawing.panels_of_blocks(study, ["training", "test"])
        figure.draw_without_rendering()
    assert [key[1:] for key in panels] == [(block, name) for block in study.blocks for name in ("training", "test")]
    texts = {text.get_text(): text for text in panels["", study.blocks[0], "training"].findobj(Text)}
    column, block = boxes(figure, [texts["training\n"], texts[study.blocks[0]]])
    assert column.y0 <= block.y0 < block.y1 <= (column.y0 + column.y1) / 2 + 1


def test_blocks_share_the_y_axis_and_different_columns_only_if_they_are_alike():
    study = of("activation").study
    for alike in (True, False):
        with drawing.style():
            _, panels = drawing.panels_of_blocks(study, ["a", "b"], alike=alike)
        first, second = study.blocks
        shared = panels["", first, "a"].get_shared_y_axes()
        assert shared.joined(panels["", first, "a"], panels["", second, "a"])
        assert shared.joined(panels["", first, "a"], panels["", first, "b"]) == alike


@pytest.mark.parametrize("count", [1, 5, 14, 30])
def test_labels_of_a_numeric_factor_do_not_overlap(count):
    factors = np.linspace(0, 1, count).tolist()
    with drawing.style():
        figure, panels = drawing.grid(1)
        axes = panels[0, 0]
        drawing.factor_axis(axes, study_of([f"{number:.2g}" for number in factors], factors))
        figure.draw_without_rendering()
    assert axes.get_xlim() == (-0.5, count - 0.5)
    labels = boxes(figure, axes.get_xticklabels())
    assert min(7, count) <= len(labels) <= 14
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(labels))


def test_legends_fit_and_make_room():
    for labels in (["a", "b"], [f"a rather long name of a variant {n}" for n in range(8)], ["x" * 200]):
        with drawing.style():
            figure, panels = drawing.grid(1)
            panels[0, 0].plot([0, 1], [0, 1])
            before = figure.get_figheight()
            drawing.legend_below(figure, drawing.label_handles(study_of(labels)))
            svg.write(figure)
        (legend,) = figure.legends
        box = legend.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        assert panels[0, 0].get_window_extent().height > 70
        assert figure.get_figheight() > before
    drawing.legend_below(figure, [])
    assert len(figure.legends) == 1


def test_a_name_with_dollar_signs_is_no_formula():
    with drawing.style():
        figure, panels = drawing.grid(1)
        panels[0, 0].set_title(r"$\frac$ <a> & $x$")
        assert r">$\frac$ &lt;a&gt; &amp; $x$<" in svg.write(figure)


@pytest.mark.parametrize("width", [12, 22])
def test_long_names_are_cut_and_broken(width):
    name = drawing.wrapped(drawing.short_name("data.importance_weights(clip=" + "5" * 200 + ")"), width)
    assert max(map(len, name.split("\n"))) <= width
    assert name.startswith("data.")
    assert name.endswith("5)")
