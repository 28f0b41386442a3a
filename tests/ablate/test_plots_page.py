import re
from html.parser import HTMLParser

import pytest

from ablate import plots_page
from pipeline.core.errors import UserError


class Elements(HTMLParser):
    """The elements of a page with their attributes; what stands inside a script is text."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))


def test_the_page_holds_vega_and_the_marks_that_dvc_replaces(in_folder):
    plots_page.main([])
    page = (in_folder / ".dvc/plots/page.html").read_text()
    # nothing is left beside it
    assert [path.name for path in (in_folder / ".dvc/plots").iterdir()] == ["page.html"]
    assert [page.count(mark) for mark in ("{plot_divs}", "{refresh_tag}", "{scripts}")] == [1, 1, 0]
    elements = Elements(page).elements
    assert [tag for tag, _ in elements] == ["html", "head", "meta", "title", "style", "script", "body", "h1"]
    # nothing comes from elsewhere
    assert not [attributes for _, attributes in elements if {"src", "href"} & set(attributes)]
    script = page[page.index("<script>") : page.index("</script>")]
    assert "window.vegaEmbed=" in script
    # no module: it would load its parts from the network
    assert not re.search(r"(?:^|[;}])\s*(?:import|export)\s*[{*\"']", script)
    assert page.index("</script>") < page.index("{plot_divs}")


def test_a_file_that_can_not_be_written_is_a_line(in_folder):
    (in_folder / ".dvc").write_text("a file")
    with pytest.raises(UserError, match=r"^\.dvc/plots/page\.html: cannot be written \("):
        plots_page.main([])
