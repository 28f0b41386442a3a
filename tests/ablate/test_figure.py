import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from faults import whole
from matplotlib.image import imread
from report.sections import of
from trained import fill
from typer.testing import CliRunner

from ablate import cli, figure
from ablate.figure import Figures
from pipeline.core.errors import UserError
from pipeline.project import artifacts, params
from pipeline.report import study_figures


@pytest.fixture
def figures() -> Figures:
    return Figures("weight_decay", "study weight_decay, config 0123", study_figures.sketches(of("weight_decay")))


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["figure", *arguments])
    assert isinstance(done.exception, UserError)
    return str(done.exception)


def test_unknown_ids_and_figures_and_missing_files_are_refused(params_file, in_folder, figures):
    params_file()
    fill()
    allowed = "study or measurement: found 'weight_decy', allowed: overview, weight_decay, activation, product; did you"
    assert allowed in refused("weight_decy")
    assert "data/curves/weight_decay.csv: missing; `dvc repro train@weight_decay`" in refused("weight_decay")
    assert "found no file, needed: --pdf" in refused("weight_decay", "effects")
    assert "found no name, needed: the name of a figure" in refused("weight_decay", "--pdf", "a.pdf")
    with pytest.raises(UserError, match="figure: found 'efects', allowed for weight_decay: effects, .*did you mean"):
        figure.write(figures, "efects", {"pdf": Path("a.pdf")}, 3.4)
    assert not Path("a.pdf").exists()
    with pytest.raises(UserError, match="cannot be written"):
        figure.write(figures, "effects", {"pdf": in_folder}, 3.4)


def test_all_figures_are_listed_with_their_captions(figures):
    rows = dict(figure.table(figures).rows)
    assert {"effects", "curves"} <= rows.keys()
    assert rows["effects"].startswith("Effect of each variant against the baseline")


def test_a_measurement_has_its_figure(params_file, in_folder):
    params_file()
    artifacts.write_measured("product", params.load().measurements["product"].measure(0))
    assert [sketch.name for sketch in figure.of("product").sketches] == ["product"]


@pytest.mark.parametrize("width", [2.0, 3.4, 10.0])
def test_files_have_the_width_that_is_asked_for_and_the_same_bytes_again(width, figures, in_folder):
    files = {kind: Path(f"{width}.{kind}") for kind in ("pdf", "svg", "png", "csv")}
    again = {kind: Path("again") / path for kind, path in files.items()}
    lines = figure.write(figures, "effects", files, width)
    assert lines == [figure.table(figures).rows[0][1], *(f"wrote {path}" for path in files.values())]
    figure.write(figures, "effects", again, width)
    assert all(path.read_bytes() == again[kind].read_bytes() for kind, path in files.items())
    assert f"/MediaBox [ 0 0 {width * 72:g} ".encode() in files["pdf"].read_bytes()
    assert f'width="{width * 72:g}pt"' in files["svg"].read_text()
    assert imread(files["png"]).shape[1] == int(width * 192)
    assert len(pd.read_csv(files["csv"]))


def test_a_pdf_has_its_fonts_and_its_source(figures, in_folder):
    figure.write(figures, "effects", {"pdf": Path("effects.pdf")}, 3.4)
    content = Path("effects.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"study weight_decay, config 0123" in content
    assert b"CreationDate" not in content
    if shutil.which("pdffonts"):
        listed = subprocess.run(["pdffonts", "effects.pdf"], capture_output=True, text=True, check=True).stdout
        fonts = [line.split() for line in listed.splitlines()[2:]]
        assert fonts
        assert all(font[1:3] == ["CID", "TrueType"] and font[4] == "yes" for font in fonts)


def test_files_are_those_of_the_last_report(params_file, in_folder):
    params_file({"studies.activation": ..., "datasets.images": ...})
    whole.run()
    folders = {"svg": artifacts.FIGURES, "png": artifacts.IMAGES, "csv": artifacts.TABLES}
    written = sorted(path.stem for path in artifacts.FIGURES.iterdir())
    assert {"overview_ratio", "weight_decay_effects", "product_product"} <= set(written)
    for stem in written:
        key = next(key for key in ("overview", "weight_decay", "product") if stem.startswith(key))
        name = stem.removeprefix(f"{key}_")
        options = [option for kind in folders for option in (f"--{kind}", f"new.{kind}")]
        done = CliRunner().invoke(cli.app, ["figure", key, name, *options], catch_exceptions=False)
        assert "wrote new.svg\nwrote new.png\nwrote new.csv\n" in done.output
        for kind, folder in folders.items():
            assert Path(f"new.{kind}").read_bytes() == (folder / f"{stem}.{kind}").read_bytes(), (stem, kind)
