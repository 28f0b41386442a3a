"""The library of kernels; damaged, full and shared caches are in faults/test_kernels.py."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from samples import ROOT

from pipeline.arithmetic import library

PERMUTE = ("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and nothing of this process that was loaded before."""

    def forget() -> None:
        for function in (library._function, library._key, library.cache, library.features):
            function.cache_clear()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "mlp-ablations" / "kernels"
    forget()


def order(count: int = 50, **options: str) -> list[int]:
    """Draw the order of a fixed state."""
    state, drawn = np.arange(4, dtype=np.uint64), np.empty(count, np.int64)
    library.function(*PERMUTE, **options)(state.ctypes.data, drawn.ctypes.data, count)
    return drawn.tolist()


def test_a_kernel_is_compiled_once_and_then_loaded(folder, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="pipeline")
    first = order()
    assert library.function(*PERMUTE) is library.function(*PERMUTE)
    assert [record.getMessage().split(" in ")[0] for record in caplog.records] == ["permute: compiled"]
    (file,) = folder.glob("*/*")
    assert file.suffix == ".o"
    library._function.cache_clear()
    monkeypatch.setattr(library, "_compile", None)
    assert order() == first
    assert list(folder.glob("*/*.o")) == [file]


ORDER = """
import sys
import numpy as np
from pipeline.arithmetic import library
state, drawn = np.arange(4, dtype=np.uint64), np.empty(50, np.int64)
permute = library.function("pipeline.arithmetic.draws:permute", "uint64*", "int64*", "int64")
permute(state.ctypes.data, drawn.ctypes.data, 50)
print(drawn.tolist(), "numba" in sys.modules)
"""


def test_clones_share_what_has_the_same_content_and_load_it_without_numba(folder, tmp_path):
    """And compile for themselves what has not, be it a comment."""
    expected = order()
    (file,) = folder.glob("*/*.o")
    for clone, added, files in (("same", "", 1), ("edited", "# edited\n", 2)):
        shutil.copytree(ROOT / "pipeline", tmp_path / clone / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
        with (tmp_path / clone / "pipeline" / "training" / "kernels" / "losses.py").open("a") as source:
            source.write(added)
        command = [sys.executable, "-c", ORDER]
        done = subprocess.run(command, cwd=tmp_path / clone, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"{expected} {files > 1}"
        assert len(set(folder.glob("*/*.o")) | {file}) == files


def test_another_processor_another_type_and_other_arguments_have_a_file_of_their_own(folder, monkeypatch):
    first = order()
    assert order(real="float32") == first
    library.function(PERMUTE[0], "uint64*", "int32*", "int64")
    for name, value in (("NUMBA_CPU_NAME", "haswell"), ("NUMBA_CPU_FEATURES", "+avx2,+fma")):
        monkeypatch.setenv(name, value)
        for function in (library._function, library._key, library.features):
            function.cache_clear()
        assert order() == first
    assert len(list(folder.glob("*/*.o"))) == 5


def test_numba_is_left_as_it_was(folder):
    """What it compiles for others is optimised as ever."""
    order()
    numba = sys.modules["numba"]
    generator = sys.modules["numba.core.registry"].cpu_target.target_context.codegen()
    assert generator._library_class is sys.modules["numba.core.codegen"].JITCodeLibrary
    assert numba.njit(lambda x: x + 1)(1) == 2
