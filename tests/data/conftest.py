"""A mirror with tiny IDX files."""

from pathlib import Path

import pytest
from idx import expect, write


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `ABLATE_MIRROR` names, with four files whose digests are expected."""
    write(tmp_path / "mirror", train=12, test=5)
    expect(tmp_path / "mirror", monkeypatch)
    monkeypatch.setenv("ABLATE_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "mirror"
