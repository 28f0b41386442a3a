"""What the page and the summary say, read back from the rendered files: sections, sentences and rows of tables."""

import html.parser
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# no-break spaces, signs and brackets as in a plain text
_PLAIN = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-", "\N{EN DASH}": ""})


def plain(text: str) -> str:
    return " ".join(text.translate(_PLAIN).split())


def _lines(cell: str) -> str:
    """A cell with the line breaks that the page shows."""
    return "\n".join(map(plain, cell.split("\n")))


@dataclass
class Table:
    """A table; a cell is found by its heading, of equal headings by the second one with a 2.

    Attributes:
        blocks: By row, the heading of its block; empty if the table has none.
        cards: By row, the names that the cells have on a phone, or empty texts.
        fold: The words that unfold the table; empty if it is open.
    """

    caption: str = ""
    headings: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    cards: list[list[str]] = field(default_factory=list)
    fold: str = ""

    def rows(self) -> list[dict[str, str]]:
        names: list[str] = []
        for heading in self.headings:
            names.append(f"{heading} 2" if heading in names else heading)
        return [dict(zip(names, cells, strict=True)) for cells in self.cells]


@dataclass
class Part:
    """A section of the page or of the summary."""

    text: str = ""  # without tables
    answer: str = ""
    tables: list[Table] = field(default_factory=list)

    def all(self, *headings: str) -> list[Table]:
        """Return the tables that have these headings: the open one, and the one that it folds."""
        return [table for table in self.tables if set(headings) <= set(table.headings)]

    def table(self, *headings: str) -> Table:
        """Return the first table that has these headings."""
        return self.all(*headings)[0]


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Part] = {"": Part()}
        self.part = self.parts[""]
        self.table: Table | None = None
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.folds: list[str] = []
        self.block = ""
        self.row: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in ("br", "meta"):
            self._add("\n" if tag == "br" else " ")
            return
        self.open.append((tag, attributes))
        if tag == "section":
            self.part = self.parts.setdefault(attributes["aria-labelledby"], Part())
        elif tag == "details":
            self.folds.append("")
        elif tag == "table":
            self.table = Table(fold=self.folds[-1] if self.folds else "")
            self.part.tables.append(self.table)
        elif self.table is not None and tag == "tbody":
            self.block = ""
        elif self.table is not None and tag == "tr":
            self.row, self.names = [], []
        elif self.table is not None and tag in ("td", "th"):
            self.row.append("")
            self.names.append(attributes.get("data-name") or "")
        elif self.table is None:
            self._add(" ")

    def handle_endtag(self, tag):
        _, attributes = self.open.pop()
        if tag == "table":
            assert self.table is not None
            self.table.caption, self.table = plain(self.table.caption), None
        elif tag == "details":
            self.folds.pop()
        elif self.table is not None and tag in ("td", "th"):
            # the cells that it covers
            self.row += [""] * (int(attributes.get("colspan") or 1) - 1)
            self.names += [""] * (len(self.row) - len(self.names))
            if attributes.get("scope") == "rowgroup":
                self.block, self.row = plain(self.row[0]), []
        elif self.table is not None and tag == "tr":
            if any(name == "thead" for name, _ in self.open):
                self.table.headings = list(map(plain, self.row))
            elif self.row:
                self.table.cells.append(list(map(_lines, self.row)))
                self.table.blocks.append(self.block)
                self.table.cards.append(list(map(plain, self.names)))
        elif tag in ("p", "li", "section"):
            self.part.text, self.part.answer = plain(self.part.text) + "\n", plain(self.part.answer)

    def handle_data(self, data):
        self._add(data.replace("\n", " "))

    def _add(self, data):
        names = [name for name, _ in self.open]
        if "svg" in names or "style" in names:
            return
        if "summary" in names:
            self.folds[-1] = plain(f"{self.folds[-1]}{data} ")
        if self.table is None:
            self.part.text += data
            if any(attributes.get("class") == "answer" for _, attributes in self.open):
                self.part.answer += data
        elif "caption" in names:
            self.table.caption += data
        elif self.row:
            self.row[-1] += data


def page(text: str) -> dict[str, Part]:
    """Return the sections of the page by their ids."""
    parser = _Page()
    parser.feed(text)
    parser.close()
    return parser.parts


def summary(text: str) -> dict[str, Part]:
    """Return the sections of the summary by the ids that the page gives them."""
    parts: dict[str, Part] = {}
    names = {"how to read it": "how-to-read", "claims": "all-claims", "published outcomes": "published-outcomes"}
    names |= {"data sets": "data-sets"}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        paragraphs = [block.strip() for block in re.split(r"\n\s*\n", body) if block.strip()]
        part = parts[names.get(title.lower(), title.lower().replace(" ", "_"))] = Part()
        for block in paragraphs:
            if block.startswith("|"):
                part.tables.append(_table(block))
            elif not block.startswith("!["):
                part.text += plain(_unescaped(block)) + "\n"
        sentences = part.text.splitlines()
        # after the question
        part.answer = sentences[1] if sentences and sentences[0].startswith("*") else ""
    return parts


def _table(block: str) -> Table:
    lines = [[plain(_unescaped(cell)) for cell in _cells(line)] for line in block.splitlines()]
    return Table("", lines[0], lines[2:])


def _cells(line: str) -> Iterator[str]:
    yield from re.split(r"(?<!\\)\|", line)[1:-1]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace("<!-- -->", ""))


# --- numbers ----------------------------------------------------------------------------------------------------------

NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*(?:e[-+]?\d+)?|inf)"


def value(cell: str) -> float:
    """Return the number of a cell as it is printed: "x 0.5" is 0.5, "-1.2 points" is -1.2, "90 %" is 90."""
    found = re.search(NUMBER, cell)
    assert found, cell
    return float(found[0].replace(",", ""))


def limits(cell: str) -> tuple[float, float] | None:
    """Return the limits of an interval, or None if there is none."""
    found = re.search(rf"\[({NUMBER})(?: %)?, ({NUMBER})(?: %)?\]", cell)
    return (float(found[1].replace(",", "")), float(found[2].replace(",", ""))) if found else None
