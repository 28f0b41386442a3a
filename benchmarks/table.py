"""The printout: what it was measured with, and one table."""

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

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "jax", "jaxlib", "dvc")
WIDTH = 200  # columns where there is no terminal: no row shall be cut in a log
COLOURS = {"met": "green", "missed": "yellow", "error": "red"}


def environment() -> dict[str, str]:
    """Processor, threads and versions."""
    threads = {name: value for name, value in os.environ.items() if name.startswith(("OMP_", "MKL_", "OPENBLAS_"))}
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "torch threads": str(torch.get_num_threads()),
        "thread variables": ", ".join(f"{name}={value}" for name, value in sorted(threads.items())) or "none set",
        "python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def show(environment: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print to standard output; plain text where that is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH, color_system=None)
    console.print("; ".join(f"{name} {value}" for name, value in environment.items()), highlight=False, soft_wrap=True)
    table = Table(title="ours against theirs, in turns", title_justify="left", caption_justify="left")
    for heading in ("row", "work", "against", "target", "measured", "n", "least to most", "ours", "theirs", ""):
        table.add_column(heading, justify="right" if heading in ("measured", "n") else "left", overflow="fold")
    for row in rows:
        colour = COLOURS.get(row.verdict, "default")
        measured = ["", "", ""]
        if row.values:
            spread = f"{shown(min(row.values), row.unit)} to {shown(max(row.values), row.unit)}"
            measured = [shown(row.median, row.unit), str(len(row.values)), spread]
        cells = [row.row, row.work, row.against, str(row.target or "-"), *measured, row.ours, row.theirs]
        table.add_row(*cells, f"[{colour}]{row.verdict}[/{colour}]")
    console.print(table)
    for row in rows:
        if row.note:
            console.print(f"{row.row}: {row.note}", highlight=False, markup=False)


def write(path: Path, environment: Mapping[str, str], rows: Sequence[Row]) -> None:
    """The same as JSON."""
    values = [{**asdict(row), "median": row.median if row.values else None} for row in rows]
    path.write_text(json.dumps({"environment": dict(environment), "rows": values}, indent=2) + "\n", encoding="utf-8")


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        found = None
    name = found.group(1) if found else platform.processor() or platform.machine()
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
