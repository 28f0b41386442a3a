"""The store of finished runs: no run is trained twice.

A run is a pure function, so its result is kept under a digest of everything that it depends on. `ABLATE_STORE` names
another folder than the one in the user's cache, or `off`.
"""

import functools
import hashlib
import json
import os
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path

import platformdirs

from pipeline.core.cache import LIMIT, Cache
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

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self.cache = Cache(folder, ".run", "finished runs", limit)
        self.prune = self.cache.prune

    @classmethod
    def of_user(cls) -> "Store":
        """Return the store that `ABLATE_STORE` names, by default the one in the user's cache folder."""
        name = os.environ.get("ABLATE_STORE") or platformdirs.user_cache_path("mlp-ablations") / "runs"
        return cls(None if name == "off" else Path(name))

    def keys(self, specs: Sequence[RunSpec], dataset: Dataset) -> list[str]:
        """Return for each run a digest of everything that its numbers depend on."""
        if self.cache.folder is None:
            return [""] * len(specs)
        digest = functools.cache(dataset.digest)
        shared = functools.cache(lambda implementation: json.dumps([code(), environment([implementation])]))
        # variants share few configs, and hashing one takes longer than training a small network
        configs = {id(spec.config): spec.config.model_dump_json() for spec in specs}
        parts = [
            [shared(config.implementation), configs[id(config)], seed, fold, digest(dataset.seed_index(seed.index))]
            for config, seed, fold in specs
        ]
        return [hashlib.sha256(repr(key).encode()).hexdigest() for key in parts]

    def get(self, key: str) -> RunResult | None:
        """Return the result under this key, or None if it is missing or damaged."""
        content = self.cache.get(key)
        return None if content is None else RunResult.from_bytes(content)

    def put(self, key: str, result: RunResult) -> None:
        """Keep a result."""
        self.cache.put(key, result.to_bytes())
