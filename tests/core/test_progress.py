import io
import sys
import threading
import types

from pipeline.core import progress


def test_without_a_terminal_a_line_now_and_then_and_one_at_the_end(caplog, monkeypatch):
    caplog.set_level("INFO")
    now = 0.0
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: now))
    with progress.progress("report", 7, "figure") as show:
        for seconds, done in ((1.0, 1), (1.9, 2), (2.1, 3), (3.0, 4), (9.0, 5), (20.0, 5), (20.1, 7), (20.2, 7)):
            now = seconds
            show(done, "" if done == 4 else f"study effects {done}")
    assert [record.message for record in caplog.records] == [
        "report: figure 3 of 7 (study effects 3)",
        "report: figure 5 of 7 (study effects 5)",
        "report: figure 5 of 7 (study effects 5)",
        "report: figure 7 of 7 (study effects 7)",
    ]


def test_on_a_terminal_a_bar_without_lines_or_threads(caplog, monkeypatch):
    caplog.set_level("INFO")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    before = threading.enumerate()
    with progress.progress("report", 7, "figure") as show:
        show(3)
        assert threading.enumerate() == before
        show(7, "study effects")
    assert "report: 100%" in terminal.getvalue()
    assert "7/7" in terminal.getvalue()
    assert "study effects" in terminal.getvalue()
    assert not caplog.records
