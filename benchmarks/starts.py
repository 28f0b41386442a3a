"""Rows about the time before the first step: compilation, the start of a process, and both against JAX."""

import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.agreement import DisagreementError, Exact
from benchmarks.comparisons import JAX_MISSING
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.timing import alternating
from benchmarks.work import Losses, Work, digits, polynomial
from pipeline.arithmetic import library
from pipeline.execution import runs
from pipeline.project import params

JAX, COMPILATION, START = "polynomial-jax-start", "compilation", "start"
ROOT = Path(__file__).parents[1]


def against_jax(options: Options) -> list[Row]:
    """Compare a whole process with compiled kernels with a process of JAX, which compiles."""
    work = polynomial(4, 8) if options.quick else polynomial()
    row = Row(JAX, f"{work}; a whole process", "JAX jit(vmap(scan)), compiled within", Target(5))
    if find_spec("jax") is None:
        return [row.skipped(JAX_MISSING)]
    try:
        note = Exact().check(_fresh("engine", work)[0], _fresh("jax_stack", work)[0], work)
    except DisagreementError as error:
        return [row.failed(str(error))]
    rounds = alternating(options.repeats, lambda: _fresh("engine", work), lambda: _fresh("jax_stack", work))
    ours, theirs = (duration(statistics.median(side)) for side in zip(*rounds, strict=True))
    ratios = [theirs / ours for ours, theirs in rounds]
    return [row.judged(ratios, small=options.quick, ours=ours, theirs=theirs, note=note)]


def start(options: Options) -> list[Row]:
    """Measure a process that trains a linear model and a network for a moment, minus one that imports NumPy."""
    works = polynomial(1, 2), digits(1, 1)
    row = Row(
        START,
        "import, load compiled kernels, train two models for a moment",
        "import numpy",
        Target(0.5, "s", "at most"),
        unit="s",
    )
    _fresh("engine", *works)
    rounds = alternating(
        options.repeats, lambda: _fresh("engine", *works), lambda: _run(sys.executable, "-c", "import numpy")
    )
    ours, theirs = (duration(statistics.median(side)) for side in zip(*rounds, strict=True))
    return [row.judged([ours - theirs for ours, theirs in rounds], small=options.quick, ours=ours, theirs=theirs)]


def compilation(options: Options) -> list[Row]:
    """Measure the processor time that all kernels of the default project take to compile, with an empty cache."""
    title = "all kernels that the default project needs, nothing cached"
    row = Row(COMPILATION, title, "-", Target(15, "s", "at most"), unit="s")
    rounds: list[dict[str, float]] = []
    for _ in range(options.long_repeats):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(json.loads(_run(sys.executable, "-m", "benchmarks.starts", XDG_CACHE_HOME=folder)))
    kernels = {name: statistics.median(times[name] for times in rounds) for name in rounds[0]}
    note = ", ".join(f"{name} {duration(seconds)}" for name, seconds in kernels.items())
    return [row.judged([sum(times.values()) for times in rounds], small=options.quick, note=note)]


def _fresh(side: str, *works: Work) -> list[Losses]:
    """Train each work by a side in a process of its own."""
    output = _run(sys.executable, "-m", "benchmarks.fresh", side, given=pickle.dumps(works))
    losses: list[Losses] = pickle.loads(output)  # noqa: S301
    return losses


def _run(*command: str, given: bytes = b"", **environment: str) -> bytes:
    """Run a command and return what it prints."""
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, input=given, stdout=subprocess.PIPE, check=True
    ).stdout


# --- in a process of its own -----------------------------------------------------------------------------------------


def main() -> None:
    """Do what the stages of the default project do, with one seed, and print how long each kernel took to compile."""
    spent: dict[str, float] = {}
    compile_kernel = library._compile

    def timed(name: str, signature: Any, real: str, machine: Any = None) -> tuple[str, bytes]:
        begun = time.thread_time()
        compiled = compile_kernel(name, signature, real, machine)
        kernel = f"{name.partition(':')[2]} {real}"
        spent[kernel] = spent.get(kernel, 0.0) + time.thread_time() - begun
        return compiled

    library._compile = timed
    project = params.load()
    datasets = {key: configs.make(project.seeds[:1]) for key, configs in project.datasets.items()}
    for measurement in project.measurements.values():
        measurement.measure(project.seeds[0].root)
    for study in project.studies.values():
        runs.train_study(study, project.seeds[:1], datasets[study.dataset])
    json.dump(spent, sys.stdout)


if __name__ == "__main__":
    main()
