"""Figures of probes, by what they draw."""

from report.sections import made

from pipeline.report import probe_figures


def of(probe: str):
    return next(one for one in made().probes if one.id == probe)


def test_functions_and_gradients_are_drawn_side_by_side():
    probe = of("functions")
    value, gradient = probe_figures.activations(probe.measured).get_axes()
    assert [line.get_label() for line in value.lines] == ["relu", "tanh", "sigmoid"]
    relu = probe.measured[(probe.measured["case"] == "relu") & (probe.measured["quantity"] == "gradient")]
    assert list(gradient.lines[0].get_ydata()) == relu["value"].tolist()


def test_the_product_shows_its_path_and_its_end():
    probe = of("product")
    path, end = probe_figures.matrix_product(probe.measured).get_axes()
    assert list(path.lines[0].get_xdata()) == [0, 1, 2, 3, 4, 5]
    assert sum(bar.get_height() for bar in end.patches) == 20


def test_detections_have_their_intervals_and_the_level():
    probe = of("detector")
    figure = probe_figures.shift_detector(probe.settings.alpha, probe.settings.shifts, probe.findings)
    (axes,) = figure.get_axes()
    (bar,) = axes.containers
    assert list(bar.lines[0].get_ydata()) == probe.findings["centre"].tolist()
    assert [0.05, 0.05] in [list(line.get_ydata()) for line in axes.lines]


def test_captions_say_how_often():
    for probe, words in (("product", "20 repetitions"), ("detector", "5 repetitions of 20 inputs"), ("functions", "")):
        one = of(probe)
        drawn = probe_figures.probe_picture(one.settings, one.measured, one.findings)
        assert words in drawn.caption
        assert drawn.svg.startswith("<?xml")
