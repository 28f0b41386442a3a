"""Data source `table`: a CSV or Parquet file of the user, split into training and test part for each seed.

Errors name file, column and row. Means, standard deviations and replacements of missing numbers come from the training
part alone; levels of categories come from the whole table, so that all seeds have the same features. polars is imported
lazily: most projects have no table.
"""

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import psutil
from pydantic import Field, model_validator

from pipeline.arithmetic.arrays import total
from pipeline.core.config import LONGEST_COLUMN, check_inside, list_of, refused
from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.seeding import Seed, generator
from pipeline.data import notation, table_columns, table_file
from pipeline.data.base import Facts, OwnSeeds, Source, Validation
from pipeline.data.columns import Column, Description, describe
from pipeline.data.leaks import suspects
from pipeline.data.notation import Notation
from pipeline.data.table_columns import UnreadableError

if TYPE_CHECKING:
    import polars

_INDEXES = ("", "Unnamed: 0", "...1", "rownames")  # names that programs give to an index in the first column
_CODED = 10  # so few different whole numbers may be codes of categories
_PANDAS_INDEX = "__index_level_"  # in Parquet files, followed by a number

Target = Annotated[str, Field(min_length=1, max_length=LONGEST_COLUMN)]
ColumnName = Annotated[str, Field(max_length=LONGEST_COLUMN)]  # empty: without a name
Word = Annotated[str, Field(max_length=LONGEST_COLUMN)]


class Table(Source):
    """A table of the user, split into training and test part for each seed."""

    source: Literal["table"]
    file: str
    """A CSV or Parquet file in the folder tables of the project, such as tables/own.csv."""
    target: Target
    """Column that is predicted."""
    task: Literal["infer", "classification", "regression"] = "infer"
    """What is predicted; infer takes text for classes, and at most 10 whole numbers with 5 rows each on average."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the rows that each seed draws to test on; the others are trained on."""
    missing: Literal["refuse", "mean", "median", "most_frequent"] = "refuse"
    """Statistic of the column, in the training part, that replaces a missing number; refuse: no cell may be missing."""
    missing_target: Literal["refuse", "drop"] = "refuse"
    """drop: rows without a target are left out."""
    missing_values: list_of(Word) = notation.MISSING  # type: ignore[valid-type]
    """Cells that stand for a missing value; an NA that is a code must not be among them."""
    categorical: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns of numbers that are read as categories."""
    ignore: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    dates: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns of dates or times that are read as numbers: days since 1970-01-01."""
    separator: Literal[",", ";", "\t", "|", " "] = ","
    """Character between the cells of a CSV file; a blank stands for any number of blanks and tabs."""
    decimal: Literal[".", ","] = "."
    """Decimal mark of the numbers in a CSV file."""
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Separator of thousands in the numbers of a CSV file; a space stands for any kind of space."""
    units: list_of(Word) = ()  # type: ignore[valid-type]
    """Texts before or behind the numbers of a CSV file that are left out, such as % or EUR."""
    encoding: Literal["utf-8", "utf-16", "latin-1", "cp1252"] = "utf-8"
    """Encoding of a CSV file; with or without a byte order mark."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised: a loss is then in units of its variance."""
    seeds: OwnSeeds = None
    """Seeds of the studies on this data set, if their number is not `seeds.count`."""

    def facts(self) -> Facts:
        """Read the facts about the table: once per process, and again after the file changed."""
        return _facts(self, *_state(self.file))

    def described(self) -> Description:
        """Describe the table and its columns; the warning of a column that cannot be read says why.

        Raises:
            UserError: If the file cannot be read, or lacks a column that the config names.
        """
        return _describe(self, *_state(self.file))

    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Make inputs (S, N, D) and targets (S, N): the numbers first, then one input for each level of each category.

        The split of a seed depends on the seed and the number of rows alone.
        """
        facts, columns, target, classes = read(self)
        numbers = [values for values in columns.values() if values.dtype.kind == "f"]
        categories = [values for values in columns.values() if values.dtype.kind == "O"]
        table = np.array(numbers).reshape(len(numbers), len(target)).T
        # a missing cell is a level, too
        one_hot = [(cells[:, None] == np.unique(cells)).astype(float) for cells in categories]
        _check_memory(len(seeds), facts)
        # filled seed by seed: stacking would take twice the memory
        parts = facts.train_examples, facts.test_examples
        train, test = (
            Split(np.empty((len(seeds), n, facts.features)), np.empty((len(seeds), n), target.dtype)) for n in parts
        )
        for index, seed in enumerate(seeds):
            test_rows, train_rows = np.split(generator(seed, "data").permutation(len(target)), [facts.test_examples])
            scaled = _standardized(_filled(table, train_rows, self.missing), train_rows)
            inputs, values = np.concatenate([scaled, *one_hot], axis=1), target
            if facts.task == "regression" and self.standardize_target:
                values = _standardized(target, train_rows)
            for split, rows in ((train, train_rows), (test, test_rows)):
                split.inputs[index], split.targets[index] = inputs[rows], values[rows]
        return Dataset(facts.task, facts.outputs, train, test, seeds=tuple(seeds), names=classes)

    def split_correlation(self, split: str, validations: Iterable[Validation]) -> float:
        """Return q / (1 - q), where q is the share of the table in the split of one seed."""
        validated = max((validation.validated for validation in validations), default=0.0)
        shares = {"test": self.test_fraction, "validation": (1 - self.test_fraction) * validated}
        share = shares.get(split, 1 - self.test_fraction)
        return share / (1 - share)

    @property
    def notation(self) -> Notation:
        """The marks in the numbers of the file."""
        return Notation(self.decimal, self.thousands, self.units)

    @model_validator(mode="after")
    def _in_its_folder(self) -> Self:
        *most, last = table_file.SUFFIXES
        allowed = f"a {', '.join(most)} or {last} file in the folder tables: a relative path like tables/own.csv"
        check_inside(self.file, allowed, "tables")
        if PurePosixPath(self.file).suffix not in table_file.SUFFIXES:
            raise refused("file", allowed)
        if self.thousands == self.decimal:
            raise refused("thousands", "another character than `decimal`")
        return self


def proposed(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys, other than those given, that the file of a table needs: its notation, if it is not English.

    Raises:
        UserError: If the file cannot be read.
    """
    if path.suffix == ".parquet":
        return {}
    separator, encoding = table_file.recognise(path, given.get("encoding"))
    separator = given.get("separator", separator)
    cells = table_file.read(path, separator, encoding)
    read_so = {*given.get("ignore", ()), *given.get("categorical", ())}
    known = given.get("missing_values", notation.MISSING)
    texts, english = [], []
    words: dict[str, None] = {}
    for name, column in zip(cells.names, cells.columns, strict=True):
        text = table_columns.with_gaps(column, known)
        if name in read_so or notation.numbers(text).count() == text.count():
            english.append(text)
            continue
        texts.append(distinct := text.drop_nulls().unique(maintain_order=True).to_list())
        words |= dict.fromkeys(notation.missing_words(distinct))
    found = {"separator": separator, **notation.chosen(texts, english, separator, given)}
    if encoding != "utf-8":
        found["encoding"] = encoding
    if words:
        found["missing_values"] = [*known, *words]
    return {key: value for key, value in found.items() if key not in given}


def _check_memory(seeds: int, facts: Facts) -> None:
    """Refuse examples that do not fit into memory for all seeds; Linux would kill the process without a message.

    Training takes 1.5 times their memory, for copies in single precision.
    """
    rows = facts.train_examples + facts.test_examples
    needed, free = 1.5 * 8 * seeds * rows * facts.features, psutil.virtual_memory().available
    if needed > free:
        size = f"{seeds} seeds of {rows:,} rows and {facts.features} inputs, which take {needed / 1e9:.1f} GB"
        allowed = f"what fits into {free / 1e9:.1f} GB: fewer `seeds` of the data set, rows or columns"
        raise UserError(f"found {size} of memory, allowed: {allowed}")


class Columns(NamedTuple):
    """Typed columns of a table with N rows."""

    facts: Facts
    inputs: Mapping[str, np.ndarray]  # numbers, (N,) floating, or categories, (N,) text, in the order of the file
    target: np.ndarray  # class indices, (N,) integer, or values, (N,) floating
    classes: tuple[str, ...]  # empty for a regression


class _Examined(NamedTuple):
    """A column after typing, with warnings about its cells, or the reason why it has no values."""

    column: table_columns.Column
    values: np.ndarray | None = None  # as in `Columns.inputs`
    hints: tuple[str, ...] = ()
    problem: UnreadableError | None = None


class _Examination(NamedTuple):
    columns: tuple[_Examined, ...]
    target: np.ndarray | None  # as in `Columns`
    classes: tuple[str, ...]
    task: str  # the task, and the reason


def _state(file: str) -> tuple[Path, tuple[int, int] | None]:
    """Return the path of a file, and its time and size, which change with its content."""
    path = Path(file)
    with contextlib.suppress(OSError):  # `read` says why the file cannot be read
        stat = path.stat()
        return path.resolve(), (stat.st_mtime_ns, stat.st_size)
    return path.resolve(), None


@functools.lru_cache(maxsize=1000)
def _facts(config: Table, path: Path, version: tuple[int, int] | None) -> Facts:
    return read(config).facts


def read(config: Table) -> Columns:
    """Read, type and check a table; the error has one line per mistake."""
    examined, target, classes, _ = _examine(config, *_state(config.file))
    problems = [column.problem for column in examined if column.problem]
    if problems:
        remedies = [remedy for problem in problems for remedy in problem.remedies]
        raise UnreadableError("\n".join(map(str, problems)), list(dict.fromkeys(remedies)))
    assert target is not None  # no column has a problem
    inputs = {column.name: values for column, values, *_ in examined if column.role == "input" and values is not None}
    rows = len(target)
    test = round(config.test_fraction * rows)
    train = rows - test
    if test < 1 or train < 2:
        sizes = f"{rows} rows, of which {test} would be the test set"
        raise UserError(f"{config.file}: found {sizes}, allowed: at least 1 to test on and 2 to train on")
    features = sum(1 if values.dtype.kind == "f" else len(set(values)) for values in inputs.values())
    facts = Facts("classification" if classes else "regression", len(classes) or 1, features, train, test)
    return Columns(facts, inputs, target, classes)


@functools.lru_cache(maxsize=1)  # one table in memory serves facts, description and examples
def _examine(config: Table, path: Path, version: tuple[int, int] | None) -> _Examination:
    examined: list[_Examined] = []
    target, classes, task = None, (), ""  # type: tuple[np.ndarray | None, tuple[str, ...], str]
    for column in _open(config):
        if column.role not in ("input", "target"):
            examined.append(_Examined(column))
            continue
        try:
            values, hints = table_columns.typed(column, config)
            if column.role == "target":
                target, classes, values, task = table_columns.target_of(column, values, config)
            elif values.dtype.kind == "O":
                table_columns.check_levels(column, len(set(values)), numeric=column.name in config.categorical)
            examined.append(_Examined(column, values, hints))
        except UnreadableError as problem:
            examined.append(_Examined(column, problem=problem))
    return _Examination(tuple(examined), target, classes, task)


def _open(config: Table) -> list[table_columns.Column]:
    """Read the columns of a file, check their names and give each its role."""
    path = Path(config.file)
    names, cells, rows = table_file.read(path, config.separator, config.encoding)
    if config.missing_target == "drop" and config.target in names:
        known = table_columns.with_gaps(cells[names.index(config.target)], config.missing_values).is_not_null()
        cells, rows = [column.filter(known) for column in cells], list(compress(rows, known))
        if not rows:
            raise UserError(f"{path}: column {shorten(config.target)}: found no value, allowed: a target in some rows")
    roles = [_role(index, name, column, config) for index, (name, column) in enumerate(zip(names, cells, strict=True))]
    keys = {
        "target": (config.target,),
        "categorical": config.categorical,
        "ignore": config.ignore,
        "dates": config.dates,
    }
    for key, wanted in keys.items():
        for name in wanted:
            if name not in names:
                raise UserError(f"{path}: no column {shorten(name)} ({key}), there is {join_short(names)}")
    if config.target in config.ignore:
        raise UserError(f"{path}: column {shorten(config.target)}: found as target and under `ignore`, allowed: one")
    for number, (name, role) in enumerate(zip(names, roles, strict=True), start=1):
        if not name and role == "input":
            found = f"no name above column {number}, whose first cell is {shorten(cells[number - 1][0])}"
            allowed = 'a name, an index in the first column, which differs in each row; or `ignore: [""]`'
            raise UnreadableError(f"{path}: header: {found}, allowed: {allowed}", [("ignore", "")])
    if "input" not in roles:
        raise UserError(f"{path}: found no column beside the target, allowed: at least one to predict it from")
    return [table_columns.Column(path, *each, rows) for each in zip(names, roles, cells, strict=True)]


def _role(index: int, name: str, cells: "polars.Series", config: Table) -> str:
    if name in config.ignore:
        return "ignored"
    if name == config.target:
        return "target"
    if name not in (*config.categorical, *config.dates) and (
        name.startswith(_PANDAS_INDEX) or (not index and name in _INDEXES and _is_index(cells))
    ):
        return "index"
    if not name and not table_columns.with_gaps(cells, [""]).count():
        return "empty"
    return "input"


def _is_index(cells: "polars.Series") -> bool:
    """Return whether a column names or counts the rows: whole numbers or texts that differ."""
    import polars

    if cells.n_unique() < len(cells):
        return False
    numbers = cells.cast(polars.Float64, strict=False)
    return not numbers.count() or bool((numbers == numbers.round()).all() and numbers.count() == len(cells))


@functools.lru_cache(maxsize=1000)
def _describe(config: Table, path: Path, version: tuple[int, int] | None) -> Description:
    examination = _examine(config, path, version)
    inputs = {column.name: values for column, values, *_ in examination.columns if column.role == "input"}
    known = {name: values for name, values in inputs.items() if values is not None}
    leaking = suspects(known, examination.target) if examination.target is not None else []
    columns = []
    for column, values, hints, problem in examination.columns:
        if values is None:
            found = str(problem).partition(f"column {shorten(column.name)}: ")[2].partition(", allowed: ")[0]
            why = (found,) if problem else ()
            cells = column.cells
            example = "" if column.role == "empty" else shorten(cells[0])
            columns.append(Column(column.name, column.role, "", None, cells.null_count(), example, why))
            continue
        kind = "date" if column.name in config.dates else ""
        if column.role == "target" and examination.classes:
            kind = "classes"
        if column.name in leaking and column.role == "input":
            hints = (*hints, "alone determines the target, does it contain it? Then list it under `ignore`")
        columns.append(describe(column.name, column.role, values, kind=kind, hints=hints))
    rows = len(examination.columns[0].column.rows)
    notes = tuple(_notes(config, columns, examination))
    return Description(rows, examination.task, tuple(columns), notes, tuple(leaking))


def _notes(config: Table, columns: Sequence[Column], examination: _Examination) -> Iterator[str]:
    """Yield what was recognised in the file, and how it is read if not in English notation."""
    for column in columns:
        if column.role == "index":
            name = shorten(column.name) if column.name else "without a name"
            yield f"the column {name} is left out as an index"
        elif column.role == "empty":
            yield "a column without a name and without values is left out"
    for key in ("separator", "decimal", "thousands", "units", "encoding", "missing_values", "missing_target"):
        value = getattr(config, key)
        if value != Table.model_fields[key].default:
            yield f"read with `{key}: {json.dumps(value, ensure_ascii=False)}`"
    coded = [
        column.name
        for column, (_, values, *_) in zip(columns, examination.columns, strict=True)
        if column.role == "input" and column.kind == "number" and 2 < (column.levels or 0) <= _CODED
        if values is not None and (values[~np.isnan(values)] % 1 == 0).all()
    ]
    if coded:
        yield f"few whole numbers in {join_short(coded)}: codes belong under `categorical`"


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
