"""The cache of compiled kernels is damaged, full, unwritable or written by several: the numbers stay the same.

A processor or a mode of the process whose arithmetic differs is refused in one line.
"""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from samples import ROOT

from pipeline.arithmetic import library
from pipeline.core.errors import UserError

PROGRAM = """
import logging, resource, sys
logging.basicConfig(format="%(message)s")
logging.getLogger("pipeline").setLevel(logging.INFO)
import numpy as np
from pipeline.arithmetic import library
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
state, found = np.arange(4, dtype=np.uint64), np.empty(50, np.int64)
permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
permute(state.ctypes.data, found.ctypes.data, 50)
print(found.tolist())
"""


def start(home: Path, *limit: str) -> subprocess.Popen[str]:
    """Start a process that calls a kernel, with its cache in this folder."""
    # without the variables of coverage, whose data file would exceed the limit
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    environment = {**inherited, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *limit], env=environment, text=True, **pipes)


def run(home: Path, *limit: str) -> tuple[str, list[str]]:
    """Return what such a process prints, and the lines of its log."""
    process = start(home, *limit)
    printed, said = process.communicate()
    assert process.returncode == 0, said
    return printed, said.splitlines()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a cache with the kernel, and what the program prints."""
    home = tmp_path_factory.mktemp("once") / "home"
    return home, run(home)[0]


@pytest.fixture
def printed(once: tuple[Path, str]) -> str:
    return once[1]


@pytest.fixture
def kernel(once: tuple[Path, str], tmp_path: Path) -> Path:
    """Return the file of the kernel in a copy of that cache, in `home`."""
    shutil.copytree(once[0], tmp_path / "home")
    (path,) = (tmp_path / "home").rglob("*.o")
    return path


@pytest.mark.parametrize("damage", ["cut", "flipped bit"])
def test_a_damaged_file_is_compiled_again(damage, kernel, printed, tmp_path, many, tally):
    whole = kernel.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(len(whole), size=many(10)):
        flipped = whole[:place] + bytes([whole[place] ^ 1 << int(random.integers(8))]) + whole[place + 1 :]
        kernel.write_bytes({"cut": whole[:place], "flipped bit": flipped}[damage])
        again, said = run(tmp_path / "home")
        assert again == printed
        assert [line.split(":")[-1].strip()[:8] for line in said] == ["damaged,", "compiled"], said
        assert kernel.read_bytes() == whole
        tally("kernels", f"file of a kernel, {damage}", "compiled again")


@pytest.mark.slow
def test_processes_that_compile_at_once_leave_one_whole_file(printed, tmp_path, many, tally):
    for number in range(many(10)):
        home = tmp_path / str(number)
        for process in [start(home) for _ in range(4)]:
            assert process.communicate()[0] == printed
        assert [path.suffix for path in home.rglob("*") if path.is_file()] == [".o"]
        assert run(home) == (printed, [])
        tally("kernels", "4 processes that compile at once", "one whole file")


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_that_harms(printed, tmp_path, many, tally):
    """At any time from its start to its end."""
    begun = time.monotonic()
    run(tmp_path / "timed")
    took = time.monotonic() - begun
    tries = many(30)
    for number in range(tries):
        home = tmp_path / str(number)
        process = start(home)
        time.sleep(took * (number + 1) / tries)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert run(home)[0] == printed
        assert run(home) == (printed, [])
        tally("kernels", "SIGKILL while a kernel is compiled", "the next process compiles it")


@pytest.mark.parametrize("case", ["file in place of the folder", "folder in place of the file", "file size limit"])
def test_if_nothing_can_be_kept_kernels_are_compiled_in_memory(case, kernel, printed, tmp_path, tally):
    kernel.unlink()
    if case == "file in place of the folder":
        kernel.parent.rmdir()
        kernel.parent.touch()
    elif case == "folder in place of the file":
        kernel.mkdir()
    again, said = run(tmp_path / "home", *(["1000"] if case == "file size limit" else []))
    assert again == printed
    compiled, kept = said
    assert compiled.startswith("permute: compiled in ")
    assert kept.startswith("compiled kernels are not kept: ")
    assert not [path for path in kernel.parents[1].rglob("*") if path.is_file() and path != kernel.parent]
    tally("kernels", case, "compiled in memory, one line")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="about processors of this kind")
@pytest.mark.parametrize("bits", [0x8000, 0x0040], ids=["results", "operands"])
def test_a_process_that_flushes_denormal_numbers_to_zero_is_refused(bits, tally):
    """Some libraries set this mode for the whole process."""
    library.check_processor()
    libm = ctypes.CDLL("libm.so.6")
    environment = (ctypes.c_uint32 * 8)()  # of floating point, its last number MXCSR
    assert libm.fegetenv(environment) == 0
    before = environment[7]
    environment[7] |= bits
    libm.fesetenv(environment)
    try:
        with pytest.raises(UserError, match="flushes denormal numbers to zero"):
            library.check_processor()
    finally:
        environment[7] = before
        libm.fesetenv(environment)
    library.check_processor()
    tally("kernels", "denormal numbers are zero", "one line")


@pytest.mark.parametrize(
    ("machine", "features", "missing"),
    [("x86_64", "+avx2,-fma", "lacks fma;"), ("ppc64le", "+avx2,+fma", r"\(ppc64le\) lacks x86-64 or ARM64;")],
)
def test_a_processor_without_what_is_needed_is_refused(machine, features, missing, monkeypatch, tally):
    library.features.cache_clear()
    monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    try:
        with pytest.raises(UserError, match=missing):
            library.check_processor()
    finally:
        library.features.cache_clear()
    tally("kernels", "processor without AVX2 or FMA", "one line")
