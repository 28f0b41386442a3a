"""Describe the columns of a table: role, kind, levels, missing cells, warnings about possible mistakes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.core.errors import join_short, shorten

_MIN_LEVEL_ROWS = 5  # rows in which a level of a category occurs, or occurs on average, without a warning
_MAX_LEVELS = 10  # allowed without a warning in any number of rows
_MIN_ROWS = 20  # in fewer rows, whole numbers may differ by chance
_MOSTLY_MISSING, _MOSTLY_DIFFERENT = 0.5, 0.9
# usual names of identifiers, and those of measured numbers, too
_NAMED = re.compile(
    r"(?i:(?:^|[ _.-])(?:ids?|[ug]uid|rowid|index|level_\d)$|^Unnamed: \d)|[A-Za-z]ID$|[a-z]Id$", re.ASCII
)
_PERHAPS_NAMED = re.compile(r"(?i)(?:^|[ _.-])(?:key|number|no|nr|code|row)$", re.ASCII)
_TIME = re.compile(r"(?i)year|month|week|day|date|time|hour|age|rank|size")  # columns that count but identify nothing


class Column(NamedTuple):
    """A column of a table as it is read."""

    name: str
    role: str  # target, input, ignored, index, empty
    kind: str  # number, category, classes, date; empty if the column is not read
    levels: int | None  # number of different values
    missing: int
    example: str  # range of numbers, or first levels
    warnings: tuple[str, ...]


class Description(NamedTuple):
    """A table as it is read."""

    rows: int
    task: str  # the task, why, and how to choose the other one
    columns: tuple[Column, ...]
    notes: tuple[str, ...]  # the notation, and columns to check
    suspects: tuple[str, ...] = ()  # inputs that alone determine the target


def describe(
    name: str, role: str, values: np.ndarray, *, kind: str = "", missing: int | None = None, hints: Sequence[str] = ()
) -> Column:
    """Describe a column that was read.

    Args:
        name, role: As in `Column`.
        values: Numbers, (N,) floating, or categories, (N,) text, with NaN or empty text for missing cells.
        kind: Kind, if it is not that of the values.
        missing: Number of cells without a value, if it is not that of the values.
        hints: Warnings about the cells of the file.
    """
    numeric = values.dtype.kind == "f"
    gaps = np.isnan(values) if numeric else values == ""
    known = values[~gaps]
    distinct, counts = np.unique(known, return_counts=True)
    warnings = list(hints)
    if len(distinct) == 1 and role == "input":
        warnings.append("one value in all rows")
    elif numeric and role == "input" and not kind and _is_identifier(name, known, distinct):
        warnings.append("different whole numbers in nearly all rows, an identifier? Then list it under `ignore`")
    elif numeric and role == "input" and not kind and _NAMED.search(name) and _is_many(distinct):
        warnings.append(f"{len(distinct)} whole numbers, an identifier by its name? Then list it under `ignore`")
    elif not numeric:
        warnings += _rare(distinct, counts)
    if gaps.mean() > _MOSTLY_MISSING:
        warnings.append(f"{gaps.mean():.0%} missing")
    if numeric:
        ends = [_day(value) if kind == "date" else f"{value:.6g}" for value in distinct[[0, -1][: len(distinct)]]]
        example = " to ".join(ends)
    else:
        example = join_short(distinct[np.argsort(-counts, kind="stable")][:3])
    kind = kind or ("number" if numeric else "category")
    return Column(name, role, kind, len(distinct), int(gaps.sum()), example, tuple(warnings))


def _day(days: float) -> str:
    """Return the date of a number of days since 1970-01-01; the number itself, if it is in no calendar."""
    return str(np.datetime64(int(days // 1), "D")) if abs(days) < 1e6 else f"{days:.6g}"


def _is_identifier(name: str, known: np.ndarray, distinct: np.ndarray) -> bool:
    """Return whether whole numbers count something, or are nearly all different and called an identifier."""
    if len(known) < _MIN_ROWS or not _is_many(distinct):
        return False
    counting = len(distinct) == len(known) and not _TIME.search(name) and distinct[-1] - distinct[0] < 2 * len(known)
    named = _NAMED.search(name) or _PERHAPS_NAMED.search(name)
    return bool(counting or (len(distinct) > _MOSTLY_DIFFERENT * len(known) and named))


def _is_many(distinct: np.ndarray) -> bool:
    return len(distinct) > _MAX_LEVELS and bool((distinct % 1 == 0).all())


def _rare(levels: np.ndarray, counts: np.ndarray) -> list[str]:
    """Return a warning about many or rare levels."""
    if len(levels) > _MAX_LEVELS and counts.sum() < _MIN_LEVEL_ROWS * len(levels):
        rows = int(counts.sum())
        return [f"{len(levels)} levels in {rows} rows, an identifier? Then list it under `ignore`"]
    rare = levels[counts < _MIN_LEVEL_ROWS]
    if not len(rare):
        return []
    names = ", ".join(shorten(level) for level in rare[:3]) + (", ..." if len(rare) > 3 else "")
    return [f"{len(rare)} of {len(levels)} levels in fewer than {_MIN_LEVEL_ROWS} rows: {names}"]
