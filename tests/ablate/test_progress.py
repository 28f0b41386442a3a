import logging
import os
import pty
import subprocess
import sys
import time

import pytest

from ablate import progress

log = logging.getLogger("ablate.plan")


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.05)


def test_without_a_terminal_the_latest_step_is_a_line_on_stderr(hurried, capsys):
    with progress.shown("reading"):
        time.sleep(0.2)
        log.info("timing study %d of %d", 1, 2)
        log.info("timing study %d of %d", 2, 2)
        time.sleep(0.2)
    written = capsys.readouterr()
    assert written.out == ""
    lines = written.err.splitlines()
    assert lines[0] == "reading (0 s)"
    assert lines[-1] == "timing study 2 of 2 (0 s)"
    assert "timing study 1 of 2 (0 s)" not in lines
    # afterwards nothing is shown
    log.info("more")
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_a_command_that_ends_at_once_or_fails_says_nothing_of_its_steps(capsys):
    with pytest.raises(ValueError, match="wrong"), progress.shown("reading"):
        raise ValueError("wrong")
    assert capsys.readouterr().err == ""
    assert not logging.getLogger("ablate").handlers


def test_on_a_terminal_the_step_is_shown_and_wiped():
    code = """
import logging, time
from ablate import progress
with progress.shown("reading"):
    time.sleep(0.3)
    logging.getLogger("ablate.plan").info("timing [study]")
    time.sleep(0.3)
"""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, env=environment, check=True
    )
    os.close(theirs)
    written = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.stdout == b""
    assert written.index("reading (0 s)") < written.index("timing [study] (0 s)")
    # the last thing is the line erased
    assert written.endswith("\x1b[2K") or "\x1b[2K" in written[written.rindex("timing") :]


def test_a_thread_that_cannot_write_its_lines_ends_no_command_and_holds_none_up():
    code = """
import time
from ablate import progress
progress.INTERVAL = 0.05
with progress.shown("reading"):
    time.sleep(0.2)
print("done")
"""
    with open("/dev/full", "w") as full:  # noqa: PTH123  # no file to make
        done = subprocess.run([sys.executable, "-c", code], stderr=full, stdout=subprocess.PIPE, timeout=60, check=True)
    assert done.stdout == b"done\n"
