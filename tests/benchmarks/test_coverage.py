"""The table of docs/statistics.md is made by this program."""

import subprocess
import sys

from samples import ROOT

from benchmarks import coverage


def table(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_the_table_in_the_docs_has_the_rows_of_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.coverage", "--samples", "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    made = table(done.stdout)
    docs = table((ROOT / "docs" / "statistics.md").read_text())
    header = docs.index(made[0])
    assert [row[:2] for row in docs[header : header + len(made)]] == [row[:2] for row in made]


def test_the_asymmetric_differences_are_those_that_miss():
    """The interval of 5 normal differences holds 0 in 95 % of cases, that of 5 lognormal ones far less often."""
    kinds = coverage.PAIRED
    normal, skewed = (coverage.paired(kinds[name], 5, 2000)[1] for name in (next(iter(kinds)), list(kinds)[-1]))
    assert normal > 0.93
    assert skewed < 0.9
