import os
import subprocess
import sys

import pytest
from samples import ROOT

from pipeline.stages import _has_avx2


def test_a_stage_under_the_wrong_python_ends_with_one_line_that_says_so():
    for stage in ("check", "data", "train", "report"):
        # -S leaves out the site-packages: a Python in which nothing was installed
        done = subprocess.run(
            [sys.executable, "-S", "-m", f"pipeline.stages.{stage}", "x"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        for words in (sys.executable, "torch", "activate", "make"):
            assert words in done.stderr


_FEATURES = """
import pipeline.stages
import scipy.linalg
from numpy._core._multiarray_umath import __cpu_features__ as has
import threadpoolctl
print(any(has[name] for name in ("X86_V4", "AVX512_ICL", "AVX512_SPR")))
for one in threadpoolctl.threadpool_info():
    if one["internal_api"] == "openblas":
        print(one["architecture"], one["num_threads"])
"""


@pytest.mark.skipif(not _has_avx2(), reason="nothing is chosen on a processor without AVX2")
def test_stages_take_one_code_path_of_numpy_and_openblas_and_say_nothing_about_it():
    chosen = ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    command = [sys.executable, "-W", "error::ImportWarning", "-c", _FEATURES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    wide, *libraries = done.stdout.splitlines()
    assert wide == "False"
    assert set(libraries) == {"Haswell 1"}
    assert done.stderr == ""
    # what the user has set stays
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "OPENBLAS_CORETYPE": "Sandybridge"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.splitlines()[1:]) == {"Sandybridge 1"}
