"""The cache keeps contents by key and deletes the oldest; faults/test_kernels.py damages it."""

import os
import time
from pathlib import Path

import pytest

from pipeline.core.cache import Cache

KEYS = [f"{number:064x}" for number in range(10)]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, ".part", "parts", limit=6 * (100 + 32))


def test_a_content_comes_back_under_its_key_alone(cache):
    cache.put(KEYS[1], b"some")
    assert cache.get(KEYS[1]) == b"some"
    assert cache.get(KEYS[2]) is None
    cache.path(KEYS[1]).rename(cache.path(KEYS[2]))
    assert cache.get(KEYS[2]) is None
    cache.put(KEYS[2], b"")
    assert cache.get(KEYS[2]) == b""


def test_without_a_folder_nothing_is_kept():
    cache = Cache(None, ".part", "parts")
    cache.put(KEYS[0], b"some")
    cache.prune()
    assert cache.get(KEYS[0]) is None


def test_the_files_unused_for_longest_are_deleted_first(cache, tmp_path):
    for age, key in enumerate(KEYS):
        cache.put(key, bytes(100))
        os.utime(cache.path(key), (1000 + age, 1000 + age))
    other = tmp_path / "00" / "notes.part"
    other.write_text("not of the cache")
    assert cache.get(KEYS[0]) is not None  # used just now
    cache.prune()
    remaining = [key for key in KEYS if cache.path(key).exists()]
    assert remaining == [KEYS[0], *KEYS[-4:]]  # 90 % of the limit
    assert other.exists()


def test_files_of_a_killed_writer_are_deleted_after_an_hour(cache, tmp_path):
    folder = tmp_path / "00"
    folder.mkdir()
    old, new = folder / ".old.tmp", folder / ".new.tmp"
    for path, age in ((old, 3700), (new, 10)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    cache.prune()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_still_gives_what_it_has(cache, caplog, monkeypatch):
    cache.put(KEYS[0], b"some")

    def refused(*arguments, **named):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refused)
    caplog.set_level("INFO")
    for key in KEYS[1:4]:
        cache.put(key, b"more")
    assert [record.message for record in caplog.records] == [
        f"parts are not kept: {cache.folder} (Read-only file system)"
    ]
    assert cache.get(KEYS[0]) == b"some"
