"""The whole project: `dvc repro --force` now and at the last commit with the previous engine.

Each side has a clone of its own, the ten seeds of that commit, and the packages that it asks for.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from benchmarks.agreement import DisagreementError
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.timing import alternating

NAME = "repro"
ROOT = Path(__file__).parents[1]
BEFORE = "6f1aa56"
SEEDS, QUICK_SEEDS = 10, 3
QUICK_TARGET = "train@weight_decay"
ERRORS = 8  # standard errors by which means over seeds may differ
RESULTS = "reports/results"


def measure(options: Options) -> list[Row]:
    """Measure both sides in turns."""
    with tempfile.TemporaryDirectory() as folder:
        clones = {commit: Path(folder, commit) for commit in ("HEAD", BEFORE)}
        for commit, clone in clones.items():
            _clone(commit, clone, QUICK_SEEDS if options.quick else SEEDS)
        return [_measure(options, *clones.values())]


def _measure(options: Options, now: Path, before: Path) -> Row:
    commit = _run("git", "rev-parse", "--short", "HEAD", cwd=now).strip()
    seeds, targets = (QUICK_SEEDS, [QUICK_TARGET]) if options.quick else (SEEDS, [])
    title = f"dvc repro --force of the default project, {seeds} seeds, store off, commit {commit}"
    row = Row(NAME, title, f"commit {BEFORE}", Target(3))
    repro = ["-m", "dvc", "repro", "--quiet", "--force", *targets]
    pythons = {clone: _python(clone) for clone in (now, before)}
    sides = [partial(_run, str(python), *repro, cwd=clone, path=python.parent) for clone, python in pythons.items()]
    rounds = alternating(options.long_repeats, *sides)
    try:
        note = _check(now, before)
    except DisagreementError as error:
        return row.failed(str(error))
    ours, theirs = (duration(statistics.median(side)) for side in zip(*rounds, strict=True))
    ratios = [theirs / ours for ours, theirs in rounds]
    return row.judged(ratios, small=options.quick, ours=ours, theirs=theirs, note=note)


def _clone(commit: str, clone: Path, seeds: int) -> None:
    """Clone a commit; all data sets get this number of seeds."""
    _run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=ROOT)
    _run("git", "checkout", "--quiet", "--detach", commit, cwd=clone)
    yaml, path = YAML(), clone / "params.yaml"
    written = yaml.load(path)
    written["seeds"]["count"] = seeds
    for dataset in written["datasets"].values():
        dataset.pop("seeds", None)
    yaml.dump(written, path)


def _python(clone: Path) -> Path:
    """Return this interpreter if it has the packages that the clone asks for, else one of the clone's own."""
    wanted = re.findall(r"^([^#\s]+)==(\S+)", (clone / "requirements.txt").read_text(), flags=re.MULTILINE)
    if all(_version(name) == number for name, number in wanted):
        return Path(sys.executable)
    _run("make", ".venv/installed", cwd=clone)
    return clone / ".venv" / "bin" / "python"


def _version(package: str) -> str | None:
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return None


def _check(now: Path, before: Path) -> str:
    """Compare the results of both commits; return in words how many variants they have in common.

    Orders and masks are drawn in another way, so seeds cannot be compared one by one: means over seeds must agree.

    Raises:
        DisagreementError: If the mean logarithm of a variant's test loss is farther off than `ERRORS` allows.
    """
    compared = 0
    for study in sorted(path.name for path in (now / RESULTS).glob("*.csv") if (before / RESULTS / path.name).exists()):
        tables = [pd.read_csv(clone / RESULTS / study) for clone in (now, before)]
        if not all("test_loss" in table for table in tables):
            continue  # of a measurement
        whole = [table[(table["fold"] == 0) & (table["status"] == "finished")] for table in tables]
        sides = [np.log(table.set_index("variant")["test_loss"]).groupby(level=0) for table in whole]
        (ours, theirs), (our_error, their_error) = ([side.mean() for side in sides], [side.sem() for side in sides])
        for variant in ours.index.intersection(theirs.index):
            allowed = ERRORS * float(np.hypot(our_error[variant], their_error[variant]))
            if abs(ours[variant] - theirs[variant]) > allowed:
                raise DisagreementError(
                    f"{study}, {variant}: found the test loss {np.exp(theirs[variant]):.4g}, expected "
                    f"{np.exp(ours[variant]):.4g} within a factor of {np.exp(allowed):.4g}"
                )
            compared += 1
    if not compared:
        raise DisagreementError("found no variant that both commits train")
    return f"mean test losses of {compared} variants agree within {ERRORS} standard errors"


def _run(*command: str, cwd: Path, path: Path | None = None) -> str:
    """Run a command, with a folder in front of the PATH because stages call `python`; return what it prints.

    Raises:
        RuntimeError: If it fails; with what it printed.
    """
    environment = os.environ | ({"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"} if path else {})
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
