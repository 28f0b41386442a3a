"""An invented data set from a table, as the page shows it."""

from pipeline.data.base import Facts
from pipeline.data.columns import Column, Description
from pipeline.data.table import Table
from pipeline.report.data_sets import TableView
from pipeline.report.suspicion import Evidence

TARGET = Column("stars", "target", "number", 37, 0, "4.5", ())
TASK = "regression: 37 different numbers in `stars`; `task: classification` would make each one a class"
NOTE = "a first column without a name counts rows"


def column(name: str, *warnings: str) -> Column:
    return Column(name, "input", "category", 3, 1200, "a", warnings)


def view(*columns: Column, task: str = TASK, note: str = NOTE, suspects: tuple[str, ...] = ()) -> TableView:
    """Return a table with these columns and a target."""
    return TableView(
        Table(source="table", file="tables/hotels.csv", target="stars"),
        Facts("regression", 1, 40, 1200, 400),
        Description(1600, task, (*columns, TARGET), (note,)),
        Evidence("hotels", (), suspects, 1.0),
    )
