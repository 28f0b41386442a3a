"""The steps of `dvc.yaml`: read -> compute -> write, one module each."""

import importlib.util
import os
import sys
from pathlib import Path


def _has_avx2() -> bool:
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


# The second line of defence, before NumPy is imported: it and OpenBLAS take the same code on every x86-64 processor and
# for every number of cores. The first is that no number depends on it. What the user has set stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if _has_avx2():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")

_NEEDED = ("numba", "numpy", "pandas", "pydantic", "ruamel.yaml", "torch")


def _found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


_MISSING = [module for module in _NEEDED if not _found(module)]
if _MISSING:
    # `dvc` by hand takes whatever python comes first on the path
    sys.stderr.write(
        f"{sys.executable} lacks {', '.join(_MISSING)}: activate the project's environment first "
        "(`source .venv/bin/activate`), or run `make`\n"
    )
    sys.exit(2)


def named(arguments: list[str]) -> str:
    """The id that a stage is asked for: by itself, or as DVC calls the stage.

    DVC says it in `DVC_STAGE`. As a part of the command, an id that nobody has checked yet would be read by a shell.

    >>> named(["dropout"]), named(["train@dropout"]), named(["book/dvc.yaml:train@dropout"])
    ('dropout', 'dropout', 'dropout')
    """
    (address,) = arguments
    return address.rpartition("@")[2]
