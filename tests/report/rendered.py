"""What the page and the summary say, read back from the rendered files: sections, sentences and rows of tables."""

import html.parser
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# no-break spaces, signs and brackets as in a plain text
_PLAIN = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-", "\N{EN DASH}": ""})


def plain(text: str) -> str:
    return " ".join(text.translate(_PLAIN).split())


@dataclass
class Table:
    """A table; a cell is found by its heading, of equal headings by the second one with a 2."""

    caption: str = ""
    headings: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)

    def rows(self) -> list[dict[str, str]]:
        names: list[str] = []
        for heading in self.headings:
            names.append(f"{heading} 2" if heading in names else heading)
        return [dict(zip(names, cells, strict=False)) for cells in self.cells]


@dataclass
class Part:
    """A section of the page or of the summary."""

    text: str = ""  # without tables
    answer: str = ""
    tables: list[Table] = field(default_factory=list)

    def table(self, *headings: str) -> Table:
        """Return the first table that has these headings."""
        return next(table for table in self.tables if set(headings) <= set(table.headings))


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, Part] = {"": Part()}
        self.part = self.parts[""]
        self.table: Table | None = None
        self.open: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in ("br", "meta"):
            self.handle_data(" ")
            return
        self.open.append((tag, attributes))
        if tag == "section":
            self.part = self.parts.setdefault(attributes["aria-labelledby"], Part())
        elif tag == "table":
            self.table = Table()
            self.part.tables.append(self.table)
        elif self.table is not None and tag == "tr":
            self.table.cells.append([])
        elif self.table is not None and tag in ("td", "th"):
            heading = any(name == "thead" for name, _ in self.open)
            (self.table.headings if heading else self.table.cells[-1]).append("")
        else:
            self.handle_data(" ")

    def handle_endtag(self, tag):
        self.open.pop()
        if tag == "table":
            assert self.table is not None
            table, self.table = self.table, None
            table.caption, table.headings = plain(table.caption), list(map(plain, table.headings))
            # a block's heading and the row of headings have no cells of their own
            table.cells = [list(map(plain, cells)) for cells in table.cells if len(cells) > 1]
        elif tag in ("p", "li", "section"):
            self.part.text, self.part.answer = plain(self.part.text) + "\n", plain(self.part.answer)

    def handle_data(self, data):
        names = [name for name, _ in self.open]
        if "svg" in names or "style" in names:
            return
        if self.table is None:
            self.part.text += data
            if any(attributes.get("class") == "answer" for _, attributes in self.open):
                self.part.answer += data
        elif "caption" in names:
            self.table.caption += data
        elif "thead" in names and self.table.headings:
            self.table.headings[-1] += data
        elif self.table.cells and self.table.cells[-1]:
            self.table.cells[-1][-1] += data


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
