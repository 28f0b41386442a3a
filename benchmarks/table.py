"""The output: one table, and the machine and versions that it was measured with."""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.results import Row, shown
from pipeline.core.cores import threads

PACKAGES = ("numba", "llvmlite", "torch", "torchvision", "numpy", "scikit-learn", "jax", "jaxlib", "dvc")
HEADINGS = ("row", "work", "against", "target", "measured", "n", "least to most", "ours", "theirs", "")
WIDTH = 200  # columns without a terminal: wide enough for every row
COLOURS = {"met": "green", "missed": "yellow", "error": "red"}
BEGIN, END = "<!-- table: written by `python -m benchmarks --docs` -->", "<!-- end of table -->"


def environment() -> dict[str, str]:
    """Return processor, threads and versions."""
    variables = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.endswith("_NUM_THREADS")]
    return {
        "processor": _processor(),
        "threads of each side": str(threads()),
        "thread variables": ", ".join(variables) or "none set",
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def show(environment: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print to standard output, as plain text if it is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH, color_system=None)
    console.print(_line(environment), highlight=False, soft_wrap=True)
    table = Table(title="ours against theirs, in turns", title_justify="left", caption_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in ("measured", "n") else "left", overflow="fold")
    for row in rows:
        colour = COLOURS.get(row.verdict, "default")
        *cells, verdict = _cells(row)
        table.add_row(*cells, f"[{colour}]{verdict}[/{colour}]")
    console.print(table)
    for row in rows:
        if row.note:
            console.print(f"{row.row}: {row.note}", highlight=False, markup=False)


def write(path: Path, environment: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Write the table as JSON."""
    values = [{**asdict(row), "median": row.median if row.values else None} for row in rows]
    path.write_text(json.dumps({"environment": dict(environment), "rows": values}, indent=2) + "\n", encoding="utf-8")


def write_docs(path: Path, environment: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Replace the table of a Markdown page."""
    lines = [HEADINGS, *([":--"] * len(HEADINGS),), *(_cells(row) for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    path.write_text(
        f"{before}{BEGIN}\n\n{table}\n\nMeasured with {_line(environment)}.\n\n{END}{after}", encoding="utf-8"
    )


def _line(environment: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in environment.items())


def _cells(row: Row) -> list[str]:
    """Return the cells of a row."""
    measured = ["", "", ""]
    if row.values:
        spread = f"{shown(min(row.values), row.unit)} to {shown(max(row.values), row.unit)}"
        measured = [shown(row.median, row.unit), str(len(row.values)), spread]
    return [row.row, row.work, row.against, str(row.target or "-"), *measured, row.ours, row.theirs, row.verdict]


def _processor() -> str:
    try:
        model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        model = None
    name = model.group(1) if model else platform.processor() or platform.machine()
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
