"""Small IDX files in place of Fashion-MNIST's."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import download

NAMES = tuple(download.SHA256["fashion_mnist"])


def write(folder: Path, train: int, test: int) -> None:
    """Write four files with these numbers of images of noise."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in NAMES:
        count = train if name.startswith("train") else test
        shape = (count, 28, 28) if "images" in name else (count,)
        header = struct.pack(f">{len(shape) + 1}i", 0x800 + len(shape), *shape)
        body = random.integers(256 if "images" in name else 10, size=shape, dtype=np.uint8).tobytes()
        (folder / name).write_bytes(gzip.compress(header + body, mtime=0))


def expect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Expect the digests of this folder's files, from an empty cache that is returned; retry nothing."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setitem(download.SHA256, "fashion_mnist", digests)
    monkeypatch.setattr(download, "RETRIES", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
    return folder.parent / "cache" / "mlp-ablations" / "raw" / "fashion_mnist"
