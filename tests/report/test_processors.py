"""Whatever is computed from runs has the same bytes whichever code NumPy, OpenBLAS and the C library choose."""

import os
import pickle
import subprocess
import sys

import pytest
from report.sections import trained, write_project

from pipeline.stages import _has_avx2

# libraries that are imported before a stage choose their own code, or that of the environment
WRITE = """
import hashlib, math, pickle, sys
import numpy as np
import scipy.linalg
from pipeline.analysis import summary
from pipeline.project import artifacts, params
from pipeline.stages import report

with open(sys.argv[1], "rb") as file:
    results, measured = pickle.load(file)
for key, study in params.load().studies.items():
    artifacts.write_results(study, results[key].results)
    artifacts.write_metrics(key, summary.metrics(study, results[key].results))
    artifacts.write_curves(key, summary.curves(results[key].curves, study.split_correlations))
    artifacts.write_diagnostics(key, results[key].diagnostics)
for key, table in measured.items():
    artifacts.write_measured(key, table)
report.main([])

numbers = np.random.default_rng(0).random((100, 100)) + 1
bits = [np.log(numbers), numbers[:9, :9] @ numbers[:9, :9], [math.exp(number) for number in numbers.flat]]
print(*(hashlib.sha256(np.asarray(array).tobytes()).hexdigest() for array in bits), sep="\\n")
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
    # also functions of the C library without FMA, which round otherwise
    "SSE": {
        "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {WIDE}",
        "OPENBLAS_CORETYPE": "Nehalem",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    },
}
CHOSEN = {name for variables in MACHINES.values() for name in variables}


@pytest.mark.slow
@pytest.mark.skipif(not _has_avx2(), reason="without AVX2 a processor has no other code to choose")
def test_summary_curves_claims_figures_and_page_are_the_same(tmp_path):
    inputs = tmp_path / "inputs.pickle"
    inputs.write_bytes(pickle.dumps(trained()[1:]))
    processes = {}
    for name, variables in MACHINES.items():
        (tmp_path / name).mkdir()
        write_project(tmp_path / name)
        environment = {key: value for key, value in os.environ.items() if key not in CHOSEN} | variables
        command = [sys.executable, "-c", WRITE, str(inputs)]
        process = subprocess.Popen(command, cwd=tmp_path / name, env=environment, text=True, stdout=subprocess.PIPE)
        processes[name] = process
    digests = [process.communicate()[0].split() for process in processes.values()]
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
    assert all(len(set(bits)) > 1 for bits in zip(*digests, strict=True))
