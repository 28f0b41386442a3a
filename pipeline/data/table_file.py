"""Read CSV and Parquet files as columns of cells, before their types are known.

Rows are counted as a spreadsheet counts them: the header of a CSV file is row 1. A Parquet file has no header; its
first record is row 1.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.core.config import LONGEST_COLUMN
from pipeline.core.errors import UserError, shorten

if TYPE_CHECKING:
    import polars

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
SEPARATORS = (",", ";", "\t", "|", " ")
ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DECLARED = re.compile("sep=([,;\t|])\n")  # a first line in which Excel declares the separator
_COMMAS = "; quotes around numbers with a decimal comma, and a name above row names"
# records by which a separator is recognised, and the share of them that must have the same number of cells
_SEEN, _MOST = 1000, 0.9


class Cells(NamedTuple):
    """The columns of a file with N records."""

    names: Sequence[str]
    columns: "Sequence[polars.Series]"  # (N,) each, text in a CSV file
    rows: Sequence[int]  # row numbers of the records, (N,)


def read(path: Path, separator: str, encoding: str) -> Cells:
    """Read a file; rows of a CSV file without any value are counted and left out.

    Raises:
        UserError: If the file cannot be read, or a row does not have the cells of the header.
    """
    try:
        cells = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, separator, encoding)
    except OSError as error:
        raise _unreadable(path, error) from None
    names = cells.names
    if _is_data(names) or names[0] == str(len(cells.rows)):
        found = f"numbers as names of columns, such as {shorten(names[0])}"
        raise UserError(f"{path}: header: found {found}, allowed: names; if row 1 is data, add a row of names above it")
    for number, name in enumerate(names, start=1):
        # an index and columns without values may have no name
        if len(name) > LONGEST_COLUMN or (name and (not name.isprintable() or name in names[: number - 1])):
            found = f"{shorten(name)} as name of column {number}"
            allowed = f"each name once, 1 to {LONGEST_COLUMN} printable characters"
            raise UserError(f"{path}: header: found {found}, allowed: {allowed}")
    return cells


def recognise(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return the separator and the encoding of a CSV file.

    The separator is the one that gives most records the same number of cells, above one. Without an encoding, UTF-16 is
    recognised by its byte order mark.

    Raises:
        UserError: If the file cannot be read or is in another encoding.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    encoding = encoding or ("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8")
    text = _decoded(path, data, encoding)
    declared = _DECLARED.match(text)
    return declared[1] if declared else _separator(text), encoding


def _is_data(names: Sequence[str]) -> bool:
    """Return whether a header is a row of data: decimal numbers, or nothing but numbers that do not count columns."""
    numbers = [name for name in names if re.fullmatch(r"[+-]?[\d.]*\d[\d.]*(?:e[+-]?\d+)?", name)]
    counting = [[str(first + index) for index in range(len(names))] for first in (0, 1)]
    return any("." in number for number in numbers) or (numbers == list(names) not in counting and len(names) > 1)


def _separator(text: str) -> str:
    def score(separator: str) -> tuple[float, int]:
        seen, separator = (_tabs(text), "\t") if separator == " " else (text, separator)
        records = [record for record in _records(seen, separator)[:_SEEN] if record.strip(separator + " ")]
        counts = Counter(record.count(separator) for record in records)
        count, records_with_it = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (records_with_it / len(records), count) if count else (0.0, 0)

    *marks, blank = SEPARATORS
    best = max(marks, key=score)
    # cells of other files contain blanks, too
    return blank if score(best)[0] < _MOST <= score(blank)[0] else best


def _tabs(text: str) -> str:
    """Replace blanks outside of quotes, any number of them, by one tab, and leave them out around lines."""
    lines = "\n".join(line.strip(" \t") for line in text.split("\n"))
    return re.sub(r'("[^"\n]*")|[ \t]+', lambda found: found[1] or "\t", lines)


def _unreadable(path: Path, error: OSError) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: missing; add it to the project, or run `dvc pull` if DVC tracks it")
    return UserError(f"{path}: cannot be read ({error.strerror})")


def _decoded(path: Path, data: bytes, encoding: str) -> str:
    """Return the text of a file without byte order mark, all line ends as line feeds."""
    marked = data.startswith(_UTF16_MARKS)
    # without a mark, Python would take the byte order of the machine; the first character is from ASCII
    utf16 = "utf-16" if marked else "utf-16-be" if data.startswith(b"\0") else "utf-16-le"
    codec = {"utf-8": "utf-8-sig", "utf-16": utf16}.get(encoding, encoding)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        allowed = f"{encoding.upper()}; or the `encoding` of the file, {', '.join(ENCODINGS[1:])}"
        raise UserError(
            f"{path}: line {line}: found bytes that are not {encoding.upper()}, allowed: {allowed}"
        ) from None
    if encoding == "latin-1" and (control := re.search("[\x80-\x9f]", text)):
        line = text.count("\n", 0, control.start()) + 1
        raise UserError(f"{path}: line {line}: found a control character, allowed: another `encoding`, utf-8 or cp1252")
    if "\0" in text:
        raise UserError(f"{path}: found NUL characters, allowed: text; `encoding: utf-16` if it is UTF-16")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _records(text: str, separator: str) -> list[str]:
    """Return the records of a text, every cell in quotes replaced by one character.

    Quotes inside such a cell are doubled; separators and line ends inside it belong to the cell.
    """
    inside = f"[^{re.escape(separator)}\n]"
    return re.sub(rf'"(?<!{inside}")[^"]*+(?:""[^"]*+)*+"(?!{inside})', "_", text).split("\n")


def _read_csv(path: Path, separator: str, encoding: str) -> Cells:
    import polars

    text = _decoded(path, path.read_bytes(), encoding)
    first = 1  # row number of the first record
    if declared := _DECLARED.match(text):
        text, first = text[declared.end() :], 2
    if separator == " ":
        text, separator = _tabs(text), "\t"
    # polars takes the number of columns from the first row
    body = text.lstrip("\n")
    first += len(text) - len(body)
    records = _records(body, separator)
    # spreadsheets write separators for rows that are formatted and empty
    filled = [index for index, record in enumerate(records) if record.strip(separator + " ")]
    if len(filled) < 2:
        raise UserError(f"{path}: found {len(filled)} rows, allowed: a header and rows below it")
    widths = {index: records[index].count(separator) + 1 for index in filled}
    header, *data = filled
    # R leaves the name of the column of row names out
    short = {widths[index] for index in data} == {widths[header] + 1} and widths[header] > 1
    ends = all(records[index].endswith(separator) for index in data)
    if separator == "," and not ends:  # numbers in front may be halves of a number with a decimal comma
        short &= not any(records[index].partition(",")[0].strip().isdecimal() for index in data)
    for index in filled:
        if '"' in records[index]:
            allowed = "quotes around a whole cell, without blanks before them, doubled inside it"
            raise UserError(
                f"{path}: row {first + index}: found a quote inside a cell or an open one, allowed: {allowed}"
            )
        if widths[index] != widths[header] + (short and index != header):
            found = f"{widths[index]} cells, allowed: {widths[header]}, as in the header"
            hint = _hint(body, separator) or _COMMAS * (widths[index] == widths[header] + 1 and separator == ",")
            raise UserError(f"{path}: row {first + index}: found {found}{hint}")
    if widths[header] == 1 and (hint := _other(body, separator)):
        found = f"one column, {shorten(body.partition(chr(10))[0])}"
        raise UserError(f"{path}: found {found}, allowed: {json.dumps(separator)} between columns{hint}")
    frame = polars.read_csv(
        (separator * short + body).encode(),
        separator=separator,
        has_header=False,
        infer_schema=False,
        empty_string_is_null=False,
    )
    names = [name.strip() for name in frame.row(header)]
    if short and ends:
        names = [*names[1:], names[0]]  # each record ends with a separator, the header does not
    return Cells(names, frame[data].get_columns(), [first + index for index in data])


def _hint(text: str, separator: str) -> str:
    """Return a reason why rows may not fit the header, as the end of a message."""
    above = separator not in text.partition("\n")[0]
    return _other(text, separator) or ("; or delete the lines above the header" if above else "")


def _other(text: str, separator: str) -> str:
    """Return the other separator that the text seems to have, as the end of a message."""
    other = _separator(text)
    return f"; or `separator: {json.dumps(other)}` in the data set" if other != separator and other in text else ""


def _read_parquet(path: Path) -> Cells:
    import polars

    data = path.read_bytes()
    try:
        frame = polars.read_parquet(data)
    except (Exception, polars.exceptions.PanicException) as error:  # polars raises many types for damaged files
        raise UserError(f"{path}: not a Parquet file, or a damaged one ({shorten(str(error))})") from None
    if not frame.height:
        raise UserError(f"{path}: found no rows, allowed: at least one")
    return Cells([name.strip() for name in frame.columns], frame.get_columns(), range(1, frame.height + 1))
