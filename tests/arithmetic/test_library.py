import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from samples import ROOT

from pipeline.arithmetic import library

PERMUTE = ("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
# what is damaged, killed or full: faults/test_kernels.py


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and nothing of this process that was loaded before."""
    cached = (library._function, library._key, library.cache, library.features)

    def forget() -> None:
        for function in cached:
            function.cache_clear()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "mlp-ablations" / "kernels"
    forget()


def order(count: int = 50, **options: str) -> list[int]:
    """That of a fixed state."""
    state, found = np.arange(4, dtype=np.uint64), np.empty(count, np.int64)
    library.function(*PERMUTE, **options)(state.ctypes.data, found.ctypes.data, count)
    return found.tolist()


def test_a_kernel_is_compiled_once_and_then_loaded(folder, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="pipeline")
    first = order()
    assert [record.getMessage().split(" in ")[0] for record in caplog.records] == ["permute: compiled"]
    assert library.cache().folder == folder
    (file,) = folder.glob("*/*")
    assert file.suffix == ".o"
    library._function.cache_clear()
    monkeypatch.setattr(library, "_compile", None)
    assert order() == first
    assert list(folder.glob("*/*.o")) == [file]


def test_the_same_function_is_given_again(folder):
    assert library.function(*PERMUTE) is library.function(*PERMUTE)


PROGRAM = """
import sys
import numpy as np
from pipeline.arithmetic import library
state, found = np.arange(4, dtype=np.uint64), np.empty(50, np.int64)
permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
permute(state.ctypes.data, found.ctypes.data, 50)
print(found.tolist(), "numba" in sys.modules)
"""


def test_another_process_loads_it_without_numba(folder):
    expected = order()
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{expected} False"


def test_clones_share_what_has_the_same_content(folder, tmp_path):
    """And compile for themselves what has not, be it a comment."""

    def run_in(clone: str, added: str) -> tuple[str, set[Path]]:
        shutil.copytree(ROOT / "pipeline", tmp_path / clone / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
        with (tmp_path / clone / "pipeline" / "training" / "kernels" / "losses.py").open("a") as file:
            file.write(added)
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, cwd=tmp_path / clone, capture_output=True, text=True, check=True)
        return done.stdout, set(folder.glob("*/*.o"))

    (compiled, first), (loaded, same), (again, more) = (
        run_in("one", ""),
        run_in("two", ""),
        run_in("three", "# edited\n"),
    )
    assert compiled.endswith("True\n")
    assert loaded.endswith("False\n")
    assert again == compiled
    assert first == same
    assert len(more) == 2


def test_another_processor_another_type_and_other_arguments_have_a_file_of_their_own(folder, monkeypatch):
    first = order()
    assert order(real="float32") == first
    library.function(PERMUTE[0], "uint64*", "int32*", "int64")
    for name, value in (("NUMBA_CPU_NAME", "haswell"), ("NUMBA_CPU_FEATURES", "+avx2,+fma")):
        monkeypatch.setenv(name, value)
        library._function.cache_clear()
        library._key.cache_clear()
        library.features.cache_clear()
        assert order() == first
    assert len(list(folder.glob("*/*.o"))) == 5


@pytest.mark.parametrize(("named", "expected"), [("+avx2,+fma,+avx512f", True), ("+avx2,-avx512f", False), ("", False)])
def test_registers_are_wide_where_the_processor_s_are(folder, monkeypatch, named, expected):
    monkeypatch.setenv("NUMBA_CPU_FEATURES", named)
    assert library.wide_registers() == expected


def test_numba_s_settings_are_left_as_they_were(folder):
    """What it compiles for others is optimised as ever."""
    order()
    numba = sys.modules["numba"]
    generator = sys.modules["numba.core.registry"].cpu_target.target_context.codegen()
    assert generator._library_class is sys.modules["numba.core.codegen"].JITCodeLibrary
    assert numba.njit(lambda x: x + 1)(1) == 2


def test_python_goes_on_while_a_kernel_runs(folder):
    order()
    thread = threading.Thread(target=order, args=(10_000_000,))
    thread.start()
    ticks = 0
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks > 20
