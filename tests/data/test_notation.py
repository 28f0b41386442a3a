"""Numbers and dates in the notations of other programs, recognised and read; nothing else is taken for a number."""

import polars
import pytest

from pipeline.data import notation
from pipeline.data.notation import ENGLISH, Notation

N = range(11, 31)
# cells, the keys with which they are numbers, and these numbers
WRITTEN = {
    "decimal comma": (["2,5", "5,0", "-0,125", "1e-3"], {"decimal": ","}, [2.5, 5.0, -0.125, 0.001]),
    "decimal comma and points": (["1.234,5", "2,5"], {"decimal": ",", "thousands": "."}, [1234.5, 2.5]),
    "thousands": (["1,234", "950", "1,234,567.5"], {"thousands": ","}, [1234, 950, 1234567.5]),
    "Indian groups": (["1,00,000", "12,50,000"], {"thousands": ","}, [1e5, 1.25e6]),
    "Swiss": (["1'234.5", "2’000", "7"], {"thousands": "'"}, [1234.5, 2000, 7]),
    "French": (
        ["1 234,5", "1\u202f000", "12\u00a0345,25"],
        {"decimal": ",", "thousands": " "},
        [1234.5, 1000, 12345.25],
    ),
    "percent": (["12 %", "3.5%", "-1%"], {"units": ["%"]}, [12, 3.5, -1]),
    "dollars": (["$1,200.00", "-$3", "($40.50)"], {"thousands": ",", "units": ["$"]}, [1200, -3, -40.5]),
    "euros behind": (["3,50 €", "1.000,00 €"], {"decimal": ",", "thousands": ".", "units": ["€"]}, [3.5, 1000]),
    "euros in thousands": (
        ["1.200 €", "950 €", "2.500 €", "3.750 €"],
        {"decimal": ",", "thousands": ".", "units": ["€"]},
        None,
    ),
    "code of a currency": (["USD 5", "USD 7.5"], {"units": ["USD"]}, [5, 7.5]),
    "dollars of other countries": (["R$ 3,67", "R$ 4"], {"decimal": ",", "units": ["R$"]}, [3.67, 4]),
    "rupees": (["Rs. 7,177", "Rs. 950"], {"thousands": ",", "units": ["Rs"]}, [7177, 950]),
    "unit": ([f"{n} kg" for n in N], {"units": ["kg"]}, [*N]),
    "unit with signs": ([f"{n}.5 km/h" for n in N], {"units": ["km/h"]}, [n + 0.5 for n in N]),
    "one decimal comma": (["2,5", *map(str, N)], {"decimal": ","}, [2.5, *N]),
    "one with thousands": (["1,200", *map(str, N)], {"thousands": ","}, [1200, *N]),
    "minus apart": (["- 5,3 €", "–2,5 €", "€ -1,5"], {"decimal": ",", "units": ["€"]}, [-5.3, -2.5, -1.5]),
    "accounts": (["$(1,200.50)", "$3"], {"thousands": ",", "units": ["$"]}, [-1200.5, 3]),
    "Swiss without cents": (["1'234.-", "CHF 950.-"], {"thousands": "'", "units": ["CHF"]}, [1234, 950]),
    "euros without cents": (["5,- €", "7,50 €"], {"decimal": ",", "units": ["€"]}, [5, 7.5]),
    "minus behind, as SAP writes it": (["1.234,50-", "5,0"], {"decimal": ",", "thousands": "."}, [-1234.5, 5]),
    "words for missing values between": (["0,5", "?", "1,5", "n.a."], {"decimal": ","}, [0.5, None, 1.5, None]),
}
NO_NUMBERS = {
    "codes": ["C37", "B74", "A5"],
    "few numbers with letters": ["2WD", "4WD"],
    "quarters": ["Q1", "Q2", "Q3"],
    "ranges": ["20-30", "30-40"],
    "times": ["10:30", "11:45"],
    "lists": ["1,2,3", "2,3,1"],
    "versions": ["1.2.3", "1.10.0"],
    "groups of other sizes": ["1,23,4", "12,3,4"],
    "open ended": ["1", "2", "3+"],
    "words": ["a", "b"],
    "words for missing values alone": ["?", "-"],
    "numbers in English": ["1", "2.5", "1e5"],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_notation_is_recognised_and_read(name):
    cells, keys, numbers = WRITTEN[name]
    assert notation.chosen([cells], [], ",", {}) == keys
    read = notation.numbers(polars.Series(cells), Notation(**{**keys, "units": tuple(keys.get("units", ()))}))
    assert read.to_list() == ([1200, 950, 2500, 3750] if numbers is None else numbers)
    # what is given is not chosen again
    assert not notation.chosen([cells], [], ",", {"decimal": ".", "thousands": ""}).keys() - {"units"}


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_other_text_is_no_number(name):
    cells = NO_NUMBERS[name]
    assert notation.recognise(cells) == []
    assert notation.chosen([cells], [], ";", {}) == {}
    other = Notation(",", ".", ("%",))
    assert name == "numbers in English" or notation.numbers(polars.Series(cells), other).count() < len(cells)


def test_columns_of_a_file_share_one_notation():
    prices, shares, codes = ["1.234,5", "2,5"], ["3,5 %", "4 %"], ["a", "b"]
    assert notation.chosen([prices, shares, codes], [], ";", {}) == {
        "decimal": ",",
        "thousands": ".",
        "units": ["%"],
    }
    # the same cells between commas and between semicolons
    assert notation.chosen([["1,234", "950"]], [], ",", {}) == {"thousands": ","}
    assert notation.chosen([["1,234", "950"]], [], ";", {}) == {"decimal": ","}
    # 1.234 in another column stands for thousands where the decimal mark is a comma
    thousands = polars.Series(["1.234", "12.500", "199.000"])
    assert notation.chosen([["2,5"]], [thousands], ",", {}) == {"decimal": ",", "thousands": "."}
    assert notation.chosen([], [thousands], ";", {"decimal": ","}) == {"thousands": ".", "decimal": ","}
    assert notation.chosen([], [thousands], ";", {}) == notation.chosen([], [thousands], ",", {}) == {}


def doubted(text: polars.Series, notes: Notation = ENGLISH, separator: str = ",") -> list[str]:
    return notation.doubts(text, notation.numbers(text, notes), notes, separator)


@pytest.mark.parametrize(
    ("cells", "suspected"),
    [
        (["1.234", "950", "12.345", "7.001"], ",;"),
        (["1.234", "2.345", "3.456"], ";"),  # three decimals, unless the decimal mark is a comma
        (["1.234", "950", "2.345", "7.001", "0.5"], ""),
        (["1.234", "1950", "2.345", "7.001"], ""),
        (["0.885", "3", "4.125", "7.222"], ""),
        (["1.234", "950"], ""),
        (["1,234 €", "950 €", "12,345 €", "7,001 €"], ",;"),
    ],
)
def test_points_between_thousands_are_suspected_by_their_places(cells, suspected):
    text = polars.Series(cells)
    for separator in ",;":
        commas, euros = "," in cells[0], Notation(",", "", ("€",))
        doubts = doubted(text, euros if commas else ENGLISH, separator)
        keys = '`thousands: ","` and `decimal: "."`' if commas else '`thousands: "."`'
        assert doubts == [f"{cells[0]} is read with decimals; if they are thousands, set {keys}"] * len(doubts)
        assert len(doubts) == (separator in suspected)
    assert notation.looks_grouped(polars.Series(["1.234.567", "2.000.000", "1.000"]))


def test_a_column_in_english_notation_is_read_so_in_any_table():
    text = polars.Series(["8.38", "15", None])
    for other in (Notation(","), Notation(",", "."), Notation(",", " ", ("%",))):
        assert notation.numbers(text, other).to_list() == [8.38, 15.0, None]
    assert notation.numbers(polars.Series(["−5", "3"])).to_list() == [-5, 3]


def test_codes_and_dates_without_marks_are_doubtful():
    assert "-999.0 in 2 rows: list it under `missing_values`" in doubted(polars.Series(["-999.0", "5", "-999.0"]))[0]
    assert doubted(polars.Series(["-99", "-98", "5"])) == doubted(polars.Series([None], dtype=polars.String)) == []
    assert "00501" in doubted(polars.Series(["10115", "00501"]))[0]
    assert "20240131 looks like a date" in doubted(polars.Series(["20240131", None]))[0]
    assert doubted(polars.Series(["0", "0.5", "10", "20240131"])) == []


DAYS = {
    "1970-01-02": 1.0,
    "2024-1-1 10:00": 19723 + 10 / 24,
    "2024-01-31T12:00:00Z": 19753.5,
    "2024-01-31T12:00:00+02:00": 19753 + 10 / 24,
    "2015/01/01": 16436.0,
    "31.1.2024": 19753.0,
    "2024.1.31": 19753.0,
    "20240131": 19753.0,
    "1969-12-31": -1.0,
}


def test_dates_are_days():
    assert notation.days(polars.Series([*DAYS, None])).to_list() == pytest.approx([*DAYS.values(), None])
    ambiguous = ["1/2/2024", "Jan 1 2000", "19-Sep-03", "2024-02-30", "1974Q1", "10:30", "2/2024", "Apr-20"]
    assert notation.days(polars.Series(ambiguous)).to_list() == [None] * len(ambiguous)
    assert notation.are_dates([*DAYS.keys() - {"20240131"}, *(date for date in ambiguous)])
    assert not notation.are_dates(["12", "1.5", "a-b", "20-30", "1-800-555", "C-12-2020"])
    assert not notation.are_dates([])


def test_words_for_missing_values_are_recognised_among_numbers_and_dates_alone():
    assert notation.missing_words(["5", "?", "7.5", "None"]) == ["?", "None"]
    assert notation.missing_words(["5,5", "unknown", "7,5"]) == ["unknown"]
    assert notation.missing_words(["2024-01-31", "-"]) == ["-"]
    assert notation.missing_words(["red", "?", "None"]) == []
    assert notation.missing_words(["?", "-"]) == []
