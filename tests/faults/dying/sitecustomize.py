"""Ends a stage of the pipeline at a chosen moment. Python imports a module of this name from PYTHONPATH when it starts.

`DIES_AT` is `<stage> <phase> <count> <signal>`: at the count-th moment of the phase the signal is sent. "PARENT" kills
DVC by SIGKILL; "INT" interrupts the whole process group, as Ctrl-C does.
"""

import itertools
import os
import signal
import sys
import threading
from pathlib import Path

import psutil

STAGE, PHASE, COUNT, SIGNAL = os.environ["DIES_AT"].split()
# calls of functions of these modules are moments of the phase
COMPUTING = {
    "training": ("pipeline/training/engine.py", "pipeline/execution/results.py"),
    "drawing": ("pipeline/report/drawing.py", "pipeline/report/svg.py", "pipeline/analysis/comparison.py"),
}
# calls by which a file that is open for writing grows, or is closed
WRITING = {"write", "writerows", "flush", "close"}
passed = itertools.count(1)  # shared by threads
temporary_open = temporary_renamed = False


def moment() -> None:
    if next(passed) != int(COUNT):
        return
    Path(os.environ["DIED"]).write_text(PHASE)
    if SIGNAL == "PARENT":
        # some shells stay between DVC and the command
        next(parent for parent in psutil.Process().parents() if "dvc" in Path(parent.cmdline()[1]).name).kill()
    elif SIGNAL == "INT":
        os.killpg(os.getpgrp(), signal.SIGINT)
    else:
        os.kill(os.getpid(), signal.Signals[f"SIG{SIGNAL}"])


def audited(event: str, arguments: tuple) -> None:
    global temporary_open, temporary_renamed
    if event == "open":
        path = str(arguments[0])
        temporary_open = path.startswith(("data/", "reports/")) and path.endswith(".tmp")
    elif event == "os.rename":  # Python renames the modules that it has compiled, too
        temporary_renamed = str(arguments[0]).endswith(".tmp")
        temporary_open = temporary_open and not temporary_renamed
        if PHASE == "renaming" and temporary_renamed:
            moment()  # before the file is renamed


def profiled(frame, event: str, argument: object) -> None:
    name = getattr(argument, "__name__", "") if event == "c_return" else ""
    if PHASE in COMPUTING:
        reached = event == "call" and frame.f_code.co_filename.endswith(COMPUTING[PHASE])
    elif PHASE == "writing":
        reached = temporary_open and name in WRITING
    else:
        # just after the file is renamed
        reached = temporary_renamed and name == "replace" and argument.__module__ == "posix"
    if reached:
        moment()


if any(f"pipeline.stages.{STAGE}" in word for word in sys.orig_argv):
    sys.addaudithook(audited)
    sys.setprofile(profiled)
    threading.setprofile(profiled)
