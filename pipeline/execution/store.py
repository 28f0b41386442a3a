"""The store of finished runs: no run is trained twice.

A run is a pure function, so what it leaves can be kept under a key of everything that it depends on. One array file a
run, written beside its place and renamed, with its digest at the end; whatever is wrong with a file, the run is
trained again. `ABLATE_STORE` names another folder, or `off`.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import platformdirs

from pipeline.execution.environment import environment
from pipeline.execution.results import RunResult, RunSpec
from pipeline.project.dataset import Dataset
from pipeline.project.errors import brief

log = logging.getLogger(__name__)

LIMIT = 2**30  # bytes of all entries together; what was used longest ago goes first
_DIGEST = 32  # bytes of the digest at the end of an entry
_ABANDONED = 3600  # seconds without a change after which a temporary file is nobody's
_NAME = 62  # letters of an entry's name, after the two that name its folder
_PACKAGE = Path(__file__).parent.parent
# what the numbers of a run are computed by
_CODE = (
    "project/rounding.py",
    "project/seeding.py",
    "project/settings/*.py",
    "arithmetic/*.py",
    "training/*.py",
    "training/kernels/*.py",
    "execution/results.py",
)


class Store:
    """RunResults of finished runs in a folder; without a folder it holds nothing."""

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self._folder, self._limit = folder, limit

    @classmethod
    def of_user(cls) -> "Store":
        """The one that `ABLATE_STORE` names, else the one in the user's cache folder."""
        named = os.environ.get("ABLATE_STORE", "")
        if named == "off":
            return cls(None)
        return cls(Path(named) if named else platformdirs.user_cache_path("mlp-ablations") / "runs")

    def keys(self, specs: Sequence[RunSpec], dataset: Dataset) -> list[str]:
        """What each run's result is kept under: a digest of everything that its numbers depend on."""
        if self._folder is None:
            return [""] * len(specs)
        shared = {
            name: json.dumps({"code": code(), "environment": environment([name])}, sort_keys=True)
            for name in {spec.setting.implementation for spec in specs}
        }
        settings = {id(spec.setting): spec.setting.model_dump_json() for spec in specs}
        slots = {slot: _digest_of(dataset, slot) for slot in {dataset.slot(spec.seed.index) for spec in specs}}

        def key(spec: RunSpec) -> str:
            run = settings[id(spec.setting)], str((spec.seed, spec.fold)), slots[dataset.slot(spec.seed.index)]
            return _hex("\n".join([shared[spec.setting.implementation], *run]).encode())

        return [key(spec) for spec in specs]

    def get(self, key: str) -> RunResult | None:
        """The record under this key; nothing if there is none or it is damaged."""
        if self._folder is None:
            return None
        path = self._path(key)
        try:
            content = path.read_bytes()
            if _seal(key, content[:-_DIGEST]) != content[-_DIGEST:]:
                raise ValueError("its digest is another one")
            record = RunResult.from_bytes(content[:-_DIGEST])
            os.utime(path)
        except FileNotFoundError:
            return None
        except Exception as error:
            log.info("the store's %s is left aside (%s)", path, brief(str(error)))
            return None
        return record

    def put(self, key: str, record: RunResult) -> None:
        """Keep a record; where that fails, say so and keep none from then on."""
        if self._folder is None:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = record.to_bytes()
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
                try:
                    file.write(content + _seal(key, content))
                    file.close()
                    Path(file.name).replace(path)
                finally:
                    Path(file.name).unlink(missing_ok=True)
        except OSError as error:
            log.info("finished runs are not kept: %s (%s)", self._folder, error.strerror or error)
            self._folder = None

    def prune(self) -> None:
        """Delete what was used longest ago until all entries are well within the limit."""
        if self._folder is None:
            return
        try:
            for left in self._folder.glob("[0-9a-f][0-9a-f]/.*.tmp"):
                # of a writer that was killed: none takes that long
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink(missing_ok=True)
            # entries and nothing else, whatever folder was named
            paths = self._folder.glob(f"[0-9a-f][0-9a-f]/{'[0-9a-f]' * _NAME}.npy")
            found = [(path.stat(), path) for path in paths]
        except OSError:
            return  # another process is deleting too
        total = sum(status.st_size for status, _ in found)
        if total <= self._limit:
            return
        for status, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
            path.unlink(missing_ok=True)
            total -= status.st_size
            if total <= 0.9 * self._limit:
                return

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key[2:]}.npy"


def code() -> str:
    """Digest of the code that computes a run."""
    files = sorted(path for pattern in _CODE for path in _PACKAGE.glob(pattern))
    return _hex(b"\0".join(path.read_bytes() for path in files))


def _seal(key: str, content: bytes) -> bytes:
    """With the key in it, so that an entry is not taken for that of another run whose name it bears."""
    return _digest(key.encode() + content)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _hex(content: bytes) -> str:
    return _digest(content).hex()


def _digest_of(dataset: Dataset, slot: int) -> str:
    """Of one seed's own examples: other seeds' may come and go."""
    digest = hashlib.sha256()
    arrays = [dataset.train.inputs, dataset.train.targets, dataset.test.inputs, dataset.test.targets]
    names = ["inputs", "targets"] * 2 + list(dataset.weights)
    for name, array in zip(names, [*arrays, *dataset.weights.values()], strict=True):
        own = np.ascontiguousarray(array[slot])
        digest.update(f"{name} {own.dtype.str} {own.shape}".encode())
        digest.update(own.data)
    digest.update(f"{dataset.task} {dataset.outputs} {dataset.factor!r} {dataset.offset!r}".encode())
    return digest.hexdigest()
