"""The committed pages in a browser, without a network."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from samples import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = {"default": ROOT / "reports/index.html", "book": ROOT / "book/reports/index.html"}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

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


def test_every_study_is_drawn_with_question_answer_figure_and_table(page):
    sections = page.locator("main > section:has(.question)")
    assert sections.count() >= 16
    for section in sections.all():
        assert section.locator(".question").inner_text().endswith("?")
        assert section.locator(".answer").inner_text().endswith((".", ".)"))
        for figure in section.locator("figure").all():
            box = figure.locator("svg").first.bounding_box()
            assert box["width"] > 200
            assert box["height"] > 100
            assert len(figure.locator("figcaption").inner_text()) > 20
        assert section.locator("figure").count() >= 2
        assert section.locator("table").first.is_visible()


def test_links_lead_where_they_say(page):
    targets = page.eval_on_selector_all("a", "links => links.map(link => link.getAttribute('href'))")
    assert len(targets) > 40
    for target in set(targets):
        if target.startswith("#"):
            assert page.locator(f"[id='{target[1:]}']").count() == 1, target
        else:
            assert (page.path.parent / target).is_file(), target
    page.get_by_role("navigation").get_by_role("link", name="provenance").click()
    assert page.url.endswith("#where-from")
    assert page.locator("#where-from").bounding_box()["y"] < DESK["height"]


def test_no_rule_of_accessibility_is_broken(page):
    # the folded parts of three studies alone: axe needs a minute for all of them
    page.eval_on_selector_all("details", "all => all.slice(0, 6).forEach(details => details.open = true)")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, {"runOnly": ["color-contrast"]}) == []


def violations(page: Page, options: dict | None = None) -> list[tuple[str, str]]:
    """The rules that axe finds broken, each with the first element that breaks it; a drawing counts as one image."""
    result = Axe().run(page, context={"exclude": [["svg"]]}, options=options)
    return [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in result.response["violations"]]


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


def test_a_phone_scrolls_tables_and_not_the_page(page):
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = page.evaluate(
        "[...document.querySelectorAll('table, svg')].filter(node => node.getBoundingClientRect().width > innerWidth"
        " && !node.closest('.scroll, .drawing')).length"
    )
    assert wide == 0


def test_the_keyboard_reaches_the_content_first(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_it_reads_the_same_without_scripts(browser, page):
    with browser.new_context(java_script_enabled=False) as context:
        other = context.new_page()
        other.goto(page.path.as_uri())
        assert other.locator("main").inner_text() == page.locator("main").inner_text()
