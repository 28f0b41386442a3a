"""The kernel of a training, compiled for ARM64 and run by an emulator: the numbers are those of this processor."""

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from samples import config, seeds
from training.golden import CASES, SEEDS, data, digest
from training.test_purity import GOLDEN

from pipeline.arithmetic import library
from pipeline.training import engine
from pipeline.training.engine import Control, Examples
from pipeline.training.kernels.arguments import FIELDS, RUN

GCC, QEMU = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")


def prepare(case: str) -> tuple[engine._Run, dict[str, np.ndarray]]:
    """Return a run that is not trained yet, and all of its arrays."""
    arguments, changes, fold = CASES[case]
    control = Control()
    run = engine._Run(Examples(data(**arguments)).plan(config(changes), fold), seeds(SEEDS)[1], control)
    return run, {**run.plan.arrays, **run.arrays, "stop": control.stop, "progress": control.epochs}


def to_bytes(run: engine._Run, arrays: Mapping[str, np.ndarray]) -> bytes:
    """Write a run as `arm64.c` reads it."""
    record = run.record.tobytes()
    parts = [struct.pack("<qq", len(arrays), len(record)), record]
    for name, array in arrays.items():
        parts += [struct.pack("<qq", RUN.fields[name][1], array.nbytes), array.tobytes()]
    return b"".join(parts)


@pytest.mark.slow
@pytest.mark.skipif(not (GCC and QEMU), reason="gcc-aarch64-linux-gnu and qemu-user are not installed")
def test_an_emulated_arm64_gives_the_same_numbers(tmp_path: Path):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(cpu="neoverse-n1", opt=3)
    symbol, code = library._compile("pipeline.training.kernels.training:fit", (FIELDS,), "float32", machine)
    program, kernel, before, after = (tmp_path / name for name in ("program", "kernel.o", "before", "after"))
    kernel.write_bytes(code)
    source = str(Path(__file__).with_name("arm64.c"))
    command = [str(GCC), "-O1", "-static", f"-DKERNEL={symbol}", source, str(kernel), "-o", str(program)]
    subprocess.run(command, check=True)
    runs = [prepare(case) for case in CASES]
    before.write_bytes(struct.pack("<q", len(runs)) + b"".join(to_bytes(*run) for run in runs))
    subprocess.run([str(QEMU), str(program), str(before), str(after)], check=True)
    with after.open("rb") as file:
        for case, (run, arrays) in zip(CASES, runs, strict=True):
            for array in (run.record, *arrays.values()):
                array.reshape(-1)[:] = np.frombuffer(file.read(array.nbytes), array.dtype)
            assert digest(run.result()) == GOLDEN[case]
