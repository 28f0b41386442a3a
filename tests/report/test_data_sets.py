"""The data sets that are tables, on the page and in its summary."""

import dataclasses
from pathlib import Path

import pytest
from report import rendered
from report.sections import made
from report.tables import column, view

from pipeline.data.columns import Column
from pipeline.data.table import Table
from pipeline.report import data_sets, page


def parts(*columns: Column) -> tuple[rendered.Part, rendered.Part]:
    """The sections on data sets of the page and of the summary; the first study is on the table."""
    first, *others = made().sections
    on_table = dataclasses.replace(first, study=dataclasses.replace(first.study, dataset="hotels"))
    report = dataclasses.replace(made(), sections=[on_table, *others], views={"hotels": view(*columns)})
    drawn = {key: [] for key in ["overview", *report.project.studies, *report.project.measurements]}
    html = page.render(report, drawn)
    assert 'Data set <a href="#data-set-hotels"><code>hotels</code></a>; factor' in html
    assert '<h3 id="data-set-hotels">' in html
    return rendered.page(html)["data-sets"], rendered.summary(page.summary(report, drawn))["data-sets"]


def test_a_table_has_its_task_its_split_and_a_row_for_each_column():
    left_out = Column("name", "ignored", "", None, 0, "Ann", ())
    warned = column("column 2", "nearly every row has its own level", "`x` is a date.")
    shown, summary = parts(left_out, column("column 1"), warned)
    (table,) = shown.tables
    assert [list(row.values()) for row in table.rows()] == [
        ["name", "ignored", "", "", "0", "Ann", ""],
        ["column 1", "input", "category", "3", "1,200", "a", ""],
        ["column 2", "input", "category", "3", "1,200", "a", "Nearly every row has its own level.\nx is a date."],
        ["stars", "target", "number", "37", "0", "4.5", ""],
    ]
    for text in (shown.text, summary.text):
        assert "Regression: 37 different numbers in" in text
        assert "would make each one a class." in text
        assert (
            "1,600 rows, of which each seed draws 400 to test on and trains on 1,200; inputs: 2, after encoding 40."
            in text
        )
    assert "A first column without a name counts rows. Studies: weight decay." in shown.text
    assert "column 2*: Nearly every row has its own level. `x` is a date." in summary.text
    assert "column 1" not in summary.text


@pytest.mark.parametrize(("warned", "open_", "listed"), [(0, 1, 0), (3, 4, 3), (30, 12, 20)])
def test_of_many_columns_the_target_and_those_with_warnings_are_open(warned, open_, listed):
    columns = [column(f"column {number}", *["too many levels"] * (number >= 100 - warned)) for number in range(100)]
    shown, summary = parts(*columns)
    first, folded = shown.tables
    assert (len(first.cells), len(folded.cells)) == (open_, 101 - open_)
    assert first.cells[0][0] == "stars"
    assert all(row["warnings"] for row in first.rows()[1:])
    more = warned + 1 - open_
    assert folded.fold == f"{101 - open_} other columns" + (f", {more} with warnings" if more else "")
    assert [row["column"] for row in folded.rows()] == [
        c.name for c in columns if [c.name] not in [r[:1] for r in first.cells]
    ]
    assert summary.text.count("Too many levels.") == listed
    assert ("10 more columns with warnings, on the page" in summary.text) == (warned == 30)


def test_generated_data_and_images_have_no_part_of_the_page():
    assert data_sets.views(made().project.datasets) == {}
    drawn = {key: [] for key in ["overview", *made().project.studies, *made().project.measurements]}
    assert "data-sets" not in rendered.page(page.render(made(), drawn))
    assert "data-sets" not in rendered.summary(page.summary(made(), drawn))


def test_every_table_of_a_project_is_read_also_without_a_study(in_folder):
    Path("tables").mkdir()
    rows = "".join(f"{n % 7},{n % 2},{'ab'[n % 2]}\n" for n in range(40))
    Path("tables/own.csv").write_text(f"x,other,y\n{rows}")
    config = Table(source="table", file="tables/own.csv", target="y")
    seen = data_sets.views({"own": config, **made().project.datasets})
    assert list(seen) == ["own"]
    assert seen["own"].facts == config.facts()
    assert {column.role for column in seen["own"].description.columns} == {"input", "target"}
    assert seen["own"].evidence.suspects == ("other",)
