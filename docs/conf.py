"""The documentation as a site: `make docs`. The pages are Markdown, and a notebook, that read as well without it."""

import json
import re
from pathlib import Path
from typing import Any

project = "mlp-ablations"
project_copyright = ""
extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = "mlp-ablations"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
# GitHub's own anchors of headings, so that a link to a part of a page works there and here
myst_heading_anchors = 3
nitpicky = True

# of a transcript, only what a user types
copybutton_prompt_text = "$ "

_LINK = re.compile(r"\[[^\]]+\]\(([\w./-]+)\.(?:md|ipynb)\)")


def contents(text: str) -> str:
    """The text of a page called index with what the sidebar needs: under each heading, the pages that it links to."""
    hidden = []
    for part in re.split("^#+ ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if pages := list(dict.fromkeys(_LINK.findall(body))):
            hidden.append("\n".join(["```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```"]))
    return "\n\n".join([text, *hidden]) + "\n"


def markdown(notebook: str) -> str:
    """The text of an executed notebook as Markdown, with tables as HTML and images as PNG."""
    parts = []
    for cell in json.loads(notebook)["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in cell["outputs"]:
            data = {kind: "".join(content) for kind, content in output["data"].items()}
            if "text/html" in data:
                # the classes that the theme styles, instead of pandas' own style
                table = re.sub(r"<style.*?</style>\n", "", data["text/html"], flags=re.DOTALL)
                table = table.replace("<div>", '<div class="table-wrapper docutils container">')
                table = table.replace('<table border="1" class="dataframe">', '<table class="docutils dataframe">')
                table = table.replace("<th></th>", "<td></td>")  # above an index without a name is no header
                parts.append(f"```{{raw}} html\n{table}\n```")
            elif "image/png" in data:
                image = data["image/png"].replace("\n", "")
                parts.append(f"![{cell['metadata']['alt']}](data:image/png;base64,{image})")
            else:
                parts.append(f"```text\n{data['text/plain']}\n```")
    return "\n\n".join(parts) + "\n"


def _read(app: Any, name: str, source: list[str]) -> None:
    if Path(app.env.doc2path(name)).suffix == ".ipynb":
        source[0] = markdown(source[0])
    if Path(name).name == app.config.root_doc:
        source[0] = contents(source[0])


def _say_nothing_of_the_machine(app: Any, error: Exception | None) -> None:
    """Sphinx leaves notes for its next run, which are no part of the site."""
    if error is None:
        for name in (".buildinfo", "objects.inv"):
            (Path(app.outdir) / name).unlink(missing_ok=True)


# what the theme leaves out: levels of headings and names of regions, for screen readers; a focus, with which the arrow
# keys scroll a wide block
_ACCESSIBLE = {
    ' role="heading">': ' role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    ' docutils container">': ' docutils container" tabindex="0">',
    "<pre>": '<pre tabindex="0">',
}


def _make_accessible(app: Any, error: Exception | None) -> None:
    if error is None:
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            for before, after in _ACCESSIBLE.items():
                text = text.replace(before, after)
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """What Sphinx calls first."""
    app.connect("source-read", _read)
    app.connect("build-finished", _say_nothing_of_the_machine)
    app.connect("build-finished", _make_accessible)
