"""Counts of the faults that were tried.

A test calls `tally("downloads", "404", "refused, named")` for every fault that ended as it must; another end fails the
test. The counts are printed after the tests, and `make soak` writes them into docs/reliability.md.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Tally = Callable[..., None]  # fault, case, outcome, number (1)
Count = tuple[str, str, str]

# names of the faults on the page, in its order
FAULTS = {
    "kills": "killed",
    "concurrency": "several at once",
    "disk": "full disk or size limit",
    "damage": "damaged artifacts",
    "downloads": "downloads",
    "params": "generated params.yaml",
    "divergence": "divergence and degenerate data",
    "results": "results that do not fit",
    "clones": "other folders and configs",
    "names": "names and text",
    "randomness": "global random state",
    "kernels": "compiled kernels",
    "dependencies": "dependencies",
}

BEGIN, END = "<!-- counts: written by `make soak` -->", "<!-- end of counts -->"


def total(reports: Iterable[Any]) -> Counter[Count]:
    """Add up the counts of all tests."""
    counts: Counter[Count] = Counter()
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "tally":
                fault, case, outcome, many = value
                counts[fault, case, outcome] += many
    return counts


def rows(counts: Counter[Count]) -> list[str]:
    """Return a Markdown table, one row per fault, case and outcome."""
    order = list(FAULTS)
    lines = ["| fault | case | outcome | n |", "|---|---|---|--:|"]
    for fault, case, outcome in sorted(counts, key=lambda count: (order.index(count[0]), count[1:])):
        lines.append(f"| {FAULTS[fault]} | {case} | {outcome} | {counts[fault, case, outcome]:,} |")
    return [*lines, f"| all | | | {counts.total():,} |"]


def write(path: Path, counts: Counter[Count]) -> None:
    """Replace the table on the page."""
    text = path.read_text(encoding="utf-8")
    block = "\n".join([BEGIN, "", *rows(counts), "", END])
    changed, places = re.subn(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, text, flags=re.DOTALL)
    assert places == 1, path
    path.write_text(changed, encoding="utf-8")
