"""Measure how long a user waits, in fresh clones of HEAD with installed packages: `python -m benchmarks.waiting`."""

import contextlib
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import psutil
import typer
from ruamel.yaml import YAML

from benchmarks import table
from benchmarks.results import Row, Target

ROOT = Path(__file__).parents[1]
STUDY = "weight_decay"
VALUES = (0.1, 2, 20, 0.03, 5)  # of its grid, a new one per round
QUICK_SEEDS = 3
BEGIN, END = "<!-- waiting: written by `python -m benchmarks.waiting --docs` -->", "<!-- end of waiting -->"
HEADINGS = ("what", "measured by", "target", "measured", "n", "least to most", "")

# what the user waits for, the clock, and the target in seconds
ROWS = {
    "first run": ("`make`, packages installed, nothing compiled or stored", "seconds", 120),
    "longest silence": ("the same, between two lines", "seconds", 3),
    "one new grid value": ("`dvc repro` after a value was added to a study", "seconds", 20),
    "nothing to do": ("`dvc repro`", "seconds", 8),
    "help": ("`ablate --help`", "processor time", 0.4),
    "check": ("`ablate check`", "processor time", 1),
    "show": (f"`ablate show {STUDY}`", "processor time", 1.5),
    "compare": ("`ablate compare HEAD~1 HEAD`", "processor time", 5),
    "first line of a stage": (f"`python -m pipeline.stages.train {STUDY}`", "processor time", 1),
}
COMMANDS = {
    "help": ["ablate", "--help"],
    "check": ["ablate", "check"],
    "show": ["ablate", "show", STUDY],
    "compare": ["ablate", "compare", "HEAD~1", "HEAD"],
}


class CommandError(Exception):
    """A measured command failed."""


@dataclass
class Clone:
    """A clone of HEAD with a store of runs and a cache of its own, both empty at first."""

    folder: Path
    seeds: int | None  # of every data set; None for those of HEAD
    project: Path = field(init=False)

    def __post_init__(self) -> None:
        self.project = self.folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.project)], check=True)
        # the Makefile calls the programs of `.venv`
        (self.project / ".venv").symlink_to(sys.prefix)
        if self.seeds is not None:
            with self.params() as written:
                written["seeds"]["count"] = self.seeds
                for dataset in written["datasets"].values():
                    dataset.pop("seeds", None)

    @contextlib.contextmanager
    def params(self) -> Iterator[dict]:  # type: ignore[type-arg]
        """Edit `params.yaml`, its comments included."""
        yaml, path = YAML(), self.project / "params.yaml"
        written = yaml.load(path)
        yield written
        yaml.dump(written, path)

    def start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command of the environment on the code of the clone; its output is one stream."""
        # the project's modules may be compiled, and programs write each line at once, as to a terminal
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
            "ABLATE_STORE": str(self.folder / "store"),
            "PATH": f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.project),
            "PYTHONUNBUFFERED": "1",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        return subprocess.Popen(
            command, cwd=self.project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def lines(self, *command: str) -> list[tuple[float, str]]:
        """Run a command; return its lines and when each came, in seconds, and at last its end.

        Raises:
            CommandError: If it fails; with its last lines.
        """
        begun = time.perf_counter()
        written: list[tuple[float, str]] = []
        with self.start(command) as process:
            assert process.stdout is not None
            for line in process.stdout:
                written.append((time.perf_counter() - begun, line.rstrip()))
        if process.returncode:
            tail = "\n".join(line for _, line in written[-20:])
            raise CommandError(f"{' '.join(command)} ended with {process.returncode}\n{tail}")
        return [*written, (time.perf_counter() - begun, "")]

    def processor_time(self, *command: str) -> float:
        """Run a command; return the processor time of all its processes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.lines(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def first_line(self, *command: str) -> float:
        """Return the processor time of a command until its first line, then end it."""
        with self.start(command) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            spent = psutil.Process(process.pid).cpu_times()
            process.terminate()
            process.stdout.read()
        if not line or "Traceback" in line:
            raise CommandError(f"{' '.join(command)}: found {line!r}, expected a line")
        return float(spent.user + spent.system)


def longest_silence(lines: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """Return the longest time without a line, and the stage in which it was."""
    longest, where, stage, before = 0.0, "", "before the first stage", 0.0
    for at, line in lines:
        if at - before > longest:
            longest, where = at - before, stage
        before = at
        if started := re.search(r"Running stage '(?:.*:)?([^']+)'", line):
            stage = started[1]
    return longest, where


def measure(repeats: int, seeds: int | None, say: Callable[[str], None]) -> tuple[dict[str, list[float]], list[str]]:
    """Return the seconds of every row, one per round, and the stages with the longest silences."""
    seconds: dict[str, list[float]] = {name: [] for name in ROWS}
    stages = []
    for number in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            clone = Clone(Path(folder), seeds)
            lines = clone.lines("make", "--old-file=.venv/installed", "report")
            silence, stage = longest_silence(lines)
            seconds["first run"].append(lines[-1][0])
            seconds["longest silence"].append(silence)
            stages.append(stage)
            with clone.params() as written:
                written["studies"][STUDY]["grid"]["optimizer"]["weight_decay"].append(VALUES[number % len(VALUES)])
            seconds["one new grid value"].append(clone.lines("dvc", "repro")[-1][0])
            seconds["nothing to do"].append(clone.lines("dvc", "repro")[-1][0])
            for name, command in COMMANDS.items():
                clone.lines(*command)  # its modules are compiled now
                seconds[name].append(clone.processor_time(*command))
            seconds["first line of a stage"].append(clone.first_line("python", "-m", "pipeline.stages.train", STUDY))
        for name, values in seconds.items():
            say(f"round {number + 1} of {repeats}: {name} {values[-1]:.2f} s")
    return seconds, stages


def main(
    docs: Annotated[Path | None, typer.Option(help="Write the table into this page, docs/speed.md.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds, each in a clone of its own.")] = 3,
    quick: Annotated[bool, typer.Option(help="One round with few seeds: does every command run?")] = False,
) -> None:
    """Measure and print; exit with 1 if a command failed, not if a target was missed."""
    try:
        seconds, stages = measure(
            1 if quick else repeats, QUICK_SEEDS if quick else None, lambda line: typer.echo(line, err=True)
        )
    except CommandError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    rows = [
        Row(name, work, "", Target(target, "s", "at most"), unit="s", ours=clock).judged(seconds[name], small=quick)
        for name, (work, clock, target) in ROWS.items()
    ]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in [HEADINGS, [":--"] * len(HEADINGS), *map(_cells, rows)])
    environment = table.environment()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    text += (
        f"\n\nCommit {commit}; processor {environment['processor']}, {os.cpu_count()} cores; "
        f"the longest silence was in {statistics.mode(stages)}."
    )
    typer.echo(text)
    if docs is not None:
        before, rest = docs.read_text(encoding="utf-8").split(BEGIN)
        docs.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _cells(row: Row) -> list[str]:
    """Return the cells of a row."""
    shown = [f"{value:.3g} s" for value in (row.median, min(row.values), max(row.values))]
    measured = [shown[0], str(len(row.values)), f"{shown[1]} to {shown[2]}"]
    return [f"{row.row}: {row.work}", row.ours, str(row.target), *measured, row.verdict]


if __name__ == "__main__":
    typer.run(main)
