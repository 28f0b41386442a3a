"""Images. The IDX files are tiny ones that the tests write; the real ones where `ABLATE_MIRROR` has them."""

import gzip
import hashlib
import http.server
import os
import re
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pipeline.data import images
from pipeline.project.errors import UserError
from pipeline.project.settings import Images

NAMES = tuple(images.SHA256["fashion_mnist"])


def make(source: str = "fashion_mnist", scale: str = "unit"):
    return images.make(Images(source=source, scale=scale))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache folder; returns where the raw files of Fashion-MNIST go."""
    monkeypatch.setattr(images.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "mlp-ablations" / "raw" / "fashion_mnist"


@pytest.fixture
def mirror(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four tiny IDX files whose digests take the place of the published ones."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name in NAMES:
        count = 12 if name.startswith("train") else 5
        if "images" in name:
            body = (
                struct.pack(">4i", 0x803, count, 28, 28)
                + random.integers(256, size=count * 784, dtype=np.uint8).tobytes()
            )
        else:
            body = struct.pack(">2i", 0x801, count) + random.integers(10, size=count, dtype=np.uint8).tobytes()
        (folder / name).write_bytes(gzip.compress(body, mtime=0))
    expect(folder, monkeypatch)
    monkeypatch.setenv("ABLATE_MIRROR", str(folder))
    return folder


def expect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files of this folder the right ones."""
    kind = images._torchvision_datasets().FashionMNIST
    contents = {name: (folder / name).read_bytes() for name in NAMES}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setitem(images.SHA256, "fashion_mnist", digests)
    md5 = [(name, hashlib.md5(content).hexdigest()) for name, content in contents.items()]  # noqa: S324
    monkeypatch.setattr(kind, "resources", md5)


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


def test_kept_files_are_used_without_the_mirror(mirror, cache, monkeypatch):
    first = make()
    assert sorted(path.name for path in cache.iterdir()) == sorted(NAMES)
    monkeypatch.setenv("ABLATE_MIRROR", "/nowhere")
    np.testing.assert_array_equal(make().train.inputs, first.train.inputs)


def test_a_kept_file_that_went_wrong_is_fetched_again(mirror, cache):
    first = make()
    for damaged in (b"", b"something else", (cache / NAMES[0]).read_bytes()[:-1]):
        (cache / NAMES[0]).write_bytes(damaged)
        np.testing.assert_array_equal(make().train.inputs, first.train.inputs)
        assert (cache / NAMES[0]).read_bytes() == (mirror / NAMES[0]).read_bytes()


def test_a_wrong_file_is_named_with_what_was_found_and_expected_and_not_kept(mirror, cache):
    expected = images.SHA256["fashion_mnist"][NAMES[2]]
    (mirror / NAMES[2]).write_bytes(b"wrong")
    with pytest.raises(UserError) as caught:
        make()
    found = hashlib.sha256(b"wrong").hexdigest()
    for word in (str(mirror), NAMES[2], found, expected):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in cache.iterdir()) == sorted(NAMES[:2])


def test_a_missing_file_is_named(mirror, cache):
    (mirror / NAMES[1]).unlink()
    with pytest.raises(UserError, match=rf"{NAMES[1]}: cannot be had .*ABLATE_MIRROR"):
        make()


def test_another_data_set_s_files_are_refused_by_torchvision_s_digest(mirror):
    with pytest.raises(UserError, match=r"found md5 .*, expected"):
        make("mnist")


def test_right_digests_of_wrong_files_are_no_images(mirror, monkeypatch):
    (mirror / NAMES[0]).write_bytes(gzip.compress(b"\0\0\x08\x03 not enough", mtime=0))
    expect(mirror, monkeypatch)
    with pytest.raises(UserError, match="no IDX files"):
        make()


@pytest.fixture
def server(mirror: Path) -> Iterator[str]:
    """The mirror over HTTP on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments, directory=str(mirror))

        def log_message(self, *arguments) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_mirror_may_be_a_url(server, ending, mirror, cache, monkeypatch, capfd):
    monkeypatch.setenv("ABLATE_MIRROR", server + ending)
    assert make().train.inputs.shape == (1, 12, 784)
    assert "100%" in capfd.readouterr().err  # a progress bar


def test_the_data_set_s_own_server_is_asked_without_a_mirror(server, monkeypatch):
    monkeypatch.delenv("ABLATE_MIRROR")
    monkeypatch.setitem(images.SERVERS, "fashion_mnist", (server + "/gone", server))
    assert make().test.inputs.shape == (1, 5, 784)


def test_a_data_set_s_own_servers_are_asked_by_https():
    assert images.SERVERS.keys() == images._CLASSES.keys()
    for servers in images.SERVERS.values():
        assert servers
        assert all(re.fullmatch(r"https://[\w.-]+(/[\w-]+)*", server) for server in servers)


def test_a_server_without_the_file_is_named(server, cache, monkeypatch):
    monkeypatch.setenv("ABLATE_MIRROR", server + "/gone")
    with pytest.raises(UserError, match=r"/gone/.*: cannot be had .*404"):
        make()
    assert not list(cache.glob("*"))


def test_a_mirror_may_be_a_file_url(mirror, monkeypatch):
    monkeypatch.setenv("ABLATE_MIRROR", f"file://{mirror}")
    assert make().train.inputs.shape == (1, 12, 784)


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
    monkeypatch.setattr(images.platformdirs, "user_cache_path", lambda name: tmp_path)
    dataset = make()
    assert dataset.train.inputs.shape == (1, 60_000, 784)
    assert dataset.test.inputs.shape == (1, 10_000, 784)
    # the mean pixel that the data set's users know
    assert dataset.train.inputs.mean() * dataset.factor == pytest.approx(0.2860, abs=5e-5)
    assert np.bincount(dataset.train.targets[0]).tolist() == [6000] * 10
    assert np.bincount(dataset.test.targets[0]).tolist() == [1000] * 10
