"""The example notebook: its committed outputs are those that it has today."""

import shutil

import nbformat
import pytest
from samples import ROOT

from docs import notebook

pytestmark = pytest.mark.slow


def outputs(executed):
    """Return code, texts and tables of all cells; the bytes of an image depend on the versions of libraries."""
    return [
        (
            cell.source,
            [{kind: text for kind, text in output.data.items() if kind != "image/png"} for output in cell.outputs],
        )
        for cell in executed.cells
        if cell.cell_type == "code"
    ]


def test_the_committed_outputs_are_those_of_the_committed_results(tmp_path, monkeypatch):
    for name in ("params.yaml", "dvc.lock", "reports"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    path = tmp_path / "docs" / "how-to" / notebook.PATH.name
    path.parent.mkdir(parents=True)
    shutil.copy(notebook.PATH, path)
    committed = nbformat.read(notebook.PATH, as_version=4)
    assert sum("image/png" in output.data for cell in committed.cells for output in cell.get("outputs", [])) == 1
    executed = notebook.execute(path)
    assert outputs(executed) == outputs(committed), "run `make notebook`"
    assert sum("image/png" in output.data for cell in executed.cells for output in cell.get("outputs", [])) == 1
