"""Describe the machine and the versions of packages that results are computed with."""

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.core.cores import threads

# packages that decide the bytes of numbers, page and figures
PACKAGES = ("numpy", "numba", "llvmlite", "torch", "scipy", "pandas", "matplotlib", "seaborn", "dvc")
_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?=\s*\\?$)", flags=re.MULTILINE)


def processor() -> str:
    """Return the name of the processor."""
    try:
        named = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.processor() or platform.machine()


def description() -> list[str]:
    """Return Python, system and processor in one line, and the versions of packages in another."""
    count = threads()
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    packages = [f"{name} {installed}" for name in PACKAGES if (installed := _installed(name))]
    return [f"{system}, {processor()}, {count} thread{'s' * (count > 1)}", ", ".join(packages)]


def other_than_pinned(requirements: str) -> Iterator[str]:
    """Yield the installed packages whose version is not the one that a `requirements.txt` pins."""
    for name, pinned in _PIN.findall(requirements):
        installed = _installed(name)
        if installed and installed.split("+")[0] != pinned.split("+")[0]:
            yield f"{name} {installed} (pinned: {pinned})"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
