"""Find the inputs that alone determine the target of a table: they may contain it in another form.

The module returns only results of comparisons, so the last bits of its sums and logarithms do not matter.
"""

import math
from collections.abc import Mapping

import numpy as np

_CHANCE = 1e-6  # largest probability of a suspect in a table whose inputs have nothing to do with its target
# correlation of the values: the target in another unit, rounded; of their ranks: a function that rises or falls
_CORRELATED = 0.9999
_RANKS_OF_LINEAR = 0.99  # an outlier that two columns share makes values correlate, but not ranks


def suspects(inputs: Mapping[str, np.ndarray], target: np.ndarray) -> list[str]:
    """Return the names of the inputs that alone determine the target, in their order.

    An input determines the target if it meets one of these conditions, each of which random columns would meet with a
    probability of at most `_CHANCE`:

    - Each of its levels has one class, or one value, of the target, and there are fewer levels than half the rows.
    - It is a number, and its ranges in the classes do not overlap.
    - It is a number, and its values or its ranks correlate with the values of the target.

    Missing cells are one more level. If the target varies in their rows, the other rows decide, if they are at least
    half of all.

    Args:
        inputs: Numbers, (N,) floating, or categories, (N,) text; missing cells are NaN or empty.
        target: Class indices, (N,) integer, or values, (N,) floating.
    """
    _, classes = np.unique(target, return_inverse=True)
    limit = math.log(_CHANCE / max(1, len(inputs)))
    return [name for name, column in inputs.items() if _determines(column, target, classes, limit)]


def _determines(column: np.ndarray, target: np.ndarray, classes: np.ndarray, limit: float) -> bool:
    """Return whether a column determines the target.

    Args:
        column, target: As for `suspects`.
        classes: Indices of the distinct values of the target, (N,).
        limit: Logarithm of the largest probability that chance explains it.
    """
    is_number, is_regression = column.dtype.kind == "f", target.dtype.kind == "f"
    missing = np.isnan(column) if is_number else column == ""
    if len(np.unique(classes[missing])) > 1:
        known = ~missing
        if 2 * np.count_nonzero(known) < len(known):
            return False
        column, target, missing = column[known], target[known], missing[known]
        _, classes = np.unique(classes[known], return_inverse=True)
    rows, sizes = len(classes), np.bincount(classes)
    levels = _levels(column)
    count = int(levels.max()) + 1
    # By chance, all ways to distribute the targets over the rows are equally likely. The ways that meet a condition are
    # at most as many as assignments of targets to levels, orders of classes and missing cells, or directions.
    ways = math.lgamma(rows + 1) - sum(map(math.lgamma, sizes + 1.0))
    by_level, by_order, by_direction = count * math.log(len(sizes)), math.lgamma(len(sizes) + 2), math.log(2)
    if 2 * count < rows and by_level - ways <= limit and _is_function(levels, classes):
        return True
    if not is_number:
        return False
    known = ~missing
    if is_regression:
        return by_direction - ways <= limit and _correlate(column[known], target[known])
    return by_order - ways <= limit and _are_separate(levels[known], classes[known])


def _levels(column: np.ndarray) -> np.ndarray:
    """Return the index of the level of each row, (N,); numbers are in ascending order, then NaN."""
    if column.dtype.kind == "f":
        return np.unique(column, return_inverse=True)[1]
    indices: dict[str, int] = {}  # faster than to sort texts
    return np.array([indices.setdefault(cell, len(indices)) for cell in column])


def _is_function(levels: np.ndarray, classes: np.ndarray) -> bool:
    """Return whether all rows of a level have one class."""
    of_level = np.empty(int(levels.max()) + 1, np.int64)
    of_level[levels] = classes
    return bool((of_level[levels] == classes).all())


def _are_separate(positions: np.ndarray, classes: np.ndarray) -> bool:
    """Return whether the ranges of the positions of the classes do not overlap."""
    present, classes = np.unique(classes, return_inverse=True)
    low, high = np.full(len(present), positions.max()), np.zeros(len(present), np.int64)
    np.minimum.at(low, classes, positions)
    np.maximum.at(high, classes, positions)
    order = np.argsort(low)
    return bool((high[order][:-1] < low[order][1:]).all())


def _correlate(column: np.ndarray, target: np.ndarray) -> bool:
    """Return whether the values or the ranks of two columns correlate in either direction."""
    ranks = abs(_correlation(_ranks(column), _ranks(target)))
    if ranks < _RANKS_OF_LINEAR:
        return False
    return max(ranks, abs(_correlation(column, target))) > _CORRELATED


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks, (N,); equal values share the largest of theirs."""
    _, indices, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.cumsum(counts)[indices]


def _correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Return the correlation coefficient; 0 if a column is constant."""
    # within ± 1e30, squares of numbers do not overflow
    left, right = left - left.mean(), right - right.mean()
    scale = math.sqrt((left * left).sum()) * math.sqrt((right * right).sum())
    return float((left * right).sum()) / scale if scale > 0 else 0.0
