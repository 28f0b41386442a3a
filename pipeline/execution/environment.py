"""The versions that a run's numbers depend on, besides its configuration, seed, data and code."""

from collections.abc import Collection
from importlib.metadata import version


def environment(implementations: Collection[str] = ("scratch",)) -> dict[str, str]:
    """Versions of the libraries that compute runs of these implementations, by name."""
    names = ["numpy", "numba", "llvmlite", *(["torch"] if "concise" in implementations else [])]
    return {name: version(name).split("+")[0] for name in names}
