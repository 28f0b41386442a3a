"""The counts are what was counted, once each, and reach the page."""

from collections import Counter
from types import SimpleNamespace

from faults.tally import BEGIN, END, rows, total, write


def test_counts_of_all_tests_are_added_up_and_written(tmp_path):
    reports = [
        SimpleNamespace(user_properties=[("tally", ("kills", "SIGKILL", "same bits", 2)), ("other", 1)]),
        SimpleNamespace(user_properties=[("tally", ("kills", "SIGKILL", "same bits", 3))]),
        SimpleNamespace(user_properties=[("tally", ("disk", "full", "one line", 1))]),
    ]
    counts = total(reports)
    assert counts == Counter({("kills", "SIGKILL", "same bits"): 5, ("disk", "full", "one line"): 1})
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(page, counts)
    lines = page.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "| killed | SIGKILL | same bits | 5 |" in lines
    assert lines.index("| killed | SIGKILL | same bits | 5 |") < lines.index(
        "| full disk or size limit | full | one line | 1 |"
    )
    assert "| all | | | 6 |" in lines
    assert "old" not in lines
    assert len(rows(counts)) == 5
