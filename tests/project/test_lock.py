import hashlib
from pathlib import Path

import pytest

from pipeline.core.errors import UserError
from pipeline.project import lock

TEXT = """schema: '2.0'
stages:
  data@linear:
    cmd: python -m pipeline.stages.data linear
    deps:
    - path: data/configs/data/linear.json
      hash: md5
      md5: {digest}
      size: 5
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
RECORDED = TEXT.format(digest=hashlib.md5(b"right", usedforsecurity=False).hexdigest())
LINEAR = Path("data/linear.npz")


@pytest.fixture
def recorded(in_folder):
    lock.PATH.write_text(RECORDED)
    LINEAR.parent.mkdir()
    LINEAR.write_bytes(b"right")


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        lock.check(path, "data@linear")
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.usefixtures("recorded")
def test_the_recorded_file_is_accepted_and_any_other_refused():
    lock.check(LINEAR, "data@linear")
    for other in (b"wrong", b"", b"right "):
        LINEAR.write_bytes(other)
        digest = hashlib.md5(other, usedforsecurity=False).hexdigest()
        assert refused(LINEAR).startswith(f"{LINEAR}: damaged or replaced: found md5 {digest}, dvc.lock has ")
        assert "delete it and run `dvc repro`" in refused(LINEAR)
    LINEAR.unlink()
    assert refused(LINEAR) == f"{LINEAR}: missing; `dvc repro data@linear` makes it"
    LINEAR.mkdir()
    assert refused(LINEAR) == f"{LINEAR}: cannot be read (Is a directory)"


@pytest.mark.usefixtures("recorded")
def test_a_file_that_no_stage_made_is_refused_once_there_is_a_lock():
    other = Path("data/other.npz")
    other.write_bytes(b"right")
    assert refused(other).startswith(f"{other}: no stage in dvc.lock made it")
    lock.PATH.unlink()
    lock.check(other, "data@other")


def test_a_stage_that_was_run_on_another_text_is_stale():
    parsed, path = lock.parse(RECORDED.encode()), Path("data/configs/data/linear.json")
    assert not lock.is_stale(parsed, "data@linear", path, "right")
    assert lock.is_stale(parsed, "data@linear", path, "wrong")
    assert not lock.is_stale(parsed, "data@other", path, "wrong")  # nothing is recorded
    assert lock.digests(parsed)["reports/figures"] == "0123.dir"


def test_without_a_lock_nothing_is_recorded(in_folder):
    assert lock.read() == {}


@pytest.mark.parametrize(
    "text", ["a: [", "\t", "stages: [1]", "stages: {x: {outs: [{}]}}", "- 1", "word", "stages: {x: 1}", "[" * 2_000]
)
def test_a_damaged_lock_is_named_in_a_line(text, in_folder):
    lock.PATH.write_text(text)
    with pytest.raises(UserError, match=r"^dvc.lock: damaged \(.*\); .*`git checkout HEAD -- dvc.lock`") as caught:
        lock.read()
    assert "\n" not in str(caught.value)


def test_a_lock_that_cannot_be_read_is_named(in_folder):
    lock.PATH.mkdir()
    with pytest.raises(UserError, match=r"^dvc.lock: cannot be read \(Is a directory\)$"):
        lock.read()
