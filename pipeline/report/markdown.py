"""Markdown for a git host, in which text from `params.yaml` or another branch is shown and never interpreted."""

import re
from collections.abc import Sequence


def escape_markdown(text: str) -> str:
    """Escape the text of a cell: nothing ends the cell or becomes markup, a link, a mention or a formula."""
    text = re.sub(r"[\\`|_*<>\[\]~&$]", r"\\\g<0>", text.strip())
    # a git host links URLs and notifies mentioned users in escaped text too; an empty comment splits them
    return re.sub(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)", "<!-- -->", text, flags=re.IGNORECASE)


def paragraph(line: str) -> str:
    """Escape a line of text so that it does not begin a heading, a list, a rule or a block of code."""
    return re.sub(r"^(\d*)([-+=#.)])", r"\1\\\2", escape_markdown(line))


def line_of(cells: Sequence[object]) -> str:
    """Return a row of a table; text in its cells is escaped already."""
    return f"| {' | '.join(map(str, cells))} |"


def title(id: str) -> str:
    """Return an id as a heading.

    >>> title("weight_decay"), anchor("weight_decay")
    ('Weight decay', 'weight-decay')
    """
    return id.replace("_", " ").strip().capitalize()


def anchor(id: str) -> str:
    """Return the anchor that a git host gives to that heading."""
    return title(id).lower().replace(" ", "-")
