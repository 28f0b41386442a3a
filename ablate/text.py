"""Tables as text: aligned in a terminal, or as Markdown for a pull request.

What stands in them may be anybody's words, of a branch that nobody checked: they are shown and never obeyed, whether by
a terminal or by a page.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from pipeline.core.console import escape
from pipeline.report.markdown import escaped, line_of, paragraph

_STYLES = {
    "better": "green",
    "worse": "red",
    "equivalent": "cyan",
    "undecided": "yellow",
    "not comparable": "magenta",
    "damaged": "red",
    "not reproduced": "red",
    "bit for bit": "green",
}


@dataclass(frozen=True)
class Table:
    """A table with a title and lines of words before and after it.

    `left` are the columns that hold words; numbers stand to the right. `rows` may be none: then the lines say it all.
    """

    title: str
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    left: frozenset[int] = frozenset([0])
    before: Sequence[str] = ()
    after: Sequence[str] = ()


def show(tables: Sequence[Table], *, markdown: bool = False) -> None:
    """Print; in colour only where somebody watches."""
    tables = [_visible(table) for table in tables]
    if markdown:
        sys.stdout.write("\n".join(_markdown(tables)) + "\n")
        return
    # never broken into lines: whoever needs narrower lines has a pager, and a pipe no width
    console = Console(highlight=False, soft_wrap=True)
    for line in _lines(tables):
        console.print(line)


def _visible(table: Table) -> Table:
    title, header, before, after = (
        [escape(words) for words in each] for each in ([table.title], table.header, table.before, table.after)
    )
    rows = [[escape(cell) for cell in row] for row in table.rows]
    return Table(title[0], header, rows, table.left, before, after)


def _lines(tables: Sequence[Table]) -> Iterator[Text]:
    widths = _widths(tables)
    for number, table in enumerate(tables):
        if number:
            yield Text()
        yield Text(table.title, style="bold")
        yield from (Text(line, style="dim") for line in table.before)
        if table.rows:
            own = widths[tuple(table.header)]
            yield _line(table.header, own, table.left, heading=True)
            yield from (_line(row, own, table.left) for row in table.rows)
        yield from (Text(line) for line in table.after)


def _widths(tables: Sequence[Table]) -> dict[tuple[str, ...], list[int]]:
    """Tables with the same header stand under each other, so they share their columns."""
    widths: dict[tuple[str, ...], list[int]] = {}
    for table in tables:
        own = widths.setdefault(tuple(table.header), [0] * len(table.header))
        for row in (table.header, *table.rows) if table.rows else ():
            own[:] = [max(width, len(cell)) for width, cell in zip(own, row, strict=True)]
    return widths


def _line(row: Sequence[str], widths: Sequence[int], left: frozenset[int], heading: bool = False) -> Text:
    line = Text("  ")
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        if width:
            padded = cell.ljust(width) if place in left else cell.rjust(width)
            line.append(padded, style="dim" if heading else _STYLES.get(cell, ""))
            line.append("  ")
    line.rstrip()
    return line


def _markdown(tables: Sequence[Table]) -> Iterator[str]:
    for number, table in enumerate(tables):
        if number:
            yield ""
        yield f"**{escaped(table.title)}**"
        yield ""
        yield from (f"- {paragraph(line)}" for line in table.before)
        if table.rows:
            kept = [place for place in range(len(table.header)) if any(row[place] for row in table.rows)]
            yield ""
            yield line_of([escaped(table.header[place]) for place in kept])
            yield line_of([":--" if place in table.left else "--:" for place in kept])
            yield from (line_of([escaped(row[place]) for place in kept]) for row in table.rows)
        for line in table.after:
            yield ""
            yield paragraph(line)
