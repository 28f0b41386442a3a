"""Images. The IDX files are tiny ones that the tests write."""

import gzip
import sys

import numpy as np
import pytest
from idx import NAMES
from sklearn.datasets import load_digits

from pipeline.data import images
from pipeline.data.images import Images


def make(source: str = "fashion_mnist", scale: str = "unit"):
    return Images(source=source, scale=scale).make()


def test_digits_are_those_of_scikit_learn():
    pixels, labels = load_digits(return_X_y=True)
    dataset = make("digits")
    splits = (dataset.train, dataset.test)
    assert [split.inputs.shape for split in splits] == [(1, 1437, 64), (1, 360, 64)]
    np.testing.assert_array_equal(np.concatenate([split.inputs[0] for split in splits]), pixels)
    np.testing.assert_array_equal(np.concatenate([split.targets[0] for split in splits]), labels)


@pytest.mark.parametrize("source", ["digits", "fashion_mnist"])
@pytest.mark.parametrize(("scale", "low"), [("unit", 0.0), ("symmetric", -1.0)])
def test_pixels_are_scaled(source, scale, low, mirror):
    dataset = make(source, scale)
    scaled = dataset.train.inputs * dataset.factor + dataset.offset
    assert scaled.min() == pytest.approx(low)
    assert scaled.max() == pytest.approx(1.0)


def test_idx_files_arrive_pixel_by_pixel(mirror):
    dataset = make()
    raw = gzip.decompress((mirror / NAMES[0]).read_bytes())[16:]
    np.testing.assert_array_equal(dataset.train.inputs.ravel(), np.frombuffer(raw, dtype=np.uint8))
    raw = gzip.decompress((mirror / NAMES[3]).read_bytes())[8:]
    np.testing.assert_array_equal(dataset.test.targets.ravel(), np.frombuffer(raw, dtype=np.uint8))
    assert dataset.names[-1] == "Ankle boot"


def test_operators_of_torchvision_are_declared_if_the_import_fails_without(monkeypatch):
    class Failing:
        """Fail the first import, as a wheel for another build of torch does."""

        def find_spec(self, name, path=None, target=None):
            if name == "torchvision.datasets":
                sys.meta_path.remove(self)
                raise RuntimeError("operator torchvision::nms does not exist")

    import torch

    declared = []
    datasets = images._torchvision_datasets()
    monkeypatch.setattr(torch.library, "define", lambda name, schema: declared.append(name))
    monkeypatch.delitem(sys.modules, "torchvision.datasets")
    monkeypatch.setattr(sys, "meta_path", [Failing(), *sys.meta_path])
    assert images._torchvision_datasets().FashionMNIST.resources == datasets.FashionMNIST.resources
    assert declared == ["torchvision::nms", "torchvision::qnms"]
