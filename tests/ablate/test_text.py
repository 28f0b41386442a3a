import io

import pytest
from rich.console import Console

from ablate import text
from ablate.text import Table

ROWS = [["a", "1.00", "better"], ["a_long|name", "10.0", "worse"]]
TABLE = Table("weight_decay: test loss", ["variant", "n", "verdict"], ROWS, frozenset([0, 2]), ["before"], ["after"])


def test_columns_are_aligned_and_words_stand_left(capsys):
    text.show([TABLE])
    assert capsys.readouterr().out.splitlines() == [
        "weight_decay: test loss",
        "before",
        "  variant         n  verdict",
        "  a            1.00  better",
        "  a_long|name  10.0  worse",
        "after",
    ]


def test_tables_with_the_same_header_share_their_columns(capsys):
    narrow = Table("other", TABLE.header, [["b", "2", "equivalent"]], TABLE.left)
    text.show([TABLE, narrow])
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].index("1.00") + 3 == lines[-1].index("2")


def test_a_pipe_gets_no_colour_and_no_broken_lines(capsys):
    text.show([Table("t", ["variant"], [["x" * 500]])])
    out = capsys.readouterr().out
    assert "x" * 500 in out
    assert "\x1b" not in out


def test_a_terminal_gets_colours(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(text, "Console", lambda **options: Console(**options, file=screen, force_terminal=True))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    text.show([TABLE])
    assert "\x1b[32mbetter" in screen.getvalue()
    assert "\x1b[31mworse" in screen.getvalue()


def test_brackets_are_no_markup(capsys):
    text.show([Table("[bold]", ["variant"], [["[0.2, 0.5]"]])])
    assert "[bold]" in (out := capsys.readouterr().out)
    assert "[0.2, 0.5]" in out


def test_markdown_escapes_what_would_end_a_cell_and_leaves_empty_columns_out(capsys):
    text.show([Table("t_1", ["variant", "p", "note"], [["a|b", "0.1", ""], ["c*d", "1", ""]])], markdown=True)
    assert capsys.readouterr().out.splitlines() == [
        "**t\\_1**",
        "",
        "",
        "| variant | p |",
        "| :-- | --: |",
        "| a\\|b | 0.1 |",
        "| c\\*d | 1 |",
    ]


def test_a_heading_is_escaped_like_a_cell_and_a_line_is_no_heading(capsys):
    text.show([Table("t", ["a|b"], [["c"]], before=["# d"], after=["1. e", "@f https://g"])], markdown=True)
    assert capsys.readouterr().out.splitlines() == [
        "**t**",
        "",
        "- \\# d",
        "",
        "| a\\|b |",
        "| :-- |",
        "| c |",
        "",
        "1\\. e",
        "",
        "@<!-- -->f https:<!-- -->//g",
    ]


@pytest.mark.parametrize("markdown", [True, False])
def test_what_a_terminal_would_obey_is_spelled_out(markdown, capsys):
    text.show([Table("t\x1b[31m", ["a"], [["b\nc"]], after=["\u202ed"])], markdown=markdown)
    out = capsys.readouterr().out.replace("\\\\", "\\").replace("\\[", "[")
    assert "t\\x1b[31m" in out
    assert "b\\nc" in out
    assert "\\u202ed" in out


@pytest.mark.parametrize("markdown", [True, False])
def test_a_table_without_rows_is_its_words(markdown, capsys):
    text.show([Table("nothing", ["variant"], after=["said"])], markdown=markdown)
    out = capsys.readouterr().out
    assert "said" in out
    assert "variant" not in out
