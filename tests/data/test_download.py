"""Files from a web server; servers that fail or lie are in tests/faults/test_downloads.py."""

from pathlib import Path

import pytest
from idx import NAMES

from pipeline.data.download import UnavailableError, download, one_line, shown


def test_a_file_arrives_as_it_is_with_a_progress_bar(server, mirror, capfd):
    for name in NAMES:
        assert download(f"{server}/{name}") == (mirror / name).read_bytes()
    assert f"{NAMES[0]}: 100%" in capfd.readouterr().err


def test_what_a_server_does_not_have_is_said_in_its_words(server):
    with pytest.raises(UnavailableError, match="^404 Not Found$"):
        download(f"{server}/gone")


def test_what_is_no_url_is_said():
    with pytest.raises(UnavailableError, match="URL"):
        download("http://")


def test_a_place_is_shown_without_its_password():
    assert shown("https://me:secret@host/folder") == "https://host/folder"
    assert shown("https://host/folder") == "https://host/folder"
    assert shown(Path("/folder/with space")) == "/folder/with space"


def test_words_of_others_are_one_line():
    assert one_line(" two\n lines\x1b[2J ") == r"two lines\x1b[2J"
