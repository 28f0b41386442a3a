"""The site and the links of all pages: a broken link fails the build, and the site works from disk, for everyone."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from documentation.blocks import pages
from playwright.sync_api import Page, sync_playwright
from samples import ROOT

from docs import generate


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build as `make docs` does."""
    makefile = (ROOT / "Makefile").read_text()
    (options,) = re.findall(r"\$\(BIN\)/sphinx-build (.*) docs docs/_build/html", makefile)
    command = [sys.executable, "-m", "sphinx", *options.split(), str(source), str(site)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(tmp_path):
    done = build(ROOT / "docs", tmp_path)
    assert done.returncode == 0, done.stderr
    front = (tmp_path / "index.html").read_text()
    for page in pages():
        if page.startswith("docs/"):
            path = page.removeprefix("docs/").replace(".md", ".html")
            assert (tmp_path / path).is_file()
            assert path == "index.html" or f'href="{path}"' in front  # in the sidebar
    assert 'href="how-to/notebook.html"' in front
    # what a page or a style sheet would fetch; a link that a reader may follow is none of that
    loads = re.compile(
        r"""<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^"' >]*|url\(["']?https?:[^)]*"""
    )
    for path in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        text = path.read_text()
        assert loads.findall(text) == [], path
        assert str(ROOT) not in text, path


@pytest.mark.slow
def test_a_broken_link_and_a_page_that_no_list_names_fail_the_build(tmp_path):
    source = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    targets = ["gone.md", "reference/parameters.md#gone", "#lost", "../gone.yaml"]
    with (source / "speed.md").open("a") as page:
        page.write("\n" + "\n".join(f"[gone]({target})" for target in targets))
    (source / "how-to" / "more.md").write_text("# More\n")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert sum("speed.md" in line for line in warnings) == len(targets), done.stderr
    assert any("more.md" in line for line in warnings)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "docs", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def page(request) -> Iterator[Page]:
    """Return a window of this width in this theme, which may use the clipboard."""
    width, theme = request.param
    with sync_playwright() as playwright:
        # a container's root has no sandbox
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield context.new_page()
        browser.close()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: Debian's package chromium")
# the driver's event loop is closed by the interpreter at the end
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_pages_opened_from_disk_fit_are_accessible_and_copy_what_a_user_types(site, page):
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for name in ("index", "faq", "glossary", "reference/python", "how-to/notebook"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        for image in page.locator("main img, article img").all():
            assert image.evaluate("image => image.complete && image.naturalWidth > 0"), name
        assert [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]] == [], (
            name
        )
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    page.goto((site / "faq.html").as_uri())
    page.locator("div.highlight").first.hover()
    page.locator("button.copybtn").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == "cd reports && ablate check"


def links(page: str) -> list[str]:
    """Return where a page links to; code contains no links."""
    prose = re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "code", prose))


def headings(page: Path) -> set[str]:
    lines = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL).splitlines()
    return {generate.anchor(line.lstrip("# ")) for line in lines if line.startswith("#")}


@pytest.mark.parametrize("page", [*pages(), "CHANGELOG.md"])
def test_every_link_of_a_page_leads_somewhere(page):
    """As on GitHub, also in pages that are not part of the site."""
    for link in links(page):
        if not re.match(r"https?:", link):
            path, _, part = link.partition("#")
            target = (ROOT / page).parent / unquote(path) if path else ROOT / page
            assert target.exists(), link
            assert not part or part in headings(target), link


# the files that these pages name existed when the pages were written
PAST = ("docs/log.md", "docs/decisions/")


@pytest.mark.parametrize("page", [page for page in pages() if not page.startswith(PAST)])
def test_a_file_that_a_page_names_is_there(page):
    named = re.findall(r"`((?:pipeline|tests|benchmarks|docs)/[\w./-]+)`", (ROOT / page).read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_front_page_names_every_page_that_a_reader_begins_with():
    index = {f"docs/{link}" for link in links("docs/index.md") if link.endswith(".md")}
    tutorial = {link for link in index if link.startswith("docs/tutorial/")}
    assert len(tutorial) == 4
    assert index - tutorial <= set(links("README.md"))
