"""Tables: typed as they always were, mistakes named by column and row, examples equal to those of scikit-learn."""

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest
from samples import seeds
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.core.seeding import generator
from pipeline.data import notation, table
from pipeline.data.base import Facts
from pipeline.data.table import Table

CSV, PARQUET = "tables/own.csv", "tables/own.parquet"
GOOD = "age,height,town,ill\n" + "".join(f"{20 + n},{1.5 + n / 100},{'abc'[n % 3]},{n % 2}\n" for n in range(20))


@pytest.fixture
def write(in_folder: Path) -> Callable[..., Table]:
    """Writes a table and returns the config for it."""
    (in_folder / "tables").mkdir()

    def write(content: str | bytes | polars.DataFrame, target: str = "ill", **changes) -> Table:
        file = PARQUET if isinstance(content, polars.DataFrame) else CSV
        if isinstance(content, polars.DataFrame):
            content.write_parquet(file)
        else:
            Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Table.model_validate({"source": "table", "file": file, "target": target, **changes})

    return write


def refusal(config: Table) -> str:
    with pytest.raises(UserError) as caught:
        table.read(config)
    return str(caught.value)


def edited(row: int, column: int, cell: str) -> str:
    """`GOOD` with another cell; rows as a spreadsheet counts them."""
    lines = [line.split(",") for line in GOOD.splitlines()]
    lines[row - 1][column - 1] = cell
    return "\n".join(map(",".join, lines)) + "\n"


def tabulated(cells: Iterable[object]) -> str:
    """A table with the column x of these cells and a target of numbers."""
    return "x,ill\n" + "".join(f"{cell},{n / 7}\n" for n, cell in enumerate(cells))


# --- typing ----------------------------------------------------------------------------------------------------------

NUMBERS = ["7", "007", "+5", "-5", ".5", "5.", "1e5", "1E+05", "1e-400", "9007199254740993", "1e30", "123456789e-10"]
WORDS = ["1_000", "0x10", "1e", "--1", "1 2", "٣", "=1+1", "True"]
NOTATIONS = {"1,5": 'decimal: ","', "1,000": 'thousands: ","', "$5": 'units: ["$"]', "5%": 'units: ["%"]'}
OUTSIDE = ["inf", "-inf", "Infinity", "1e31", "-1e400"]
DATES = ["2024-01-31", "2024-1-1 10:00", "2024-01-31T10", "31.1.2024", "1/31/24"]


@pytest.mark.parametrize("cell", [*NUMBERS, *WORDS])
def test_a_cell_is_a_number_or_a_word(write, cell):
    columns = table.read(write(tabulated([f'"{cell}"', "  0 "] * 4)))
    assert columns.inputs["x"].tolist() == ([float(cell), 0.0] if cell in NUMBERS else [cell, "0"]) * 4


@pytest.mark.parametrize("cell", [*OUTSIDE, *DATES])
def test_large_numbers_and_dates_are_refused(write, cell):
    if cell in DATES:
        way = "`ignore`, or dates such as 2024-01-31" if "/" in cell else "`dates`, which reads days since 1970-01-01"
        cells = [cell] * 5 if "/" in cell else [cell, *(date for date in DATES if "/" not in date)]
        found = f"'{cell}' among dates" if "/" in cell else f"the date '{cell}'"
        message = f"{found}, allowed: the column under {way}"
    else:
        cells, message = [cell, "1"], f"{cell}, allowed: a number within ± 1e+30"
    line = refusal(write(tabulated(cells)))
    assert line.startswith(f"{CSV}: row 2, column 'x': found {message}")


@pytest.mark.parametrize("cell", NOTATIONS)
def test_numbers_in_another_notation_are_read_on_request_alone(write, cell):
    cells = [f'"{cell}"', "  0 "] * 6
    key = NOTATIONS[cell]
    line = refusal(write(tabulated(cells)))
    assert f"found '{cell}', a number in another notation, allowed: numbers such as 1234.5; `{key}` in the data" in line
    name, _, value = key.partition(": ")
    columns = table.read(write(tabulated(cells), **{name: json.loads(value)}))
    assert columns.inputs["x"].tolist() == [{"1,5": 1.5, "1,000": 1000.0}.get(cell, 5.0), 0.0] * 6
    as_levels = table.read(write(tabulated(cells), categorical=["x"]))
    assert as_levels.inputs["x"].tolist() == [cell, "0"] * 6


@pytest.mark.parametrize("cell", [*NOTATIONS, "1.5", "1", "3+"])
def test_text_of_a_parquet_file_that_is_numbers_is_refused_or_has_a_hint(write, cell):
    frame = polars.DataFrame({"x": [cell, "0"] * 6, "ill": range(12)})
    if cell in ("1", "3+"):
        (described, _) = write(frame).described().columns
        assert [warning.split(";")[0] for warning in described.warnings] == ["text that reads as numbers"] * (
            cell == "1"
        )
    else:
        assert f"column 'x': found numbers as text, such as '{cell}', allowed: a column of" in refusal(write(frame))
    assert table.read(write(frame, categorical=["x"])).inputs["x"].tolist() == [cell, "0"] * 6


def test_a_word_among_numbers_in_the_stated_notation_is_the_one_that_is_named(write):
    line = refusal(write(tabulated([f'"{n},5"' for n in range(20)] + ["k.A."]), decimal=","))
    assert "row 22, column 'x': found 'k.A.', allowed: a number, as in 20 other rows" in line


def test_different_units_in_a_column_are_refused_and_missing_ones_doubted(write):
    assert "column 'x': found different units, as in '$5' and '3 €', allowed: one unit" in refusal(
        write(tabulated(["$5", "-$6", "3 €"] * 4), units=["$", "€"])
    )
    (described, _) = write(tabulated(["50%", "1e1 %", "0.5"] * 4), units=["%"]).described().columns
    assert described.warnings == ("'50%' and '0.5': the unit is left out, is it the same?",)


def test_text_of_a_parquet_file_may_lack_values(write):
    frame = polars.DataFrame({"x": ["p", None, "q"] * 6, "ill": [0, 1] * 9})
    assert table.read(write(frame, missing="median")).inputs["x"].tolist() == ["p", "", "q"] * 6


@pytest.mark.parametrize(
    "words",
    [
        ["?"] * 8,
        ["None", "n.a.", "-"] * 2,
        ["broken"] * 15,
        ["<0.5", "low"] * 6,
        ["<1", "<2", "<3", "> 9", "?"] * 4,
        [f"fault {code}" for code in "abcd"] * 5,
    ],
)
def test_words_among_numbers_never_make_categories_of_them(write, words):
    content = tabulated([*words, *range(40)])
    assert f"row 2, column 'x': found '{words[0]}', allowed: a number, as in 40 other rows" in refusal(write(content))
    missing = {"missing": "median", "missing_values": ["", *set(words)]}
    assert np.isnan(table.read(write(content, **missing)).inputs["x"]).sum() == len(words)
    usual = {word for word in words if notation.is_missing_word(word)}
    assert usual == {*table.proposed(Path(CSV), {}).get("missing_values", ())} - {*notation.MISSING}


def test_na_may_be_a_code(write):
    content = "country,ill\n" + "".join(f"{('DE', 'NA', 'FR')[n % 3]},{n % 2}\n" for n in range(30))
    found = "row 3, column 'country': found 'NA', which stands for a missing value (10 such rows), allowed: a value"
    assert found in refusal(write(content))
    (described,) = [c for c in write(content, missing="median").described().columns if c.role == "input"]
    assert (described.levels, described.missing) == (2, 10)
    assert described.warnings == ("'NA' is read as missing; if it is a code, leave it out of `missing_values`",)
    (described,) = [c for c in write(content, missing_values=[""]).described().columns if c.role == "input"]
    assert (described.levels, described.missing, described.warnings) == (3, 0, ())


def test_dates_are_days_on_request(write):
    frame = polars.DataFrame({"day": ["2024-01-31", "31.1.2024 12:00"] * 10, "ill": [0, 1] * 10})
    for content in (frame.write_csv(), frame.with_columns(day=polars.datetime(2024, 1, 31))):
        config = write(content, dates=["day"])
        assert table.read(config).inputs["day"][0] == 19753
        assert [column.kind for column in config.described().columns] == ["date", "classes"]
    assert "found '31/1/2024 12:00', allowed: dates such as 2024-01-31" in refusal(
        write(frame.write_csv().replace(".", "/"), dates=["day"])
    )


@pytest.mark.parametrize("cell", ["unknown", "-"])
def test_a_word_among_dates_is_named_or_missing(write, cell):
    content = tabulated([*(f"2024-01-{day:02}" for day in range(1, 31)), cell])
    assert f"row 32, column 'x': found '{cell}' among dates, allowed: the column under" in refusal(write(content))
    keys = {"missing_values": ["", cell], "dates": ["x"], "missing": "mean"}
    assert np.isnan(table.read(write(content, **keys)).inputs["x"]).tolist() == [False] * 30 + [True]
    assert table.proposed(Path(CSV), {})["missing_values"][-1] == cell


def test_an_index_is_left_out_and_rows_without_a_target_on_request(write):
    rows = [(n, n / 7, ("a", "b", "")[n % 3]) for n in range(30)]
    for names in (["0", "1", "2", *range(3, 30)], [f"car {n}" for n in range(30)], [85 + 3 * n for n in range(30)]):
        content = ",x,ill\n" + "".join(f"{name},{x},{y}\n" for name, (_, x, y) in zip(names, rows, strict=True))
        assert "row 4, column 'ill': found nothing (10 such rows), allowed: a value in each" in refusal(write(content))
        config = write(content, missing_target="drop")
        assert list(table.read(config).inputs) == ["x"]
        assert (config.facts().train_examples, config.facts().test_examples) == (15, 5)
        description = config.described()
        assert [column.role for column in description.columns] == ["index", "input", "target"]
        assert "left out as an index" in description.notes[0]
    config = write(content.replace("85,", "88,"), missing_target="drop")
    with pytest.raises(table.UnreadableError, match="no name above column 1") as caught:
        table.read(config)
    assert caught.value.remedies == (("ignore", ""),)


def test_an_index_of_pandas_in_a_parquet_file_is_left_out(write):
    levels = {f"__index_level_{level}__": [n // 6 ** (1 - level) % 6 for n in range(36)] for level in (0, 1)}
    frame = polars.DataFrame({"x": range(36), "ill": [0, 1] * 18, **levels})
    assert list(table.read(write(frame)).inputs) == ["x"]
    assert list(table.read(write(frame, categorical=["__index_level_0__"])).inputs) == ["x", "__index_level_0__"]


# one line on what is predicted, with the way to choose the other
TASKS = {
    "classification: 'ill' has 2 different whole numbers; `task: regression` would predict their values": {},
    "regression: 'ill' has 2 different whole numbers, task chosen": {"task": "regression"},
    "classification: 'town' has 3 different texts; a regression needs numbers": {"target": "town"},
    "regression: 'age' has 20 different whole numbers; `task: classification` would make each of them a class": {
        "target": "age"
    },
}


@pytest.mark.parametrize("sentence", TASKS)
def test_the_task_is_said_aloud(write, sentence):
    assert write(GOOD, **TASKS[sentence]).described().task == sentence


def test_a_column_that_cannot_be_read_is_described_with_the_reason(write):
    columns = {column.name: column for column in write(edited(17, 1, "abc"), ignore=["town"]).described().columns}
    assert columns["age"].warnings == ("found 'abc'",)
    assert (columns["town"].role, columns["town"].kind) == ("ignored", "")
    assert columns["height"][:6] == ("height", "input", "number", 20, 0, "1.5 to 1.69")
    with pytest.raises(table.UnreadableError) as caught:
        table.read(write(edited(5, 2, "")))
    assert caught.value.remedies == (("missing", "median"),)


@pytest.mark.parametrize("cell", notation.MISSING)
def test_a_cell_is_missing(write, cell):
    rows = "".join(f"{n},{n % 2},{n / 7}\n" for n in range(19))
    columns = table.read(write(f"x,t,ill\n{rows}{cell}, {cell},1\n", missing="mean", categorical=["t"]))
    np.testing.assert_array_equal(columns.inputs["x"], [*range(19), np.nan])
    assert columns.inputs["t"].tolist() == ["0", "1"] * 9 + ["0", ""]
    assert columns.facts.features == 1 + 3


def test_columns_can_be_listed_as_categories_and_left_out(write):
    columns = table.read(write(GOOD, categorical=["age"], ignore=["town"]))
    assert columns.inputs["age"][:2].tolist() == ["20", "21"]
    assert columns.inputs["height"][:2].tolist() == [1.5, 1.51]
    assert columns.facts == Facts("classification", 2, 20 + 1, 15, 5)
    # a tenth of words are no mistakes
    cells = ["0", "1"] * 9 + ["abc", "abc"]
    assert table.read(write(tabulated(cells))).inputs["x"].tolist() == cells


# few whole numbers, each in several rows, are classes; text always; anything else is a value
TARGETS = {
    "two whole numbers": ([0, 1] * 10, {}, ("0", "1")),
    "in the order of numbers": ([2, 10, -1] * 10, {}, ("-1", "2", "10")),
    "text": (["yes", "no"] * 10, {}, ("no", "yes")),
    "five whole numbers in four rows each": ([1, 2, 3, 4, 5] * 4, {}, ()),
    "ten whole numbers": ([*range(10)] * 5, {}, tuple("0123456789")),
    "eleven whole numbers": ([*range(11)] * 10, {}, ()),
    "halves": ([0.5, 1] * 10, {}, ()),
    "halves, as classes": ([0.5, 1] * 10, {"task": "classification"}, ("0.5", "1")),
    "halves, as categories": ([0.5, "1.0"] * 10, {"categorical": ["ill"]}, ("0.5", "1.0")),
    "two whole numbers, as values": ([0, 1] * 10, {"task": "regression"}, ()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_task_follows_from_the_target(write, name):
    cells, changes, classes = TARGETS[name]
    columns = table.read(write("x,ill\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)), **changes))
    assert columns.classes == classes
    assert columns.facts.task == ("classification" if classes else "regression")
    expected = [classes.index(str(cell)) for cell in cells] if classes else cells
    assert columns.target.tolist() == expected
    assert columns.target.dtype == (np.int64 if classes else np.float64)


def test_parquet_columns_state_their_type(write):
    columns = {
        "code": ["01", " 02 "] * 10,
        "flag": [True, False, None, True] * 5,
        "level": polars.Series(["x", "y"] * 10, dtype=polars.Categorical),
        "postcode": polars.Series([10115, None] * 10, dtype=polars.Int32),
        "count": polars.Series([None, *range(1, 20)], dtype=polars.Int16),
        "price": polars.Series(["1.5"] * 20).cast(polars.Decimal(4, 2)),
        "ill": ["a", "b"] * 10,
    }
    frame, choices = polars.DataFrame(columns), {"missing": "mean", "categorical": ["postcode"]}
    inputs = table.read(write(frame, **choices)).inputs
    texts = [values[:3].tolist() for values in inputs.values() if values.dtype == object]
    assert texts == [["01", "02", "01"], ["True", "False", ""], ["x", "y", "x"], ["10115", "", "10115"]]
    np.testing.assert_array_equal(inputs["count"], [np.nan, *range(1, 20)])
    assert inputs["price"].tolist() == [1.5] * 20
    dated = frame.with_columns(day=polars.date(2024, 1, 1))
    assert refusal(write(dated, **choices)).startswith(f"{PARQUET}: column 'day': found values of the type Date, ")
    assert list(table.read(write(dated, **choices, ignore=["day"])).inputs) == list(inputs)
    assert refusal(write(frame)).startswith(f"{PARQUET}: row 3, column 'flag': found nothing (5 such rows)")
    assert refusal(write(frame.clear())).startswith(f"{PARQUET}: found no rows")


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n"])
def test_marks_line_ends_quotes_and_blank_rows_of_spreadsheets_are_read(write, end, before):
    text = before + '"age", ill\n1,"a, ""b"""\n\n 2 ,"c\nd"\n1,"a, ""b"""\n2,"c\nd"\n\n'
    columns = table.read(write(text.replace("\n", end), target="age", task="regression"))
    assert columns.target.tolist() == [1, 2, 1, 2]
    assert columns.inputs["ill"].tolist() == ['a, "b"', "c\nd"] * 2
    # a blank row counts where rows are named
    message = refusal(write(text.replace(" 2 ", "").replace("\n", end), target="age"))
    assert message.startswith(f"{CSV}: row {4 + before.count(chr(10))}, column 'age': found nothing")


YES = GOOD.replace(",1\n", ",yes\n").replace(",0\n", ",no\n").replace("a,yes", "a,Yes", 1)
EMPTY = re.sub("^(?=[23])", ",", GOOD.replace("age", "age,x"), flags=re.MULTILINE)
NAMES = "name,ill\n" + "".join(f"n{n},{n % 2}\n" for n in range(40))
IDS = "x,ill\n" + "".join(f"{n},{n % 2}\n" for n in range(1001))
BAD = [
    ("", {}, "found 0 rows, allowed: a header and rows below it"),
    (b"a,ill\n1,2\n\xff,1\n", {}, "line 3: found bytes that are not UTF-8, allowed: UTF-8; or the `encoding` of the"),
    ("a;ill\n1;2\n", {}, 'found one column, \'a;ill\', allowed: "," between columns; or `separator: ";"` in the data'),
    ("a,ill, a\n1,2,3\n", {}, "header: found 'a' as name of column 3, allowed: each name once"),
    ("a,ill\n1,2\n\n1,2,3\n", {}, "row 4: found 3 cells, allowed: 2, as in the header"),
    ('a,ill\n1,2\n"1,2\n3,4\n', {}, "row 3: found a quote inside a cell or an open one, allowed: quotes around a"),
    (GOOD, {"ignore": ["ill"]}, "column 'ill': found as target and under `ignore`, allowed: one"),
    (GOOD, {"ignore": ["age", "height", "town"]}, "found no column beside the target, allowed: at least one"),
    (edited(17, 1, "abc"), {}, "row 17, column 'age': found 'abc', allowed: a number, as in 19 other rows; or list"),
    (edited(5, 2, ""), {}, "row 5, column 'height': found nothing (1 such rows), allowed: a value, or another"),
    (edited(7, 4, "nan"), {"missing": "mean"}, "row 7, column 'ill': found 'nan', which stands for a missing value (1"),
    ("x,ill\n1,NA\n2,\n", {"missing_target": "drop"}, "column 'ill': found no value, allowed: a target in some rows"),
    (EMPTY, {"missing": "mean"}, "column 'age': found nothing in it, allowed: values; or list it under `ignore`"),
    (NAMES, {}, "column 'name': found 40 different values in 40 rows, such as 'n0', allowed: at most 20 levels of a"),
    (IDS, {"categorical": ["x"]}, "column 'x': found 1001 different values in 1001 rows, such as '0', allowed: at mo"),
    ("x,ill\n1,a\n2,a\n", {}, "column 'ill': found only 'a', allowed: at least two classes or values"),
    (YES, {}, "row 5, column 'ill': found 'Yes' in this row alone, allowed: a class in at least two rows"),
    ("x,ill\n1,a\n2,b\n", {"task": "regression"}, "row 2, column 'ill': found 'a', allowed: a number (task: regr"),
    (f"x,ill\n1,{'a' * 61}\n2,b\n", {}, f"row 2, column 'ill': found '{'a' * 61}', allowed: a class of at most 60"),
    ("x,ill\n1,0.5\n2,0.7\n", {}, "found 2 rows, of which 0 would be the test set, allowed: at least 1 to test on"),
]


@pytest.mark.parametrize(("content", "changes", "message"), BAD, ids=range(len(BAD)))
def test_a_mistake_is_named_with_column_and_row(write, content, changes, message):
    line = refusal(write(content, **changes))
    assert line.startswith(f"{CSV}: {message}")
    assert "\n" not in line


def test_every_column_with_a_mistake_has_a_line(write):
    lines = refusal(write(edited(3, 1, "abc").replace("1.55", "").replace("3,1\n", "3,\n"))).splitlines()
    assert [line.split(":")[1] for line in lines] == [" row 3, column 'age'", " row 7, column 'height'"]


def test_a_file_that_cannot_be_read_is_named(write):
    config = write(GOOD)
    Path(CSV).unlink()
    assert refusal(config).startswith(f"{CSV}: missing")
    Path(CSV).mkdir()
    with pytest.raises(UserError, match=f"{CSV}: cannot be read"):
        config.facts()


def test_a_table_that_changes_is_read_again(write):
    assert write(GOOD).facts().features == 5
    config = write(GOOD.replace(",b,", ",a,"))
    os.utime(config.file, (1, 1))
    assert config.facts().features == 4


def fuzzed(random: np.random.Generator, content: bytes) -> bytes:
    """Bytes of a file with some of them replaced, inserted or left out."""
    parts, lengths = (b"", b'"', b",", b"\n", b"\r", b"\0", b"nan", b"1e999", b"\xff", b"="), (0, 1, 20, 10_000)
    for _ in range(int(random.integers(1, 8))):
        start = int(random.integers(len(content) + 1))
        end = start + lengths[random.integers(len(lengths))]
        content = content[:start] + parts[random.integers(len(parts))] + content[end:]
    return content


RECORDS = polars.DataFrame({"x": range(40), "t": ["a", "b"] * 20, "ill": [0, 1] * 20})


@pytest.mark.parametrize("content", [GOOD, RECORDS], ids=["csv", "parquet"])
def test_any_bytes_are_read_or_refused_in_lines(write, many, content, capfd):
    random = np.random.default_rng(0)
    config = write(content, missing="median")
    original = Path(config.file).read_bytes()
    outcomes = set()
    for _ in range(many(3000)):
        Path(config.file).write_bytes(fuzzed(random, original))
        try:
            inputs = table.read(config).inputs.values()
        except UserError as error:
            outcomes |= {line.startswith(config.file) and "refused" for line in str(error).splitlines()}
        else:
            assert all(np.isfinite(values[~np.isnan(values)]).all() for values in inputs if values.dtype == float)
            outcomes.add("read")
    assert outcomes == {"refused", "read"}


# --- examples --------------------------------------------------------------------------------------------------------

ROWS = 60


def frame() -> pd.DataFrame:
    """Numbers of many sizes, categories, and missing cells here and there."""
    random = np.random.default_rng(3)
    columns = {
        "large": 1e6 + 1e3 * random.standard_normal(ROWS),
        "town": random.choice(["a", "b", "c"], ROWS),
        "small": 1e-4 * random.standard_normal(ROWS),
        "constant": 7.0,
        "kind": random.choice(["x", "y"], ROWS),
        "price": random.gamma(2.0, size=ROWS),
    }
    table = pd.DataFrame(columns)
    table.loc[[3, 20, 41], "small"] = np.nan
    table.loc[[5, 6], "town"] = None
    return table


@pytest.fixture
def make(write) -> Callable[..., Dataset]:
    """Writes a table and makes the data set."""

    def make(columns: pd.DataFrame | polars.DataFrame, count: int = 3, **changes) -> Dataset:
        content = columns.to_csv(index=False) if isinstance(columns, pd.DataFrame) else columns
        return write(content, **{"target": "price", "missing": "mean", **changes}).make(seeds(count))

    return make


@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent"])
def test_examples_are_what_scikit_learn_s_transformers_make_of_them(make, missing):
    columns = frame()
    dataset = make(columns, missing=missing)
    numbers, levels = ["large", "small", "constant"], ["town", "kind"]
    columns[levels] = columns[levels].fillna("")
    for seed_index, seed in enumerate(seeds(3)):
        order = generator(seed, "data").permutation(ROWS)
        train, test = order[15:], order[:15]
        scaling = make_pipeline(SimpleImputer(strategy=missing), StandardScaler())
        one_hot = OneHotEncoder(categories=[["", "a", "b", "c"], ["x", "y"]], sparse_output=False)
        transformer = ColumnTransformer([("numbers", scaling, numbers), ("levels", one_hot, levels)])
        transformer.fit(columns.iloc[train])
        target = StandardScaler().fit(columns[["price"]].to_numpy()[train])
        for split, rows in ((dataset.train, train), (dataset.test, test)):
            np.testing.assert_allclose(split.inputs[seed_index], transformer.transform(columns.iloc[rows]), atol=1e-9)
            expected = target.transform(columns[["price"]].to_numpy()[rows])[:, 0]
            np.testing.assert_allclose(split.targets[seed_index], expected, rtol=1e-12)
        raw = make(frame(), standardize_target=False).train.targets[seed_index]
        np.testing.assert_array_equal(raw, columns["price"].iloc[train])
    assert dataset.train.inputs.shape == (3, 45, 3 + 4 + 2)
    assert dataset.test.inputs.shape == (3, 15, 9)
    assert (dataset.train.inputs[..., 2] == 0).all()


def test_a_column_that_is_empty_in_a_training_part_stays(make):
    columns = frame()
    columns.loc[generator(seeds(1)[0], "data").permutation(ROWS)[15:], "small"] = np.nan
    dataset = make(columns)
    assert dataset.features == 9
    assert (dataset.train.inputs[0, :, 1] == 0).all()
    assert np.isfinite(dataset.test.inputs).all()


def test_the_smallest_of_the_most_frequent_numbers_replaces_a_missing_one(make):
    """Of two zeros it is the positive one, wherever they stand."""
    columns = frame()
    columns["small"] = np.tile([3.0, -0.0, 0.0, np.nan], ROWS // 4)
    dataset = make(columns, missing="most_frequent", count=1)
    column = np.concatenate([dataset.train.inputs[0, :, 1], dataset.test.inputs[0, :, 1]])
    assert len(set(column)) == 2
    columns["small"] = np.tile([3.0, -0.0, 0.0, 0.0], ROWS // 4)
    np.testing.assert_array_equal(make(columns, count=1).train.inputs, dataset.train.inputs)


def test_numbers_that_are_equal_up_to_rounding_are_constant(make):
    dataset = make(frame().assign(small=1e9 + 1e-7 * (np.arange(ROWS) % 3)))
    assert (np.abs(dataset.train.inputs[..., 1]) < 1e-6).all()


def test_a_seed_s_split_depends_on_its_fraction_of_rows_and_not_on_the_number_of_seeds(make):
    few, many = make(frame(), count=1), make(frame(), count=4)
    assert few.digest(0) == many.digest(0)
    assert len({many.digest(seed_index) for seed_index in range(4)}) == 4
    assert (few.test.examples, few.train.examples) == (15, ROWS - 15)
    assert make(frame(), test_fraction=0.96).test.examples == 58


def test_examples_that_do_not_fit_into_memory_are_refused(write):
    rows = "".join(f"a{n % 400},{n / 7}\n" for n in range(1000))
    config = write(f"x,ill\n{rows}")
    with pytest.raises(
        UserError, match="found 100000 seeds of 1,000 rows and 400 inputs, which take 480.0 GB of memory"
    ):
        config.make([seeds(1)[0]] * 100_000)


def test_a_table_of_categories_alone_has_classes_with_names(make):
    dataset = make(frame()[["town", "kind"]].fillna("d"), target="kind")
    assert (dataset.task, dataset.outputs, dataset.names) == ("classification", 2, ("x", "y"))
    assert dataset.train.targets.dtype == np.int64
    assert (np.sort(dataset.train.inputs) == [0, 0, 0, 1]).all()


def test_csv_and_parquet_give_the_same_examples(make):
    columns = {name: cells.to_list() for name, cells in frame().items()}
    datasets = make(frame()), make(polars.from_dict(columns, strict=False).fill_nan(None))
    assert datasets[0].digest(2) == datasets[1].digest(2)
