"""Columns of tables: cells become numbers, categories, dates or gaps, never another kind without a word."""

import json
from pathlib import Path

import numpy as np
import polars
import pytest
from data.written import CSV, GOOD, PARQUET, edited, refusal, tabulated

from pipeline.data import notation, table
from pipeline.data.base import Facts
from pipeline.data.table_columns import UnreadableError

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
    with pytest.raises(UnreadableError, match="no name above column 1") as caught:
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
    with pytest.raises(UnreadableError) as caught:
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
