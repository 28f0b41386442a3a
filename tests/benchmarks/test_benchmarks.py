"""The benchmark runs, and every side that is installed trains the same network to the same loss."""

import json
import subprocess
import sys

import pytest
from samples import ROOT


@pytest.mark.xdist_group("benchmarks")
@pytest.mark.parametrize("engine", ["stack", "study"])
def test_every_side_ends_at_the_same_loss(tmp_path, engine):
    written = tmp_path / "table.json"
    rows = ["polynomial-textbook", "images-textbook", "images-in-memory", "images-functional", "images-sklearn"]
    rows += ["polynomial-jax", "images-jax", "many-runs"] if engine == "study" else []
    chosen = [part for row in rows for part in ("--row", row)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--engine", engine, "--json", str(written), *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = json.loads(written.read_text())
    verdicts = {row["row"]: row["verdict"] for row in table["rows"]}
    assert set(rows) <= set(verdicts)
    # without jax its rows are skipped, with a note; no other row may be
    assert set(verdicts.values()) <= {"too small", "skipped"}
    assert all(name.endswith("jax") for name, verdict in verdicts.items() if verdict == "skipped")


def test_a_side_that_trains_something_else_is_an_error(tmp_path):
    program = """
import sys
from benchmarks.sides import textbook
train = textbook.train
def wrong(work, *arguments):
    found = train(work, *arguments)
    found.train[:] *= 1.01
    return found
textbook.train = wrong
sys.argv = ["benchmarks", "--quick", "--row", "polynomial-textbook"]
import runpy
runpy.run_module("benchmarks", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error" in done.stdout
