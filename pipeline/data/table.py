"""A user's own table: split into training and test part anew for every seed, encoded and standardised.

What is learned from data - means, standard deviations, what takes the place of a missing number - is learned from the
training part alone. The levels of categories are those of the whole table, so that every seed has the same features.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.arithmetic.arrays import total
from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed, generator
from pipeline.data import columns as table
from pipeline.data.config import Table


def make(config: Table, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, D) and targets (S, N): first the columns of numbers, then one for each level of each category.

    A seed's split depends on the seed and the number of rows alone.

    Raises:
        UserError: If the table cannot be read or is not as its config say.
    """
    columns = table.read(config)
    rows = len(columns.target)
    numbers = np.stack(list(columns.numbers.values()), axis=1) if columns.numbers else np.zeros((rows, 0))
    levels = _one_hot(columns)
    held = round(config.test_fraction * rows)
    inputs, targets = [], []
    for seed in seeds:
        order = generator(seed, "data").permutation(rows)  # the first are the test set
        train = order[held:]
        scaled = _standardized(_filled(numbers, train, config.missing), train)
        inputs.append(np.concatenate([scaled, levels], axis=1)[order])
        target = columns.target
        if not columns.classes and config.standardize_target:
            target = _standardized(target[:, None], train)[:, 0]
        targets.append(target[order])
    both, values = np.stack(inputs), np.stack(targets)
    return Dataset(
        task=columns.task,
        outputs=len(columns.classes) or 1,
        train=Split(both[:, held:], values[:, held:]),
        test=Split(both[:, :held], values[:, :held]),
        seeds=tuple(seeds),
        names=columns.classes,
    )


def _filled(numbers: np.ndarray, train: np.ndarray, missing: str) -> np.ndarray:
    """(N, D) without gaps: each takes the mean, median or smallest most frequent value of its column in these rows."""
    filled = numbers.copy()
    for column in filled.T:
        gaps = np.isnan(column)
        if not gaps.any():
            continue
        known = column[train[~gaps[train]]]
        if not len(known):
            value = 0.0  # the column stays: every seed has the same features
        elif missing == "mean":
            value = float(total(known)) / len(known)
        elif missing == "median":
            value = float(np.median(known))
        else:
            distinct, counts = np.unique(known, return_counts=True)
            value = distinct[counts.argmax()]
        column[gaps] = value + 0.0  # -0 becomes 0: which of the two comes first depends on how NumPy sorts
    return filled


def _standardized(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """(N, D) with mean 0 and variance 1 in these rows, of each column; a constant column is only shifted."""
    known = values[train]
    count = len(known)
    mean = total(known.T) / count
    variance = total(np.square(known - mean).T) / count
    # of equal numbers the variance is 0 up to rounding
    constant = variance <= np.square(count * np.finfo(float).eps * mean)
    return (values - mean) / np.where(constant, 1.0, np.sqrt(variance))


def _one_hot(columns: table.Columns) -> np.ndarray:
    """(N, levels of all columns), 0 or 1; a missing category is a level of its own."""
    parts = [np.zeros((len(columns.target), 0))]
    for cells, levels in zip(columns.levels.values(), columns.categories, strict=True):
        parts.append((cells[:, None] == levels).astype(float))
    return np.concatenate(parts, axis=1)
