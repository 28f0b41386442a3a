"""Programs and temporary folders end with the command, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ablate import processes
from pipeline.core.errors import UserError

# a program whose child outlives it, in the same session
CHILD = "sleep 300 & echo $!; "


def test_output_and_status_are_returned_and_nothing_can_be_asked(tmp_path):
    script = "pwd; cat; echo error >&2; (: </dev/tty) 2>/dev/null && echo a terminal; exit 3"
    ended = processes.captured(["sh", "-c", script], tmp_path, dict(os.environ), 10)
    assert ended == (3, f"{tmp_path}\n".encode(), "error\n")
    assert processes.shown(["sh", "-c", "exit 4"], tmp_path, dict(os.environ)) == 4


@pytest.mark.parametrize("end", ["exit 0", "sleep 300"])
def test_no_process_is_left_of_a_program_that_ends_or_falls_silent(end, tmp_path):
    script = f"{CHILD} echo $! > child; {end}"
    if end == "exit 0":
        processes.captured(["sh", "-c", script], tmp_path, dict(os.environ), 10)
    else:
        with pytest.raises(TimeoutError):
            processes.captured(["sh", "-c", script], tmp_path, dict(os.environ), 2)
    assert not is_running(int((tmp_path / "child").read_text()))


def is_running(number: int) -> bool:
    return psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE


def test_a_program_that_writes_is_not_silent(tmp_path):
    script = "for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.5; done"
    assert processes.captured(["sh", "-c", script], tmp_path, dict(os.environ), 2).status == 0


COMMAND = """
import os, sys
from pathlib import Path
from ablate import processes
from pipeline.core import console

def main(arguments):
    with processes.temporary_folder() as folder:
        script = "trap '' TERM; " * (arguments[0] == "stubborn") + "sleep 300 & echo $! > child; echo > ready; wait"
        processes.shown(["sh", "-c", script], folder, dict(os.environ))

console.run(main)
"""


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (signal.SIGINT, "willing"),
        (signal.SIGTERM, "willing"),
        (signal.SIGHUP, "willing"),
        pytest.param(signal.SIGTERM, "stubborn", marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_program_and_deletes_the_folder(number, kind, tmp_path):
    command = [sys.executable, "-c", COMMAND, kind]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stderr=subprocess.DEVNULL) as process:
        while not (ready := list(tmp_path.glob("*/ready"))):
            assert process.poll() is None
            time.sleep(0.02)
        child = int(ready[0].with_name("child").read_text())
        assert is_running(child)
        for _ in range(2):  # as somebody does who is impatient
            process.send_signal(number)
            time.sleep(0.05)
        # the second signal may come when Python has restored its handlers
        assert process.wait(20) in (128 + number, -number)
    assert not is_running(child)
    assert list(tmp_path.iterdir()) == []


def test_a_full_and_a_forbidden_place_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_FULL", 2**80)
    full = "no space left for a copy .*; TMPDIR names another folder"
    with pytest.raises(UserError, match=full), processes.temporary_folder() as folder:
        raise UserError("git: cannot write")
    assert not folder.exists()
    monkeypatch.setattr(processes.tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UserError, match=r"cannot be written \(No such file"), processes.temporary_folder():
        pass
    assert list(Path(tmp_path).iterdir()) == []
