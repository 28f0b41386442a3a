import pytest
from markdown_it import MarkdownIt

from pipeline.report.markdown import escape_markdown, line_of, paragraph

EVIL = ["a | b", "<script>x</script>", "[a](http://x.y)", "*a* _b_ `c` ~d~ $e$", "@someone #12 www.x.y", "\\"]


@pytest.mark.parametrize("words", EVIL)
def test_words_in_a_cell_stay_words(words):
    html = MarkdownIt("gfm-like", {"linkify": False}).render(
        "\n".join([line_of(["a", "b"]), line_of(["--", "--"]), line_of([escape_markdown(words), "after"])])
    )
    assert html.count("<td>") == 2
    assert "<td>after</td>" in html
    for element in ("<script", "<a ", "<em>", "<code>", "<s>"):
        assert element not in html


@pytest.mark.parametrize("line", ["# a", "- a", "1. a", "=== a", "+ a", "> a"])
def test_a_paragraph_is_a_paragraph(line):
    html = MarkdownIt("gfm-like", {"linkify": False}).render(paragraph(line))
    assert html.startswith("<p>")
    assert html.count("<") == 2
