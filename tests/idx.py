"""Tiny IDX files in the place of Fashion-MNIST's."""

import hashlib
from pathlib import Path

import pytest

from pipeline.data import images, raw_files
from pipeline.project.artifacts import Dataset
from pipeline.project.settings import Images

NAMES = tuple(raw_files.SHA256["fashion_mnist"])


def make(source: str = "fashion_mnist", scale: str = "unit") -> Dataset:
    return images.make(Images(source=source, scale=scale))


def expect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files of this folder the right ones."""
    kind = images._torchvision_datasets().FashionMNIST
    contents = {name: (folder / name).read_bytes() for name in NAMES}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setitem(raw_files.SHA256, "fashion_mnist", digests)
    md5 = [(name, hashlib.md5(content).hexdigest()) for name, content in contents.items()]  # noqa: S324
    monkeypatch.setattr(kind, "resources", md5)
