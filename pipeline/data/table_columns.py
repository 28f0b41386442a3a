"""Columns of a table after reading: cells become numbers or categories, a target becomes classes or values.

Errors name file, column and row, and the options with which the column can be read.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.core.config import LARGEST, LONGEST_ID
from pipeline.core.errors import UserError, shorten
from pipeline.data import notation
from pipeline.data.notation import Notation

if TYPE_CHECKING:
    import polars

    from pipeline.data.table import Table

MAX_LEVELS = 1000  # of a category: each level becomes a feature or a class
# whole numbers in a target are inferred to be classes if there are at most 10, with 5 rows each on average
_MAX_CLASSES, _MIN_CLASS_ROWS = 10, 5
# more than ten numbers beside at most three words are measurements; fewer may be levels such as 1, 2, 3+
_FEW, _FEW_WORDS = 10, 3


class UnreadableError(UserError):
    """Columns that cannot be read; `remedies` are keys and values of a table with which they can."""

    def __init__(self, message: str, remedies: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.remedies = tuple(remedies)


class Column(NamedTuple):
    """A column of a file before typing; `rows` are the row numbers of its cells, (N,)."""

    path: Path
    name: str
    role: str
    cells: "polars.Series"
    rows: Sequence[int]

    def error(self, found: str, allowed: str, index: int | None = None, **remedy: str) -> UnreadableError:
        row = "" if index is None else f"row {self.rows[index]}, "
        message = f"{self.path}: {row}column {shorten(self.name)}: found {found}, allowed: {allowed}"
        return UnreadableError(message, list(remedy.items()))


def with_gaps(cells: "polars.Series", words: Iterable[str]) -> "polars.Series":
    """Return text without outer blanks, null for missing cells."""
    import polars

    return cells.cast(polars.String).str.strip_chars().replace(dict.fromkeys(words))


def typed(column: Column, config: "Table") -> tuple[np.ndarray, tuple[str, ...]]:
    """Type and check a column: numbers, (N,) floating, or text, (N,) object; NaN or empty text for missing cells."""
    import polars

    name, cells = column.name, column.cells
    text = column.path.suffix != ".parquet" or cells.dtype in (polars.String, polars.Categorical, polars.Enum)
    hints: tuple[str, ...] = ()
    if name in config.dates:
        values = _dates(column, config)
    elif text:
        values = with_gaps(cells, config.missing_values)
        if name not in config.categorical:
            values, hints = _parsed(column, values, config)
    elif cells.dtype == polars.Null or cells.dtype.is_numeric():
        values = cells.cast(polars.Float64).fill_nan(None)
    elif cells.dtype == polars.Boolean:
        values = cells.cast(polars.String).str.to_titlecase()  # True, False, as in CSV files
    elif cells.dtype in (polars.Date, polars.Datetime):
        raise column.error(f"values of the type {cells.dtype}", _DATES_ALLOWED, dates=name)
    else:
        allowed = "numbers, text or truth values; or the column under `ignore`"
        raise column.error(f"values of the type {cells.dtype}", allowed, ignore=name)
    numeric = values.dtype == polars.Float64
    if numeric and (outside := values.abs() > LARGEST).any():
        first = cells.filter(outside)[0]
        raise column.error(str(first), f"a number within ± {LARGEST:g}", outside.arg_max())
    missing = values.null_count()
    target = column.role == "target"
    if missing == len(values) and not target:
        raise column.error("nothing in it", "values; or list it under `ignore`", ignore=name)
    if missing and (config.missing == "refuse" or target):
        raise _missing(column, values, config, target=target)
    if missing and text and not numeric:
        hints = (*hints, *_codes(column, values))
    if numeric and name in config.categorical:
        values = values.map_elements(_level, return_dtype=polars.String)
    return (values if values.dtype == polars.Float64 else values.fill_null("")).to_numpy(), hints


def _missing(column: Column, values: "polars.Series", config: "Table", *, target: bool) -> UnreadableError:
    """Return the error about the first of the missing cells, with the word that stands in it."""
    import polars

    index, count = int(values.is_null().arg_max() or 0), values.null_count()
    word = str(column.cells[index] or "").strip()
    found = f"{shorten(word)}, which stands for a missing value" if word else "nothing"
    allowed = (
        "a value in each row of the target, or `missing_target: drop`"
        if target
        else "a value, or another `missing`, such as median"
    )
    if word and values.dtype == polars.String:
        allowed += f"; or `missing_values` without {shorten(word)}, if it is a code"
    remedy = {"missing_target": "drop"} if target else {"missing": "median"}
    return column.error(f"{found} ({count} such rows)", allowed, index, **remedy)


def _codes(column: Column, values: "polars.Series") -> list[str]:
    """Return a hint about words for missing values in a category of short codes, such as NA for Namibia."""
    words = column.cells.filter(values.is_null()).drop_nulls().str.strip_chars().unique().to_list()
    codes = values.drop_nulls()
    word = next((word for word in words if word.isalpha()), None)
    if word and codes.n_unique() > 1 and (codes.str.len_chars() <= len(word) + 1).all():
        return [f"{shorten(word)} is read as missing; if it is a code, leave it out of `missing_values`"]
    return []


_DATES = "dates such as 2024-01-31, 2024-01-31 12:30 or 31.1.2024"
_DATES_ALLOWED = "the column under `dates`, which reads days since 1970-01-01, or under `ignore`"


def _dates(column: Column, config: "Table") -> "polars.Series":
    """Return days since 1970-01-01."""
    import polars

    cells = column.cells
    if cells.dtype in (polars.Date, polars.Datetime):
        return cells.cast(polars.Datetime("us")).dt.timestamp("us") / (86400 * 1e6)
    text = with_gaps(cells, config.missing_values)
    values = notation.days(text)
    if (wrong := values.is_null() & text.is_not_null()).any():
        raise column.error(shorten(text.filter(wrong)[0]), _DATES, wrong.arg_max())
    return values


def _parsed(column: Column, text: "polars.Series", config: "Table") -> "tuple[polars.Series, tuple[str, ...]]":
    """Return the numbers if all cells with a value are numbers, else the text; with hints about their meaning."""
    stays_text = column.path.suffix == ".parquet"  # which states that this is text
    numbers, count = notation.numbers(text, config.notation), text.count()
    is_word = numbers.is_null() & text.is_not_null()
    if not is_word.any() and not stays_text:
        return numbers, (
            *_units(column, text, config),
            *notation.doubts(text, numbers, config.notation, config.separator),
        )
    cells = text.drop_nulls().unique(maintain_order=True).to_list()
    if notation.are_dates(cells):
        wrong = notation.days(text).is_null() & text.is_not_null()
        if wrong.any():
            found, allowed = f"{shorten(text.filter(wrong)[0])} among dates", f"the column under `ignore`, or {_DATES}"
            raise column.error(found, allowed, wrong.arg_max(), ignore=column.name)
        first = text.is_not_null().arg_max()
        raise column.error(f"the date {shorten(cells[0])}", _DATES_ALLOWED, first, dates=column.name)
    if stays_text:
        return text, tuple(_numbers_as_text(column, text, cells))
    keys = notation.chosen([cells], [], config.separator, {})
    fitting = notation.numbers(text, Notation(**{**keys, "units": tuple(keys.get("units", ()))}))
    if fitting.count() > numbers.count():
        more = fitting.is_not_null() & is_word
        written = ", ".join(f"`{key}: {json.dumps(value, ensure_ascii=False)}`" for key, value in keys.items())
        allowed = f"numbers such as 1234.5; {written} in the data set; or the column under `categorical`"
        raise column.error(f"{shorten(text.filter(more)[0])}, a number in another notation", allowed, more.arg_max())
    words = text.filter(is_word).unique(maintain_order=True).to_list()
    own = [word for word in words if not (notation.is_missing_word(word) or notation.is_bound(word))]
    few = len(own) <= _FEW_WORDS or len(words) < (1 - notation.NUMBERS) * len(cells)
    measured = few and len(cells) - len(words) > _FEW
    if measured or words == notation.missing_words(cells) or numbers.count() > notation.NUMBERS * count:
        allowed = f"a number, as in {numbers.count()} other rows; or list the column under `categorical`"
        if len(words) <= _FEW_WORDS:
            allowed += f", or {', '.join(map(shorten, words))} under `missing_values` if no value was measured"
        raise column.error(shorten(words[0]), allowed, is_word.arg_max())
    return text, ()


def _numbers_as_text(column: Column, text: "polars.Series", cells: Sequence[str]) -> list[str]:
    """Refuse text of a Parquet file that is measured numbers; return a hint about whole numbers, which may be codes."""
    numbers = notation.numbers(text)
    if numbers.count() < notation.NUMBERS * max(1, text.count()):
        if not notation.recognise(cells):
            return []
    elif (numbers % 1 == 0).all():
        return ["text that reads as numbers; if they are measured, convert the column in the file"]
    allowed = "a column of numbers in the file; or the column under `categorical`"
    raise column.error(f"numbers as text, such as {shorten(cells[0])}", allowed)


def _units(column: Column, text: "polars.Series", config: "Table") -> list[str]:
    """Refuse numbers with different units; return a hint if some have a unit and others none."""
    cells = notation.different_units(text) if config.units else []
    with_unit = [cell for cell in cells if any(unit in cell for unit in config.units)]
    bare = [cell for cell in cells if cell not in with_unit]
    if len(with_unit) > 1:
        found = f"different units, as in {shorten(with_unit[0])} and {shorten(with_unit[1])}"
        raise column.error(found, "one unit, or the column under `ignore`", ignore=column.name)
    if with_unit and bare:
        return [f"{shorten(with_unit[0])} and {shorten(bare[0])}: the unit is left out, is it the same?"]
    return []


def target_of(
    column: Column, values: np.ndarray, config: "Table"
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, str]:
    """Return class indices or values; names of the classes, if any; the cells as classes or values; the reason."""
    numeric = values.dtype.kind == "f"
    distinct, first, labels, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True)
    whole = numeric and bool((distinct == np.round(distinct)).all())
    few = len(distinct) <= _MAX_CLASSES and len(values) >= _MIN_CLASS_ROWS * len(distinct)
    inferred = "classification" if not numeric or (few and whole) else "regression"
    task = inferred if config.task == "infer" else config.task
    if task == "regression" and not numeric:
        raise column.error(shorten(values[0]), "a number (task: regression)", 0)
    if len(distinct) < 2:
        raise column.error(f"only {shorten(str(values[0]))}", "at least two classes or values")
    kind = "whole numbers" if whole else "numbers" if numeric else "texts"
    why = f"{task}: {shorten(column.name)} has {len(distinct)} different {kind}"
    if config.task != "infer":
        why += ", task chosen"
    elif not numeric:
        why += "; a regression needs numbers"
    elif task == "classification":
        why += "; `task: regression` would predict their values"
    elif len(distinct) <= MAX_LEVELS:
        why += "; `task: classification` would make each of them a class"
    if task == "regression":
        return values, (), values, why
    classes = tuple(map(_level, distinct.tolist()) if numeric else distinct)
    check_levels(column, len(classes), numeric)
    for index, label, count in sorted(zip(first, classes, counts, strict=True)):
        if len(label) > LONGEST_ID or not label.isprintable():
            raise column.error(shorten(label), f"a class of at most {LONGEST_ID} printable characters", index)
        if count < 2:
            raise column.error(f"{shorten(label)} in this row alone", "a class in at least two rows", index)
    return labels, classes, np.array(classes, dtype=object)[labels], why


def check_levels(column: Column, count: int, numeric: bool) -> None:
    """Refuse text with a level for nearly every row: names, identifiers, free text."""
    largest = MAX_LEVELS if numeric else min(MAX_LEVELS, max(10, len(column.rows) // 2))
    if count > largest:
        levels = f"{count} different values in {len(column.rows)} rows, such as {shorten(column.cells[0])}"
        allowed = f"at most {largest} levels of a category; list names and texts under `ignore`"
        remedy = {"ignore": column.name} if column.role == "input" else {}
        raise column.error(levels, allowed, None, **remedy)


def _level(number: float) -> str:
    """Return the name of a number that stands for a category, such as 3 for 3.0."""
    return str(int(number)) if number.is_integer() else repr(number)
