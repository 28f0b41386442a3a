"""Figures of measurements, by what they draw."""

from report.sections import made

from pipeline.report import measurement_figures
from pipeline.report.drawing import style
from pipeline.report.figures import render
from pipeline.report.format import digits


def of(kind: str):
    return next(section for section in made().measurements if section.config.kind == kind)


def drawn(kind: str):
    (sketch,) = measurement_figures.sketches(of(kind))
    with style():
        drawing = sketch.draw()
    return drawing.figure.get_axes(), drawing.data


def test_activations_and_gradients_are_drawn_side_by_side():
    (value, gradient), data = drawn("activations")
    assert [line.get_label() for line in value.lines] == ["relu", "tanh", "sigmoid"]
    relu = data.query("case == 'relu' and quantity == 'gradient'")
    assert list(gradient.lines[0].get_ydata()) == relu["value"].tolist()
    assert len(relu) == 9


def test_the_product_shows_its_path_and_its_end():
    (path, end), data = drawn("matrix_product")
    assert list(path.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
    assert sum(bar.get_height() for bar in end.patches) == 20
    assert data["quantity"].value_counts()["log10_largest"] == 20


def test_detections_have_their_intervals_and_the_level():
    (axes,), data = drawn("shift_detector")
    (bar,) = axes.containers
    assert list(bar.lines[0].get_ydata()) == of("shift_detector").findings["estimate"].tolist()
    assert [0.05, 0.05] in [list(line.get_ydata()) for line in axes.lines]
    assert data["shift"].tolist() == [0.0, 2.0]
    (sketch,) = measurement_figures.sketches(of("shift_detector"))
    row = of("shift_detector").findings.iloc[1]
    title = f"shift 2: {digits(row.estimate)} [{digits(row.low)}, {digits(row.high)}]"
    assert f"<title>{title}</title>" in render(sketch)["svg"].decode()


def test_captions_say_how_often_and_sources_are_the_results():
    parts = {"matrix_product": "20 repetitions", "shift_detector": "5 repetitions of 20 examples", "activations": ""}
    for kind, part in parts.items():
        (sketch,) = measurement_figures.sketches(of(kind))
        assert part in sketch.caption
        assert sketch.sources == (f"reports/results/{of(kind).id}.csv",)
