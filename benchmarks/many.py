"""One large study: how long 10,000 runs take, how that grows from 100 runs, and how much memory they need.

The runs are trained in a process of their own (`python -m benchmarks.many`), so that its memory holds nothing else.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import DisagreementError, Exact
from benchmarks.options import Options
from benchmarks.results import Row, Target, duration
from benchmarks.timing import seconds
from benchmarks.work import Losses, Work, polynomial_grid
from pipeline.execution import runs

NAME = "many-runs"
ROOT = Path(__file__).parents[1]
SMALL_REPEATS = 3  # of the hundred runs, before each time that all of them are trained
CHECKED_RUNS = 3


@dataclass(frozen=True)
class Size:
    """The size of a study: learning rates times weight decays times seeds, and epochs."""

    learning_rates: int
    weight_decays: int
    seeds: int
    epochs: int

    @property
    def runs(self) -> int:
        return self.learning_rates * self.weight_decays * self.seeds

    def work(self) -> Work:
        return polynomial_grid(**asdict(self))


LARGE, SMALL = Size(10, 10, 100, 400), Size(10, 1, 10, 400)
QUICK_LARGE, QUICK_SMALL = Size(3, 2, 4, 4), Size(3, 1, 2, 4)


def measure(options: Options) -> list[Row]:
    """Measure three rows: seconds, time per run against that of a hundred runs, memory."""
    large, small = (QUICK_LARGE, QUICK_SMALL) if options.quick else (LARGE, SMALL)
    title = f"{large.runs:,} runs of a linear model in one study, tables included"
    rows = [
        Row(NAME, title, "-", Target(8, "s", "at most"), unit="s"),
        Row(f"{NAME}-scaling", title, f"time per run at {small.runs} runs", Target(1, sense="at most")),
        Row(f"{NAME}-memory", title, "-", Target(1, "GB", "at most"), unit="GB"),
    ]
    measured = _in_a_process(large, small, options.long_repeats)
    try:
        note = _check(large.work(), measured["runs"])
    except DisagreementError as error:
        return [row.failed(str(error)) for row in rows]
    whole, per_run = measured["large"], [elapsed / small.runs for elapsed in measured["small"]]
    ratios = [total / large.runs / single for total, single in zip(whole, per_run, strict=True)]
    times = {
        "ours": f"{duration(statistics.median(whole) / large.runs)} per run",
        "theirs": f"{duration(statistics.median(per_run))} per run",
    }
    quick = options.quick
    return [
        rows[0].judged(whole, small=quick, ours=times["ours"], note=f"a sample of runs against in-memory: {note}"),
        rows[1].judged(ratios, small=quick, **times),
        rows[2].judged([measured["peak"] / 1e9], small=quick, note="the most that the process held"),
    ]


def _in_a_process(large: Size, small: Size, repeats: int) -> dict[str, Any]:
    """Run both sizes in a process of its own and return what it printed."""
    sizes = [str(number) for size in (large, small) for number in asdict(size).values()]
    command = [sys.executable, "-m", "benchmarks.many", *sizes, "--repeats", str(repeats)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout
    measured: dict[str, Any] = json.loads(printed)
    return measured


def _check(work: Work, runs: list[dict[str, Any]]) -> str:
    from benchmarks.sides import in_memory  # torch, which the process that is measured does not need

    notes = []
    for run in runs:
        variant = replace(work.study, variants=(work.study.variant(run["variant"]),))
        alone = in_memory.train(replace(work, study=variant, seeds=(work.seeds[run["seed_index"]],)))
        last = Losses(alone.train[:, -1:], alone.test[:, -1:], alone.running)
        ours = Losses(np.array([[run["train_loss"]]]), np.array([[run["test_loss"]]]), np.array([run["running"]]))
        notes.append(Exact().check(ours, last, work))
    return max(notes)


# --- in the process of its own ---------------------------------------------------------------------------------------


def _train(work: Work) -> list[dict[str, Any]]:
    """Train all runs and return the final losses of a few of them."""
    results = runs.train_study(work.study, work.seeds, work.dataset).results
    if not (results["status"] == "finished").all():
        raise RuntimeError("found runs that diverged")
    sample = results.iloc[np.linspace(0, len(results) - 1, CHECKED_RUNS).astype(int)]
    columns = {"train_loss_running": "running"}
    wanted = ["variant", "seed_index", "train_loss", "test_loss", "train_loss_running"]
    losses: list[dict[str, Any]] = sample[wanted].rename(columns=columns).to_dict("records")
    return losses


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs=8)
    parser.add_argument("--repeats", type=int)
    arguments = parser.parse_args()
    large, small = Size(*arguments.sizes[:4]).work(), Size(*arguments.sizes[4:]).work()
    measured: dict[str, Any] = {"large": [], "small": []}
    _train(small)  # imports and first calls are no part of a run
    for _ in range(arguments.repeats):
        measured["small"].append(statistics.median(seconds(lambda: _train(small))[0] for _ in range(SMALL_REPEATS)))
        elapsed, measured["runs"] = seconds(lambda: _train(large))
        measured["large"].append(elapsed)
    json.dump(measured | {"peak": _peak()}, sys.stdout)


def _peak() -> int:
    """Return the peak memory of this process in bytes."""
    try:
        # not getrusage: on Linux it includes the memory of the process that started this one
        return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    except OSError:
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return held if sys.platform == "darwin" else 1024 * held


if __name__ == "__main__":
    main()
