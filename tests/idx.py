"""Tiny IDX files in the place of Fashion-MNIST's."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.dataset import Dataset
from pipeline.data import images, raw_files
from pipeline.data.config import Images

NAMES = tuple(raw_files.SHA256["fashion_mnist"])


def make(source: str = "fashion_mnist", scale: str = "unit") -> Dataset:
    return images.make(Images(source=source, scale=scale))


def write(folder: Path, train: int, test: int) -> None:
    """Four files with so many images of noise."""
    random = np.random.default_rng(0)
    for name in NAMES:
        count = train if name.startswith("train") else test
        shape = (count, 28, 28) if "images" in name else (count,)
        header = struct.pack(f">{len(shape) + 1}i", 0x800 + len(shape), *shape)
        body = random.integers(256 if "images" in name else 10, size=shape, dtype=np.uint8).tobytes()
        (folder / name).write_bytes(gzip.compress(header + body, mtime=0))


def expect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files of this folder the right ones."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setitem(raw_files.SHA256, "fashion_mnist", digests)
