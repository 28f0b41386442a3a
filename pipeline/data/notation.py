"""Numbers, dates and words for missing values, as spreadsheets and other programs write them into text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars

# cells without a value; then words of other programs, which are proposed if all other cells are numbers
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL")
_WORDS = {"?", "-", "--", "---", ".", "..", "*", "_", "\\n", "none", "na", "nan", "null", "n.a.", "nil", "missing"}
_WORDS |= {"unknown", "not available", "(null)", "(blank)", "#value!", "#div/0!", "#ref!", "#num!", "#null!", "#name?"}
NUMBERS = 0.9  # a text column with a larger share of numbers is a column of numbers with mistakes
_SAMPLE = 2000  # different cells from which a notation is recognised
_CODES = {-99.0, -999.0, -9999.0, -99999.0, -99.9, -999.9}  # usual numbers for missing values, if the others are larger
_FEW = 10  # so many numbers with the same letters behind them may be names: 2WD, 4WD
_GROUPED = 3  # so many different numbers must look as if they had separators of thousands
# a number with marks, and what stands before and behind it
_WITH_UNIT = re.compile(
    r"[+(-]*([^\d\s.,'’()+-]*) *[+(-]*[\d., '’\u00a0\u2009\u202f]*\d\)?(?:[.,]?--?)?\s*([^\d\s.,'()+-]*)\.?\)?"
)
_CURRENCIES = {"USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "BRL", "CZK"}
_CURRENCIES |= {
    "HUF",
    "ILS",
    "KRW",
    "MXN",
    "NZD",
    "RUB",
    "SGD",
    "HKD",
    "THB",
    "TRY",
    "ZAR",
    "Rs",
    "Rp",
    "kr",
    "Kč",
    "zł",
}
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = [
    r"\d{4}[./-]\d{1,2}(?:[./-]\d{1,2}(?:[T ].*)?)?|\d{4}[ -]?q[1-4]|\d{1,2}/\d{4}",
    r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?:,? .*)?",
    rf"(?:[a-z]+,? )?(?:\d{{1,2}}[ -])?{_MONTH}[ -](?:\d{{4}}|\d{{2}})(?: .*)?",
    rf"(?:[a-z]+,? )?{_MONTH} \d{{1,2}}(?:, ?| )\d{{4}}(?: .*)?",
    r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[ap]m)?",
]
_DATE = re.compile("|".join(_DATES), re.IGNORECASE)
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)")
_SPACES = "[\u00a0\u2009\u202f]"  # no-break, thin and narrow no-break space


class Notation(NamedTuple):
    """Marks in the numbers of a table."""

    decimal: str = "."
    thousands: str = ""
    units: tuple[str, ...] = ()  # texts before or behind a number


ENGLISH = Notation()
# in the order in which they are proposed: the fewest marks first
_NOTATIONS = [(".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'")]


def numbers(text: "polars.Series", notation: Notation = ENGLISH) -> "polars.Series":
    """Return the numbers in cells without outer blanks, (N,) floating; null for any other cell.

    A column that is wholly in English notation is read in it, whatever the notation of the table: a point is then a
    decimal mark.
    """
    import polars

    plain = text.str.replace("−", "-", literal=True).cast(polars.Float64, strict=False).fill_nan(None)
    if notation == ENGLISH:
        return plain
    bare = text.str.replace("^[−–-] *", "-").str.replace_all(_SPACES, " ").str.replace_all("’", "'")
    bare = bare.str.replace(r"(\d)[.,]--?", "$1")  # a price without cents
    bare = bare.str.replace(r"^(\D*)\((.+)\)$", "-$1$2").str.replace(r"^(.+)-$", "-$1")
    if notation.units:
        units = "|".join(map(re.escape, sorted(notation.units, key=len, reverse=True)))
        bare = bare.str.replace(rf"^([+-]?)(?:{units})(?:\. )? *", "$1").str.replace(rf" *(?:{units})\.?$", "")
    fits = bare.str.contains(_pattern(notation.decimal, notation.thousands))
    if notation.thousands:
        bare = bare.str.replace_all(notation.thousands, "", literal=True)
    own = bare.str.replace(notation.decimal, ".", literal=True).cast(polars.Float64, strict=False)
    own = own.set(~fits.fill_null(value=False), None)
    return plain if own.count() < plain.count() == text.count() else own


def _pattern(decimal: str, thousands: str) -> str:
    """Return a regular expression for numbers with these marks; groups of two digits are Indian."""
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{2,3}})*{re.escape(thousands)}\d{{3}}|" if thousands else ""
    return rf"^[+-]?(?:(?:{grouped}\d+)(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)(?:[eE][+-]?\d+)?$"


def days(text: "polars.Series") -> "polars.Series":
    """Return dates and times of ISO 8601, or dates such as 31.1.2024, as days since 1970-01-01; null for others.

    A time with an offset is converted to UTC; any other is taken as it is.
    """
    import polars

    read = {cell: _day(cell) for cell in text.unique().drop_nulls()}
    return text.replace_strict(read, return_dtype=polars.Float64) if read else text.cast(polars.Float64)


def _day(cell: str) -> float | None:
    cell = _DAY_FIRST.sub(r"\3-\2-\1\4", cell)
    # one digit for a month or a day
    cell = re.sub(
        r"^(\d{4})[./-](\d{1,2})[./-](\d{1,2})", lambda found: "{}-{:0>2}-{:0>2}".format(*found.groups()), cell
    )
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86400


def are_dates(cells: Iterable[str]) -> bool:
    """Return whether nearly all cells are dates or times of day."""
    cells = list(cells)
    return sum(bool(_DATE.fullmatch(cell)) for cell in cells) >= max(1, NUMBERS * len(cells))


def is_missing_word(cell: str) -> bool:
    """Return whether a cell that is no number is one of the usual words for a missing value."""
    return cell.casefold() in _WORDS


def is_bound(cell: str) -> bool:
    """Return whether a cell is a number with a sign of comparison, such as <0.006."""
    return re.fullmatch(r"[<>≤≥~≈]=? *[\d.,]+", cell) is not None


def recognise(cells: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of decimal mark and separator of thousands with which nearly all different cells are numbers.

    Words for missing values do not count. If all cells are numbers in English notation, the list is empty.
    """
    import polars

    text = polars.Series([cell for cell in cells if not is_missing_word(cell)][:_SAMPLE], dtype=polars.String)
    units = units_of(text.to_list())
    if numbers(text).count() == len(text) or not (
        units or text.str.contains(r"\d[.,'’ \u00a0\u2009\u202f][\d-]|^(?:–|- )").any()
    ):
        return []
    readings = {marks: numbers(text, Notation(*marks, units)) for marks in _NOTATIONS}
    if units and looks_grouped(text.str.replace_all(r"[^\d.]", "")):
        readings = {(decimal, thousands): read for (decimal, thousands), read in readings.items() if decimal != "."}
    # the most: one 1,234 among numbers below 1000 counts
    most = max((read.count() for read in readings.values()), default=0)
    return [marks for marks, read in readings.items() if read.count() == most >= NUMBERS * len(text)]


def looks_grouped(text: "polars.Series", *, commas: bool = False) -> bool:
    """Return whether points in numbers look like separators of thousands: 1.234 beside 950, or 1.234.567.

    Args:
        text: Cells, (N,).
        commas: Whether the decimal mark of the table seems to be a comma; 1.234 looks so without 950 then.
    """
    import polars

    distinct = text.drop_nulls().unique()
    pointed = distinct.filter(distinct.str.contains(".", literal=True))
    if pointed.len() < _GROUPED or not pointed.str.contains(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$").all():
        return False
    whole = distinct.filter(distinct.str.contains(r"^[+-]?\d+$")).cast(polars.Float64)
    small = bool((whole.abs() < 1000).all()) and (commas or whole.len() > 0)
    return small or bool(pointed.str.contains(r"\..*\.").any())


def doubts(text: "polars.Series", read: "polars.Series", notation: Notation, separator: str) -> list[str]:
    """Return warnings about cells that are numbers, as they are read, and may be meant in another way."""
    found = []
    low: Any = read.min()
    if low in _CODES and (read <= low / 5).sum() == (count := (read == low).sum()):
        example = text.filter(read == low)[0]
        found.append(f"{example} in {count} rows: list it under `missing_values` if nothing was measured")
    pointed = text
    if notation != ENGLISH:
        pointed = text.str.replace_all(r"[^\d.,+-]", "").str.replace(notation.decimal, ".", literal=True)
    if not notation.thousands and looks_grouped(pointed, commas=separator == ";" or notation.decimal == ","):
        example = text.filter(pointed.str.contains(".", literal=True).fill_null(value=False))[0]
        mark, change = (",", ' and `decimal: "."`') if "," in example else (".", "")
        found.append(f'{example} is read with decimals; if they are thousands, set `thousands: "{mark}"`{change}')
    known = text.drop_nulls()
    if len(known) and _COMPACT_DATE.fullmatch(known[0]) and known.str.contains(f"^{_COMPACT_DATE.pattern}$").all():
        found.append(f"{known[0]} looks like a date: list it under `dates` if it is one")
    if (zeros := text.str.contains(r"^0\d+$").fill_null(value=False)).any():
        found.append(f"leading zeros, as in {text.filter(zeros)[0]}: if it is a code, list it under `categorical`")
    return found


def missing_words(cells: Sequence[str]) -> list[str]:
    """Return the usual words for missing values among the different cells of a column of numbers or dates."""
    import polars

    words = [cell for cell in cells if is_missing_word(cell)]
    others = [cell for cell in cells if not is_missing_word(cell)]
    if not words or not others:
        return []
    read = numbers(polars.Series(others, dtype=polars.String)).count()
    return words if read >= NUMBERS * len(others) or recognise(others) or are_dates(others) else []


def units_of(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols of units beside the numbers of a column, or the text behind nearly all of them."""
    counts: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for cell in cells:
        if match := _WITH_UNIT.fullmatch(cell):
            before, after = match.groups()
            counts.update(unit for unit in (before, after) if unit and _is_symbol(unit))
            letters.update([after] if after and not _is_symbol(after) else [])
    behind = [unit for unit, count in letters.items() if count > _FEW and count >= NUMBERS * len(cells)]
    return tuple(sorted([*counts, *behind]))


def different_units(text: "polars.Series") -> list[str]:
    """Return a cell for each unit beside the numbers of a column, such as $5 and 3 €, and for numbers without one."""
    import polars

    distinct = text.drop_nulls().unique(maintain_order=True)
    units = distinct.str.replace_all(r"\d[eE][+-]?\d|[\d\s.,'’()+−–-]", "")
    return polars.DataFrame({"cell": distinct, "unit": units}).unique("unit", maintain_order=True)["cell"].to_list()


def _is_symbol(unit: str) -> bool:
    has_sign = any(unicodedata.category(mark) == "Sc" for mark in unit)  # $, US$
    return has_sign or unit in _CURRENCIES or all(mark in "%‰°" for mark in unit)


def chosen(
    columns: Iterable[Sequence[str]], english: "Iterable[polars.Series]", separator: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the keys of a table, `decimal`, `thousands` and `units`, with which most of its columns are numbers.

    A cell such as 1,234 is 1234 or 1.234. In a file with semicolons between the cells it is 1.234, because programs
    write semicolons where the comma is the decimal mark.

    Args:
        columns: The different cells of each column that are not all numbers in English notation.
        english: The cells of the other columns, (N,) each.
        separator: Separator of the cells.
        given: Keys that are decided.
    """
    readable = {tuple(cells): marks for cells in columns if (marks := recognise(cells))}
    order = [*_NOTATIONS[:1], _NOTATIONS[2], _NOTATIONS[1], *_NOTATIONS[3:]] if separator == "," else _NOTATIONS
    order = [marks for marks in order if _agrees(marks, given)]
    decimal, thousands = max(order, key=lambda marks: sum(marks in own for own in readable.values()), default=("", ""))
    commas = "," in (decimal, given.get("decimal"))
    points = not thousands and (commas or separator == ";") and _agrees((",", "."), given)
    if points and any(looks_grouped(text, commas=commas) for text in english):
        decimal, thousands = ",", "."
    units = sorted({unit for cells in readable for unit in units_of(cells)})
    found = {"decimal": decimal, "thousands": thousands, "units": units}
    return {key: value for key, value in found.items() if value and value != getattr(ENGLISH, key)}


def _agrees(marks: tuple[str, str], given: Mapping[str, Any]) -> bool:
    return all(given.get(key, mark) == mark for key, mark in zip(("decimal", "thousands"), marks, strict=True))
