"""The site: whatever is doubtful in a page fails the build, and what is built needs no network."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from documentation.blocks import pages
from samples import ROOT

from docs import conf, generate

pytestmark = pytest.mark.xdist_group("site")

MAKEFILE = (ROOT / "Makefile").read_text()


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """As `make docs` does."""
    (options,) = re.findall(r"\$\(BIN\)/sphinx-build (.*) docs docs/_build/html", MAKEFILE)
    command = [sys.executable, "-m", "sphinx", *options.split(), str(source), str(site)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the pages."""
    made = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", made, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` makes it."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_and_in_the_sidebar(site):
    front = (site / "index.html").read_text()
    for page in pages():
        if page.startswith("docs/"):
            path = page.removeprefix("docs/").replace(".md", ".html")
            assert (site / path).is_file()
            assert path == "index.html" or f'href="{path}"' in front


def test_nothing_is_loaded_from_elsewhere(site):
    """What a page, a sheet of style or a script would fetch; a link that a reader may follow is none of that."""
    loads = re.compile(
        r"""<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^"' >]*|url\(["']?https?:[^)]*"""
    )
    files = [path for kind in ("html", "css") for path in site.rglob(f"*.{kind}")]
    assert len(files) > 30
    for path in files:
        assert loads.findall(path.read_text()) == [], path


def test_files_in_the_site_name_no_folder_of_this_machine(site):
    for path in site.rglob("*.html"):
        assert str(ROOT) not in path.read_text(), path


@pytest.mark.parametrize(
    "link",
    ["[gone](gone.md)", "[gone](reference/parameters.md#gone)", "[gone](#gone)", "[gone](../gone.yaml)"],
)
def test_a_broken_link_fails_the_build(link, source, tmp_path):
    page = source / "speed.md"
    page.write_text(f"{page.read_text()}\n{link}\n")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    assert "speed.md" in done.stderr


def test_a_page_that_no_list_names_fails_the_build(source, tmp_path):
    (source / "how-to" / "more.md").write_text("# More\n")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    assert "more.md" in done.stderr


def test_the_sidebar_has_what_the_lists_link_to():
    text = "# A\n\n- [one](b/one.md)\n\n## B\n\n[two](two.md#part), [one](b/one.md), [far](https://example.org/x.md)\n"
    hidden = conf.contents(text).removeprefix(text)
    assert re.findall(r"caption: (\w)\n\n([\w/\n]*)\n```", hidden) == [("A", "b/one"), ("B", "b/one")]


def links(text: str) -> list[str]:
    """Where a page in Markdown links to, pictures among them; code is no link."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "code", prose))


def headings(page: Path) -> set[str]:
    lines = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL).splitlines()
    return {generate.anchor(line.lstrip("# ")) for line in lines if line.startswith("#")}


def broken(page: Path) -> list[str]:
    found = []
    for link in links(page.read_text()):
        if re.match(r"https?:", link):
            continue
        path, _, part = link.partition("#")
        target = page.parent / unquote(path) if path else page
        if not target.exists() or (part and part not in headings(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", [*pages(), "CHANGELOG.md"])
def test_every_link_of_a_page_leads_somewhere(page):
    """On GitHub too, and also of the pages that are no part of the site."""
    assert broken(ROOT / page) == []


# what they tell was true when it was written
PAST = ("docs/log.md", "docs/decisions/")


@pytest.mark.parametrize("page", [page for page in pages() if not page.startswith(PAST)])
def test_a_file_that_a_page_names_is_there(page):
    named = re.findall(r"`((?:pipeline|tests|benchmarks|docs)/[\w./-]+)`", (ROOT / page).read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One two\n\n[a](#one-two) [b](#one) [c](gone.md) [d](page.md#one-two) `[e](gone)`\n[f\ng](gone.svg)\n"
    )
    assert broken(page) == ["#one", "gone.md", "gone.svg"]


def test_the_front_page_names_every_page_that_a_reader_begins_with():
    readme = set(links((ROOT / "README.md").read_text()))
    index = {f"docs/{link}" for link in links((ROOT / "docs" / "index.md").read_text()) if link.endswith(".md")}
    tutorial = {link for link in index if link.startswith("docs/tutorial/")}
    assert len(tutorial) == 4
    assert index - tutorial <= readme
