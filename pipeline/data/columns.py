"""A table of the user's own, as it lies in `tables/`: read, typed and checked, with nothing of it executed.

What is wrong is reported with the file, the column and the row, as a spreadsheet counts it: the header of a CSV file is
row 1. The examples are made of it by `data/table.py`; this is the floor below, because what a table holds says which
config of a study are allowed.
"""

import csv
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core.config import LARGEST, LONGEST_COLUMN, LONGEST_ID
from pipeline.core.errors import UserError, in_bytes, join_short, shorten
from pipeline.data.config import Facts, Table
from pipeline.project.metrics import Task

# cells that hold nothing, as programs write them
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")

LARGEST_FILE = 2**30  # bytes
MOST_ROWS = 10_000_000
MOST_COLUMNS = 10_000
MOST_LEVELS = 1000  # of a column of categories: each becomes a feature, or a class
_MOST_CLASSES = 10  # whole numbers of a target that are taken for classes, ..
_LEAST_OF_A_CLASS = 5  # .. if each has so many rows on average
_TYPO = 0.9  # a column with more numbers than this, and other words, is a column of numbers with mistakes in it
_DATE = r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"


@dataclass(frozen=True)
class Columns:
    """A table, typed: N rows, none of which lacks its target.

    Attributes:
        numbers: Columns of numbers, (N,) floating each, NaN where one is missing; by name, in the order of the file.
        levels: Columns of categories, (N,) text each, empty where one is missing.
        target: Class indices, (N,) integer, or values, (N,) floating.
        classes: Their names; none of a regression.
    """

    numbers: Mapping[str, np.ndarray]
    levels: Mapping[str, np.ndarray]
    target: np.ndarray
    classes: tuple[str, ...]

    @property
    def task(self) -> Task:
        return "classification" if self.classes else "regression"

    @property
    def categories(self) -> list[np.ndarray]:
        """The levels of each column of categories in the whole table, sorted: what one-hot columns stand for."""
        return [np.unique(values) for values in self.levels.values()]


@dataclass(frozen=True)
class _Raw:
    """Columns as they were read: text, or numbers where the file says so itself; `rows` is where each example stands.

    `typed` are columns that the file itself calls text or truth values: they are categories whatever they hold.
    """

    path: Path
    columns: Mapping[str, pd.Series]
    rows: np.ndarray
    typed: frozenset[str] = frozenset()

    def mistake(self, column: str, place: int, found: str, allowed: str) -> str:
        return f"{self.path}: row {self.rows[place]}, column {shorten(column)}: found {found}, allowed: {allowed}"


def facts(config: Table) -> Facts:
    """What the table holds; read once in a process, and again when the file changes.

    Raises:
        UserError: If it can not be read or is not as its config say; one line a mistake.
    """
    path = Path(config.file)
    try:
        stat = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return _facts(config, path.resolve(), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1000)
def _facts(config: Table, path: Path, changed: int, size: int) -> Facts:
    table = read(config)
    test = round(config.test_fraction * len(table.target))
    return Facts(
        task=table.task,
        outputs=len(table.classes) or 1,
        features=len(table.numbers) + sum(map(len, table.categories)),
        train_examples=len(table.target) - test,
        test_examples=test,
    )


def read(config: Table) -> Columns:
    """The table that the config describe.

    Raises:
        UserError: If it can not be read or is not as its config say; one line a mistake.
    """
    path = Path(config.file)
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UserError(f"{path}: found {in_bytes(size)}, allowed: at most {in_bytes(LARGEST_FILE)}")
        raw = _csv(path) if path.suffix == ".csv" else _parquet(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    _check_names(config, raw)
    problems: list[str] = []
    numbers: dict[str, np.ndarray] = {}
    levels: dict[str, np.ndarray] = {}
    target = raw.columns[config.target]
    for name, cells in raw.columns.items():
        if name == config.target or name in config.ignore:
            continue
        try:
            typed = _typed(raw, name, cells, config)
        except UserError as error:
            problems.append(str(error))
        else:
            (numbers if typed.dtype.kind == "f" else levels)[name] = typed
    try:
        values, classes = _target(raw, target, config)
    except UserError as error:
        problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    test = round(config.test_fraction * len(values))
    if test < 1 or len(values) - test < 2:
        found = f"{len(values)} rows, of which {test} would be the test set"
        raise UserError(f"{path}: found {found}, allowed: at least 1 to test on and 2 to train on")
    return Columns(numbers, levels, values, classes)


def _unreadable(path: Path, error: OSError) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: missing; it belongs into the project (`dvc pull` brings it if DVC keeps it)")
    return UserError(f"{path}: cannot be read ({error.strerror})")


# --- files -----------------------------------------------------------------------------------------------------------


def _csv(path: Path) -> _Raw:
    try:
        # -sig: spreadsheets begin a file with a mark that is no part of the first name
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(path, csv.reader(file, strict=True)))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: found bytes that are no UTF-8 text ({error.reason}), allowed: UTF-8") from None
    if len(rows) < 2:
        raise UserError(f"{path}: found {len(rows)} rows, allowed: a header and rows below it")
    (_, names), *body = rows
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        raise UserError(f"{path}: row 1: found the one column {shorten(names[0])}, allowed: commas between columns")
    names = [name.strip() for name in names]
    _check_unique(path, names)
    cells = zip(*(cells for _, cells in body), strict=True)
    columns = {name: pd.Series(column, dtype=str).str.strip() for name, column in zip(names, cells, strict=True)}
    return _Raw(path, columns, np.array([number for number, _ in body]))


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each row; empty ones are counted and left out."""
    width, number = 0, 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{path}: row {number}: found no CSV ({error}), allowed: cells between commas") from None
        if cells is None:
            return
        if not cells:
            continue
        width = width or len(cells)
        if width > MOST_COLUMNS or number > MOST_ROWS:
            allowed = f"{MOST_COLUMNS:,} columns and {MOST_ROWS:,} rows"
            raise UserError(f"{path}: row {number}: found more than what is allowed: {allowed}")
        if len(cells) != width:
            raise UserError(f"{path}: row {number}: found {len(cells)} cells, allowed: {width}, as in the header")
        yield number, cells


def _parquet(path: Path) -> _Raw:
    # what reads Parquet for pandas would change how pandas keeps text, everywhere (docs/decisions/0016)
    import polars

    try:
        frame = polars.read_parquet(path)
    except OSError:
        raise
    except (Exception, polars.exceptions.PanicException) as error:  # whatever it makes of other bytes
        words = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: no Parquet file, or a damaged one ({words})") from None
    if frame.height > MOST_ROWS or frame.width > MOST_COLUMNS:
        allowed = f"{MOST_ROWS:,} rows of {MOST_COLUMNS:,} columns"
        raise UserError(f"{path}: found {frame.height:,} rows of {frame.width:,} columns, allowed: {allowed}")
    if not frame.height:
        raise UserError(f"{path}: found no rows, allowed: at least one")
    _check_unique(path, [name.strip() for name in frame.columns])
    columns, typed = {}, set()
    for column in frame.iter_columns():
        name = column.name.strip()
        if column.dtype == polars.Null or column.dtype.is_numeric():
            columns[name] = pd.Series(column.cast(polars.Float64).to_numpy())
            continue
        if column.dtype == polars.Boolean:
            # as a CSV file has them
            column = column.replace_strict({True: "True", False: "False"}, return_dtype=polars.String)
        if column.dtype in (polars.String, polars.Categorical, polars.Enum):
            typed.add(name)
            columns[name] = pd.Series(column.cast(polars.String).fill_null("").to_list(), dtype=str).str.strip()
        else:
            # of any other kind a column may be ignored, and is refused only if it is not
            columns[name] = pd.Series([f"<{column.dtype}>"] * frame.height, dtype=object)
    return _Raw(path, columns, np.arange(1, frame.height + 1), frozenset(typed))


def _check_unique(path: Path, names: Sequence[str]) -> None:
    for place, name in enumerate(names, start=1):
        if not name or len(name) > LONGEST_COLUMN or not name.isprintable():
            allowed = f"1 to {LONGEST_COLUMN} printable characters"
            raise UserError(f"{path}: row 1: found {shorten(name)} as the name of column {place}, allowed: {allowed}")
        if name in names[: place - 1]:
            raise UserError(f"{path}: row 1: found the column {shorten(name)} twice, allowed: each name once")


def _check_names(config: Table, raw: _Raw) -> None:
    """Refuse config that name columns that are not there, and that leave nothing to predict from."""
    for key, names in (
        ("target", [config.target]),
        ("categorical", config.categorical),
        ("ignore", config.ignore),
    ):
        for name in names:
            if name not in raw.columns:
                raise UserError(f"{raw.path}: no column {shorten(name)} ({key}), there is {join_short(raw.columns)}")
    if config.target in config.ignore:
        raise UserError(f"{raw.path}: column {shorten(config.target)}: found as target and under ignore, allowed: one")
    if set(raw.columns) <= {config.target, *config.ignore}:
        raise UserError(f"{raw.path}: found no column beside the target, allowed: at least one to predict it from")


# --- columns ---------------------------------------------------------------------------------------------------------


def _typed(raw: _Raw, name: str, cells: pd.Series, config: Table) -> np.ndarray:
    """A column as numbers, (N,) floating, or as categories, (N,) text."""
    values = _numbers_or_text(raw, name, cells, config.categorical)
    empty = np.isnan(values) if values.dtype.kind == "f" else values == ""
    if empty.all():
        raise UserError(
            f"{raw.path}: column {shorten(name)}: found nothing in it, allowed: values; or list it under ignore"
        )
    if config.missing == "refuse" and empty.any():
        allowed = "a value, or another choice for `missing` than refuse"
        raise UserError(raw.mistake(name, int(empty.argmax()), f"nothing ({empty.sum()} such rows)", allowed))
    if values.dtype.kind != "f":
        _check_few(raw, name, values, of_choice=name in config.categorical)
    return values


def _numbers_or_text(raw: _Raw, name: str, cells: pd.Series, categorical: Sequence[str]) -> np.ndarray:
    """Numbers where every cell that holds something is one, NaN where nothing is; else text, empty where nothing is."""
    if cells.dtype.kind == "f":
        values: np.ndarray = cells.to_numpy(dtype=float)
        _check_finite(raw, name, values, cells)
        if name in categorical:
            return np.array(["" if np.isnan(value) else plain(value) for value in values], dtype=object)
        return values
    if cells.dtype == object:
        found = f"values of the type {cells.iloc[0][1:-1]}"
        allowed = "numbers, text or truth values; a time as numbers (a year, days since ..), or the column under ignore"
        raise UserError(f"{raw.path}: column {shorten(name)}: found {found}, allowed: {allowed}")
    text: np.ndarray = cells.where(~cells.isin(MISSING), "").to_numpy(dtype=object)
    there = text != ""
    if name in categorical or name in raw.typed or not there.any():
        return text
    numbers: np.ndarray = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float)
    parsed = np.where(there, numbers, np.nan)
    other = there & np.isnan(parsed)
    if not other.any():
        _check_finite(raw, name, parsed, cells)
        return parsed
    first = int(other.argmax())
    if other.sum() < (1 - _TYPO) * there.sum():
        allowed = f"a number, as in {there.sum() - other.sum()} other rows; or list the column under categorical"
        raise UserError(raw.mistake(name, first, shorten(text[first]), allowed))
    if cells[there].str.fullmatch(_DATE).all():
        allowed = "numbers or categories; a time as numbers (a year, days since ..), or the column under ignore"
        raise UserError(raw.mistake(name, first, f"the date {shorten(text[first])}", allowed))
    return text


def _check_finite(raw: _Raw, name: str, values: np.ndarray, cells: pd.Series) -> None:
    far = np.abs(values) > LARGEST
    if far.any():
        first = int(far.argmax())
        raise UserError(raw.mistake(name, first, str(cells.iloc[first]), f"a number within ± {LARGEST:g}"))


def _check_few(raw: _Raw, name: str, text: np.ndarray, of_choice: bool) -> None:
    """Refuse a column in which nearly every row has a level of its own: a name, a number of a row, a free text."""
    count = len(np.unique(text))
    most = MOST_LEVELS if of_choice else min(MOST_LEVELS, max(10, len(text) // 2))
    if count > most:
        found = f"{count} different values in {len(text)} rows, such as {shorten(text[0])}"
        allowed = f"at most {most} levels of a category; a column of names or texts belongs under ignore"
        raise UserError(f"{raw.path}: column {shorten(name)}: found {found}, allowed: {allowed}")


def _target(raw: _Raw, cells: pd.Series, config: Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class indices and names of the classes, or values and no names."""
    name = config.target
    values = _numbers_or_text(raw, name, cells, config.categorical)
    numeric = values.dtype.kind == "f"
    empty = np.isnan(values) if numeric else values == ""
    if empty.any():
        found = f"nothing ({empty.sum()} such rows)"
        raise UserError(raw.mistake(name, int(empty.argmax()), found, "a value: it is what is to be predicted"))
    distinct = np.unique(values)
    if numeric and (config.task == "regression" or (config.task == "infer" and not _classes(distinct, values))):
        if len(distinct) < 2:
            raise UserError(f"{raw.path}: column {shorten(name)}: found one value in all rows, allowed: at least two")
        return values, ()
    if config.task == "regression":
        raise UserError(raw.mistake(name, 0, shorten(values[0]), "a number (task: regression)"))
    text = np.array([plain(value) for value in values], dtype=object) if numeric else values
    names = [plain(value) for value in distinct] if numeric else list(distinct)
    if len(names) < 2:
        raise UserError(
            f"{raw.path}: column {shorten(name)}: found one class, {shorten(names[0])}, allowed: at least two"
        )
    _check_few(raw, name, text, of_choice=numeric)
    counts = Counter(text)
    for place, one in enumerate(text):
        if len(one) > LONGEST_ID or not one.isprintable():
            allowed = f"a class of at most {LONGEST_ID} printable characters"
            raise UserError(raw.mistake(name, place, shorten(one), allowed))
        if counts[one] < 2:
            raise UserError(
                raw.mistake(name, place, f"{shorten(one)} in this row alone", "a class in at least two rows")
            )
    places = {one: place for place, one in enumerate(names)}
    return np.array([places[one] for one in text], dtype=np.int64), tuple(names)


def _classes(distinct: np.ndarray, values: np.ndarray) -> bool:
    """Whether numbers are taken for classes: few, whole, and each in some rows."""
    few = len(distinct) <= _MOST_CLASSES and len(values) >= _LEAST_OF_A_CLASS * len(distinct)
    return few and bool((distinct == np.round(distinct)).all())


def plain(value: float) -> str:
    """A number that stands for a category, as its name.

    >>> plain(3.0), plain(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if float(value).is_integer() else repr(float(value))
