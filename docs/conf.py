"""The documentation as a site: `make docs`. The pages are Markdown that reads as well without it."""

import re
from pathlib import Path
from typing import Any

project = "mlp-ablations"
project_copyright = ""
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "mlp-ablations"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
# GitHub's own anchors of headings, so that a link to a part of a page works there and here
myst_heading_anchors = 3
nitpicky = True

_LINK = re.compile(r"\[[^\]]+\]\(([\w./-]+)\.md\)")


def contents(text: str) -> str:
    """The text of a page called index with what the sidebar needs: under each heading, the pages that it links to."""
    hidden = []
    for part in re.split("^#+ ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if pages := list(dict.fromkeys(_LINK.findall(body))):
            hidden.append("\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```"]))
    return "\n\n".join([text, *hidden]) + "\n"


def _read(app: Any, name: str, source: list[str]) -> None:
    if Path(name).name == app.config.root_doc:
        source[0] = contents(source[0])


def _say_nothing_of_the_machine(app: Any, error: Exception | None) -> None:
    """Sphinx leaves notes for its next run, which are no part of the site."""
    if error is None:
        for name in (".buildinfo", "objects.inv"):
            (Path(app.outdir) / name).unlink(missing_ok=True)


def setup(app: Any) -> None:
    """What Sphinx calls first."""
    app.connect("source-read", _read)
    app.connect("build-finished", _say_nothing_of_the_machine)
