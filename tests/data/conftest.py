"""A mirror with tiny IDX files; tables in the current folder."""

from collections.abc import Callable
from pathlib import Path

import idx
import polars
import pytest
from data.written import CSV, PARQUET

from pipeline.data.table import Table


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `ABLATE_MIRROR` names, with four files whose digests are expected."""
    idx.write(tmp_path / "mirror", train=12, test=5)
    idx.expect(tmp_path / "mirror", monkeypatch)
    monkeypatch.setenv("ABLATE_MIRROR", str(tmp_path / "mirror"))
    return tmp_path / "mirror"


@pytest.fixture
def write(in_folder: Path) -> Callable[..., Table]:
    """Writes a table and returns the config for it."""
    (in_folder / "tables").mkdir()

    def write(content: str | bytes | polars.DataFrame, target: str = "ill", **changes) -> Table:
        file = PARQUET if isinstance(content, polars.DataFrame) else CSV
        if isinstance(content, polars.DataFrame):
            content.write_parquet(file)
        else:
            Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Table.model_validate({"source": "table", "file": file, "target": target, **changes})

    return write
