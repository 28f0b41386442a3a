"""Raw files: from the cache, a mirror or the data set's own servers, and never wrong ones."""

import hashlib
import re

import numpy as np
import pytest
from idx import NAMES, make

from pipeline.core.errors import UserError
from pipeline.data import images, raw_files


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
    expected = raw_files.SHA256["fashion_mnist"][NAMES[2]]
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


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_mirror_may_be_a_url(server, ending, mirror, cache, monkeypatch, capfd):
    monkeypatch.setenv("ABLATE_MIRROR", server + ending)
    assert make().train.inputs.shape == (1, 12, 784)
    assert "100%" in capfd.readouterr().err  # a progress bar


def test_the_data_set_s_own_server_is_asked_without_a_mirror(server, monkeypatch):
    monkeypatch.delenv("ABLATE_MIRROR")
    monkeypatch.setitem(raw_files.SERVERS, "fashion_mnist", (server + "/gone", server))
    assert make().test.inputs.shape == (1, 5, 784)


def test_a_data_set_s_own_servers_are_asked_by_https():
    assert raw_files.SERVERS.keys() == images._CLASSES.keys()
    for servers in raw_files.SERVERS.values():
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
