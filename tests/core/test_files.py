import errno
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.core.errors import UserError
from pipeline.core.files import is_being_written, replacing


def test_a_file_appears_whole_or_not_at_all(in_folder):
    path = in_folder / "folder" / "file"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert is_being_written(temporary)
        assert not path.exists()
    assert path.read_text() == "new"
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_path_that_cannot_be_written_is_named(in_folder):
    (in_folder / "file").write_text("in the way")
    with pytest.raises(UserError, match="below: cannot be written"), replacing(in_folder / "file" / "below"):
        pass
    (in_folder / "folder").mkdir()
    with pytest.raises(UserError, match="folder: cannot be written"), replacing(in_folder / "folder") as path:
        path.write_text("x")


def test_a_folder_that_can_only_be_read_is_named_by_the_path_of_the_file(in_folder, monkeypatch):
    def unlink(path, missing_ok=False):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", unlink)  # as on a file system that is mounted read-only
    with (
        pytest.raises(UserError, match=r"^page.html: cannot be written \(Read-only file system\)$"),
        replacing(Path("page.html")) as temporary,
    ):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(temporary))


def test_leftovers_of_a_killed_writer_are_deleted_by_the_next_writer(in_folder):
    with subprocess.Popen(["true"]) as killed:
        pass
    leftover, active = Path(f".page.html.{killed.pid}.tmp"), Path(f".page.html.{os.getppid()}.tmp")
    for path in (leftover, active):
        path.write_text("half")
    assert [is_being_written(path) for path in (leftover, active)] == [False, True]
    with replacing(Path("page.html")) as temporary:
        temporary.write_text("whole")
    assert {path.name for path in in_folder.iterdir()} == {"page.html", active.name}
