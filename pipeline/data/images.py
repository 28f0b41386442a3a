"""Data sources of real images: scikit-learn's digits and torchvision's IDX family."""

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Literal

import numpy as np

from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed
from pipeline.data.base import Facts, Source
from pipeline.data.download import raw_file

# scikit-learn's digits are not split: the last 360 of the 1,797 are the test set, in the published order
_DIGITS_TRAIN, _DIGITS_TEST = 1437, 360
_CLASSES = {"fashion_mnist": "FashionMNIST", "mnist": "MNIST", "kmnist": "KMNIST"}


class Images(Source):
    """Real images with a fixed test set: scikit-learn's digits or a member of torchvision's IDX family."""

    source: Literal["digits", "fashion_mnist", "mnist", "kmnist"]
    """Digits: 1,797 of 8 x 8 pixels, the last 360 of them to test on; else 60,000 and 10,000 of 28 x 28 pixels."""
    scale: Literal["unit", "symmetric"]
    """Range of the scaled pixels: unit is [0, 1], symmetric is [-1, 1]."""

    seeds: ClassVar[None] = None

    def facts(self) -> Facts:
        digits = self.source == "digits"
        features, train, test = (64, _DIGITS_TRAIN, _DIGITS_TEST) if digits else (784, 60_000, 10_000)
        return Facts("classification", 10, features, train, test, images=True)

    def make(self, seeds: Sequence[Seed] = ()) -> Dataset:
        """Read bytes (1, N, D) and labels (1, N); `factor` and `offset` scale the bytes."""
        digits, unit = self.source == "digits", self.scale == "unit"
        names, train, test = _digits() if digits else _idx(self.source)
        largest = 16 if digits else 255
        factor, offset = (1 / largest, 0.0) if unit else (2 / largest, -1.0)
        return Dataset("classification", 10, train, test, factor, offset, names=names)


_Parts = tuple[tuple[str, ...], Split, Split]  # names of the classes, training and test examples


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(images.reshape(1, len(images), -1).astype(np.uint8), labels.reshape(1, -1).astype(np.int64))


def _digits() -> _Parts:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    train, test = slice(_DIGITS_TRAIN), slice(_DIGITS_TRAIN, None)
    return tuple("0123456789"), _split(images[train], labels[train]), _split(images[test], labels[test])


def _idx(source: str) -> _Parts:
    reader = getattr(_torchvision_datasets(), _CLASSES[source])
    with tempfile.TemporaryDirectory() as folder:
        # torchvision does not check the files in its folder, so it gets a new folder with checked files
        raw = Path(folder, reader.__name__, "raw")
        raw.mkdir(parents=True)
        for name, md5 in reader.resources:
            packed = raw_file(source, name, md5).read_bytes()
            (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(packed))
        parts = [reader(folder, train=train) for train in (True, False)]
    train, test = (_split(part.data.numpy(), part.targets.numpy()) for part in parts)
    # classes are called "0 - zero" in one data set, "Ankle boot" in another
    return tuple(name.split(" - ")[0] for name in reader.classes), train, test


def _torchvision_datasets() -> ModuleType:
    """Import `torchvision.datasets`, also with a CPU build of torch.

    The wheel on PyPI is compiled for torch with CUDA. With another build its compiled operators are missing, and the
    import fails unless the two that it looks up are declared.
    """
    try:
        import torchvision.datasets
    except RuntimeError:
        import torch

        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision.datasets
    datasets: ModuleType = torchvision.datasets
    return datasets
