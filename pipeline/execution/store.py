"""The store of finished runs: no run is trained twice.

Two runs are the same if they have the same config, seed, fold and examples, and if the same code and the same versions
of the libraries train them. A result is kept under a digest of all this. `ABLATE_STORE` selects
a folder other than the one in the user's cache, or `off`.
"""

import functools
import hashlib
import json
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path

from pipeline.core.cache import Cache, folder_of_user
from pipeline.core.dataset import Dataset
from pipeline.execution.results import RunResult, RunSpec

_PACKAGE = Path(__file__).parent.parent
# the code that computes the numbers of a run
_CODE = (
    *("core/config.py", "core/rounding.py", "core/seeding.py"),
    *("arithmetic/*.py", "training/**/*.py", "execution/results.py"),
)


def environment(implementations: Collection[str] = ("scratch",)) -> dict[str, str]:
    """Return the versions of the libraries that compute runs of these implementations."""
    names = ["numpy", "numba", "llvmlite", *(["torch"] if "concise" in implementations else [])]
    return {name: version(name).split("+")[0] for name in names}


def code() -> str:
    """Return a digest of the code that computes a run."""
    files = sorted(path for pattern in _CODE for path in _PACKAGE.glob(pattern))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


class Store:
    """Results of finished runs in a folder; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.cache = Cache(folder, ".run", "finished runs")

    @classmethod
    def of_user(cls) -> "Store":
        """Return the store that `ABLATE_STORE` names, by default the one in the user's cache folder."""
        return cls(folder_of_user("runs"))

    def keys(self, specs: Sequence[RunSpec], dataset: Dataset) -> list[str]:
        """Return the key of each run: a digest of everything that its numbers depend on."""
        examples = functools.cache(dataset.digest)
        trained_by = functools.cache(lambda implementation: json.dumps([code(), environment([implementation])]))
        # many runs share a config, and serialising it takes longer than training a small network
        configs = {id(spec.config): spec.config.model_dump_json() for spec in specs}

        def key(spec: RunSpec) -> str:
            seed_index = dataset.seed_index(spec.seed.index)
            shared = trained_by(spec.config.implementation), configs[id(spec.config)]
            parts = *shared, spec.seed, spec.fold, examples(seed_index)
            return hashlib.sha256(repr(parts).encode()).hexdigest()

        return list(map(key, specs))

    def get(self, key: str) -> RunResult | None:
        """Return the result under this key, or None if it is missing or damaged."""
        content = self.cache.get(key)
        return None if content is None else RunResult.from_bytes(content)

    def put(self, key: str, result: RunResult) -> None:
        """Keep a result."""
        self.cache.put(key, result.to_bytes())
