"""Markdown for a git host, in which nobody's words are obeyed."""

import re
from collections.abc import Sequence


def escaped(text: str) -> str:
    """Nothing in a cell ends it, names keep their underscores, and no words become a link, an element or a formula."""
    text = re.sub(r"[\\`|_*<>\[\]~&$]", r"\\\g<0>", text.strip())
    # a page makes links of these, and tells the user who is named, whatever is escaped; an empty comment parts them
    return re.sub(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)", "<!-- -->", text, flags=re.IGNORECASE)


def paragraph(line: str) -> str:
    """A line of words that does not begin a heading, a list, a rule or a block of code."""
    return re.sub(r"^(\d*)([-+=#.)])", r"\1\\\2", escaped(line))


def line_of(cells: Sequence[object]) -> str:
    """A row of a table, of numbers and of words that are Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def title(id: str) -> str:
    """An id as a heading.

    >>> title("weight_decay"), anchor("weight_decay")
    ('Weight decay', 'weight-decay')
    """
    return id.replace("_", " ").strip().capitalize()


def anchor(id: str) -> str:
    """What a git host calls the place of that heading."""
    return title(id).lower().replace(" ", "-")
