"""Error rates of tests, intervals and verdicts: `python -m benchmarks.coverage` makes tables of docs/statistics.md.

Not a benchmark of speed, but of the statistics behind verdicts. If both sides are drawn alike, the size is promised and
tested; if differences have mean 0 but are asymmetric, no test of a mean can promise its size, so it is measured.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from scipy import stats

from benchmarks import families, studies
from benchmarks.families import ALPHA, Draw
from pipeline.analysis.judging import DECIDED, describe, judge
from pipeline.analysis.significance import permutation, unpaired_effect
from pipeline.analysis.statistics import CONFIDENCE
from pipeline.project.metrics import METRICS

SEEDS = (5, 10, 30)
EXAMPLES = 360  # test examples of the digits

# differences within pairs, all of mean 0
PAIRED: Mapping[str, Draw] = {
    "normal": lambda random, size: random.normal(size=size),
    "exponential less exponential (drawn alike)": lambda random, size: (
        random.exponential(size=size) - random.exponential(size=size)
    ),
    "lognormal, compared as ratios (drawn alike)": lambda random, size: random.normal(0, 2**0.5, size=size),
    "t with 3 degrees of freedom": lambda random, size: random.standard_t(3, size=size),
    "asymmetric: exponential less 1": lambda random, size: random.exponential(size=size) - 1,
    "asymmetric: lognormal(0, 1) less its mean": lambda random, size: (
        random.lognormal(0, 1, size=size) - float(np.exp(0.5))
    ),
}

# two sides of one mean: how many seeds and standard deviation of each
UNPAIRED = {
    "normal, n = 10 and 10": (10, 1.0, 10, 1.0),
    "normal, n = 5 and 10": (5, 1.0, 10, 1.0),
    "normal, sd 1 and 3, n = 10 and 10": (10, 1.0, 10, 3.0),
    "normal, sd 1 and 3, n = 10 and 30": (10, 1.0, 30, 3.0),
    "normal, sd 3 and 1, n = 10 and 30": (10, 3.0, 30, 1.0),
}

# correlation of two examples of one run, which makes runs differ by more than independent examples do
CORRELATIONS = {"binomial": 0.0, "beta-binomial": 0.01}


def paired(name: str, n: int, samples: int) -> tuple[float, float, float]:
    """Return the shares of p at most 5 %, of intervals that contain 0, and of false verdicts, which need both."""
    tests = families.rows(PAIRED[name](np.random.default_rng(n), (samples, n)))
    small = np.mean([test.p <= ALPHA for test in tests])
    covered = np.mean([test.effect_low <= 0 <= test.effect_high for test in tests])
    judged = [judge([test], families.METRIC, families.UNJUDGED)[0] for test in tests]
    return float(small), float(covered), float(np.mean([test.verdict in DECIDED for test in judged]))


def unpaired(n: int, sd: float, m: int, other: float, samples: int) -> tuple[float, float, float]:
    """Return the same shares for two sides with other seeds."""
    random = np.random.default_rng(0)
    variants, baselines = random.normal(0, sd, (samples, n)), random.normal(0, other, (samples, m))
    pairs = list(zip(variants, baselines, strict=True))
    small = np.array([permutation(*pair) for pair in pairs]) <= ALPHA
    effects = [unpaired_effect(*pair, "linear") for pair in pairs]
    covered = np.array([effect.low <= 0 <= effect.high for effect in effects])
    return float(small.mean()), float(covered.mean()), float((small & ~covered).mean())


def accuracy(mean: float, correlation: float, n: int, samples: int) -> tuple[float, float, float]:
    """Return the shares of intervals of an accuracy that hold the true mean, lie below it, and have no width."""
    random = np.random.default_rng(n)
    chances: Any = mean
    if correlation:
        total = 1 / correlation - 1
        chances = random.beta(mean * total, (1 - mean) * total, (samples, n))
    values = random.binomial(EXAMPLES, chances, (samples, n)) / EXAMPLES
    sides = [
        describe(pd.DataFrame({"value": runs, "finished": True}), METRICS["test_accuracy"], 0.0) for runs in values
    ]
    low, high = (np.array([side[name] for side in sides]) for name in ("low", "high"))
    return float(((low <= mean) & (mean <= high)).mean()), float((high < mean).mean()), float((low == high).mean())


@dataclass(frozen=True)
class Table:
    """A table to be made: its name, the number of samples of each row, its header, and what makes its rows."""

    name: str
    samples: int
    header: Sequence[str]
    rows: Sequence[tuple[Sequence[str], Callable[[], Sequence[float]]]]


def by_seeds(measure: Callable[..., Sequence[float]], *arguments: Any) -> list[float]:
    """Return every share that `measure` returns, with 5, 10 and 30 seeds."""
    *others, samples = arguments
    shares = [measure(*others, n, samples) for n in SEEDS]
    return [share for one in zip(*shares, strict=True) for share in one]


def _with_seeds(*names: str) -> list[str]:
    """Return the header of the shares that `by_seeds` returns."""
    return [f"{name}, n = {n}" if n == SEEDS[0] else f"{n}" for name in names for n in SEEDS]


def tables(samples: int) -> Iterator[Table]:
    """Yield all tables; those of whole families and studies have a fifth and a tenth of the samples."""
    some, few = max(1, samples // 5), max(1, samples // 10)
    rows: list[Any] = [((name, str(n)), partial(paired, name, n, samples)) for name in PAIRED for n in SEEDS]
    rows += [
        ((f"unpaired: {name.split(', n =')[0]}", f"{n}, {m}"), partial(unpaired, n, sd, m, other, samples))
        for name, (n, sd, m, other) in UNPAIRED.items()
    ]
    yield Table("pairs", samples, ["differences", "n", "p ≤ 5 %", "interval holds 0", "false better or worse"], rows)
    rows = [
        ((f"{mean:g}, {name}",), partial(by_seeds, accuracy, mean, correlation, samples))
        for mean in (0.5, 0.95, 0.99, 0.999)
        for name, correlation in CORRELATIONS.items()
    ]
    header = ["accuracy", *_with_seeds("interval holds it", "interval below it", "interval without width")]
    yield Table("accuracies", samples, header, rows)
    rows = [
        ((name, str(size)), partial(by_seeds, families.false_families, name, size, some))
        for name in [*families.OUTCOMES, families.ASYMMETRIC]
        for size in (1, 4, 20)
    ]
    yield Table("families", some, ["outcomes", "variants", *_with_seeds("false family", "without Holm")], rows)
    rows = [
        ((name.split(", n =")[0], f"{n}, {m}", str(size)), partial(families.false_unpaired, size, n, sd, m, other, few))
        for name, (n, sd, m, other) in UNPAIRED.items()
        if n == 10
        for size in (4, 20)
    ]
    yield Table("unpaired families", few, ["unpaired outcomes", "n", "variants", "false family"], rows)
    rows = [((f"{sd:g}",), partial(by_seeds, families.false_equivalence, sd, few)) for sd in (0.2, 1.0, 2.0)]
    header = ["sd of differences, in margins", *_with_seeds("falsely equivalent", "families of 20 with one")]
    yield Table("equivalence", few, header, rows)
    rows = [
        ((kind, str(n)), partial(families.false_coverage, kind, n, few)) for kind in families.EFFECTS for n in (10, 30)
    ]
    header = ["true effects", "n", "decided", "misses", "plain interval", "largest misses", "largest, plain"]
    yield Table("selection", few, header, rows)
    rows = [
        ((name,), partial(by_seeds, studies.false_interactions, scale, kind, few))
        for name, (scale, kind) in studies.PRODUCTS.items()
    ]
    header = ["noise", *_with_seeds("interval holds none", "false study of 6")]
    yield Table("interactions", few, header, rows)
    rows = [((name,), partial(by_seeds, studies.trend_verdicts, name, few)) for name in studies.TRENDS]
    yield Table("trends", few, ["true means", *_with_seeds("holds", "fails")], rows)
    rows = [
        ((kind, str(n)), partial(studies.false_claims, kind, n, few))
        for kind in ("normal", "exponential")
        for n in SEEDS
    ]
    header = ["noise", "n", "false study of 4", "two variants", "a number", "equality", "trend"]
    yield Table("claims", few, header, rows)
    rows = [
        ((f"{margin:g}", f"{factor:g}", str(size)), partial(families.found, factor * margin, margin, size, some))
        for margin in (0.5, 1.0)
        for factor in (0, 0.5, 1, 1.5, 2)
        for size in ((1, 4, 20) if factor >= 1 else (1,))
    ]
    yield Table("power", some, ["margin, in sd", "effect, in margins", "variants", "seeds", "found"], rows)


def _cell(value: float) -> str:
    """Format a share in percent, and a number of seeds, which is no share."""
    if isinstance(value, int):
        return str(value)
    return "–" if np.isnan(value) else f"{100 * value:.1f} %"


def main(
    samples: Annotated[int, typer.Option(min=1, help="Of single pairs; families and studies have fewer.")] = 10_000,
    only: Annotated[list[str] | None, typer.Option(help="Names of tables; repeatable. Default: all.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Print the tables as Markdown."""
    chosen = [table for table in tables(samples) if not only or table.name in only]
    with ProcessPoolExecutor(jobs) as pool:
        made = {table.name: [pool.submit(make) for _, make in table.rows] for table in chosen}
        for table in chosen:
            error = 100 * float(stats.binom.std(table.samples, ALPHA)) / table.samples
            sys.stdout.write(
                f"{table.name}: {table.samples:,} samples per row, standard error {error:.2g} % at 5 %; "
                f"interval {100 * CONFIDENCE:g} %.\n\n"
            )
            alignment = [":--", *["--:"] * (len(table.header) - 1)]
            for cells in (table.header, alignment):
                sys.stdout.write(f"| {' | '.join(cells)} |\n")
            for (labels, _), numbers in zip(table.rows, made[table.name], strict=True):
                sys.stdout.write(f"| {' | '.join([*labels, *map(_cell, numbers.result())])} |\n")
                sys.stdout.flush()
            sys.stdout.write("\n")


if __name__ == "__main__":
    typer.run(main)
