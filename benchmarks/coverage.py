"""Error rates of tests and intervals: `python -m benchmarks.coverage` makes a table of docs/statistics.md.

Not a benchmark of speed, but of the statistics behind verdicts. If both sides are drawn alike, the size is promised and
tested; if differences have mean 0 but are asymmetric, no test of a mean can promise its size, so it is measured.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import numpy as np
import typer
from scipy import stats

from pipeline.analysis.significance import permutation, sign_flips, unpaired_effect
from pipeline.analysis.statistics import CONFIDENCE, estimate_mean

ALPHA = 0.05
_Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

# differences within pairs, all of mean 0
PAIRED: Mapping[str, _Draw] = {
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


def paired(draw: _Draw, n: int, samples: int) -> tuple[float, float, float]:
    """Return the shares of p at most 5 %, of intervals that contain 0, and of false verdicts, which need both."""
    differences = draw(np.random.default_rng(n), (samples, n))
    small = sign_flips(differences) <= ALPHA
    intervals = [estimate_mean(sample, "linear") for sample in differences]
    covered = np.array([interval.low <= 0 <= interval.high for interval in intervals])
    return float(small.mean()), float(covered.mean()), float((small & ~covered).mean())


def unpaired(n: int, sd: float, m: int, other: float, samples: int) -> tuple[float, float, float]:
    """Return the same shares for two sides with other seeds."""
    random = np.random.default_rng(0)
    variants, baselines = random.normal(0, sd, (samples, n)), random.normal(0, other, (samples, m))
    pairs = list(zip(variants, baselines, strict=True))
    small = np.array([permutation(*pair) for pair in pairs]) <= ALPHA
    effects = [unpaired_effect(*pair, "linear") for pair in pairs]
    covered = np.array([effect.low <= 0 <= effect.high for effect in effects])
    return float(small.mean()), float(covered.mean()), float((small & ~covered).mean())


def rows(samples: int) -> Iterator[tuple[str, str, tuple[float, float, float]]]:
    """Yield what is drawn, how many seeds, and the three shares."""
    for name, draw in PAIRED.items():
        for n in (5, 10, 30):
            yield name, str(n), paired(draw, n, samples)
    for name, (n, sd, m, other) in UNPAIRED.items():
        yield f"unpaired: {name.split(', n =')[0]}", f"{n}, {m}", unpaired(n, sd, m, other, samples)


def main(
    samples: Annotated[int, typer.Option(min=1, help="For each row.")] = 10_000,
) -> None:
    """Print the table as Markdown."""
    error = 100 * float(stats.binom.std(samples, ALPHA)) / samples
    sys.stdout.write(
        f"{samples:,} samples a row, standard error {error:.2g} % at 5 %; interval {100 * CONFIDENCE:g} %.\n\n"
        "| differences | n | p ≤ 5 % | interval holds 0 | false better or worse |\n| :-- | --: | --: | --: | --: |\n"
    )
    for name, n, shares in rows(samples):
        sys.stdout.write(f"| {name} | {n} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |\n")


if __name__ == "__main__":
    typer.run(main)
