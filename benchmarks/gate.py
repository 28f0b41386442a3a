"""False alarms of `ablate compare --fail-on`: `python -m benchmarks.gate FOLDER` makes a table of docs/statistics.md.

FOLDER holds a project like that of the current folder, run with at least twice as many seeds of every study. Nothing is
trained here: two states of the project that differ in seeds alone are drawn from its results, and compared as
`ablate compare` does. All variants of a seed stay together, so the results of a study are as correlated as real ones.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import typer
from scipy import stats

from ablate import between, revisions
from ablate.revisions import Revision
from pipeline.analysis.judging import DECIDED
from pipeline.core.errors import UserError
from pipeline.project import params

HEADER = [
    "states",
    "n",
    "fail on worse",
    "95 % interval",
    "any false verdict",
    "by verdicts of studies",
    "false families",
]
Pairing = Literal["other seeds", "the same seeds"]


def states(
    pool: Revision, counts: Mapping[str, int], pairing: Pairing, random: np.random.Generator
) -> tuple[Revision, Revision]:
    """Draw two states of a project that differ in nothing but chance.

    Both sides of a study are disjoint random sets of its seeds in the pool. If they are to have the same seeds, each
    seed of one side is renamed to one of the other, as if a change of the code had redrawn every random number: pairs
    are then exchangeable, but less correlated than those of most real changes.

    Args:
        pool: A project and its results.
        counts: Number of seeds of each study in one state.
    """
    tables: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]] = ({}, {})
    for key, n in counts.items():
        results = pool.results[key].sort_values("seed_index", kind="stable")
        seeds = results["seed_index"].unique()
        if len(seeds) < 2 * n:
            raise UserError(f"{key}: found {len(seeds)} seeds, allowed: at least {2 * n}, for two states of {n}")
        rows = results.index.to_numpy().reshape(len(seeds), -1)
        chosen = random.permutation(len(seeds))[: 2 * n]
        for root, side in enumerate(tables):
            part = results.loc[rows[chosen[root * n : (root + 1) * n]].ravel()].reset_index(drop=True)
            side[key] = part.assign(seed_index=np.repeat(np.arange(n), rows.shape[1]), seed_root=root)
        if pairing == "the same seeds":
            tables[1][key] = tables[1][key].assign(seed_root=0, data=tables[0][key]["data"])
    before, after = (replace(pool, name=name, results=side) for name, side in zip(("a", "b"), tables, strict=True))
    return before, after


def alarms(
    pool: Revision, counts: Mapping[str, int], pairing: Pairing, pairs: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compare many pairs of states.

    Returns:
        For each pair whether `--fail-on worse` fails, (P,), whether any verdict of better, worse, higher or lower is
        among those of the gate, (P,), and among those of the studies, (P,); and the number of studies with one, (P,).
    """
    random, found = np.random.default_rng(0), []
    for _ in range(pairs):
        left, right = states(pool, counts, pairing, random)
        rows = between.effects(left, right)
        gate = between.together(rows, left, right)
        false = rows["verdict"].isin(DECIDED)
        found.append(("worse" in gate, not set(DECIDED).isdisjoint(gate), false.any(), rows["study"][false].nunique()))
    worse, gated, judged, families = zip(*found, strict=True)
    return np.array(worse), np.array(gated), np.array(judged), np.array(families)


def main(
    folder: Annotated[Path, typer.Argument(help="A project that was run with twice as many seeds or more.")],
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of states for each row.")] = 200,
    seeds: Annotated[int | None, typer.Option(min=1, help="Of every study; default: as params.yaml declares.")] = None,
) -> None:
    """Print the table as Markdown."""
    project, pool = params.load(), revisions.of_folder(folder, "pool")
    counts = {key: seeds or len(project.seeds_of(study)) for key, study in project.studies.items()}
    declared = f"{min(counts.values())} to {max(counts.values())}" if seeds is None else f"{seeds}"
    assert pool.params is not None
    # in this order the divisions of n seeds are drawn once per comparison
    keys = sorted(counts, key=lambda key: counts[key])
    pool = replace(pool, params=replace(pool.params, studies={key: pool.params.studies[key] for key in keys}))
    variants = sum(len(study.variants) for study in project.studies.values())
    sys.stdout.write(f"{pairs} pairs of states per row, {len(counts)} studies with {variants} variants.\n\n")
    for line in (HEADER, [":--", *["--:"] * (len(HEADER) - 1)]):
        sys.stdout.write(_line(line))
    pairings: Sequence[Pairing] = ("other seeds", "the same seeds")
    for pairing in pairings:
        worse, gated, judged, families = alarms(pool, counts, pairing, pairs)
        low, high = stats.binomtest(int(worse.sum()), pairs).proportion_ci(0.95)
        shares = [gated.mean(), judged.mean(), families.mean() / len(counts)]
        interval = f"{100 * low:.1f} to {100 * high:.1f} %"
        failed = f"{worse.sum()} of {pairs}"
        sys.stdout.write(_line([pairing, declared, failed, interval, *(f"{100 * share:.1f} %" for share in shares)]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    typer.run(main)
