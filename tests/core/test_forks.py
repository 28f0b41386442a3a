"""Work in forked processes: its order, and what happens if one dies. In a process without threads, unlike pytest's."""

import os
import subprocess
import sys

import pytest
from samples import ROOT

from pipeline.core import forks

SCRIPT = """
import contextlib, os, signal, time
from pipeline.core import forks

parent, calls = os.getpid(), []

def square(number):
    if os.getpid() == parent:
        calls.append(number)
    elif number == 13 and dies:
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        time.sleep(0.01)  # or one process may do everything before the others start
    return number * number, os.getpid()

numbers, squares = range(20), [number * number for number in range(20)]
dies = False
results = list(forks.in_order(square, numbers))
assert [result for result, _ in results] == squares
assert not calls and 1 < len({pid for _, pid in results}) <= 3, "forked"
dies = True
assert [result for result, _ in forks.in_order(square, numbers)] == squares
assert 13 in calls and calls == list(range(calls[0], 20)), "what is left, here"
calls.clear()
assert [result for result, _ in forks.in_order(square, numbers[:7])] == squares[:7] and len(calls) == 7, "few"
dies = False
with contextlib.closing(forks.in_order(square, numbers)) as results:
    next(results)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process does the work")
def test_several_processes_give_the_same_results_even_if_one_dies():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "ABLATE_THREADS": "3"}
    command = [sys.executable, "-c", SCRIPT]
    # with a deadline: to wait for a process that died would be to wait for ever
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "no child is left\n"), done.stderr


def test_an_error_is_that_of_the_work():
    with pytest.raises(ZeroDivisionError):
        list(forks.in_order(lambda number: 1 // number, [2, 1, 0]))
