import hashlib
from pathlib import Path

import pytest

from pipeline.core.errors import UserError
from pipeline.project import lock

TEXT = """schema: '2.0'
stages:
  data@linear:
    cmd: python -m pipeline.stages.data linear
    params:
      params.yaml:
        datasets.linear:
          source: linear
          noise_sd: 0.01
        seeds:
          count: 3
          root: 0
    outs:
    - path: data/linear.npz
      hash: md5
      md5: {digest}
      size: 5
  report:
    cmd: python -m pipeline.stages.report
    outs:
    - path: reports/figures
      md5: 0123.dir
"""
OWN = TEXT.format(digest=hashlib.md5(b"right", usedforsecurity=False).hexdigest())
PARAMS = {"seeds": {"root": 0, "count": 3}, "datasets": {"linear": {"source": "linear", "noise_sd": 0.01}}}
LINEAR = Path("data/linear.npz")


@pytest.fixture
def recorded(in_folder):
    lock.PATH.write_text(OWN)
    LINEAR.parent.mkdir()
    LINEAR.write_bytes(b"right")


@pytest.mark.usefixtures("recorded")
def test_what_dvc_recorded_is_accepted_and_anything_else_refused():
    lock.check(LINEAR)
    for other in (b"wrong", b"", b"right "):
        LINEAR.write_bytes(other)
        digest = hashlib.md5(other, usedforsecurity=False).hexdigest()
        with pytest.raises(
            UserError, match=rf"^data/linear.npz: damaged or replaced: found md5 {digest}, dvc.lock has "
        ):
            lock.check(LINEAR)


@pytest.mark.usefixtures("recorded")
def test_a_file_that_no_stage_made_is_refused_once_there_is_a_lock():
    Path("data/other.npz").write_bytes(b"right")
    with pytest.raises(UserError, match=r"^data/other.npz: no stage in dvc.lock made it"):
        lock.check(Path("data/other.npz"))
    lock.PATH.unlink()
    lock.check(Path("data/other.npz"))


@pytest.mark.usefixtures("recorded")
def test_a_missing_file_is_left_to_its_reader_and_a_folder_is_none():
    LINEAR.unlink()
    lock.check(LINEAR)
    LINEAR.mkdir()
    with pytest.raises(UserError, match=r"^data/linear.npz: cannot be read \(Is a directory\)$"):
        lock.check(LINEAR)


def test_without_a_lock_nothing_is_recorded(in_folder):
    assert lock.read() == {}
    assert lock.digests({}) == {}
    assert lock.stale({}, "train@x", PARAMS) == []


def test_settings_that_differ_are_named_and_numbers_compare_as_numbers():
    found = lock.parse(OWN.encode())
    assert lock.stale(found, "data@linear", PARAMS) == []
    assert lock.stale(found, "data@linear", {**PARAMS, "seeds": {"root": 0.0, "count": 3}}) == []
    assert lock.stale(found, "data@linear", {**PARAMS, "seeds": {"root": 0, "count": 4}}) == ["seeds"]
    assert lock.stale(found, "data@linear", {"seeds": PARAMS["seeds"]}) == ["datasets.linear"]
    assert lock.stale(found, "data@linear", {"seeds": 3, "datasets": 4}) == ["datasets.linear", "seeds"]
    assert lock.configs(found, "report") == {}
    assert lock.digests(found)["reports/figures"] == "0123.dir"


@pytest.mark.parametrize(
    "text", ["a: [", "\t", "stages: [1]", "stages: {x: {outs: [{}]}}", "- 1", "word", "stages: {x: 1}", "[" * 5000]
)
def test_a_damaged_lock_is_named_in_a_line(text, in_folder):
    lock.PATH.write_text(text)
    with pytest.raises(UserError, match=r"^dvc.lock: damaged \(.*\); `git restore dvc.lock`") as caught:
        lock.read()
    assert "\n" not in str(caught.value)


def test_a_lock_that_cannot_be_read_is_named(in_folder):
    lock.PATH.mkdir()
    with pytest.raises(UserError, match=r"^dvc.lock: cannot be read \(Is a directory\)$"):
        lock.read()
