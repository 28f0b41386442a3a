import io

from rich.console import Console

from ablate import text
from ablate.text import Table

ROWS = [["a", "1.00", "better"], ["a_long|name", "10.0", "worse"]]
TABLE = Table("weight_decay: test loss", ["variant", "n", "verdict"], ROWS, frozenset([0, 2]), ["before"], ["after"])


def test_columns_are_aligned_and_tables_with_the_same_header_share_them(capsys):
    text.show([TABLE, Table("[bold]", TABLE.header, [["日本", "[2]", "equivalent"]], TABLE.left)])
    assert capsys.readouterr().out.splitlines() == [
        "weight_decay: test loss",
        "before",
        "  variant         n  verdict",
        "  a            1.00  better",
        "  a_long|name  10.0  worse",
        "after",
        "",
        "[bold]",
        "  variant         n  verdict",
        "  日本          [2]  equivalent",
    ]


def test_colours_are_for_a_terminal_and_a_pipe_gets_whole_lines(monkeypatch, capsys):
    text.show([Table("t", ["variant"], [["x " * 500]])])
    out = capsys.readouterr().out
    assert ("x " * 500).rstrip() in out
    assert "\x1b" not in out
    monkeypatch.setattr(text, "Console", lambda **options: Console(**options, file=io.StringIO(), force_terminal=True))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    text.show([TABLE])
    out = capsys.readouterr().out
    assert "\x1b[32mbetter" in out
    assert "\x1b[31mworse" in out


def test_markdown_leaves_empty_columns_out(capsys):
    table = Table("t_1", ["variant", "p", "note"], [["a|b", "0.1", ""]], before=["d"], after=["1. e"])
    text.show([table, Table("nothing", ["variant"], after=["said"])], markdown=True)
    assert capsys.readouterr().out.splitlines() == [
        "**t\\_1**",
        "",
        "- d",
        "",
        "| variant | p |",
        "| :-- | --: |",
        "| a\\|b | 0.1 |",
        "",
        "1\\. e",
        "",
        "**nothing**",
        "",
        "",
        "said",
    ]
