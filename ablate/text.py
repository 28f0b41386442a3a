"""Tables as text: aligned and coloured in a terminal, or as Markdown for a pull request.

Cells may come from an unreviewed branch, so control characters and Markdown in them are escaped.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from pipeline.core.errors import escape
from pipeline.project.metrics import Metric
from pipeline.report.format import cells
from pipeline.report.markdown import escape_markdown, line_of, paragraph

# heading of a column, and its name in `format.cells`
EVIDENCE = {
    "effect": "effect",
    "95 % interval": "effect_interval",
    "p, adjusted": "p",
    "wins": "wins",
    "verdict": "verdict",
    "note": "note",
}
_STYLES = {
    "better": "green",
    "worse": "red",
    "higher": "blue",
    "lower": "blue",
    "equivalent": "cyan",
    "undecided": "yellow",
    "not comparable": "magenta",
}
_STYLES |= {"bit for bit": "green", "not reproduced": "red"}
_UNLIMITED = 2**20  # columns: a table is never wrapped, pagers and terminals do that


@dataclass(frozen=True)
class Table:
    """A table with a title, lines of text before and after it, and a command; without `rows` only the other parts.

    `left` holds the indices of left-aligned columns; the others are right-aligned.
    """

    title: str
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    left: frozenset[int] = frozenset([0])
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    command: str = ""


def show(tables: Sequence[Table], *, markdown: bool = False, heading: str = "") -> None:
    """Print tables, in colour only in a terminal."""
    tables, heading = [_escaped(table) for table in tables], escape(heading)
    if markdown:
        lines = [f"## {escape_markdown(heading)}", ""] if heading else []
        lines += _markdown(tables)
    else:
        console = Console(highlight=False, markup=False, emoji=False, width=_UNLIMITED)
        with console.capture() as capture:
            if heading:
                console.print(Text(heading, style="bold"), "", sep="\n")
            for line in _terminal(tables):
                console.print(line)
        lines = [line.rstrip() for line in capture.get().removesuffix("\n").split("\n")]
    sys.stdout.write("\n".join(lines) + "\n")


def _escaped(table: Table) -> Table:
    header, before, after = ([escape(text) for text in texts] for texts in (table.header, table.before, table.after))
    rows = [[escape(cell) for cell in row] for row in table.rows]
    return Table(escape(table.title), header, rows, table.left, before, after, escape(table.command))


def _terminal(tables: Sequence[Table]) -> Iterator[RenderableType]:
    # tables with the same header share the widths of their columns
    widths: dict[tuple[tuple[str, ...], int], int] = {}
    for table in tables:
        for index, column in enumerate(zip(table.header, *table.rows, strict=True) if table.rows else ()):
            key = (tuple(table.header), index)
            widths[key] = max(widths.get(key, 0), *map(cell_len, column))
    for number, table in enumerate(tables):
        if number:
            yield ""
        yield Text(table.title, style="bold")
        yield from (Text(line, style="dim") for line in table.before)
        if table.rows:
            grid = Grid(box=None, padding=(0, 0, 0, 2), header_style="dim")
            for index, name in enumerate(table.header):
                width = widths[tuple(table.header), index]
                grid.add_column(name, justify="left" if index in table.left else "right", min_width=width)
            for row in table.rows:
                grid.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
            yield grid
        yield from map(Text, table.after)
        if table.command:
            yield Text(f"  {table.command}")


def _markdown(tables: Sequence[Table]) -> Iterator[str]:
    for number, table in enumerate(tables):
        yield from [""] * bool(number)
        yield f"**{escape_markdown(table.title)}**"
        yield ""
        yield from (f"- {paragraph(line)}" for line in table.before)
        if table.rows:
            filled = [index for index in range(len(table.header)) if any(row[index] for row in table.rows)]
            yield ""
            yield line_of([escape_markdown(table.header[index]) for index in filled])
            yield line_of([":--" if index in table.left else "--:" for index in filled])
            yield from (line_of([escape_markdown(row[index]) for index in filled]) for row in table.rows)
        for line in table.after:
            yield ""
            yield paragraph(line)
        if table.command:
            yield from ["", "```sh", table.command, "```"]


def direction(metric: Metric) -> str:
    """Return the label of a metric and its better direction.

    >>> from pipeline.project.metrics import METRICS
    >>> direction(METRICS["test_loss"]), direction(METRICS["weight_norm"])
    ('test loss, lower is better', 'norm of all weights, neither way is better')
    """
    return f"{metric.label}, {metric.better or 'neither way'} is better"


def evidence(row: Any, metric: Metric) -> list[str]:
    """Return the cells of the columns `EVIDENCE` for a row of `judging.COLUMNS`."""
    texts = cells(row, metric)
    return [texts[name] for name in EVIDENCE.values()]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows for JSON: numbers with all digits, None for undefined ones."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows
