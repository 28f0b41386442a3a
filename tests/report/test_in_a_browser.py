"""The committed pages in a browser, without a network: on a desk and on a phone, in both themes, and on paper."""

import csv
import dataclasses
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag
from xml.etree import ElementTree

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread
from playwright.sync_api import Browser, Page, sync_playwright
from report.sections import made
from report.tables import column, view
from samples import ROOT

from pipeline.report import figures
from pipeline.report import page as pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = {"default": ROOT / "reports/index.html", "book": ROOT / "book/reports/index.html"}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PAPER = {"width": 718, "height": 1047}  # A4 with margins of a centimetre
WIDTHS = (320, PHONE["width"], 768, DESK["width"])
THEMES = ("light", "dark")
CONTRAST = 4.5  # of WCAG 2.1, level AA, for text of any size

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: Debian's package chromium"),
    pytest.mark.slow,
    # the driver's event loop is closed by the interpreter at the end
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # a container's root has no sandbox
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=PAGES)
def page(request, browser) -> Iterator[Page]:
    """Each page, opened from disk; `noticed` holds its messages, errors and requests."""
    context = browser.new_context(viewport=DESK, color_scheme="light")
    opened = context.new_page()
    opened.noticed = []  # type: ignore[attr-defined]
    opened.on("console", lambda message: opened.noticed.append(message.text))
    opened.on("pageerror", lambda error: opened.noticed.append(str(error)))
    opened.on("request", lambda request: opened.noticed.append(request.url))
    opened.path = PAGES[request.param]  # type: ignore[attr-defined]
    opened.goto(opened.path.as_uri())
    yield opened
    context.close()


def test_it_requests_nothing_but_itself_and_reports_no_error(page):
    page.wait_for_load_state("networkidle")
    assert {url for url in page.noticed if not url.startswith("data:image/png;base64,")} == {page.path.as_uri()}


def parsed(drawing: Path) -> ElementTree.Element:
    return ElementTree.parse(drawing).getroot()  # noqa: S314 - written by the report


def unfold(page: Page) -> None:
    page.eval_on_selector_all("main details", "all => all.forEach(details => details.open = true)")


# --- the first screen -------------------------------------------------------------------------------------------------


def test_the_first_figure_is_within_the_first_screen_and_within_two_of_a_phone(page):
    first = page.locator("main figure").first
    assert first.get_attribute("id").startswith("overview-")
    box = first.locator("svg").bounding_box()
    assert box["y"] + min(box["height"], 400) <= DESK["height"]
    page.set_viewport_size(PHONE)
    box = first.locator("svg").bounding_box()
    assert box["y"] + box["height"] <= 2 * PHONE["height"]


def test_every_study_of_the_overview_is_a_link_to_its_section(page):
    linked = page.eval_on_selector_all("#overview ~ .figures svg a", "all => all.map(a => a.getAttribute('href'))")
    sections = page.eval_on_selector_all("main > section:has(.question) h2", "all => all.map(h2 => `#${h2.id}`)")
    # a study without a baseline has no effect
    assert set(linked) <= set(sections)
    assert len(set(linked)) == len(linked) >= len(sections) - 1
    link = page.locator("#overview ~ .figures svg a").last
    link.click()
    assert page.url.endswith(link.get_attribute("href"))


# --- sections ---------------------------------------------------------------------------------------------------------


def test_every_study_is_drawn_with_question_answer_figure_and_table(page):
    sections = page.locator("main > section:has(.question)")
    assert sections.count() >= 16
    for section in sections.all():
        assert section.locator(".question").inner_text().endswith("?")
        assert section.locator(".answer").inner_text().endswith((".", ".)"))
        assert section.locator("figure").count() >= 2
        assert section.locator("table").first.is_visible()


def test_every_figure_is_drawn_with_words_tooltips_command_and_files(page):
    for figure in page.locator("figure").all():
        box = figure.locator("svg").first.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 100
        assert len(figure.locator("figcaption").inner_text()) > 20
        id = figure.get_attribute("id")
        # a heat map, a scatter of examples and a line without points have none
        titles = figure.locator("svg title").all_text_contents()
        assert all(title.strip() for title in titles)
        assert titles or not id.endswith("effects")
        figure.locator("summary").click()
        made = figure.locator(".made")
        assert made.is_visible()
        key, _, name = id.partition("-")
        assert made.inner_text().startswith(f"ablate figure {key} {name} --svg ")
        links = figure.locator(".files > a:not(.permalink)")
        assert links.all_inner_texts() == ["SVG", "PNG", "data"]
        svg, png, table = (page.path.parent / link.get_attribute("href") for link in links.all())
        drawing = parsed(svg)
        width, height = (float(drawing.get(name).removesuffix("pt")) for name in ("width", "height"))
        shape = imread(png).shape
        assert shape[1] / shape[0] == pytest.approx(width / height, rel=0.01)
        header, *rows = csv.reader(table.read_text().splitlines())
        assert rows
        assert all(len(row) == len(header) for row in rows)


def test_links_lead_where_they_say(page):
    """Also those of figures, as links of SVG."""
    targets = page.eval_on_selector_all("a", "links => links.map(link => link.getAttribute('href'))")
    drawings = (page.path.parent / "figures").glob("overview_*.svg")
    links = [link for file in drawings for link in parsed(file).iter("{http://www.w3.org/2000/svg}a")]
    outside = [link.get("{http://www.w3.org/1999/xlink}href") for link in links]
    assert len(targets) > 40
    assert len(outside) >= 16
    ids = set(page.eval_on_selector_all("[id]", "all => all.map(element => element.id)"))
    for folder, links in ((page.path.parent, targets), (page.path.parent / "figures", outside)):
        for target in set(links):
            file, anchor = urldefrag(target)
            assert (folder / file).is_file() or not file, target
            assert not anchor or (anchor in ids and (folder / file).resolve() in (page.path, page.path.parent)), target
    page.get_by_role("navigation").get_by_role("link", name="provenance").click()
    assert page.url.endswith("#where-from")
    assert page.locator("#where-from").bounding_box()["y"] < DESK["height"]


def test_no_rule_of_accessibility_is_broken(page):
    # the folded parts of some studies alone: axe needs a minute for all of them
    page.eval_on_selector_all("details", "all => all.slice(0, 12).forEach(details => details.open = true)")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, {"runOnly": ["color-contrast"]}) == []


def violations(page: Page, options: dict | None = None) -> list[tuple[str, str]]:
    """The rules that axe finds broken, each with the first element that breaks it."""
    result = Axe().run(page, options={"resultTypes": ["violations"]} | (options or {}))
    return [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in result.response["violations"]]


# --- widths -----------------------------------------------------------------------------------------------------------

# boxes whose content is wider than they are; inline boxes have no width of their own, and a drawing scales with its box
OVERFLOWING = """() => [...document.querySelectorAll("body, body *")]
  .filter(box => !box.closest("svg") && box.clientWidth && getComputedStyle(box).display !== "inline"
    && box.scrollWidth > box.clientWidth + 1)
  .map(box => `${box.tagName}.${box.className} ${box.scrollWidth} > ${box.clientWidth} ${box.textContent.slice(0, 60)}`)
"""


def overflowing(page: Page) -> list[str]:
    found: list[str] = page.evaluate(OVERFLOWING)
    return found


def test_a_phone_shows_everything_without_scrolling_sideways(page):
    unfold(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # a wide table scrolls on its own, on a desk only one of many columns
        found = [box for box in overflowing(page) if width <= PHONE["width"] or not box.startswith("DIV.scroll")]
        assert found == []
        wide = page.eval_on_selector_all(
            ".scroll", "all => all.filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.innerHTML)"
        )
        assert width < DESK["width"] or all('class="matrix"' in table for table in wide)


def test_the_verdict_of_every_row_is_in_view_on_a_phone(page):
    unfold(page)
    page.set_viewport_size(PHONE)
    boxes = page.eval_on_selector_all(
        "td.verdict",
        "all => all.map(cell => { const box = cell.getBoundingClientRect();"
        " return [cell.innerText, box.left, box.right, box.height, cell.checkVisibility()]; })",
    )
    assert len(boxes) > 100
    for text, left, right, height, visible in boxes:
        assert text.strip()
        assert visible
        assert 0 <= left < right <= PHONE["width"]
        assert height >= 15


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_contents_stay_in_view_and_lead_to_headings_that_they_do_not_cover(page, size):
    page.set_viewport_size(size)
    contents = page.locator(".contents:visible").first
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    if size == PHONE:
        contents.locator("summary").click()
    for id in ("all-claims", "dropout", "shift_detector"):
        link = contents.locator(f'a[href="#{id}"]')
        link.click()
        assert page.url.endswith(f"#{id}")
        heading, bar = page.locator(f"h2[id='{id}']").bounding_box(), contents.bounding_box()
        assert 0 <= bar["y"] < 60
        assert heading["y"] + heading["height"] < size["height"]
        assert heading["y"] >= bar["y"] + bar["height"] or heading["x"] >= bar["x"] + bar["width"]


# --- themes and paper -------------------------------------------------------------------------------------------------

# the colours of the page, of the white of figures, and of their texts
TEXTS = """() => [getComputedStyle(document.body).backgroundColor,
  [...document.querySelectorAll("figure svg [style*='fill: var(--cffffff)']")].map(path => getComputedStyle(path).fill),
  [...document.querySelectorAll("figure svg text")].map(text => [getComputedStyle(text).fill, text.textContent])]
"""


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.1."""
    levels = np.array([float(level) for level in colour.partition("(")[2].rstrip(")").split(",")[:3]]) / 255
    linear = np.where(levels <= 0.03928, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@functools.cache
def contrast(first: str, second: str) -> float:
    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_the_texts_of_figures_stand_out_from_the_page(page, theme):
    page.emulate_media(color_scheme=theme)
    ground, panels, texts = page.evaluate(TEXTS)
    assert (luminance(ground) < 0.1) == (theme == "dark")
    assert len(texts) > 1000
    for colour in {ground, *panels}:
        assert [text for ink, text in texts if contrast(colour, ink) < CONTRAST] == []


def test_themes_differ_and_paper_is_light_and_unfolded(page):
    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, folded = background(), page.locator("details table").first
    assert folded.evaluate("table => table.checkVisibility({contentVisibilityAuto: true})") is False
    page.emulate_media(color_scheme="dark")
    assert background() != light
    page.emulate_media(color_scheme="dark", media="print")
    assert background() == light
    assert folded.bounding_box()["height"] > 50
    page.set_viewport_size(PAPER)
    assert overflowing(page) == []
    ground, _, texts = page.evaluate(TEXTS)
    assert [text for ink, text in texts if contrast(ground, ink) < CONTRAST] == []


def test_the_keyboard_reaches_the_content_first(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    page.wait_for_url("**#content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_it_reads_the_same_without_scripts(browser, page):
    with browser.new_context(java_script_enabled=False) as context:
        other = context.new_page()
        other.goto(page.path.as_uri())
        assert other.locator("main").inner_text() == page.locator("main").inner_text()


# --- tables of the user -----------------------------------------------------------------------------------------------


def test_a_hundred_columns_of_a_table_fit_every_width_and_break_no_rule(browser, tmp_path):
    whole = made()
    warned = [column(f"measured {number}", "nearly every row has a level of its own", "`x`") for number in range(15)]
    many = view(*warned, *(column("w" * number + " column") for number in range(15, 100)), suspects=("measured 3",))
    path = tmp_path / "index.html"
    report = dataclasses.replace(whole, sections=whole.sections[:1], measurements=[], views={"linear": many})
    path.write_text(pages.render(report, figures.draw(report)))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        section = page.locator("section", has=page.locator("#data-sets"))
        assert section.bounding_box()["height"] < 1000
        unfold(page)
        assert section.locator("tbody tr").count() == 101
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            wide = "all => all.filter(box => box.scrollWidth > box.clientWidth + 1).length"
            assert section.locator(".scroll, p, h3").evaluate_all(wide) == 0
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            assert violations(page) == []


# --- words of the user ------------------------------------------------------------------------------------------------

HOSTILE = "<script>document.title = 'pwned'</script><b>\"'&" + "w" * 1000


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A page with a long word and markup in every text that params.yaml may have."""
    whole = made()
    sections = [
        dataclasses.replace(
            section,
            answer=HOSTILE,
            study=dataclasses.replace(section.study, question=HOSTILE, caveat=HOSTILE),
            effects={key: table.assign(label=HOSTILE, note=HOSTILE) for key, table in section.effects.items()},
        )
        for section in whole.sections[:3]
    ]
    report = dataclasses.replace(
        whole,
        project=dataclasses.replace(whole.project, title=HOSTILE, about=HOSTILE),
        sections=sections,
        claims=whole.claims.assign(claim=HOSTILE, where=HOSTILE, note=HOSTILE),
        published=whole.published.assign(config=HOSTILE, factor=HOSTILE, where=HOSTILE),
        views={"linear": view(column(HOSTILE, HOSTILE), task=HOSTILE, note=HOSTILE, suspects=(HOSTILE,))},
    )
    path = tmp_path_factory.mktemp("hostile") / "index.html"
    path.write_text(pages.render(report, figures.draw(whole)))
    return path


def test_words_of_the_user_are_neither_markup_nor_wider_than_the_page(browser, hostile):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(hostile.as_uri())
        assert page.title() == HOSTILE
        assert page.locator("h1").inner_text() == HOSTILE
        assert page.locator("main script, main b").count() == 0
        unfold(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width <= PHONE["width"]:
                assert overflowing(page) == []
