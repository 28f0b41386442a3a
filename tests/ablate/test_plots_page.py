import re

from ablate import plots_page


def test_the_page_holds_vega_and_the_marks_that_dvc_replaces(in_folder):
    plots_page.write()
    page = (in_folder / ".dvc/plots/page.html").read_text()
    # nothing is left beside it
    assert [path.name for path in (in_folder / ".dvc/plots").iterdir()] == ["page.html"]
    assert [page.count(mark) for mark in ("{plot_divs}", "{refresh_tag}", "{scripts}")] == [1, 1, 0]
    # the bundle ends no script, and nothing comes from elsewhere
    before, script, after = re.split("</?script>", page)
    assert not re.search(r"<[^>]*\b(?:src|href)=", before + after)
    assert len(script) > 500_000
    assert "{plot_divs}" in after
