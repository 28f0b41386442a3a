import os
import subprocess
import sys

import pytest
from samples import ROOT

from pipeline.core.errors import UserError
from pipeline.project import artifacts, params
from pipeline.stages import _has_avx2, data, measure, train


@pytest.mark.parametrize(
    ("stage", "keys"), [(data, "images, linear"), (measure, "product"), (train, "activation, weight_decay")]
)
def test_an_unknown_key_is_named(stage, keys, params_file, in_folder):
    artifacts.write_parts(params.load(params_file()))
    with pytest.raises(UserError, match=f"^params.yaml: found no 'missing', allowed: {keys}$"):
        stage.main(["missing"])


def test_a_stage_under_the_wrong_python_ends_with_one_line_that_says_so():
    for stage in ("check", "data", "measure", "train", "report"):
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
for library in threadpoolctl.threadpool_info():
    if library["internal_api"] == "openblas":
        print(library["architecture"], library["num_threads"])
"""


@pytest.mark.skipif(not _has_avx2(), reason="nothing is chosen on a processor without AVX2")
def test_stages_choose_the_same_code_of_numpy_and_openblas_everywhere_unless_the_user_does():
    chosen = ("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    command = [sys.executable, "-W", "error::ImportWarning", "-c", _FEATURES]
    for changes, library in (({}, "Haswell 1"), ({"OPENBLAS_CORETYPE": "Sandybridge"}, "Sandybridge 1")):
        done = subprocess.run(command, cwd=ROOT, env=environment | changes, capture_output=True, text=True, check=True)
        wide, *libraries = done.stdout.splitlines()
        assert (wide, set(libraries), done.stderr) == ("False", {library}, "")
