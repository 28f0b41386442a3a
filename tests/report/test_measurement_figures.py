"""Figures of measurements, by what they draw."""

from report.sections import made

from pipeline.report import measurement_figures


def of(measurement: str):
    return next(one for one in made().measurements if one.id == measurement)


def test_functions_and_gradients_are_drawn_side_by_side():
    measurement = of("functions")
    value, gradient = measurement_figures.activations(measurement.measured).get_axes()
    assert [line.get_label() for line in value.lines] == ["relu", "tanh", "sigmoid"]
    relu = measurement.measured[
        (measurement.measured["case"] == "relu") & (measurement.measured["quantity"] == "gradient")
    ]
    assert list(gradient.lines[0].get_ydata()) == relu["value"].tolist()


def test_the_product_shows_its_path_and_its_end():
    measurement = of("product")
    path, end = measurement_figures.matrix_product(measurement.measured).get_axes()
    assert list(path.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
    assert sum(bar.get_height() for bar in end.patches) == 20


def test_detections_have_their_intervals_and_the_level():
    measurement = of("detector")
    figure = measurement_figures.shift_detector(
        measurement.config.alpha, measurement.config.shifts, measurement.findings
    )
    (axes,) = figure.get_axes()
    (bar,) = axes.containers
    assert list(bar.lines[0].get_ydata()) == measurement.findings["estimate"].tolist()
    assert [0.05, 0.05] in [list(line.get_ydata()) for line in axes.lines]


def test_captions_say_how_often():
    for measurement, words in (
        ("product", "20 repetitions"),
        ("detector", "5 repetitions of 20 inputs"),
        ("functions", ""),
    ):
        one = of(measurement)
        drawn = measurement_figures.measurement_picture(one.config, one.measured, one.findings)
        assert words in drawn.caption
        assert drawn.svg.startswith("<?xml")
