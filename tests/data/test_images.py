"""Images. The IDX files are tiny ones that the tests write; the real ones where `ABLATE_MIRROR` has them."""

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from idx import NAMES, expect, make
from sklearn.datasets import load_digits

from pipeline.core.errors import UserError
from pipeline.data import images, raw_files


def test_digits_are_those_of_scikit_learn():
    pixels, labels = load_digits(return_X_y=True)
    dataset = make("digits")
    assert dataset.train.inputs.shape == (1, 1437, 64)
    assert dataset.test.inputs.shape == (1, 360, 64)
    found = np.concatenate([dataset.train.inputs[0], dataset.test.inputs[0]])
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(np.concatenate([dataset.train.targets[0], dataset.test.targets[0]]), labels)


@pytest.mark.parametrize("source", ["digits", "fashion_mnist"])
@pytest.mark.parametrize(("scale", "low"), [("unit", 0.0), ("symmetric", -1.0)])
def test_the_scale_is_a_setting(source, scale, low, mirror):
    dataset = make(source, scale)
    scaled = dataset.train.inputs * dataset.factor + dataset.offset
    assert scaled.min() == pytest.approx(low)
    assert scaled.max() == pytest.approx(1.0)


def test_idx_files_arrive_pixel_by_pixel(mirror):
    dataset = make()
    raw = gzip.decompress((mirror / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    np.testing.assert_array_equal(dataset.train.inputs.ravel(), np.frombuffer(raw, dtype=np.uint8))
    raw = gzip.decompress((mirror / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    np.testing.assert_array_equal(dataset.test.targets.ravel(), np.frombuffer(raw, dtype=np.uint8))


def test_right_digests_of_wrong_files_are_no_images(mirror, monkeypatch):
    (mirror / NAMES[0]).write_bytes(gzip.compress(b"\0\0\x08\x03 not enough", mtime=0))
    expect(mirror, monkeypatch)
    with pytest.raises(UserError, match="no IDX files"):
        make()


def test_operators_are_declared_only_when_the_import_fails_for_their_lack(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torchvision.datasets":
                raise RuntimeError("another fault")

    images._torchvision_datasets()  # whatever this machine needs
    monkeypatch.delitem(sys.modules, "torchvision.datasets")
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(RuntimeError, match="another fault"):
        images._torchvision_datasets()


def test_the_real_fashion_mnist(tmp_path, monkeypatch):
    folder = os.environ.get("ABLATE_MIRROR", "")
    if not Path(folder, NAMES[0]).is_file():
        pytest.skip("ABLATE_MIRROR names no folder with the real Fashion-MNIST files")
    monkeypatch.setattr(raw_files.platformdirs, "user_cache_path", lambda name: tmp_path)
    dataset = make()
    assert dataset.train.inputs.shape == (1, 60_000, 784)
    assert dataset.test.inputs.shape == (1, 10_000, 784)
    # the mean pixel that the data set's users know
    assert dataset.train.inputs.mean() * dataset.factor == pytest.approx(0.2860, abs=5e-5)
    assert np.bincount(dataset.train.targets[0]).tolist() == [6000] * 10
    assert np.bincount(dataset.test.targets[0]).tolist() == [1000] * 10
