"""Tables: mistakes named by column and row, examples equal to those of scikit-learn."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest
from data.written import CSV, GOOD, edited, refusal
from samples import seeds
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.core.seeding import generator
from pipeline.data import table

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
