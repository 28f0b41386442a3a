"""A mirror with IDX files, and a web server that has them."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from idx import expect, write

from pipeline.data import raw_files


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache folder; returns where the raw files of Fashion-MNIST go."""
    monkeypatch.setattr(raw_files.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "mlp-ablations" / "raw" / "fashion_mnist"


@pytest.fixture
def mirror(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four tiny IDX files whose digests take the place of the published ones."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    write(folder, train=12, test=5)
    expect(folder, monkeypatch)
    monkeypatch.setenv("ABLATE_MIRROR", str(folder))
    return folder


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
