"""A table is read as it lies there, and what is wrong with it is named with file, column and row."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars
import pytest

from pipeline.core.errors import UserError
from pipeline.data import columns as table
from pipeline.data.config import Facts, Table

GOOD = "age,height,town,ill\n" + "".join(f"{20 + n},{1.5 + n / 100},{'abc'[n % 3]},{n % 2}\n" for n in range(20))


def config(file: str = "tables/own.csv", target: str = "ill", **changes) -> Table:
    return Table.model_validate({"source": "table", "file": file, "target": target, **changes})


@pytest.fixture
def write(in_folder: Path) -> Callable[..., Table]:
    """Writes the text to a CSV file and gives the config for it."""
    (in_folder / "tables").mkdir()

    def write(text: str | bytes, **changes) -> Table:
        found = config(**changes)
        Path(found.file).write_bytes(text if isinstance(text, bytes) else text.encode())
        return found

    return write


def refused(found: Table) -> str:
    with pytest.raises(UserError) as caught:
        table.read(found)
    return str(caught.value)


def edited(row: int, column: int, cell: str) -> str:
    """`GOOD` with another cell; rows as a spreadsheet counts them."""
    lines = [line.split(",") for line in GOOD.splitlines()]
    lines[row - 1][column - 1] = cell
    return "\n".join(map(",".join, lines)) + "\n"


def test_columns_are_numbers_or_categories(write):
    found = table.read(write(GOOD))
    assert list(found.numbers) == ["age", "height"]
    assert found.numbers["age"].tolist() == [20.0 + n for n in range(20)]
    assert list(found.levels) == ["town"]
    assert found.categories[0].tolist() == ["a", "b", "c"]
    assert found.target.tolist() == [0, 1] * 10
    assert found.classes == ("0", "1")
    assert table.facts(config()) == Facts("classification", 2, 5, 15, 5)


def test_columns_can_be_called_categories_and_left_out(write):
    found = table.read(write(GOOD, categorical=["age"], ignore=["town", "height"]))
    assert not found.numbers
    assert found.levels["age"][:2].tolist() == ["20", "21"]


# few whole numbers, each in several rows, are classes; text always; anything else is a value
TARGETS = {
    "two whole numbers": ([0, 1] * 10, "classification"),
    "text": (["yes", "no"] * 10, "classification"),
    "truth values": (["True", "False"] * 10, "classification"),
    "four whole numbers in five rows each": ([1, 2, 3, 4] * 5, "classification"),
    "five whole numbers in four rows each": ([1, 2, 3, 4, 5] * 4, "regression"),
    "halves": ([0.5, 1] * 10, "regression"),
    "whole numbers, all different": (list(range(20)), "regression"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_task_follows_from_the_target(write, name):
    cells, task = TARGETS[name]
    text = "x,y\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells))
    assert table.facts(write(text, target="y")).task == task


def test_ten_whole_numbers_are_classes_and_eleven_are_not(write):
    for count, task in ((10, "classification"), (11, "regression")):
        text = "x,y\n" + "".join(f"{n / 7},{n % count}\n" for n in range(11 * 10))
        assert table.facts(write(text, target="y")).task == task


def test_the_task_can_be_said(write):
    values = table.read(write(GOOD, task="regression"))
    assert (values.task, values.classes, values.target[:2].tolist()) == ("regression", (), [0.0, 1.0])
    halves = "x,y\n" + "".join(f"{n},{n % 2 / 2}\n" for n in range(20))
    classes = table.read(write(halves, target="y", task="classification"))
    assert classes.classes == ("0", "0.5")
    assert table.read(write(halves, target="y", categorical=["y"])).classes == ("0.0", "0.5")


def test_classes_of_numbers_are_in_the_order_of_numbers(write):
    text = "x,y\n" + "".join(f"{n},{(2, 10, -1)[n % 3]}\n" for n in range(30))
    assert table.read(write(text, target="y")).classes == ("-1", "2", "10")


def test_a_spreadsheet_s_mark_line_ends_quotes_and_blank_rows_are_read(write):
    text = b'\xef\xbb\xbf"age", y\r\n1,"a, ""b"""\r\n\r\n 2 ,c\r\n1,"a, ""b"""\r\n2,c\r\n\r\n'
    found = table.read(write(text, target="y"))
    assert found.numbers["age"].tolist() == [1, 2, 1, 2]
    assert found.classes == ('a, "b"', "c")
    # a row that is blank counts where rows are named
    assert "row 4, column 'age'" in refused(write(text.replace(b" 2 ", b""), target="y"))


def test_formulas_are_text(write):
    found = table.read(write(GOOD.replace(",a,", ",=1+1,")))
    assert found.categories[0].tolist() == ["=1+1", "b", "c"]


OWN = "tables/own.csv"
BAD = {
    "nothing": ("", {}, f"{OWN}: found 0 rows, allowed: a header and rows below it"),
    "a header": ("a,ill\n", {}, f"{OWN}: found 1 rows, allowed: a header and rows below it"),
    "no text": (
        b"a,ill\n\xff,1\n",
        {},
        f"{OWN}: found bytes that are no UTF-8 text (invalid start byte), allowed: UTF-8",
    ),
    "another separator": (
        "a;ill\n1;2\n",
        {},
        f"{OWN}: row 1: found the one column 'a;ill', allowed: commas between columns",
    ),
    "no name": (
        "a,,ill\n1,2,3\n",
        {},
        f"{OWN}: row 1: found '' as the name of column 2, allowed: 1 to 200 printable chara",
    ),
    "a name twice": ("a,ill,a\n1,2,3\n", {}, f"{OWN}: row 1: found the column 'a' twice, allowed: each name once"),
    "a row too long": ("a,ill\n1,2\n1,2,3\n", {}, f"{OWN}: row 3: found 3 cells, allowed: 2, as in the header"),
    "a row too short": ("a,ill\n1,2\n1\n", {}, f"{OWN}: row 3: found 1 cells, allowed: 2, as in the header"),
    "an open quote": ('a,ill\n1,2\n"1,2\n', {}, f"{OWN}: row 3: found no CSV (unexpected end of data), allowed: cells"),
    "no such target": (GOOD, {"target": "sick"}, f"{OWN}: no column 'sick' (target), there is age, height, town, ill"),
    "nothing to ignore": (GOOD, {"ignore": ["x"]}, f"{OWN}: no column 'x' (ignore), there is age, height, town, ill"),
    "target ignored": (
        GOOD,
        {"ignore": ["ill"]},
        f"{OWN}: column 'ill': found as target and under ignore, allowed: one",
    ),
    "all ignored": (
        GOOD,
        {"ignore": ["age", "height", "town"]},
        f"{OWN}: found no column beside the target, allowed: at least one to predict it from",
    ),
    "a mistyped number": (
        edited(17, 1, "abc"),
        {},
        f"{OWN}: row 17, column 'age': found 'abc', allowed: a number, as in 19 other rows; "
        "or list the column under categorical",
    ),
    "a missing number": (
        edited(5, 2, ""),
        {},
        f"{OWN}: row 5, column 'height': found nothing (1 such rows), allowed: a value, or another choice for "
        "`missing` than refuse",
    ),
    "a missing category": (
        edited(6, 3, "NA"),
        {},
        f"{OWN}: row 6, column 'town': found nothing (1 such rows), allowed: ",
    ),
    "a missing target": (
        edited(7, 4, "nan"),
        {"missing": "mean"},
        f"{OWN}: row 7, column 'ill': found nothing (1 such rows), allowed: a value: it is what is to be predicted",
    ),
    "an infinite number": (
        edited(8, 1, "-inf"),
        {},
        f"{OWN}: row 8, column 'age': found -inf, allowed: a number within",
    ),
    "a number too large": (
        edited(8, 1, "1e31"),
        {},
        f"{OWN}: row 8, column 'age': found 1e31, allowed: a number within",
    ),
    "an empty column": (
        GOOD.replace("age", "age,x").replace("\n2", "\n,2").replace("\n3", "\n,3"),
        {"missing": "mean"},
        f"{OWN}: column 'age': found nothing in it, allowed: values; or list it under ignore",
    ),
    "dates": (
        "day,ill\n" + "".join(f"2024-01-{1 + n % 9:02},{n % 2}\n" for n in range(20)),
        {},
        f"{OWN}: row 2, column 'day': found the date '2024-01-01', allowed: numbers or categories; a time as numbers",
    ),
    "names": (
        "name,ill\n" + "".join(f"person {n},{n % 2}\n" for n in range(40)),
        {},
        f"{OWN}: column 'name': found 40 different values in 40 rows, such as 'person 0', allowed: at most 20 levels "
        "of a category; a column of names or texts belongs under ignore",
    ),
    "one class": ("x,ill\n1,a\n2,a\n", {}, f"{OWN}: column 'ill': found one class, 'a', allowed: at least two"),
    "one value": (
        "x,ill\n1,3\n2,3\n",
        {"task": "regression"},
        f"{OWN}: column 'ill': found one value in all rows, allowed: at least two",
    ),
    "a class alone": (
        GOOD.replace(",1\n", ",yes\n").replace(",0\n", ",no\n").replace("a,yes", "a,Yes", 1),
        {},
        f"{OWN}: row 5, column 'ill': found 'Yes' in this row alone, allowed: a class in at least two rows",
    ),
    "words for numbers": (
        "x,ill\n1,a\n2,b\n",
        {"task": "regression"},
        f"{OWN}: row 2, column 'ill': found 'a', allowed: a number (task: regression)",
    ),
    "a class of many letters": (
        f"x,ill\n1,{'a' * 61}\n2,b\n",
        {},
        f"{OWN}: row 2, column 'ill': found '{'a' * 61}', allowed: a class of at most 60 printable characters",
    ),
    "too few rows": (
        "x,ill\n1,0.5\n2,0.7\n",
        {},
        f"{OWN}: found 2 rows, of which 0 would be the test set, allowed: at least 1 to test on and 2 to train on",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_with_column_and_row(write, name):
    text, changes, line = BAD[name]
    found = refused(write(text, **changes))
    assert found.startswith(line)
    assert "\n" not in found


def test_every_column_that_is_wrong_has_a_line(write):
    lines = refused(write(edited(3, 1, "abc").replace("1.55", ""))).splitlines()
    assert [line.split(":")[1] for line in lines] == [" row 3, column 'age'", " row 7, column 'height'"]


def test_a_file_that_is_not_there_is_named(in_folder):
    assert refused(config()).startswith("tables/own.csv: missing")


def test_a_file_that_is_too_large_is_not_read(write, monkeypatch):
    # taken back by itself: `undo` would take back the folder of the test as well
    with monkeypatch.context() as patched:
        patched.setattr(table, "LARGEST_FILE", 100)
        assert refused(write(GOOD)) == f"tables/own.csv: found {len(GOOD)} B, allowed: at most 100 B"

    monkeypatch.setattr(table, "MOST_ROWS", 10)
    assert refused(write(GOOD)).startswith(
        "tables/own.csv: row 11: found more than what is allowed: 10,000 columns and 10"
    )


def test_a_table_that_changes_is_read_again(write):
    assert table.facts(write(GOOD)).features == 5
    found = write(GOOD.replace(",b,", ",a,"))
    os.utime(found.file, (1, 1))
    assert table.facts(found).features == 4


def test_parquet_says_itself_what_its_columns_are(write):
    found = write("", file="tables/own.parquet", missing="mean")
    rows = 20
    frame = polars.DataFrame(
        {
            "code": ["01", "02"] * 10,
            "flag": [True, False, None, True] * 5,
            "kind": polars.Series(["x", "y"] * 10, dtype=polars.Categorical),
            "count": polars.Series([None, *range(1, rows)], dtype=polars.Int16),
            "price": polars.Series(["1.5"] * rows).cast(polars.Decimal(4, 2)),
            "ill": ["a", "b"] * 10,
        }
    )
    frame.write_parquet(found.file)
    read = table.read(found)
    assert {name: values[:3].tolist() for name, values in read.levels.items()} == {
        "code": ["01", "02", "01"],
        "flag": ["True", "False", ""],
        "kind": ["x", "y", "x"],
    }
    np.testing.assert_array_equal(read.numbers["count"], [np.nan, *range(1, rows)])
    assert read.numbers["price"].tolist() == [1.5] * rows
    frame.with_columns(day=polars.date(2024, 1, 1)).write_parquet(found.file)
    assert refused(found).startswith(
        "tables/own.parquet: column 'day': found values of the type Date, allowed: numbers,"
    )
    assert "day" not in table.read(config(found.file, missing="mean", ignore=["day"])).levels
    frame.write_parquet(found.file)
    assert refused(config(found.file)).startswith(
        "tables/own.parquet: row 3, column 'flag': found nothing (5 such rows)"
    )


def fuzzed(random: np.random.Generator, seed: bytes) -> bytes:
    """Bytes of a file with some of them replaced, left out or repeated; or any at all."""
    if random.random() < 0.2:
        return random.bytes(int(random.integers(200)))
    found = bytearray(seed)
    for _ in range(int(random.integers(1, 8))):
        place, length = (int(random.integers(max(1, len(found)))) for _ in range(2))
        choice = random.integers(3)
        if choice == 0:
            found[place : place + 1] = random.choice(
                [b'"', b",", b"\n", b"\r", b"\0", b"nan", b"1e999", b"\xff", b"=", b""]
            )
        elif choice == 1:
            del found[place : place + length % 20]
        else:
            found[place:place] = found[place : place + length % 20]
    return bytes(found)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_whatever_bytes_a_file_has_it_is_read_or_refused_in_lines(write, many, kind, capfd):
    random = np.random.default_rng(0)
    found = write("", file=f"tables/own.{kind}", missing="median")
    if kind == "parquet":
        polars.DataFrame({"x": range(40), "t": ["a", "b"] * 20, "ill": [0, 1] * 20}).write_parquet(found.file)
    seed = Path(found.file).read_bytes() if kind == "parquet" else GOOD.encode()
    outcomes = set()
    for _ in range(many(3000)):
        Path(found.file).write_bytes(fuzzed(random, seed))
        try:
            read = table.read(found)
        except UserError as error:
            outcomes |= {line.startswith(found.file) and "refused" for line in str(error).splitlines()}
        else:
            assert all(np.isfinite(values[~np.isnan(values)]).all() for values in read.numbers.values())
            outcomes.add("read")
    assert outcomes == {"refused", "read"}


def test_who_has_no_table_waits_for_nothing():
    """Neither pandas nor what reads Parquet is imported to check a project without a table."""
    program = "import sys\nfrom pipeline.project import params\nparams.load()\nprint(*sys.modules)"
    root = Path(table.__file__).parents[2]
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert not {"pandas", "polars"} & set(listed.stdout.split())
