import sys

import pytest

from pipeline.project import console
from pipeline.project.errors import UserError


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
