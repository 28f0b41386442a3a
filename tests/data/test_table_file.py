"""Files of other programs: separators, encodings, quotes and line ends; what cannot be read is refused with its row."""

from pathlib import Path

import pytest

from pipeline.core.errors import UserError
from pipeline.data import table_file

ROWS = [["name", "size"], ["Müller", "1"], ["Zoë", "2"], ["a b", "3"]]


def read(path: Path, content: str | bytes, separator: str = ",", encoding: str = "utf-8") -> list[list[str]]:
    """The names and records of a file, with `|row` behind the first cell of a record."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    cells = table_file.read(path, separator, encoding)
    records = zip(*cells.columns, strict=True)
    return [[*cells.names], *([*record] for record in records), [*map(str, cells.rows)]]


def joined(separator: str, quote: bool = False) -> str:
    return "\n".join(
        separator.join(f'"{cell}"' if quote or separator in cell else cell for cell in row) for row in ROWS
    )


@pytest.mark.parametrize("quote", [False, True])
@pytest.mark.parametrize("separator", table_file.SEPARATORS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_are_recognised_and_read(in_folder, separator, quote, end):
    path = in_folder / "a.csv"
    path.write_bytes(joined(separator, quote).replace("\n", end).encode())
    assert table_file.recognise(path) == (separator, "utf-8")
    assert read(path, path.read_bytes(), separator) == [*ROWS, ["2", "3", "4"]]


@pytest.mark.parametrize(
    ("codec", "encoding", "recognised"),
    [
        ("utf-8", "utf-8", True),
        ("utf-8-sig", "utf-8", True),
        ("utf-16", "utf-16", True),
        ("utf-16-le", "utf-16", False),
        ("utf-16-be", "utf-16", False),
        ("latin-1", "latin-1", False),
        ("cp1252", "cp1252", False),
    ],
)
def test_encodings_are_recognised_or_requested(in_folder, codec, encoding, recognised):
    path = in_folder / "a.csv"
    content = joined(";").encode(codec)
    assert read(path, content, ";", encoding)[:-1] == ROWS
    if recognised:
        assert table_file.recognise(path) == (";", encoding)
    else:
        with pytest.raises(UserError, match=f"{encoding}" if "16" not in encoding else "(utf-16|UTF-16)"):
            table_file.recognise(path)
        assert table_file.recognise(path, encoding) == (";", encoding)


def test_characters_of_cp1252_are_not_read_as_latin_1(in_folder):
    with pytest.raises(
        UserError, match="a.csv: line 2: found a control character, allowed: another `encoding`, utf-8 or cp1252"
    ):
        read(in_folder / "a.csv", "a,b\n1,2 €\n".encode("cp1252"), encoding="latin-1")


def test_a_decimal_comma_is_no_separator(in_folder):
    path = in_folder / "a.csv"
    path.write_text("depth;flow;grade\n8,38;4,25;low\n15,98;8,5;high\n")
    assert table_file.recognise(path)[0] == ";"
    path.write_text('price,stars\n8.38,"2,5"\n15.98,"5,0"\n')
    assert table_file.recognise(path)[0] == ","
    path.write_text('"depth";"flow"\n"8,38";"4,25"\n')
    assert table_file.recognise(path)[0] == ";"


# what other programs write, and how it is read
FORMS = {
    "row names of R, without a name": (
        '"a","b"\n"x",1,2\n"y",3,4\n',
        [["", "a", "b"], ["x", "1", "2"], ["y", "3", "4"]],
    ),
    "a separator behind each row": ("a,b\n1,2,\n3,4,\n", [["a", "b", ""], ["1", "2", ""], ["3", "4", ""]]),
    "Excel's first line": ("sep=,\na,b\n1,2\n3,4\n", [["a", "b"], ["1", "2"], ["3", "4"], ["3", "4"]]),
    "rows without values": ("a,b\n1,2\n,\n , \n3,4\n,\n", [["a", "b"], ["1", "2"], ["3", "4"], ["2", "5"]]),
    "a line end inside quotes": ('a,b\n"1\n2",3\n4,5\n', [["a", "b"], ["1\n2", "3"], ["4", "5"]]),
    "columns numbered by pandas": ("0,1\n5,6\n7,8\n", [["0", "1"], ["5", "6"], ["7", "8"]]),
    "years as names": ("town,1960,1970\na,5,6\n", [["town", "1960", "1970"], ["a", "5", "6"]]),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_other_programs_are_read(in_folder, name):
    content, expected = FORMS[name]
    assert read(in_folder / "a.csv", content)[: len(expected)] == expected


REFUSED = {
    "another separator": ("a;b\n1;2\n", 'allowed: "," between columns; or `separator: ";"` in the data set'),
    "another separator beside decimal commas": (
        "a;b\n1,5;2,5\n",
        "row 2: found 3 cells, allowed: 1, as in the header; or",
    ),
    "tabs": ("a\tb\n1\t2\n", r'or `separator: "\t"` in the data set'),
    "blanks": ("a b\n1   2\n3 4\n", 'or `separator: " "` in the data set'),
    "decimal commas without quotes": ("id,price\n1,2,5\n2,3,7\n", "row 2: found 3 cells, allowed: 2, as in the header"),
    "a comment above": (
        "# made by a program\na,b\n1,2\n",
        "row 2: found 2 cells, allowed: 1, as in the header; or delete",
    ),
    "no header": ("5.1,3.5\n4.9,3.0\n", "header: found numbers as names of columns, such as '5.1', allowed: names"),
    "a header of sizes": ("2,a,b\n1,2,0\n3,4,1\n", "header: found numbers as names of columns, such as '2'"),
    "blanks before quotes": (
        'a, "b"\n1, "2"\n',
        "row 1: found a quote inside a cell or an open one, allowed: quotes ar",
    ),
    "the same name twice": ("a,a\n1,2\n", "header: found 'a' as name of column 2, allowed: each name once"),
    "a zip archive": (b"PK\x03\x04\x00\x00", "found NUL characters, allowed: text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_way_on(in_folder, name):
    content, message = REFUSED[name]
    with pytest.raises(UserError) as caught:
        read(Path("a.csv"), content)
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.csv: ")
    assert "\n" not in str(caught.value)
