"""A run is a pure function of config, seed and examples, bit for bit: in any process, on any processor.

`golden.json` holds digests of whole trainings. They are made again, where numbers are meant to change, by

    PYTHONPATH=.:tests python -m training.golden > tests/training/golden.json
"""

import dataclasses
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import llvmlite.binding as llvm
import numpy as np
import pytest
from samples import ROOT, config, seeds
from training.golden import CASES, FILE, SEEDS, data, digest, train

from pipeline.training import engine
from pipeline.training.engine import Examples
from pipeline.training.kernels.arguments import ACTIVATIONS, LOSSES

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize("case", CASES)
def test_a_training_has_the_bits_that_it_has_everywhere(case):
    assert digest(train(case)) == GOLDEN[case]


def test_every_option_is_among_the_cases_and_no_two_have_one_digest():
    assert list(GOLDEN) == list(CASES)
    assert len(set(GOLDEN.values())) == len(CASES)
    configs = [config(changes) for _, changes, _ in CASES.values()]
    assert {chosen.model.activation for chosen in configs} == set(ACTIVATIONS)
    assert {chosen.loss for chosen in configs} == set(LOSSES)
    for names, choose in (
        ("sgd adam adamw", lambda chosen: chosen.optimizer),
        ("constant step cosine", lambda chosen: chosen.training.lr_schedule),
        ("none validation_loss", lambda chosen: chosen.training.early_stopping),
        ("none hold_out k_fold", lambda chosen: chosen.data.validation),
        ("none oracle estimated", lambda chosen: chosen.data.importance_weights),
    ):
        assert {choose(chosen).name for chosen in configs} == set(names.split())


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_runs_beside_each_other_have_the_bits_that_they_have_alone(threads):
    """In any order, on any number of threads, with one data set for all."""
    names = [name for name, (arguments, _, _) in CASES.items() if not arguments]
    cases = np.random.default_rng(threads).permutation(names * 3).tolist()
    examples = Examples(data())

    def run(case: str) -> str:
        _, changes, fold = CASES[case]
        return digest(engine.train(config(changes), seeds(SEEDS)[1], examples, fold=fold))

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(run, cases)) == [GOLDEN[case] for case in cases]


# --- other processors ------------------------------------------------------------------------------------------------

X86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="about x86-64 processors")
PROGRAM = """
import json, sys
from training.golden import digests
print(json.dumps({"digests": digests(), "compiled": "numba" in sys.modules}))
"""


def elsewhere(environment: dict[str, str], emulator: Sequence[str] = ()) -> dict[str, str]:
    """Compute the digests in another process; nothing may be compiled in an emulated one."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [*emulator, sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = json.loads(done.stdout)
    assert not (emulator and printed["compiled"])
    return printed["digests"]


def without_avx512() -> str:
    has = {name: on and not name.startswith(("avx512", "avx10")) for name, on in llvm.get_host_cpu_features().items()}
    return ",".join(f"{'+' if on else '-'}{name}" for name, on in has.items())


PROCESSORS = {
    "haswell": ("haswell", "+avx2,+fma"),
    "znver3": ("znver3", "+avx2,+fma,-sse4a"),  # without the instructions that an Intel lacks
    "this one without AVX-512": (llvm.get_host_cpu_name(), without_avx512()),
    "skylake-avx512": ("skylake-avx512", "+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl"),
}


@X86
@pytest.mark.parametrize("name", PROCESSORS)
def test_kernels_for_another_processor_give_the_same_bits(name):
    """Registers of another width, tiles of other shapes; NumPy and OpenBLAS without what is newer than AVX2."""
    processor, features = PROCESSORS[name]
    if "+avx512f" in features and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this processor has no AVX-512")
    environment = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    if "avx512" not in name:
        environment |= {"NPY_DISABLE_CPU_FEATURES": "X86_V4", "OPENBLAS_CORETYPE": "Haswell"}
    assert elsewhere(environment) == GOLDEN


QEMU = shutil.which("qemu-x86_64")
ASK = "import llvmlite.binding as llvm; print(llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())"


@X86
@pytest.mark.slow
@pytest.mark.skipif(QEMU is None, reason="qemu-user is not installed")
@pytest.mark.parametrize("model", ["Haswell", "EPYC"])
def test_an_emulated_processor_gives_the_same_bits(model):
    """Kernels are compiled here, for the processor that the emulated one says it is, and loaded there."""
    emulator = [str(QEMU), "-cpu", model]
    asked = subprocess.run([*emulator, sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    name, features = asked.stdout.split()
    assert elsewhere({"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}) == GOLDEN
    assert elsewhere({}, emulator) == GOLDEN


def test_the_norm_of_the_weights_adds_layers_in_their_order():
    """Every Python does, while its `sum` compensates for rounding since 3.12."""
    weights = [np.array([[size]]) for size in (1.0, 1e-8, 1e-8)]
    result = dataclasses.replace(train(next(iter(CASES))), weights=weights)
    assert result.metrics()["half_squared_norm"] == 0.5
