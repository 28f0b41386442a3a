"""Raw files from a folder; servers are in tests/faults/test_downloads.py."""

import pytest
from idx import NAMES

from pipeline.core.errors import UserError
from pipeline.data import download


def fetch(name: str = NAMES[1], source: str = "fashion_mnist") -> bytes:
    return download.raw_file(source, name, md5="0" * 32).read_bytes()


def test_a_file_in_the_cache_is_used_until_it_is_damaged(mirror, monkeypatch):
    expected = (mirror / NAMES[1]).read_bytes()
    assert fetch() == expected
    path = download.raw_file("fashion_mnist", NAMES[1], md5="")
    monkeypatch.setenv("ABLATE_MIRROR", "/nowhere")
    assert fetch() == expected
    path.write_bytes(expected[:-1])
    with pytest.raises(
        UserError, match=rf"^/nowhere/{NAMES[1]}: cannot be had \(.*No such file.*\); set ABLATE_MIRROR"
    ):
        fetch()
    monkeypatch.setenv("ABLATE_MIRROR", str(mirror))
    assert fetch() == path.read_bytes() == expected


def test_other_data_sets_are_checked_by_the_digest_of_torchvision(mirror):
    with pytest.raises(UserError, match="MD5 .*expected md5:0000"):
        fetch(source="mnist")


@pytest.mark.parametrize("form", ["{}/", "file://{}", "file:{}"])
def test_a_mirror_may_be_a_folder_or_its_url(form, mirror, monkeypatch):
    mirror.rename(mirror.with_name("of a user"))
    folder = str(mirror.with_name("of a user"))
    monkeypatch.setenv("ABLATE_MIRROR", form.format(folder.replace(" ", "%20") if "file" in form else folder))
    assert fetch()
