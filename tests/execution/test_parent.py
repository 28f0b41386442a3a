"""Work whose parent is gone ends; with a real parent that is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from samples import ROOT

from pipeline.execution import parent
from pipeline.project.errors import UserError

CHILD = """
import os, sys, time
from pathlib import Path
from pipeline.execution import parent
said, work = Path(sys.argv[1]), sys.argv[2]
said.with_suffix(".new").write_text(" ".join(map(str, [os.getpid(), *parent.lineage()])))
said.with_suffix(".new").rename(said)
exec(work)
while True:
    try:
        parent.demand()
    except Exception as error:
        said.write_text(str(error))
        sys.exit()
    time.sleep(0.05)
"""
STARTER = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Callable[..., list[int]]]:
    """Starts a process that starts the child, if so by a shell of one command; says the numbers of all."""
    (tmp_path / "starter.py").write_text(STARTER)
    open_: list[subprocess.Popen] = []

    def start(work: str = "", by_shell: bool = False) -> list[int]:
        child = ["-c", CHILD, str(tmp_path / "said"), work]
        if by_shell:
            child = ["-c", f"import subprocess, sys; subprocess.run([sys.executable, *{child!r}])"]
        command = [sys.executable, str(tmp_path / "starter.py"), *child]
        open_.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}))
        while not (tmp_path / "said").exists():
            time.sleep(0.05)
        return [open_[0].pid, *map(int, (tmp_path / "said").read_text().split())]

    yield start
    for process in open_:
        process.kill()
        process.wait()


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_with_its_parent_it_goes_on():
    parent.demand()


def test_an_orphan_is_refused(family, tmp_path):
    starter, child, *lineage = family()
    assert lineage == [starter]
    os.kill(starter, signal.SIGKILL)
    assert gone(child, 20)
    assert f"({starter}) is gone" in (tmp_path / "said").read_text()


def test_an_orphan_of_who_started_its_shell_is_refused(family, tmp_path):
    """As with a shell that does not give its place to its one command."""
    starter, child, shell, above = family(by_shell=True)
    assert above == starter
    os.kill(starter, signal.SIGKILL)
    assert gone(child, 20)
    assert f"({starter}) is gone" in (tmp_path / "said").read_text()
    assert gone(shell, 20)


def test_a_worker_ends_with_its_parent_in_the_midst_of_its_work(family):
    starter, child, *_ = family(work="parent.end_with(os.getppid()); time.sleep(600)")
    os.kill(starter, signal.SIGKILL)
    assert gone(child, 20)


def test_a_process_that_cannot_be_looked_at_is_its_own_parent_s_child(monkeypatch):
    def denied(pid):
        raise psutil.AccessDenied

    monkeypatch.setattr(parent.psutil, "Process", denied)
    assert parent.lineage() == (os.getppid(),)
    monkeypatch.setattr(parent, "_STARTED_BY", (1_000_000_000,))
    with pytest.raises(UserError, match=r"\(1000000000\) is gone"):
        parent.demand()
