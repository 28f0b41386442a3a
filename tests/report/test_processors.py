"""What follows from runs has the same bytes for every code that NumPy, OpenBLAS, the C library and kernels may have."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from report.sections import trained, write_project

from pipeline.stages import _has_avx2

# what is imported before a stage has the code of its own choice, or of the variables that are set
WRITE = """
import hashlib, math, pickle, sys
import numpy as np
import scipy.linalg
from pipeline.analysis import summary
from pipeline.project import artifacts, params
from pipeline.stages import report

with open(sys.argv[1], "rb") as file:
    trained, measured = pickle.load(file)
for key, study in params.load().studies.items():
    artifacts.write_results(study, trained[key].results)
    artifacts.write_metrics(key, summary.metrics(study, trained[key].results))
    artifacts.write_curves(key, summary.curves(trained[key].curves, study.split_correlations))
    artifacts.write_diagnostics(key, trained[key].measurements)
for key, table in measured.items():
    artifacts.write_measured(key, table)
report.main([])

numbers = np.random.default_rng(0).random((100, 100)) + 1
bits = [np.log(numbers), numbers[:9, :9] @ numbers[:9, :9], [math.exp(number) for number in numbers.flat]]
print(*(hashlib.sha256(np.asarray(one).tobytes()).hexdigest() for one in bits), sep="\\n")
"""
WIDE = "X86_V4 AVX512_ICL AVX512_SPR"
MACHINES = {
    "this one": {},
    "AVX2": {
        "NPY_DISABLE_CPU_FEATURES": WIDE,
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx2,+fma",
    },
    # and the C library's functions without FMA, which round otherwise
    "SSE": {
        "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {WIDE}",
        "OPENBLAS_CORETYPE": "Nehalem",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    },
}
CHOSEN = {name for variables in MACHINES.values() for name in variables}


def started(folder: Path, inputs: Path, variables: dict[str, str]) -> subprocess.Popen[str]:
    folder.mkdir()
    write_project(folder)
    environment = {name: value for name, value in os.environ.items() if name not in CHOSEN} | variables
    command = [sys.executable, "-c", WRITE, str(inputs)]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE)


@pytest.mark.skipif(not _has_avx2(), reason="without AVX2 a processor has no other code to choose")
def test_summary_curves_ledger_figures_and_page_are_the_same(tmp_path):
    _, *inputs = trained()
    (tmp_path / "inputs.pickle").write_bytes(pickle.dumps(inputs))
    processes = {
        name: started(tmp_path / name, tmp_path / "inputs.pickle", variables) for name, variables in MACHINES.items()
    }
    printed = {name: process.communicate()[0].split() for name, process in processes.items()}
    assert not any(process.returncode for process in processes.values())
    written = {
        name: {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in MACHINES
    }
    first = written["this one"]
    assert {"index.html", "claims.csv", "summary.md", "ridge_path.svg"} <= {path.name for path in first}
    for name, files in written.items():
        assert files.keys() == first.keys()
        assert [path for path in first if files[path] != first[path]] == [], name
    # though the libraries themselves have other bits: log, a product, exp
    assert all(len(set(digests)) > 1 for digests in zip(*printed.values(), strict=True))
