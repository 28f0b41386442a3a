"""The row of the whole project: `dvc repro` against one process per run with a textbook loop.

Nobody waits for all of the latter: one run of every variant is measured, and of its folds, and taken as often as the
project has such runs. The start of an interpreter is measured apart, since a run may also be started without one.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.agreement import DisagreementError
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.sides import textbook
from benchmarks.timing import seconds
from benchmarks.work import Losses
from pipeline import data
from pipeline.project import params
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.variants import Study, Variant

NAME = "repro"
ROOT = Path(__file__).parents[1]
QUICK_STUDIES = ("weight_decay", "covariate_shift")
STARTS = 5  # of an interpreter with what a textbook loop imports
IMPORTS = "import numpy, torch; from torch import nn, optim; from torch.utils.data import DataLoader, TensorDataset"
TOLERANCE = 1e-3  # of a loss
ALIKE = 0.9  # of the runs without dropout
SPREADS = 6  # standard deviations over seeds


@dataclass(frozen=True, eq=False)
class Kind:
    """Runs that take equally long: a variant with all its seeds, whole or with a fold left out."""

    study: Study
    variant: Variant
    fold: int
    seed: Seed
    count: int


def measure(options: Options) -> list[Row]:
    """Two rows: without and with the start of an interpreter for every run."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        _run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=ROOT)
        commit = _run("git", "rev-parse", "--short", "HEAD", cwd=clone).strip()
        return _measure(options, clone, commit)


def _measure(options: Options, clone: Path, commit: str) -> list[Row]:
    project = params.load(path=clone / params.PATH)
    studies = [one for one in project.studies.values() if not options.quick or one.id in QUICK_STUDIES]
    kinds = [kind for study in studies for kind in _kinds(study, project.seeds_of(study.dataset))]
    used = {key: data.make(project.datasets[key], project.seeds_of(key)) for key in {one.dataset for one in studies}}
    runs = sum(kind.count for kind in kinds)
    title = f"dvc repro --force of the default project, {runs:,} runs, commit {commit}"
    against = "one process per run, DataLoader, nn.Sequential, optim.SGD"
    rows = [
        Row(NAME, title, f"{against}, start not counted", Target(50)),
        Row(f"{NAME}-with-start", title, f"{against}, start counted", Target(50)),
    ]
    targets = [f"train@{one.id}" for one in studies] if options.quick else []
    wholes, loops, starts, note = [], [], [], ""
    for round_ in range(options.long_repeats):
        whole, _ = seconds(lambda: _run(*_repro(), *targets, cwd=clone))
        trained = {kind: seconds(partial(_textbook, kind, used)) for kind in kinds}
        if round_ == 0:
            try:
                note = _check(clone, {kind: losses for kind, (_, losses) in trained.items()})
            except DisagreementError as error:
                return [row.failed(str(error)) for row in rows]
        wholes.append(whole)
        loops.append(sum(kind.count * one for kind, (one, _) in trained.items()))
        starts.append(runs * statistics.median(seconds(_start)[0] for _ in range(STARTS)))
    both = [loop + start for loop, start in zip(loops, starts, strict=True)]
    return [
        row.judged(
            [one / whole for one, whole in zip(theirs, wholes, strict=True)],
            small=options.quick,
            ours=duration(statistics.median(wholes)),
            theirs=f"{statistics.median(theirs):.4g} s, from {len(kinds)} runs measured",
            note=f"{note}; an interpreter starts in {duration(statistics.median(starts) / runs)}",
        )
        for row, theirs in zip(rows, (loops, both), strict=True)
    ]


def _kinds(study: Study, seeds: tuple[Seed, ...]) -> Iterable[Kind]:
    for variant in study.variants:
        yield Kind(study, variant, 0, seeds[0], len(seeds))
        if variant.setting.data.validation.folds:
            yield Kind(study, variant, 1, seeds[0], len(seeds) * variant.setting.data.validation.folds)


def _textbook(kind: Kind, used: dict[str, Dataset]) -> Losses:
    # what a diverging run warns of
    with np.errstate(all="ignore"):
        return textbook.train(kind.variant.setting, kind.seed, used[kind.study.dataset], kind.fold)


def _check(clone: Path, trained: dict[Kind, Losses]) -> str:
    """How far final losses are from those that the stage wrote, in words.

    Without dropout nothing differs but rounding. Where training is at the edge of stability, as it is from some of the
    project's initial weights, steps amplify it until two runs have nothing in common; so nine runs in ten have to be
    within `TOLERANCE`. With dropout masks differ. No run of either kind may be farther from ours than seeds are from
    each other, times `SPREADS`: seeds differ in weights and orders besides, and masks alone make about three of it.

    Raises:
        DisagreementError: If a run is farther, or too many are.
    """
    alike = []
    for kind, losses in trained.items():
        table = pd.read_csv(clone / "reports" / "results" / f"{kind.study.id}.csv")
        seeds = table[(table["variant"] == kind.variant.id) & (table["fold"] == kind.fold)]
        ours = seeds[seeds["seed_index"] == kind.seed.index].iloc[0]
        if ours["status"] == "diverged":
            continue  # what a diverged run ended with means nothing
        finals = {"train_loss": losses.train, "test_loss": losses.test, "train_loss_running": losses.running}
        differences = {name: abs(float(np.log(found.flat[-1] / ours[name]))) for name, found in finals.items()}
        for name, difference in differences.items():
            allowed = max(TOLERANCE, SPREADS * float(np.log(seeds[name]).std()))
            if not difference <= allowed:
                raise DisagreementError(
                    f"{kind.study.id}, {kind.variant.id}, fold {kind.fold}: found the {name} "
                    f"{finals[name].flat[-1]:.6g}, expected {ours[name]:.6g} within a factor of {np.exp(allowed):.3g}"
                )
        if not any(kind.variant.setting.model.dropout_rates):
            alike.append(max(differences.values()) <= TOLERANCE)
    note = f"{sum(alike)} of {len(alike)} runs without dropout end within {TOLERANCE:.1%} of ours"
    if sum(alike) < ALIKE * len(alike):
        raise DisagreementError(f"{note}, allowed: {ALIKE:.0%} of them")
    return note


def _repro() -> list[str]:
    return [sys.executable, "-m", "dvc", "repro", "--quiet", "--force"]


def _start() -> None:
    _run(sys.executable, "-c", IMPORTS, cwd=ROOT)


def _run(*command: str, cwd: Path) -> str:
    """What the command prints.

    Raises:
        RuntimeError: If it fails; with what it printed.
    """
    # the stages call `python`: that of this environment
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
