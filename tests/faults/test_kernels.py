"""The cache of compiled kernels is damaged, full, read-only or written by several: every process gets the same numbers.

So does none where the processor's arithmetic is another: it is refused in one line.
"""

import ctypes
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples import ROOT

from pipeline.arithmetic import library
from pipeline.core.errors import UserError

LIBRARY = "pipeline/arithmetic/library.py"

PROGRAM = """
import logging, sys
logging.basicConfig(format="%(message)s")
logging.getLogger("pipeline").setLevel(logging.INFO)
import numpy as np
from pipeline.arithmetic import library
{}
state, found = np.arange(4, dtype=np.uint64), np.empty(50, np.int64)
permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
permute(state.ctypes.data, found.ctypes.data, 50)
print(found.tolist())
"""


class Cache:
    """A folder of kernels, and processes that use it."""

    def __init__(self, home: Path) -> None:
        self.environment = {"XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.folder = home / "mlp-ablations" / "kernels"

    def start(self, first: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM.format(first)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, first: str = "") -> tuple[str, list[str]]:
        """What it prints, and the lines that it says."""
        process = self.start(first)
        printed, said = process.communicate()
        assert process.returncode == 0, said
        return printed, said.splitlines()

    def file(self) -> Path:
        """The only kernel."""
        (path,) = self.folder.glob("*/*.o")
        return path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty one."""
    return Cache(tmp_path / "home")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cache, str]:
    """One with a kernel, and what the program prints."""
    made = Cache(tmp_path_factory.mktemp("once") / "home")
    return made, made.run()[0]


@pytest.fixture
def printed(once: tuple[Cache, str]) -> str:
    return once[1]


@pytest.fixture
def filled(once: tuple[Cache, str], cache: Cache) -> Cache:
    """A copy of the one with a kernel."""
    shutil.copytree(once[0].folder, cache.folder)
    return cache


def damaged(content: bytes, kind: str, random: np.random.Generator) -> bytes:
    place = int(random.integers(len(content)))
    if kind == "cut":
        return content[:place]
    if kind == "flipped bit":
        return content[:place] + bytes([content[place] ^ 1 << int(random.integers(8))]) + content[place + 1 :]
    if kind == "zeros":
        return content[:place] + bytes(len(content) - place)
    return {"empty": b"", "longer": content + b"\0", "text": b"no code\n" * 100}[kind]


@pytest.mark.parametrize("kind", ["cut", "flipped bit", "zeros", "empty", "longer", "text"])
def test_a_damaged_file_is_compiled_again(filled, printed, kind, many, tally):
    path = filled.file()
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    tries = many(10)
    for _ in range(tries):
        path.write_bytes(damaged(whole, kind, random))
        again, said = filled.run()
        assert again == printed
        assert [line.split(":")[-1].strip()[:8] for line in said] == ["damaged,", "compiled"], said
        assert path.read_bytes() == whole
    tally("kernels", f"file of a kernel, {kind}", "compiled again", tries)


def test_a_file_of_another_kernel_is_compiled_again(filled, printed, tally):
    """Whole, but under a name that is not its own."""
    path = filled.file()
    whole = path.read_bytes()
    filled.run('library.function("pipeline.arithmetic.draws:normals", "uint64*", "float64*", "int64")')
    (other,) = set(filled.folder.glob("*/*.o")) - {path}
    path.write_bytes(other.read_bytes())
    assert filled.run()[0] == printed
    assert path.read_bytes() == whole
    tally("kernels", "file of a kernel, another's", "compiled again")


def test_processes_that_compile_at_once_leave_one_whole_file(cache, printed, many, tally):
    tries = many(10)
    for _ in range(tries):
        processes = [cache.start() for _ in range(4)]
        for process in processes:
            assert process.communicate()[0] == printed
        assert [path.suffix for path in cache.folder.glob("*/*")] == [".o"]
        assert cache.run() == (printed, [])
        cache.file().unlink()
    tally("kernels", "4 processes that compile at once", "one whole file", tries)


def test_a_killed_process_leaves_nothing_that_harms(cache, printed, many, tally):
    """At any time from its start to its end."""
    begun = time.monotonic()
    cache.run()
    took = time.monotonic() - begun
    tries = many(30)
    for number in range(tries):
        for path in cache.folder.glob("*/*.o"):
            path.unlink()
        process = cache.start()
        time.sleep(took * (number + 1) / tries)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert cache.run()[0] == printed
        assert cache.run() == (printed, [])
    tally("kernels", "SIGKILL while a kernel is compiled", "the next process compiles it", tries)


def folder_is_a_file(cache: Cache) -> str:
    cache.folder.parent.mkdir(parents=True)
    cache.folder.touch()
    return ""


def home_is_a_file(cache: Cache) -> str:
    Path(cache.environment["XDG_CACHE_HOME"]).touch()
    return ""


def home_is_no_folder_at_all(cache: Cache) -> str:
    cache.environment["XDG_CACHE_HOME"] = "/dev/full"
    return ""


def limited(cache: Cache) -> str:
    return "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"


NO_ROOM = """
import errno
from pipeline.core import cache
def no_room(*arguments, **named):
    raise OSError(errno.ENOSPC, "No space left on device")
cache.{} = no_room
"""


@pytest.mark.parametrize(
    ("name", "prepare"),
    [
        ("a file in place of the folder", folder_is_a_file),
        ("a file in place of the cache", home_is_a_file),
        ("a device in place of the cache", home_is_no_folder_at_all),
        ("file size limit", limited),
        ("full disk, no file", lambda cache: NO_ROOM.format("tempfile.NamedTemporaryFile")),
        ("full disk, at the end", lambda cache: NO_ROOM.format("Path.replace")),
    ],
)
def test_where_nothing_can_be_kept_kernels_are_compiled_in_memory(
    cache: Cache, printed: str, name: str, prepare: Callable[[Cache], str], tally
):
    again, said = cache.run(prepare(cache))
    assert again == printed
    compiled, kept = said
    assert compiled.startswith("permute: compiled in ")
    assert kept.startswith("compiled kernels are not kept: ")
    if cache.folder.is_dir():
        assert not [path for path in cache.folder.rglob("*") if path.is_file()]
    tally("kernels", name, "compiled in memory, one line")


def test_a_folder_in_place_of_a_file_is_no_hindrance(filled, printed, tally):
    path = filled.file()
    path.unlink()
    path.mkdir()
    again, said = filled.run()
    assert again == printed
    assert said[-1].startswith("compiled kernels are not kept: ")
    tally("kernels", "a folder in place of a file", "compiled in memory, one line")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="about processors of this kind")
@pytest.mark.parametrize(("bits", "name"), [(0x8000, "results"), (0x0040, "operands"), (0x8040, "both")])
def test_a_process_that_flushes_denormal_numbers_to_zero_is_refused(bits, name, tally):
    """As some libraries set it for all of a process; here for as long as this test asks."""
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
    tally("kernels", f"denormal numbers are zero, {name}", "one line")


@pytest.mark.parametrize(
    ("machine", "features", "missing"),
    [
        ("x86_64", "+avx2,-fma", "lacks fma;"),
        ("x86_64", "+sse4.2", "lacks avx2 and fma;"),
        ("AMD64", "", "lacks avx2 and fma;"),
        ("ppc64le", "+avx2,+fma", r"\(ppc64le\) lacks x86-64 or ARM64;"),
    ],
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
