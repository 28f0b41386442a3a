"""Figures of measurements, by what they draw."""

from report.sections import made

from pipeline.report import drawing, measurement_figures


def of(kind: str):
    return next(section for section in made().measurements if section.config.kind == kind)


def panels(kind: str) -> list:
    draw, section = measurement_figures.FIGURES[kind][0], of(kind)
    return draw(section.config, section.measured, section.findings).get_axes()


def test_activations_and_gradients_are_drawn_side_by_side():
    value, gradient = panels("activations")
    assert [line.get_label() for line in value.lines] == ["relu", "tanh", "sigmoid"]
    relu = of("activations").measured.query("case == 'relu' and quantity == 'gradient'")
    assert list(gradient.lines[0].get_ydata()) == relu["value"].tolist()


def test_the_product_shows_its_path_and_its_end():
    path, end = panels("matrix_product")
    assert list(path.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
    assert sum(bar.get_height() for bar in end.patches) == 20


def test_detections_have_their_intervals_and_the_level():
    (axes,) = panels("shift_detector")
    (bar,) = axes.containers
    assert list(bar.lines[0].get_ydata()) == of("shift_detector").findings["estimate"].tolist()
    assert [0.05, 0.05] in [list(line.get_ydata()) for line in axes.lines]


def test_captions_say_how_often():
    parts = {"matrix_product": "20 repetitions", "shift_detector": "5 repetitions of 20 examples", "activations": ""}
    for kind, part in parts.items():
        (sketch,) = measurement_figures.sketches(of(kind))
        assert part in sketch.caption
        assert drawing.svg(sketch.draw).startswith("<?xml")
