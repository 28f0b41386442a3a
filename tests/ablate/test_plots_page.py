import re
from html.parser import HTMLParser

import pytest

from ablate import plots_page
from pipeline.core.errors import UserError


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    plots_page.write(path)
    return path.read_text()


def test_dvc_finds_the_places_that_it_fills(page):
    for place in ("{plot_divs}", "{refresh_tag}"):
        assert page.count(place) == 1
    # DVC would put the addresses of Vega in the network there
    assert "{scripts}" not in page


class Elements(HTMLParser):
    """The elements of a page with their attributes; what stands inside a script is text."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_vega_stands_in_the_page(page):
    elements = Elements(page).found
    assert [tag for tag, _ in elements] == ["html", "head", "meta", "title", "style", "script", "body", "h1"]
    # nothing of it comes from elsewhere
    assert not [attributes for _, attributes in elements if {"src", "href"} & set(attributes)]
    script = page[page.index("<script>") : page.index("</script>")]
    assert "window.vegaEmbed=" in script
    # no module: it would load its parts from the network
    assert not re.search(r"(?:^|[;}])\s*(?:import|export)\s*[{*\"']", script)
    assert page.index("</script>") < page.index("{plot_divs}")


def test_the_page_of_the_project_in_the_current_folder(in_folder, page):
    plots_page.main([])
    assert (in_folder / ".dvc" / "plots" / "page.html").read_text() == page
    # nothing is left beside it
    assert [path.name for path in (in_folder / ".dvc" / "plots").iterdir()] == ["page.html"]


def test_a_place_that_can_not_be_written_is_a_line(in_folder):
    (in_folder / ".dvc").write_text("a file")
    with pytest.raises(UserError, match=r"^\.dvc/plots/page\.html: cannot be written \("):
        plots_page.main([])
