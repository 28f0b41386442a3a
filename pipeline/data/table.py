"""Data source `table`: a CSV or Parquet file of the user, split into training and test part for each seed.

Nothing in a table is executed. Errors name file, column and row as a spreadsheet counts rows: the header of a CSV file
is row 1. Means, standard deviations and replacements of missing numbers come from the training part alone; levels of
categories come from the whole table, so that all seeds have the same features. polars is imported where it is used:
most projects have no table.
"""

import contextlib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.arithmetic.arrays import total
from pipeline.core.config import LARGEST, LONGEST_COLUMN, LONGEST_ID, MAX_SEEDS, check_inside, list_of, refused
from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.seeding import Seed, generator
from pipeline.data.base import Facts, Source, Validation

if TYPE_CHECKING:
    import polars

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")  # cells without a value, as other programs write them
MAX_LEVELS = 1000  # of a category: each level becomes a feature or a class
_MAX_CLASSES = 10  # different whole numbers in a target that are inferred to be classes, ..
_MIN_CLASS_ROWS = 5  # .. if each has this many rows on average
_NUMBERS = 0.9  # a text column with a larger share of numbers is a column of numbers with mistakes
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
# a cell in quotes; quotes inside it are doubled, commas and line ends inside it belong to the cell
_QUOTED = re.compile(r'"(?<![^,\n]")[^"]*+(?:""[^"]*+)*+"(?![^,\n])')

ColumnName = Annotated[str, Field(min_length=1, max_length=LONGEST_COLUMN)]


class Table(Source):
    """A table of the user, split into training and test part for each seed."""

    source: Literal["table"]
    """Selects this data set."""
    file: str
    """A CSV or Parquet file in the folder tables of the project, such as tables/own.csv."""
    target: ColumnName
    """Column that is predicted."""
    task: Literal["infer", "classification", "regression"] = "infer"
    """What is predicted; infer takes text for classes, and at most 10 whole numbers with 5 rows each on average."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the rows that each seed draws to test on; the others are trained on."""
    missing: Literal["refuse", "mean", "median", "most_frequent"] = "refuse"
    """Statistic of the column, in the training part, that replaces a missing number; refuse: no cell may be missing."""
    categorical: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are categories though they hold numbers."""
    ignore: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised: a loss is then in units of its variance."""
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] | None = None
    """Seeds of the studies on this data set, where it is cheap enough for another number than `seeds.count`."""

    def facts(self) -> Facts:
        """Read the facts about the table: once per process, and again after the file changed."""
        path, version = Path(self.file), None
        with contextlib.suppress(OSError):  # `read` says why the file cannot be read
            stat = path.stat()
            version = stat.st_mtime_ns, stat.st_size
        return _facts(self, path.resolve(), version)

    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Make inputs (S, N, D) and targets (S, N): the numbers first, then one input for each level of each category.

        The split of a seed depends on the seed and the number of rows alone.
        """
        facts, columns, target, classes = read(self)
        rows, test = len(target), facts.test_examples
        numbers = [values for values in columns.values() if values.dtype.kind == "f"]
        categories = [values for values in columns.values() if values.dtype.kind == "O"]
        table = np.array(numbers).reshape(len(numbers), rows).T
        # a missing cell is a level as well
        one_hot = [(cells[:, None] == np.unique(cells)).astype(float) for cells in categories]
        inputs, targets = [], []
        for seed in seeds:
            order = generator(seed, "data").permutation(rows)  # the test set comes first
            train = order[test:]
            scaled = _standardized(_filled(table, train, self.missing), train)
            inputs.append(np.concatenate([scaled, *one_hot], axis=1)[order])
            standardize = self.standardize_target and facts.task == "regression"
            targets.append((_standardized(target[:, None], train)[:, 0] if standardize else target)[order])
        both, values = np.stack(inputs), np.stack(targets)
        train_split, test_split = Split(both[:, test:], values[:, test:]), Split(both[:, :test], values[:, :test])
        return Dataset(facts.task, facts.outputs, train_split, test_split, seeds=tuple(seeds), names=classes)

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        """Return q / (1 - q), where q is the share of the table that one seed measures the split's value on."""
        validated = max((validation.validated for validation in validations), default=0.0)
        shares = {"test": self.test_fraction, "validation": (1 - self.test_fraction) * validated}
        share = shares.get(split, 1 - self.test_fraction)
        return share / (1 - share)

    @model_validator(mode="after")
    def _in_its_folder(self) -> Self:
        allowed = "a .csv or .parquet file in the folder tables: a relative path like tables/own.csv"
        check_inside(self.file, allowed, "tables")
        if PurePosixPath(self.file).suffix not in (".csv", ".parquet"):
            raise refused("file", allowed)
        return self


class Columns(NamedTuple):
    """Typed columns of a table with N rows."""

    facts: Facts
    inputs: Mapping[str, np.ndarray]  # numbers, (N,) floating, or categories, (N,) text, in the order of the file
    target: np.ndarray  # class indices, (N,) integer, or values, (N,) floating
    classes: tuple[str, ...]  # empty for a regression


class _File(NamedTuple):
    """Columns of a file before typing, by name; `rows` are the row numbers of its records, (N,) integer."""

    path: Path
    columns: "Mapping[str, polars.Series]"
    rows: Sequence[int]

    def error(self, column: str, value: str, allowed: str, index: int | None = None) -> UserError:
        row = "" if index is None else f"row {self.rows[index]}, "
        return UserError(f"{self.path}: {row}column {shorten(column)}: found {value}, allowed: {allowed}")


@functools.lru_cache(maxsize=1000)
def _facts(config: Table, path: Path, version: tuple[int, int] | None) -> Facts:
    return read(config).facts


def read(config: Table) -> Columns:
    """Read, type and check a table; the error has one line per mistake."""
    file = _open(config)
    inputs: dict[str, np.ndarray] = {}
    problems: list[str] = []
    for name in file.columns:
        if name in config.ignore:
            continue
        try:
            values = _typed(file, name, config)
            if name == config.target:
                target, classes = _target(file, values, config)
            else:
                inputs[name] = values
                if values.dtype.kind == "O":
                    _check_levels(file, name, len(set(values)), numeric=name in config.categorical)
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    test = round(config.test_fraction * len(file.rows))
    train = len(file.rows) - test
    if test < 1 or train < 2:
        sizes = f"{len(file.rows)} rows, of which {test} would be the test set"
        raise UserError(f"{file.path}: found {sizes}, allowed: at least 1 to test on and 2 to train on")
    features = sum(1 if values.dtype.kind == "f" else len(set(values)) for values in inputs.values())
    facts = Facts("classification" if classes else "regression", len(classes) or 1, features, train, test)
    return Columns(facts, inputs, target, classes)


def _open(config: Table) -> _File:
    """Read the columns of a file and check their names."""
    path = Path(config.file)
    try:
        names, cells, rows = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: missing; add it to the project, or run `dvc pull` if DVC tracks it") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line}: found bytes that are not UTF-8 text, allowed: UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    columns: dict[str, polars.Series] = {}
    for name, series in zip(names, cells, strict=True):
        if not name or len(name) > LONGEST_COLUMN or not name.isprintable() or name in columns:
            header = f"{shorten(name)} as name of column {len(columns) + 1}"
            allowed = f"each name once, 1 to {LONGEST_COLUMN} printable characters"
            raise UserError(f"{path}: header: found {header}, allowed: {allowed}")
        columns[name] = series
    for key, wanted in (("target", (config.target,)), ("categorical", config.categorical), ("ignore", config.ignore)):
        for name in wanted:
            if name not in columns:
                raise UserError(f"{path}: no column {shorten(name)} ({key}), there is {join_short(columns)}")
    if config.target in config.ignore:
        raise UserError(f"{path}: column {shorten(config.target)}: found as target and under ignore, allowed: one")
    if set(columns) <= {config.target, *config.ignore}:
        raise UserError(f"{path}: found no column beside the target, allowed: at least one to predict it from")
    return _File(path, columns, rows)


def _read_csv(path: Path) -> "tuple[list[str], Iterable[polars.Series], Sequence[int]]":
    """Read names, columns and row numbers of a CSV file; blank rows are counted and left out."""
    import polars

    text = path.read_text(encoding="utf-8-sig")  # spreadsheets start a file with a byte order mark
    rows: list[int] = []
    width = 0
    for row, record in enumerate(_QUOTED.sub("_", text).split("\n"), start=1):
        if not record:
            continue
        cells = record.count(",") + 1
        width = width or cells
        if '"' in record:
            allowed = "quotes around a whole cell, doubled inside it"
            raise UserError(f"{path}: row {row}: found a quote inside a cell or an open one, allowed: {allowed}")
        if cells != width:
            raise UserError(f"{path}: row {row}: found {cells} cells, allowed: {width}, as in the header")
        rows.append(row)
    if len(rows) < 2:
        raise UserError(f"{path}: found {len(rows)} rows, allowed: a header and rows below it")
    # without blank rows before the header, which would tell polars the number of columns
    data = text.lstrip("\n").encode()
    frame = polars.read_csv(data, has_header=False, infer_schema=False, empty_string_is_null=False)
    frame = frame[[row - rows[0] for row in rows]]
    names = [name.strip() for name in frame.row(0)]
    if width == 1 and re.search(r"[;\t|]", names[0]):
        raise UserError(f"{path}: found the only column {shorten(names[0])}, allowed: commas between columns")
    return names, frame[1:].iter_columns(), rows[1:]


def _read_parquet(path: Path) -> "tuple[list[str], Iterable[polars.Series], Sequence[int]]":
    """Read names, columns and row numbers of a Parquet file, whose first record is row 1."""
    import polars

    data = path.read_bytes()
    try:
        frame = polars.read_parquet(data)
    except (Exception, polars.exceptions.PanicException) as error:  # polars raises many types for damaged files
        raise UserError(f"{path}: not a Parquet file, or a damaged one ({shorten(str(error))})") from None
    if not frame.height:
        raise UserError(f"{path}: found no rows, allowed: at least one")
    return [name.strip() for name in frame.columns], frame.iter_columns(), range(1, frame.height + 1)


def _typed(file: _File, name: str, config: Table) -> np.ndarray:
    """Type and check a column: numbers, (N,) floating, or text, (N,) object; NaN or empty text for missing cells."""
    import polars

    cells = file.columns[name]
    if cells.dtype == polars.Null or cells.dtype.is_numeric():
        values = cells.cast(polars.Float64).to_numpy()
    elif cells.dtype == polars.Boolean:
        values = cells.cast(polars.String).str.to_titlecase().fill_null("").to_numpy()  # True, False, as in CSV files
    elif cells.dtype in (polars.String, polars.Categorical, polars.Enum):
        cells = cells.cast(polars.String).str.strip_chars().fill_null("").replace(dict.fromkeys(MISSING, ""))
        values = cells.to_numpy()
        if name not in config.categorical and file.path.suffix == ".csv":
            values = _parsed(file, name, values, cells.cast(polars.Float64, strict=False).to_numpy())
    else:
        allowed = "numbers, text or truth values; a time as numbers (a year, days since ..), or the column under ignore"
        raise file.error(name, f"values of the type {cells.dtype}", allowed)
    numeric = values.dtype.kind == "f"
    outside = np.abs(values) > LARGEST if numeric else np.zeros(1)
    if outside.any():
        index = int(outside.argmax())
        raise file.error(name, str(cells[index]), f"a number within ± {LARGEST:g}", index)
    missing = np.isnan(values) if numeric else values == ""
    if missing.all() and name != config.target:
        raise file.error(name, "nothing in it", "values; or list it under ignore")
    if missing.any() and (config.missing == "refuse" or name == config.target):
        allowed = "a value in each row of the target" if name == config.target else "a value, or another `missing`"
        raise file.error(name, f"nothing ({np.count_nonzero(missing)} such rows)", allowed, int(missing.argmax()))
    if numeric and name in config.categorical:
        return np.array(["" if np.isnan(number) else _level(number) for number in values], dtype=object)
    return values


def _parsed(file: _File, name: str, text: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the numbers, NaN where the text is none, if all cells with a value are numbers; else the text."""
    present = text != ""
    text_rows = np.flatnonzero(present & np.isnan(numbers))
    if not len(text_rows):
        return numbers
    first, count = text[text_rows[0]], np.count_nonzero(present)
    if len(text_rows) < (1 - _NUMBERS) * count:
        allowed = f"a number, as in {count - len(text_rows)} other rows; or list the column under categorical"
        raise file.error(name, shorten(first), allowed, text_rows[0])
    if all(map(_DATE.fullmatch, text[present])):
        allowed = "numbers or categories; a time as numbers (a year, days since ..), or the column under ignore"
        raise file.error(name, f"the date {shorten(first)}", allowed, text_rows[0])
    return text


def _target(file: _File, values: np.ndarray, config: Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return class indices and names of the classes, or values and no names."""
    name = config.target
    numeric = values.dtype.kind == "f"
    distinct, first, labels, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True)
    few = len(distinct) <= _MAX_CLASSES and len(values) >= _MIN_CLASS_ROWS * len(distinct)
    inferred = "classification" if not numeric or (few and (distinct == np.round(distinct)).all()) else "regression"
    task = inferred if config.task == "infer" else config.task
    if task == "regression" and not numeric:
        raise file.error(name, shorten(values[0]), "a number (task: regression)", 0)
    if len(distinct) < 2:
        raise file.error(name, f"only {shorten(str(values[0]))}", "at least two classes or values")
    if task == "regression":
        return values, ()
    classes = tuple(map(_level, distinct)) if numeric else tuple(distinct)
    _check_levels(file, name, len(classes), numeric)
    for index, label, count in sorted(zip(first, classes, counts, strict=True)):
        if len(label) > LONGEST_ID or not label.isprintable():
            raise file.error(name, shorten(label), f"a class of at most {LONGEST_ID} printable characters", index)
        if count < 2:
            raise file.error(name, f"{shorten(label)} in this row alone", "a class in at least two rows", index)
    return labels, classes


def _check_levels(file: _File, name: str, count: int, numeric: bool) -> None:
    """Refuse text with a level for nearly every row: names, identifiers, free text."""
    largest = MAX_LEVELS if numeric else min(MAX_LEVELS, max(10, len(file.rows) // 2))
    if count > largest:
        levels = f"{count} different values in {len(file.rows)} rows, such as {shorten(file.columns[name][0])}"
        raise file.error(name, levels, f"at most {largest} levels of a category; list names and texts under ignore")


def _level(number: float) -> str:
    """Return the name of a number that stands for a category, such as 3 for 3.0."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _filled(numbers: np.ndarray, train: np.ndarray, missing: str) -> np.ndarray:
    """Replace missing numbers, (N, D), by the mean, median or smallest most frequent value of these rows' column."""
    filled = numbers.copy()
    for column in filled.T:
        gaps = np.isnan(column)
        if not gaps.any():
            continue
        known = column[train[~gaps[train]]]
        if not len(known):
            value = 0.0  # the column stays: all seeds have the same features
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
    """Scale each column of (N, D) to mean 0 and variance 1 in these rows; a constant column is only shifted."""
    known = values[train]
    count = len(known)
    mean = total(known.T) / count
    variance = total(np.square(known - mean).T) / count
    # the variance of equal numbers is 0 up to rounding
    constant = variance <= np.square(count * np.finfo(float).eps * mean)
    return (values - mean) / np.where(constant, 1.0, np.sqrt(variance))
