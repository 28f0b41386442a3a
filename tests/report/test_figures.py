"""Figures that are drawn, and figures that come from the cache."""

import dataclasses

import pytest
from report.sections import made

from pipeline.core import progress
from pipeline.report import figures, study_figures
from pipeline.report.section import Report

# two studies and a measurement
OVERVIEW = ["overview_ratio", "overview_points"]
SECOND = ["activation_effects", "activation_curves", "activation_layers"]
ALL = [*OVERVIEW, "weight_decay_effects", "weight_decay_curves", *SECOND, "product_product"]


def few() -> Report:
    return dataclasses.replace(made(), sections=made().sections[:2], measurements=made().measurements[:1])


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Return a function that draws a report with a cache: its figures by name, and the names of those drawn."""
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path))
    render, drawn = figures.render, []

    def recorded(sketch):
        drawn.append(render(sketch)["svg"].decode())
        return render(sketch)

    monkeypatch.setattr(figures, "render", recorded)

    def of(report: Report):
        drawn.clear()
        figures_of = figures.draw(report)
        pictures = {f"{key}_{picture.name}": picture for key, listed in figures_of.items() for picture in listed}
        return pictures, [name for name, picture in pictures.items() if picture.svg in drawn]

    return of


def test_figures_of_a_changed_study_alone_are_drawn_again(draw, caplog, monkeypatch):
    caplog.set_level("INFO")
    with monkeypatch.context() as without:
        without.setenv("ABLATE_STORE", "off")
        plain, _ = draw(few())
    assert draw(few()) == (plain, ALL)
    assert draw(few()) == (plain, [])
    assert "report: 0 figures to draw, 8 taken from the cache" in caplog.text
    section = few().sections[1]
    study = dataclasses.replace(section.study, variants=section.study.variants[::-1])
    changed = dataclasses.replace(few(), sections=[few().sections[0], dataclasses.replace(section, study=study)])
    after, drawn = draw(changed)
    assert drawn == SECOND  # the overview has the same effects
    with monkeypatch.context() as without:
        without.setenv("ABLATE_STORE", "off")
        assert draw(changed)[0] == after
    # other code or another library may draw otherwise
    monkeypatch.setattr(figures, "version", lambda name: "0.0" if name == "matplotlib" else "1.0")
    assert draw(few()) == (plain, ALL)


def test_a_picture_is_what_render_returns(draw):
    pictures, _ = draw(few())
    again, drawn = draw(few())
    assert drawn == []
    (sketch, *_) = study_figures.sketches(few().sections[0])
    for picture in (pictures["weight_decay_effects"], again["weight_decay_effects"]):
        files = {"svg": picture.svg.encode(), "png": picture.png, "csv": picture.csv.encode()}
        assert files == figures.render(sketch)
        assert (picture.caption, picture.sources) == (sketch.caption, sketch.sources)


def test_progress_names_the_figures(draw, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(progress, "_INTERVAL", -1.0)
    draw(few())
    lines = [record.message for record in caplog.records if "report: figure" in record.message]
    assert lines[0] == "report: figure 1 of 8 (overview ratio)"
    assert lines[-1] == "report: figure 8 of 8 (product product)"


def test_a_damaged_figure_is_drawn_again(draw, tmp_path):
    plain, _ = draw(few())
    files = sorted(tmp_path.rglob("*.figure"))
    assert len(files) == len(figures.KINDS) * len(ALL)
    first, second, third = files[::8]
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    second.write_bytes(b"")
    third.write_bytes(files[1].read_bytes())  # the file of another key
    again, drawn = draw(few())
    assert again == plain
    assert 1 <= len(drawn) <= 3  # two of the files may belong to one figure
    assert draw(few()) == (plain, [])


def test_the_least_recently_used_figures_are_deleted(draw, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LIMIT", 60_000)
    draw(few())
    assert 0 < sum(path.stat().st_size for path in tmp_path.rglob("*.figure")) <= 60_000


def test_an_error_while_drawing_is_reported(draw, monkeypatch):
    section = few().sections[0]
    broken = dataclasses.replace(section, curves=section.curves.drop(columns="estimate"))
    with pytest.raises(KeyError, match="estimate"):
        draw(dataclasses.replace(few(), sections=[broken]))
