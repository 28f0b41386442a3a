import errno
import signal
import sys

import pytest

from pipeline.core import console
from pipeline.core.errors import UserError


def run(main, monkeypatch, arguments=()) -> int:
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as caught:
            console.run(main)
    finally:
        signal.signal(signal.SIGTERM, before)
    return caught.value.code


def test_the_arguments_arrive(monkeypatch):
    received = []
    assert run(received.append, monkeypatch, ["a", "b"]) == 0
    assert received == [["a", "b"]]


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (UserError("params.yaml: seeds.count: found 0"), 2, "params.yaml: seeds.count: found 0\n"),
        (UserError("one\nother\x1b[2J\u202e"), 2, "one\nother\\x1b[2J\\u202e\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device", "data/x.npz"), 2, "data/x.npz: No space left on device\n"),
        (OSError(errno.EMFILE, "Too many open files"), 2, "this machine: Too many open files\n"),
        (MemoryError("Unable to allocate 3 TiB"), 2, "out of memory (Unable to allocate 3 TiB)\n"),
    ],
)
def test_an_error_that_the_user_can_correct_is_a_line_and_a_status(error, status, lines, monkeypatch, capsys):
    def main(arguments):
        raise error

    assert run(main, monkeypatch) == status
    assert capsys.readouterr().err == lines


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "No such file", "x")])
def test_an_error_of_the_program_keeps_its_traceback(error, monkeypatch):
    def main(arguments):
        raise error

    with pytest.raises(type(error)):
        run(main, monkeypatch)


def test_a_terminated_program_cleans_up_and_says_so(monkeypatch, capsys):
    cleaned = []

    def main(arguments):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)

    assert run(main, monkeypatch) == 128 + signal.SIGTERM
    assert cleaned
    assert capsys.readouterr().err == "terminated\n"
