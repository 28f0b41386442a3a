"""The stages of `dvc.yaml`, one module each: read, compute, write."""

import importlib.util
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

from pipeline.core.errors import UserError, join_short, shorten

# until `console.run` catches Ctrl-C, it ends a stage without the traceback of an import; a shell may have it ignored
if sys.orig_argv[1:2] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _has_avx2() -> bool:
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


# When NumPy is imported, it and OpenBLAS choose their code by processor and number of cores. No number depends on that;
# as a second line of defence, the choice is the same on every x86-64 processor. What the user has set stays.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if _has_avx2():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


# `dvc` outside the project's environment runs the first python on the path
_NEEDED = ("numba", "numpy", "pandas", "pydantic", "ruamel.yaml", "torch")
_MISSING = [module for module in _NEEDED if not _is_installed(module)]
if _MISSING:
    sys.stderr.write(
        f"{sys.executable} lacks {', '.join(_MISSING)}: activate the project's environment first "
        "(`source .venv/bin/activate`), or run `make`\n"
    )
    sys.exit(2)


def key_of(arguments: list[str], keys: Collection[str]) -> str:
    """Return the argument without the part of a DVC stage's name up to `@`; refuse one that is not among the keys.

    `dvc.yaml` passes `$DVC_STAGE`: a key inside the command itself would reach the shell before it is checked.

    >>> key_of(["dropout"], ["dropout"]), key_of(["book/dvc.yaml:train@dropout"], ["dropout"])
    ('dropout', 'dropout')
    """
    (address,) = arguments
    key = address.rpartition("@")[2]
    if key not in keys:
        raise UserError(f"params.yaml: found no {shorten(key)}, allowed: {join_short(keys)}")
    return key
