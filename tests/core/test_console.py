import errno
import signal
import sys

import pytest

from pipeline.core import console
from pipeline.core.errors import UserError


def ended(main, monkeypatch, arguments=()) -> int:
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    with pytest.raises(SystemExit) as caught:
        console.run(main)
    return caught.value.code


def test_a_mistake_is_a_line_and_status_2(monkeypatch, capsys):
    def main(arguments):
        raise UserError("params.yaml: seeds.count: found 0")

    assert ended(main, monkeypatch) == 2
    assert capsys.readouterr().err == "params.yaml: seeds.count: found 0\n"


def test_the_arguments_arrive(monkeypatch):
    seen = []
    assert ended(seen.append, monkeypatch, ["a", "b"]) == 0
    assert seen == [["a", "b"]]


def test_an_interrupt_is_a_line(monkeypatch, capsys):
    def main(arguments):
        raise KeyboardInterrupt

    assert ended(main, monkeypatch) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def main(arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(ZeroDivisionError):
        console.run(main)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "data/x.npz"), "data/x.npz: No space left on device\n"),
        (OSError(errno.EMFILE, "Too many open files"), "this machine: Too many open files\n"),
        (MemoryError("Unable to allocate 3 TiB"), "out of memory (Unable to allocate 3 TiB)\n"),
        (MemoryError(), "out of memory\n"),
    ],
)
def test_what_the_machine_lacks_is_a_line(error, line, monkeypatch, capsys):
    def main(arguments):
        raise error

    assert ended(main, monkeypatch) == 2
    assert capsys.readouterr().err == line


def test_a_file_that_is_not_there_is_a_fault_of_the_program(monkeypatch):
    def main(arguments):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")

    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(FileNotFoundError):
        console.run(main)


def test_who_is_terminated_clears_away_and_says_so(monkeypatch, capsys):
    cleared = []

    def main(arguments):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleared.append(True)

    before = signal.getsignal(signal.SIGTERM)
    try:
        assert ended(main, monkeypatch) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert cleared
    assert capsys.readouterr().err == "terminated\n"
