import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ablate import text
from ablate.text import Table
from pipeline.project.metrics import METRICS

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


def test_a_pipe_gets_no_colour_and_no_broken_lines(capsys):
    text.show([Table("t", ["variant"], [["x " * 500]])])
    out = capsys.readouterr().out
    assert ("x " * 500).rstrip() in out
    assert "\x1b" not in out


def test_a_terminal_gets_colours(monkeypatch, capsys):
    monkeypatch.setattr(text, "Console", lambda **options: Console(**options, file=io.StringIO(), force_terminal=True))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    text.show([TABLE])
    out = capsys.readouterr().out
    assert "\x1b[32mbetter" in out
    assert "\x1b[31mworse" in out


def test_markdown_is_escaped_and_leaves_empty_columns_out(capsys):
    rows = [["a|b", "0.1", ""], ["c*d", "1", ""]]
    table = Table("t_1", ["var|iant", "p", "note"], rows, before=["# d"], after=["1. e", "@f https://g"])
    text.show([table, Table("nothing", ["variant"], after=["said"])], markdown=True)
    assert capsys.readouterr().out.splitlines() == [
        "**t\\_1**",
        "",
        "- \\# d",
        "",
        "| var\\|iant | p |",
        "| :-- | --: |",
        "| a\\|b | 0.1 |",
        "| c\\*d | 1 |",
        "",
        "1\\. e",
        "",
        "@<!-- -->f https:<!-- -->//g",
        "",
        "**nothing**",
        "",
        "",
        "said",
    ]


@pytest.mark.parametrize("markdown", [True, False])
def test_what_a_terminal_would_obey_is_spelled_out(markdown, capsys):
    text.show([Table("t\x1b[31m", ["a\r"], [["b\nc"]], before=["\x07"], after=["\u202ed"])], markdown=markdown)
    out = capsys.readouterr().out.replace("\\\\", "\\").replace("\\[", "[")
    for escaped in ("t\\x1b[31m", "a\\r", "b\\nc", "\\x07", "\\u202ed"):
        assert escaped in out


def test_a_row_has_a_cell_for_each_heading():
    row = SimpleNamespace(
        **dict.fromkeys(("estimate", "low", "high"), np.nan),
        **{"effect": 0.8, "effect_low": 0.7, "effect_high": 0.9, "p_adjusted": 0.0123, "win_rate": 0.9},
        **{"identical": False, "verdict": "better", "note": ""},
    )
    wanted = ["× 0.800", "[0.700, 0.900]", "0.012", "90 %", "better", ""]
    assert text.evidence(row, METRICS["test_loss"]) == wanted
    assert len(text.EVIDENCE) == len(wanted)


def test_records_keep_every_digit_and_null_what_is_undefined():
    table = pd.DataFrame({"a": [0.1 + 0.2, np.nan], "n": [1, 2], "ok": [True, False], "text": ["x", None]})
    assert text.records(table) == [
        {"a": 0.1 + 0.2, "n": 1, "ok": True, "text": "x"},
        {"a": None, "n": 2, "ok": False, "text": None},
    ]


def test_a_metric_without_a_better_direction_says_so():
    assert text.direction(METRICS["weight_norm"]) == "norm of all weights, neither way is better"
