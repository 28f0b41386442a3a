"""Error rates and power of verdicts on families of simulated pairs, by the functions that judge real ones."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from pipeline.analysis.judging import DECIDED, EffectTest, compare_runs, judge
from pipeline.analysis.power import seeds_for
from pipeline.analysis.significance import min_p, sign_flips
from pipeline.analysis.statistics import estimate_means
from pipeline.project.metrics import METRICS
from pipeline.project.schema import Judging

ALPHA = 0.05
METRIC = METRICS["test_accuracy"]
UNJUDGED = Judging(alpha=ALPHA)  # without a margin
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

# outcomes of all sides, the baseline included
OUTCOMES: Mapping[str, Draw] = {
    "normal": lambda random, size: random.normal(size=size),
    "exponential": lambda random, size: random.exponential(size=size),
    "lognormal(0, 1)": lambda random, size: random.lognormal(0, 1, size=size),
}
ASYMMETRIC = "asymmetric: exponential less 1, without a baseline in common"

# true effects of the variants of a family, in standard deviations of the differences within pairs
EFFECTS: Mapping[str, Draw] = {
    "all 0": lambda _, size: np.zeros(size),
    "0 for 15, 1 for 5": lambda _, size: np.broadcast_to(np.arange(size[1]) % 4 == 0, size).astype(float),
    "normal, sd 0.5": lambda random, size: random.normal(0, 0.5, size=size),
    "normal, sd 1": lambda random, size: random.normal(0, 1, size=size),
}


def rows(differences: np.ndarray) -> list[EffectTest]:
    """Test S samples of n differences within pairs, (S, n), all at once; `compare_runs` returns the same numbers."""
    n, p = differences.shape[1], sign_flips(differences)
    intervals = estimate_means(differences, "linear")
    return [
        EffectTest(n=n, reference_n=n, effect=effect, effect_low=low, effect_high=high, p=p, min_p=min_p(n, n))
        for p, (effect, low, high) in zip(p.tolist(), intervals.tolist(), strict=True)
    ]


def families(differences: np.ndarray, judging: Judging) -> list[list[EffectTest]]:
    """Judge F families of m variants with n differences each, (F, m, n)."""
    count, size, n = differences.shape
    tests = rows(differences.reshape(-1, n))
    return [judge(tests[start : start + size], METRIC, judging) for start in range(0, count * size, size)]


def against_baseline(kind: str, size: int, n: int, samples: int) -> np.ndarray:
    """Draw the differences, (S, m, n), of m variants that have one baseline in common and the same mean."""
    random = np.random.default_rng([size, n])
    if kind == ASYMMETRIC:
        return random.exponential(size=(samples, size, n)) - 1
    return OUTCOMES[kind](random, (samples, size, n)) - OUTCOMES[kind](random, (samples, 1, n))


def false_families(kind: str, size: int, n: int, samples: int) -> tuple[float, float]:
    """Return the share of families without any effect that hold a verdict of better or worse, and without Holm."""
    judged = families(against_baseline(kind, size, n, samples), UNJUDGED)
    unadjusted = [
        any(test.p <= ALPHA and not test.effect_low <= 0 <= test.effect_high for test in family) for family in judged
    ]
    return float(np.mean([_decided(family) for family in judged])), float(np.mean(unadjusted))


def false_unpaired(size: int, n: int, sd: float, m: int, other: float, samples: int) -> tuple[float]:
    """Return the share of false families of variants with n seeds and baselines with m others, each row by itself."""
    random, false = np.random.default_rng([size, n, m]), []
    for _ in range(samples):
        sides = random.normal(0, sd, (size, n)), random.normal(0, other, (size, m))
        tests = [
            compare_runs(_runs(variant), _runs(baseline, n), METRIC) for variant, baseline in zip(*sides, strict=True)
        ]
        false.append(_decided(judge(tests, METRIC, UNJUDGED)))
    return (float(np.mean(false)),)


def _runs(values: np.ndarray, first: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"value": values, "finished": True}, index=range(first, first + len(values)))


def _decided(family: list[EffectTest]) -> bool:
    return any(test.verdict in DECIDED for test in family)


def false_equivalence(sd: float, n: int, samples: int, size: int = 20) -> tuple[float, float]:
    """Return the share of rows that are called equivalent if every true effect equals the margin, and of families.

    `sd`, of the differences within pairs, is in margins.
    """
    differences = 1 + sd * np.sqrt(0.5) * against_baseline("normal", size, n, samples)
    judged = families(differences, Judging(alpha=ALPHA, margins={METRIC.name: 1.0}))
    equivalent = np.array([[test.verdict == "equivalent" for test in family] for family in judged])
    return float(equivalent.mean()), float(equivalent.any(axis=1).mean())


def false_coverage(kind: str, n: int, samples: int, size: int = 20) -> tuple[float, float, float, float, float]:
    """Return what the intervals of decided rows miss, in families of 20 with one baseline.

    Returns:
        The share of decided rows; the false coverage rate, which is the mean share of decided rows whose interval
        misses the true effect, 0 if none is decided, for intervals adjusted for selection and for plain ones; and the
        share of families, of those that decide any row, in which the interval of the largest effect misses.
    """
    effects = EFFECTS[kind](np.random.default_rng(n), (samples, size))
    noise = np.sqrt(0.5) * against_baseline("normal", size, n, samples)
    counts, rates, largest = [], [], []
    for family, true in zip(families(effects[..., None] + noise, UNJUDGED), effects, strict=True):
        chosen = [index for index, test in enumerate(family) if test.verdict in DECIDED]
        missed = [
            (
                not family[index].selected_low <= true[index] <= family[index].selected_high,
                not family[index].effect_low <= true[index] <= family[index].effect_high,
            )
            for index in chosen
        ]
        counts.append(len(chosen) / size)
        rates.append(np.mean(missed, axis=0) if missed else np.zeros(2))
        if missed:
            largest.append(missed[int(np.argmax([abs(family[index].effect) for index in chosen]))])
    adjusted, plain = np.mean(rates, axis=0)
    of_largest = np.mean(largest, axis=0) if largest else np.full(2, np.nan)
    return float(np.mean(counts)), float(adjusted), float(plain), float(of_largest[0]), float(of_largest[1])


def found(effect: float, margin: float, size: int, samples: int) -> tuple[int, float]:
    """Return the number of seeds that `ablate power` names, and the share of families in which they find the verdict.

    One variant of the family has the effect, the others have none. `effect` and `margin` are in standard deviations of
    the differences within pairs. Below the margin the verdict is equivalent, else better.
    """
    n = seeds_for(effect, 1.0, size, ALPHA, margin=margin)
    assert n is not None
    differences = np.sqrt(0.5) * against_baseline("normal", size, n, samples)
    differences[:, 0] += effect
    expected = "equivalent" if effect < margin else "better"
    judged = families(differences, Judging(alpha=ALPHA, margins={METRIC.name: margin}))
    return n, float(np.mean([family[0].verdict == expected for family in judged]))
