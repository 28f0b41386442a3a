"""Data source `table`: a CSV or Parquet file of the user, split into training and test part for each seed.

Errors name file, column and row as a spreadsheet counts rows: the header of a CSV file is row 1. Means, standard
deviations and replacements of missing numbers come from the training part alone; levels of categories come from the
whole table, so that all seeds have the same features. polars is imported lazily: most projects have no table.
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
from pipeline.core.config import LARGEST, LONGEST_COLUMN, LONGEST_ID, check_inside, list_of, refused
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.seeding import Seed, generator
from pipeline.data.base import Facts, OwnSeeds, Source, Validation, stack

if TYPE_CHECKING:
    import polars

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")  # cells without a value, as other programs write them
MAX_LEVELS = 1000  # of a category: each level becomes a feature or a class
# whole numbers in a target are inferred to be classes if there are at most 10, with 5 rows each on average
_MAX_CLASSES, _MIN_CLASS_ROWS = 10, 5
_NUMBERS = 0.9  # a text column with a larger share of numbers is a column of numbers with mistakes
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
# a cell in quotes; quotes inside it are doubled, commas and line ends inside it belong to the cell
_QUOTED = re.compile(r'"(?<![^,\n]")[^"]*+(?:""[^"]*+)*+"(?![^,\n])')

ColumnName = Annotated[str, Field(min_length=1, max_length=LONGEST_COLUMN)]


class Table(Source):
    """A table of the user, split into training and test part for each seed."""

    source: Literal["table"]
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
    """Columns of numbers that are read as categories."""
    ignore: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised: a loss is then in units of its variance."""
    seeds: OwnSeeds = None
    """Seeds of the studies on this data set, if their number is not `seeds.count`."""

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
        numbers = [values for values in columns.values() if values.dtype.kind == "f"]
        categories = [values for values in columns.values() if values.dtype.kind == "O"]
        table = np.array(numbers).reshape(len(numbers), len(target)).T
        # a missing cell is a level as well
        one_hot = [(cells[:, None] == np.unique(cells)).astype(float) for cells in categories]
        train, test = [], []
        for seed in seeds:
            test_rows, train_rows = np.split(generator(seed, "data").permutation(len(target)), [facts.test_examples])
            scaled = _standardized(_filled(table, train_rows, self.missing), train_rows)
            inputs, values = np.concatenate([scaled, *one_hot], axis=1), target
            if facts.task == "regression" and self.standardize_target:
                values = _standardized(target, train_rows)
            train.append((inputs[train_rows], values[train_rows]))
            test.append((inputs[test_rows], values[test_rows]))
        return Dataset(facts.task, facts.outputs, stack(train), stack(test), seeds=tuple(seeds), names=classes)

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        """Return q / (1 - q), where q is the share of the table in the split of one seed."""
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


class _Column(NamedTuple):
    """A column of a file before typing; `rows` are the row numbers of its cells, (N,)."""

    path: Path
    name: str
    cells: "polars.Series"
    rows: Sequence[int]

    def error(self, found: str, allowed: str, index: int | None = None) -> UserError:
        row = "" if index is None else f"row {self.rows[index]}, "
        return UserError(f"{self.path}: {row}column {shorten(self.name)}: found {found}, allowed: {allowed}")


@functools.lru_cache(maxsize=1000)
def _facts(config: Table, path: Path, version: tuple[int, int] | None) -> Facts:
    return read(config).facts


def read(config: Table) -> Columns:
    """Read, type and check a table; the error has one line per mistake."""
    columns = _open(config)
    inputs: dict[str, np.ndarray] = {}
    problems: list[str] = []
    for column in columns:
        try:
            values = _typed(column, config)
            if column.name == config.target:
                target, classes = _target(column, values, config)
            else:
                inputs[column.name] = values
                if values.dtype.kind == "O":
                    _check_levels(column, len(set(values)), numeric=column.name in config.categorical)
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    rows = len(columns[0].rows)
    test = round(config.test_fraction * rows)
    train = rows - test
    if test < 1 or train < 2:
        sizes = f"{rows} rows, of which {test} would be the test set"
        raise UserError(f"{columns[0].path}: found {sizes}, allowed: at least 1 to test on and 2 to train on")
    features = sum(1 if values.dtype.kind == "f" else len(set(values)) for values in inputs.values())
    facts = Facts("classification" if classes else "regression", len(classes) or 1, features, train, test)
    return Columns(facts, inputs, target, classes)


def _open(config: Table) -> list[_Column]:
    """Read the columns of a file, without ignored ones, and check their names."""
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
    for number, name in enumerate(names, start=1):
        if not name or len(name) > LONGEST_COLUMN or not name.isprintable() or name in names[: number - 1]:
            header = f"{shorten(name)} as name of column {number}"
            allowed = f"each name once, 1 to {LONGEST_COLUMN} printable characters"
            raise UserError(f"{path}: header: found {header}, allowed: {allowed}")
    for key, wanted in (("target", (config.target,)), ("categorical", config.categorical), ("ignore", config.ignore)):
        for name in wanted:
            if name not in names:
                raise UserError(f"{path}: no column {shorten(name)} ({key}), there is {join_short(names)}")
    if config.target in config.ignore:
        raise UserError(f"{path}: column {shorten(config.target)}: found as target and under ignore, allowed: one")
    if set(names) <= {config.target, *config.ignore}:
        raise UserError(f"{path}: found no column beside the target, allowed: at least one to predict it from")
    columns = zip(names, cells, strict=True)
    return [_Column(path, name, series, rows) for name, series in columns if name not in config.ignore]


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


def _typed(column: _Column, config: Table) -> np.ndarray:
    """Type and check a column: numbers, (N,) floating, or text, (N,) object; NaN or empty text for missing cells."""
    import polars

    name, cells = column.name, column.cells
    if cells.dtype == polars.Null or cells.dtype.is_numeric():
        values = cells.cast(polars.Float64).fill_nan(None)
    elif cells.dtype == polars.Boolean:
        values = cells.cast(polars.String).str.to_titlecase()  # True, False, as in CSV files
    elif cells.dtype in (polars.String, polars.Categorical, polars.Enum):
        values = cells.cast(polars.String).str.strip_chars().replace(dict.fromkeys(MISSING))
        if name not in config.categorical and column.path.suffix == ".csv":
            values = _parsed(column, values)
    else:
        allowed = "numbers, text or truth values; a time as numbers (a year, days since ..), or the column under ignore"
        raise column.error(f"values of the type {cells.dtype}", allowed)
    numeric = values.dtype == polars.Float64
    if numeric and (outside := values.abs() > LARGEST).any():
        first = cells.filter(outside)[0]
        raise column.error(str(first), f"a number within ± {LARGEST:g}", outside.arg_max())
    missing = values.null_count()
    if missing == len(values) and name != config.target:
        raise column.error("nothing in it", "values; or list it under ignore")
    if missing and (config.missing == "refuse" or name == config.target):
        allowed = "a value in each row of the target" if name == config.target else "a value, or another `missing`"
        raise column.error(f"nothing ({missing} such rows)", allowed, values.is_null().arg_max())
    if numeric and name in config.categorical:
        values = values.map_elements(_level, return_dtype=polars.String)
    return (values if values.dtype == polars.Float64 else values.fill_null("")).to_numpy()


def _parsed(column: _Column, text: "polars.Series") -> "polars.Series":
    """Return the numbers if all cells with a value are numbers, else the text."""
    import polars

    numbers = text.cast(polars.Float64, strict=False).fill_nan(None)
    is_word = numbers.is_null() & text.is_not_null()
    words, count = text.filter(is_word), text.count()
    if words.is_empty():
        return numbers
    first, index = words[0], is_word.arg_max()
    if len(words) < (1 - _NUMBERS) * count:
        allowed = f"a number, as in {count - len(words)} other rows; or list the column under categorical"
        raise column.error(shorten(first), allowed, index)
    if all(map(_DATE.fullmatch, text.drop_nulls())):
        allowed = "numbers or categories; a time as numbers (a year, days since ..), or the column under ignore"
        raise column.error(f"the date {shorten(first)}", allowed, index)
    return text


def _target(column: _Column, values: np.ndarray, config: Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return class indices and names of the classes, or values and no names."""
    numeric = values.dtype.kind == "f"
    distinct, first, labels, counts = np.unique(values, return_index=True, return_inverse=True, return_counts=True)
    few = len(distinct) <= _MAX_CLASSES and len(values) >= _MIN_CLASS_ROWS * len(distinct)
    inferred = "classification" if not numeric or (few and (distinct == np.round(distinct)).all()) else "regression"
    task = inferred if config.task == "infer" else config.task
    if task == "regression" and not numeric:
        raise column.error(shorten(values[0]), "a number (task: regression)", 0)
    if len(distinct) < 2:
        raise column.error(f"only {shorten(str(values[0]))}", "at least two classes or values")
    if task == "regression":
        return values, ()
    classes = tuple(map(_level, distinct.tolist()) if numeric else distinct)
    _check_levels(column, len(classes), numeric)
    for index, label, count in sorted(zip(first, classes, counts, strict=True)):
        if len(label) > LONGEST_ID or not label.isprintable():
            raise column.error(shorten(label), f"a class of at most {LONGEST_ID} printable characters", index)
        if count < 2:
            raise column.error(f"{shorten(label)} in this row alone", "a class in at least two rows", index)
    return labels, classes


def _check_levels(column: _Column, count: int, numeric: bool) -> None:
    """Refuse text with a level for nearly every row: names, identifiers, free text."""
    largest = MAX_LEVELS if numeric else min(MAX_LEVELS, max(10, len(column.rows) // 2))
    if count > largest:
        levels = f"{count} different values in {len(column.rows)} rows, such as {shorten(column.cells[0])}"
        raise column.error(levels, f"at most {largest} levels of a category; list names and texts under ignore")


def _level(number: float) -> str:
    """Return the name of a number that stands for a category, such as 3 for 3.0."""
    return str(int(number)) if number.is_integer() else repr(number)


def _filled(numbers: np.ndarray, train: np.ndarray, missing: str) -> np.ndarray:
    """Replace missing numbers in (N, D) by the mean, median or smallest mode of their column in the training rows."""
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
        column[gaps] = value + 0.0  # -0 becomes 0: which of the two np.unique returns depends on how NumPy sorts
    return filled


def _standardized(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Scale (N,) or each column of (N, D) to mean 0 and variance 1 in the training rows; only shift a constant one."""
    known = values[train]
    count = len(known)
    mean = total(known.T) / count
    variance = total(np.square(known - mean).T) / count
    # the variance of equal numbers is 0 up to rounding
    constant = variance <= np.square(count * np.finfo(float).eps * mean)
    return (values - mean) / np.where(constant, 1.0, np.sqrt(variance))
