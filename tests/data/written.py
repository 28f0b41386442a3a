"""Small tables as a user writes them, and how they are refused."""

from collections.abc import Iterable

import pytest

from pipeline.core.errors import UserError
from pipeline.data import table
from pipeline.data.table import Table

CSV, PARQUET = "tables/own.csv", "tables/own.parquet"
GOOD = "age,height,town,ill\n" + "".join(f"{20 + n},{1.5 + n / 100},{'abc'[n % 3]},{n % 2}\n" for n in range(20))


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
