"""The benchmark runs, and every side that is installed trains the same network to the same loss."""

import json
import subprocess
import sys

import pytest
from samples import ROOT

from benchmarks.table import BEGIN, END

pytestmark = pytest.mark.slow


def test_every_side_ends_at_the_same_loss(tmp_path):
    written, copy = tmp_path / "table.json", tmp_path / "speed.md"
    page = (ROOT / "docs" / "speed.md").read_text()
    copy.write_text(page)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", str(written), "--docs", str(copy)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = {row["row"]: row["verdict"] for row in json.loads(written.read_text())["rows"]}
    # without jax its rows are skipped, with a note; no other row may be
    assert set(verdicts.values()) <= {"too small", "skipped"}
    assert all("jax" in name for name, verdict in verdicts.items() if verdict == "skipped")
    # the page has the same rows, and those of the whole project; its table is replaced and nothing else
    assert set(rows(page)) == {*verdicts, "compilation", "repro"}
    assert rows(copy.read_text()) == list(verdicts)
    assert around(copy.read_text()) == around(page)


def rows(page: str) -> list[str]:
    table = page.split(BEGIN)[1].split(END)[0]
    return [line.split(" | ")[0].strip("| ") for line in table.splitlines() if line.startswith("| ")][2:]


def around(page: str) -> list[str]:
    return [page.split(BEGIN)[0], page.split(END)[1]]


def test_a_side_that_trains_something_else_is_an_error():
    program = """
import sys
from benchmarks.sides import textbook
train = textbook.tables
def wrong(work):
    found = train(work)
    found.train[:] *= 1.01
    return found
textbook.tables = wrong
sys.argv = ["benchmarks", "--quick", "--row", "polynomial-textbook"]
import runpy
runpy.run_module("benchmarks", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error" in done.stdout
