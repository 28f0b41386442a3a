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
from pipeline.core.config import LARGEST, LONGEST_COLUMN, LONGEST_ID, check_inside, list_of, refused
from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.seeding import Seed, generator
from pipeline.data import notation, table_file
from pipeline.data.base import Facts, OwnSeeds, Source, Validation
from pipeline.data.columns import Column, Description, describe
from pipeline.data.leaks import suspects
from pipeline.data.notation import Notation

if TYPE_CHECKING:
    import polars

MAX_LEVELS = 1000  # of a category: each level becomes a feature or a class
# whole numbers in a target are inferred to be classes if there are at most 10, with 5 rows each on average
_MAX_CLASSES, _MIN_CLASS_ROWS = 10, 5
# more than ten numbers beside at most three words are measurements; fewer may be levels such as 1, 2, 3+
_FEW, _FEW_WORDS = 10, 3
_INDEXES = ("", "Unnamed: 0", "...1", "rownames")  # names that programs give to an index in the first column
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
        return _describe(self, _examine(self, *_state(self.file)))

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
        text = _with_gaps(column, known)
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


class UnreadableError(UserError):
    """Columns that cannot be read; `remedies` are keys and values of a table with which they can."""

    def __init__(self, message: str, remedies: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.remedies = tuple(remedies)


class _Column(NamedTuple):
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


class _Examined(NamedTuple):
    """A column after typing, with warnings about its cells, or the reason why it has no values."""

    column: _Column
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
            values, hints = _typed(column, config)
            if column.role == "target":
                target, classes, values, task = _target(column, values, config)
            elif values.dtype.kind == "O":
                _check_levels(column, len(set(values)), numeric=column.name in config.categorical)
            examined.append(_Examined(column, values, hints))
        except UnreadableError as problem:
            examined.append(_Examined(column, problem=problem))
    return _Examination(tuple(examined), target, classes, task)


def _open(config: Table) -> list[_Column]:
    """Read the columns of a file, check their names and give each its role."""
    path = Path(config.file)
    names, cells, rows = table_file.read(path, config.separator, config.encoding)
    if config.missing_target == "drop" and config.target in names:
        known = _with_gaps(cells[names.index(config.target)], config.missing_values).is_not_null()
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
    return [_Column(path, *each, rows) for each in zip(names, roles, cells, strict=True)]


def _role(index: int, name: str, cells: "polars.Series", config: Table) -> str:
    if name in config.ignore:
        return "ignored"
    if name == config.target:
        return "target"
    if name not in (*config.categorical, *config.dates) and (
        name.startswith(_PANDAS_INDEX) or (not index and name in _INDEXES and _is_index(cells))
    ):
        return "index"
    if not name and not _with_gaps(cells, [""]).count():
        return "empty"
    return "input"


def _is_index(cells: "polars.Series") -> bool:
    """Return whether a column names or counts the rows: whole numbers or texts that differ."""
    import polars

    if cells.n_unique() < len(cells):
        return False
    numbers = cells.cast(polars.Float64, strict=False)
    return not numbers.count() or bool((numbers == numbers.round()).all() and numbers.count() == len(cells))


def _with_gaps(cells: "polars.Series", words: Iterable[str]) -> "polars.Series":
    """Return text without outer blanks, null for missing cells."""
    import polars

    return cells.cast(polars.String).str.strip_chars().replace(dict.fromkeys(words))


def _typed(column: _Column, config: Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Type and check a column: numbers, (N,) floating, or text, (N,) object; NaN or empty text for missing cells."""
    import polars

    name, cells = column.name, column.cells
    text = column.path.suffix != ".parquet" or cells.dtype in (polars.String, polars.Categorical, polars.Enum)
    hints: tuple[str, ...] = ()
    if name in config.dates:
        values = _dates(column, config)
    elif text:
        values = _with_gaps(cells, config.missing_values)
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


def _missing(column: _Column, values: "polars.Series", config: Table, *, target: bool) -> UnreadableError:
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


def _codes(column: _Column, values: "polars.Series") -> list[str]:
    """Return a hint about words for missing values in a category of short codes, such as NA for Namibia."""
    words = column.cells.filter(values.is_null()).drop_nulls().str.strip_chars().unique().to_list()
    codes = values.drop_nulls()
    word = next((word for word in words if word.isalpha()), None)
    if word and codes.n_unique() > 1 and (codes.str.len_chars() <= len(word) + 1).all():
        return [f"{shorten(word)} is read as missing; if it is a code, leave it out of `missing_values`"]
    return []


_DATES = "dates such as 2024-01-31, 2024-01-31 12:30 or 31.1.2024"
_DATES_ALLOWED = "the column under `dates`, which reads days since 1970-01-01, or under `ignore`"


def _dates(column: _Column, config: Table) -> "polars.Series":
    """Return days since 1970-01-01."""
    import polars

    cells = column.cells
    if cells.dtype in (polars.Date, polars.Datetime):
        return cells.cast(polars.Datetime("us")).dt.timestamp("us") / (86400 * 1e6)
    text = _with_gaps(cells, config.missing_values)
    values = notation.days(text)
    if (wrong := values.is_null() & text.is_not_null()).any():
        raise column.error(shorten(text.filter(wrong)[0]), _DATES, wrong.arg_max())
    return values


def _parsed(column: _Column, text: "polars.Series", config: Table) -> "tuple[polars.Series, tuple[str, ...]]":
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


def _numbers_as_text(column: _Column, text: "polars.Series", cells: Sequence[str]) -> list[str]:
    """Refuse text of a Parquet file that is measured numbers; return a hint about whole numbers, which may be codes."""
    numbers = notation.numbers(text)
    if numbers.count() < notation.NUMBERS * max(1, text.count()):
        if not notation.recognise(cells):
            return []
    elif (numbers % 1 == 0).all():
        return ["text that reads as numbers; if they are measured, convert the column in the file"]
    allowed = "a column of numbers in the file; or the column under `categorical`"
    raise column.error(f"numbers as text, such as {shorten(cells[0])}", allowed)


def _units(column: _Column, text: "polars.Series", config: Table) -> list[str]:
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


def _target(column: _Column, values: np.ndarray, config: Table) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, str]:
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
    _check_levels(column, len(classes), numeric)
    for index, label, count in sorted(zip(first, classes, counts, strict=True)):
        if len(label) > LONGEST_ID or not label.isprintable():
            raise column.error(shorten(label), f"a class of at most {LONGEST_ID} printable characters", index)
        if count < 2:
            raise column.error(f"{shorten(label)} in this row alone", "a class in at least two rows", index)
    return labels, classes, np.array(classes, dtype=object)[labels], why


def _check_levels(column: _Column, count: int, numeric: bool) -> None:
    """Refuse text with a level for nearly every row: names, identifiers, free text."""
    largest = MAX_LEVELS if numeric else min(MAX_LEVELS, max(10, len(column.rows) // 2))
    if count > largest:
        levels = f"{count} different values in {len(column.rows)} rows, such as {shorten(column.cells[0])}"
        allowed = f"at most {largest} levels of a category; list names and texts under `ignore`"
        remedy = {"ignore": column.name} if column.role == "input" else {}
        raise column.error(levels, allowed, None, **remedy)


def _describe(config: Table, examination: _Examination) -> Description:
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
    return Description(rows, examination.task, tuple(columns), tuple(_notes(config, columns, examination)))


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
        if column.role == "input" and column.kind == "number" and 2 < (column.levels or 0) <= _FEW
        if values is not None and (values[~np.isnan(values)] % 1 == 0).all()
    ]
    if coded:
        yield f"few whole numbers in {join_short(coded)}: codes belong under `categorical`"


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
