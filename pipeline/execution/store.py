"""The store of finished runs: no run is trained twice.

A run is a pure function, so what it leaves can be kept under a key of everything that it depends on. `ABLATE_STORE`
names another folder than the user's cache, or `off`.
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
# what the numbers of a run are computed by
_CODE = (
    *("core/rounding.py", "core/seeding.py", "project/configs/*.py", "arithmetic/*.py"),
    *("training/*.py", "training/kernels/*.py", "execution/results.py"),
)


def environment(implementations: Collection[str] = ("scratch",)) -> dict[str, str]:
    """Versions of the libraries that compute runs of these implementations, by name."""
    names = ["numpy", "numba", "llvmlite", *(["torch"] if "concise" in implementations else [])]
    return {name: version(name).split("+")[0] for name in names}


def code() -> str:
    """Digest of the code that computes a run."""
    files = sorted(path for pattern in _CODE for path in _PACKAGE.glob(pattern))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


class Store:
    """Results of finished runs in a folder; without a folder it holds nothing."""

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self.cache = Cache(folder, ".run", "finished runs", limit)
        self.prune = self.cache.prune

    @classmethod
    def of_user(cls) -> "Store":
        """The one that `ABLATE_STORE` names, else the one in the user's cache folder."""
        named = os.environ.get("ABLATE_STORE", "")
        if named == "off":
            return cls(None)
        return cls(Path(named) if named else platformdirs.user_cache_path("mlp-ablations") / "runs")

    def keys(self, specs: Sequence[RunSpec], dataset: Dataset) -> list[str]:
        """What each run's result is kept under: a digest of everything that its numbers depend on."""
        digest_of_examples = functools.cache(dataset.digest)
        trained_by = {spec.config.implementation for spec in specs}
        shared = {name: json.dumps([code(), environment([name])]) for name in trained_by}
        configs = {id(spec.config): spec.config.model_dump_json() for spec in specs}

        def key(spec: RunSpec) -> str:
            examples = digest_of_examples(dataset.seed_index(spec.seed.index))
            parts = [shared[spec.config.implementation], configs[id(spec.config)], spec.seed, spec.fold, examples]
            return hashlib.sha256(repr(parts).encode()).hexdigest()

        return [key(spec) for spec in specs] if self.cache.folder else [""] * len(specs)

    def get(self, key: str) -> RunResult | None:
        """Return the result under this key, or None if it is missing or damaged."""
        content = self.cache.get(key)
        return None if content is None else RunResult.from_bytes(content)

    def put(self, key: str, result: RunResult) -> None:
        """Keep a result."""
        if self.cache.folder:
            self.cache.put(key, result.to_bytes())
