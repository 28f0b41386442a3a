"""Raw files from servers that fail or lie: the right bytes, or one line per server that says why not."""

import http.server
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from idx import NAMES, expect, write
from samples import ROOT

from pipeline.core.errors import UserError
from pipeline.data import download

NAME = NAMES[1]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where raw files are kept; the right ones are in `right`."""
    write(tmp_path / "right", train=120, test=50)
    return expect(tmp_path / "right", monkeypatch)


@pytest.fixture
def serve(cache, tmp_path, monkeypatch) -> Iterator[Callable[..., type]]:
    """Start a server, the mirror, that answers by a fault `times` times and then with the right bytes."""
    content = (tmp_path / "right" / NAME).read_bytes()
    started = []

    def start(fault: Callable[..., None]) -> type:
        class Handler(http.server.BaseHTTPRequestHandler):
            times, asked, url = 1_000, [], ""

            def do_GET(self) -> None:
                self.asked.append(self.headers)
                (fault if len(self.asked) <= self.times else answer)(self, content)

            def log_message(self, *_: object) -> None:
                pass

        started.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, kwargs={"poll_interval": 0.02}).start()
        Handler.url = f"http://127.0.0.1:{started[-1].server_port}/files"
        monkeypatch.setenv("ABLATE_MIRROR", Handler.url)
        return Handler

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def answer(handler, content: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
    handler.send_response(status)
    for key, value in {"Content-Length": str(length or len(content)), **headers}.items():
        handler.send_header(key.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def fetch() -> bytes:
    return download.raw_file("fashion_mnist", NAME, "").read_bytes()


def refused() -> list[str]:
    """The lines of the error; each one is printable and ends with what to do."""
    with pytest.raises(UserError) as caught:
        fetch()
    lines = str(caught.value).split("\n")
    assert all(line.isprintable() and "; set ABLATE_MIRROR to " in line for line in lines)
    return lines


FAULTS = {
    "404": (lambda handler, content: answer(handler, b"<html>", 404), "404 Client Error: Not Found"),
    "short": (lambda handler, content: answer(handler, content[:-9], length=len(content)), "IncompleteRead"),
    "hangs up": (lambda handler, content: None, "closed connection without response"),
    "wrong": (
        lambda handler, content: answer(handler, b"<html>Please log in</html>"),
        "SHA256 .*expected [0-9a-f]{64} but got [0-9a-f]{64}",
    ),
    "nonsense": (lambda handler, content: handler.wfile.write(b"\x1b[2J\r\n\r\n"), "2J"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_ends_in_a_line_and_one_that_passes_in_the_right_bytes(case, serve, cache, monkeypatch, tally):
    fault, words = FAULTS[case]
    server = serve(fault)
    (line,) = refused()
    assert line.startswith(f"{server.url}/{NAME}: cannot be had (")
    assert re.search(words, line)
    assert not [path for path in cache.rglob("*") if path.is_file()]
    server.times, server.asked[:] = 1, []
    monkeypatch.setattr(download, "RETRIES", 1)
    assert fetch() == (cache / NAME).read_bytes()
    assert len(server.asked) == 2
    tally("downloads", "server, always: " + case, "refused, named")
    tally("downloads", "server, once: " + case, "tried again, right bytes")


def test_every_server_is_asked_and_has_its_line(serve, cache, monkeypatch, tally):
    servers = [serve(FAULTS[case][0]) for case in ("404", "wrong", "short")]
    monkeypatch.delenv("ABLATE_MIRROR")
    monkeypatch.setitem(download.SERVERS, "fashion_mnist", tuple(server.url for server in servers))
    lines = refused()
    for line, server, word in zip(lines, servers, ("404", "SHA256", "IncompleteRead"), strict=True):
        assert line.startswith(server.url)
        assert word in line
    servers[-1].times = 0
    assert fetch()
    tally("downloads", "several servers", "one line each, or the right bytes")


def test_a_password_is_sent_and_not_printed(serve, monkeypatch, tally):
    server = serve(FAULTS["404"][0])
    for url in (server.url, server.url.replace("http", "ftp"), server.url.replace("127.0.0.1", "[")):
        monkeypatch.setenv("ABLATE_MIRROR", url.replace("://", "://user:se%40c@ret@"))
        (line,) = refused()
        assert not any(word in line for word in ("user", "se%40c", "se@c", "ret@"))
    assert server.asked[0]["Authorization"] == "Basic dXNlcjpzZUBjQHJldA=="
    tally("downloads", "mirror with a password", "not printed")


def test_a_file_that_is_declared_to_be_compressed_for_the_transfer_stays_as_it_is(serve, capfd, tally):
    server = serve(lambda handler, content: answer(handler, content, Content_Encoding="gzip"))
    assert fetch()
    assert server.asked[0]["Accept-Encoding"] == "identity"
    assert "100%" in capfd.readouterr().err  # a progress bar
    tally("downloads", "server: unusual, but right", "right bytes")


@pytest.mark.parametrize("mirror", ["http://127.0.0.1:9", "http://h:99999", "a\nb\x1b"])
def test_a_mirror_that_is_not_there_is_named(mirror, cache, monkeypatch, in_folder, tally):
    monkeypatch.setenv("ABLATE_MIRROR", mirror)
    (line,) = refused()
    assert f"/{NAME}: cannot be had (" in line
    tally("downloads", "mirror that is not there", "refused, named")


def test_a_cache_that_cannot_be_written_is_named(cache, tmp_path, monkeypatch, tally):
    monkeypatch.setenv("ABLATE_MIRROR", str(tmp_path / "right"))
    (tmp_path / "cache").write_bytes(b"")
    assert str(tmp_path / "cache") in refused()[0]
    tally("downloads", "cache: cannot be written", "refused, named")


def test_an_interrupted_download_keeps_nothing(serve, cache, tally):
    busy, over = threading.Event(), threading.Event()

    def stall(handler, content: bytes) -> None:
        answer(handler, content[: len(content) // 2], length=len(content))
        busy.set()
        over.wait(30)

    serve(stall)
    program = f"""
from pipeline.core import console
from pipeline.data import download
console.run(lambda _: download.raw_file("mnist", {NAME!r}, ""))
"""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=os.environ, stderr=pipe, text=True)
    assert busy.wait(60)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    over.set()
    # a bar that is already there is drawn again at the end, behind the word
    words = re.sub(r"Downloading file .*|.*B/s\]", "", errors).split()
    assert (process.returncode, words) == (143, ["terminated"]), errors
    assert not [path for path in cache.parent.rglob("*") if path.is_file()]
    tally("downloads", "interrupted", "one word, nothing kept")
