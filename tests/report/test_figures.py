"""Which figures are drawn and which come from the cache, and by how many processes."""

import dataclasses
import os
import pickle
import subprocess
import sys

import pytest
from report.sections import made
from samples import ROOT

from pipeline.report import drawing, figures
from pipeline.report.section import Report

# two studies and a measurement
SECOND = ["activation_effects", "activation_curves", "activation_layers"]
ALL = ["weight_decay_effects", "weight_decay_curves", *SECOND, "product_product"]


def few() -> Report:
    return dataclasses.replace(made(), sections=made().sections[:2], measurements=made().measurements[:1])


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Return a function that draws a report with a cache: its figures by name, and the names of those drawn."""
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path))
    svg, drawn = drawing.svg, []

    def recorded(function):
        drawn.append(svg(function))
        return drawn[-1]

    monkeypatch.setattr(drawing, "svg", recorded)

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
    assert "report: 0 figures to draw, 6 taken from the cache" in caplog.text
    section = few().sections[1]
    study = dataclasses.replace(section.study, variants=section.study.variants[::-1])
    changed = dataclasses.replace(few(), sections=[few().sections[0], dataclasses.replace(section, study=study)])
    after, drawn = draw(changed)
    assert drawn == SECOND
    with monkeypatch.context() as without:
        without.setenv("ABLATE_STORE", "off")
        assert draw(changed)[0] == after
    # other code or another library may draw otherwise
    monkeypatch.setattr(figures, "version", lambda name: "0.0" if name == "matplotlib" else "1.0")
    assert draw(few()) == (plain, ALL)


def test_a_damaged_figure_is_drawn_again(draw, tmp_path):
    plain, _ = draw(few())
    first, second, third, *_ = sorted(tmp_path.rglob("*.svg"))
    first.write_bytes(first.read_bytes().replace(b"<svg", b"<gvs", 1))
    second.write_bytes(b"")
    third.write_bytes(sorted(tmp_path.rglob("*.svg"))[3].read_bytes())  # the figure of another key
    again, drawn = draw(few())
    assert again == plain
    assert len(drawn) == 3
    assert draw(few()) == (plain, [])


def test_the_least_recently_used_figures_are_deleted(draw, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LIMIT", 30_000)
    draw(few())
    assert 0 < sum(path.stat().st_size for path in tmp_path.rglob("*.svg")) <= 30_000


FORKED = """
import os, pickle, signal, sys
from pipeline.report import drawing, figures

with open(sys.argv[1], "rb") as file:
    report = pickle.load(file)
os.environ["ABLATE_STORE"] = "off"
parent, svg = os.getpid(), drawing.svg
pids = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def drawn(end):
    def recorded(draw):
        os.write(pids, f"{os.getpid()} ".encode())
        if os.getpid() != parent:
            end()
        return svg(draw)
    drawing.svg = recorded
    return figures.draw(report, 3)

drawing.svg = svg
one = figures.draw(report, 1)
assert drawn(lambda: None) == one, "three processes"
assert drawn(lambda: os.kill(os.getpid(), signal.SIGKILL)) == one, "killed"
assert figures._processes(3) == 1
os.environ["ABLATE_THREADS"] = "2"
print(figures._processes(100), parent)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process draws")
def test_several_processes_draw_the_same_bytes_even_if_some_die(tmp_path):
    """In a process of its own: that of the tests has threads, which a fork would lose."""
    report = tmp_path / "report.pickle"
    report.write_bytes(pickle.dumps(few()))
    command = [sys.executable, "-c", FORKED, str(report), str(tmp_path / "pids")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    processes, parent, *rest = done.stdout.split(maxsplit=2)
    assert (processes, rest) == ("2", ["no child is left\n"])
    assert set((tmp_path / "pids").read_text().split()) > {parent}


def test_an_error_while_drawing_is_reported(draw, monkeypatch):
    section = few().sections[0]
    broken = dataclasses.replace(section, curves=section.curves.drop(columns="estimate"))
    with pytest.raises(KeyError, match="estimate"):
        draw(dataclasses.replace(few(), sections=[broken]))
