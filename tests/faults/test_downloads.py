"""Raw files from servers, mirrors and caches that fail or lie: the right bytes, or a line that says why not."""

import contextlib
import datetime
import gzip
import hashlib
import http.server
import ipaddress
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faults.tally import Mutant
from idx import NAMES, expect, make, write
from samples import ROOT

from pipeline.core.errors import UserError
from pipeline.data import download, images, raw_files

DOWNLOAD, RAW_FILES = "pipeline/data/download.py", "pipeline/data/raw_files.py"
MUTANTS = [
    Mutant(
        file=RAW_FILES,
        guard="        if found == expected:\n",
        without="        if True:\n",
        test="test_what_is_not_the_file_is_refused[wrong bytes]",
    ),
    Mutant(
        file=RAW_FILES,
        guard="        if hashlib.new(algorithm, content).hexdigest() == expected:\n",
        without="        if True:\n",
        test="test_a_kept_file_that_is_damaged_is_fetched_again",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="                timeout=(CONNECT_SECONDS, READ_SECONDS),\n",
        without="",
        test="test_a_fault_that_does_not_pass[no answer]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard=".get(FILE_SECONDS)",
        without=".get()",
        test="test_a_fault_that_stays[trickling headers]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="response.raw.read1(2**16, decode_content=False)",
        without="response.raw.read(2**16, decode_content=False)",
        test="test_a_server_that_was_given_up_is_left_alone",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="                if len(content) > LARGEST_FILE:\n",
        without="                if False:\n",
        test="test_a_fault_that_stays[endless body]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="    def get_redirect_target(self, resp: requests.Response) -> str | None:\n        return None\n",
        without="",
        test="test_a_fault_that_stays[endless redirect]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="    if scheme not in allowed:\n",
        without="    if False:\n",
        test="test_nobody_is_sent_away_from_https",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="    for _ in range(REDIRECTS + 1):\n",
        without="    while True:\n",
        test="test_a_fault_that_stays[redirect loop]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="retries = Retry(total=RETRIES,",
        without="retries = Retry(total=0,",
        test="test_a_fault_that_passes[503]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard="        passing = response.status_code in _PASSING_STATUSES\n",
        without="        passing = True\n",
        test="test_a_fault_that_stays[404]",
    ),
    Mutant(
        file=RAW_FILES,
        guard="flags | os.O_NONBLOCK",
        without="flags",
        test="test_what_is_no_file_is_refused_at_once[pipe]",
    ),
    Mutant(
        file=DOWNLOAD,
        guard='place.replace(person + at, "", 1) if at else place',
        without="place",
        test="test_a_password_is_not_printed",
    ),
    Mutant(
        file=DOWNLOAD,
        guard='escape(" ".join(str(words).split()))',
        without='" ".join(str(words).split())',
        test="test_what_a_server_says_cannot_steer_the_terminal",
    ),
    Mutant(
        file=DOWNLOAD,
        guard='                headers={"Accept-Encoding": "identity"},\n',
        without="",
        test="test_compression_on_the_way_is_not_asked_for_and_not_undone",
    ),
]

FIRST = NAMES[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, smaller."""
    images._torchvision_datasets()  # for the first time, an import of seconds
    for name, value in {
        "CONNECT_SECONDS": 2.0,
        "READ_SECONDS": 0.4,
        "FILE_SECONDS": 4.0,
        "RETRIES": 2,
        "PAUSE_SECONDS": 0.01,
        "LARGEST_FILE": 300_000,
    }.items():
        monkeypatch.setattr(download, name, value)
    monkeypatch.setattr(raw_files, "LARGEST_FILE", download.LARGEST_FILE)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four tiny IDX files, whose digests take the place of the published ones; the cache is empty."""
    folder = tmp_path / "right"
    folder.mkdir()
    write(folder, train=120, test=50)
    expect(folder, monkeypatch)
    monkeypatch.setattr(raw_files.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return folder


@pytest.fixture
def cache(right: Path, tmp_path: Path) -> Path:
    """Where the raw files go; nothing but right ones may ever be there."""
    return tmp_path / "cache" / "mlp-ablations" / "raw" / "fashion_mnist"


def kept(cache: Path, right: Path) -> set[str]:
    """Names of the kept files, every one of them the right one."""
    found = [path for path in cache.rglob("*") if path.is_file() or path.is_symlink()]
    for path in found:
        assert path.read_bytes() == (right / path.name).read_bytes()
    return {path.name for path in found}


class Server(http.server.BaseHTTPRequestHandler):
    """A server that answers for the first file by `fault`, as often as `times` says, and then with the right bytes."""

    protocol_version = "HTTP/1.1"
    folder: ClassVar[Path]
    fault: ClassVar[Callable[["Server"], None]]
    times: ClassVar[int]
    asked: ClassVar[list[str]]
    headers_seen: ClassVar[list[dict[str, str]]]
    over: ClassVar[threading.Event]

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.asked.append(name)
        self.headers_seen.append(dict(self.headers))
        self.close_connection = True
        # a client that has given up is what many of these tests are about
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            if name == FIRST and self.asked.count(FIRST) <= self.times:
                type(self).fault(self)
            else:
                self.give((self.folder / name).read_bytes() if (self.folder / name).is_file() else b"<html></html>")

    def give(self, content: bytes, status: int = 200, promised: int | str | None = None, **headers: str) -> None:
        self.send_response(status)
        if promised != -1:
            self.send_header("Content-Length", str(len(content) if promised is None else promised))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def content(self) -> bytes:
        return (self.folder / FIRST).read_bytes()

    def log_message(self, *arguments: object) -> None:
        pass


class Threads(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):  # it is the client that hung up
            raise AssertionError from error


@contextlib.contextmanager
def serving(handler: type[Server], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    with Threads(("127.0.0.1", 0), handler) as running:
        if tls:
            running.socket = tls.wrap_socket(running.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{running.server_port}"
        finally:
            handler.over.set()
            running.shutdown()
            thread.join()


@pytest.fixture
def mirror(right: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., type[Server]]]:
    """Starts a server with a fault and names it in `ABLATE_MIRROR`."""
    with contextlib.ExitStack() as stack:

        def start(
            fault: Callable[[Server], None], times: int = 1_000, tls: ssl.SSLContext | None = None
        ) -> type[Server]:
            handler = type(
                "Faulty",
                (Server,),
                {
                    "folder": right,
                    "fault": staticmethod(fault),
                    "times": times,
                    "asked": [],
                    "headers_seen": [],
                    "over": threading.Event(),
                },
            )
            handler.url = stack.enter_context(serving(handler, tls))
            monkeypatch.setenv("ABLATE_MIRROR", handler.url)
            return handler

        yield start


@contextlib.contextmanager
def deadline(seconds: int) -> Iterator[None]:
    """What hangs fails instead."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"still busy after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# --- faults of a server ----------------------------------------------------------------------------------------------


def short(server: Server) -> None:
    server.give(server.content()[:-100], promised=len(server.content()))


def reset(server: Server) -> None:
    server.give(server.content()[:1000], promised=len(server.content()))
    server.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wfile.close()
    server.connection.close()


def chunked(server: Server, last: bytes = b"") -> None:
    server.send_response(200)
    server.send_header("Transfer-Encoding", "chunked")
    server.end_headers()
    content = server.content()
    server.wfile.write(b"%x\r\n%s\r\n" % (len(content), content) + last)


def silent(server: Server) -> None:
    server.over.wait(20)


def stalled(server: Server) -> None:
    server.give(server.content()[:100], promised=len(server.content()))
    server.wfile.flush()
    server.over.wait(20)


def slowly(server: Server, content: bytes) -> None:
    for number in range(len(content)):
        if server.over.wait(0.1):
            return
        server.wfile.write(content[number : number + 1])
        server.wfile.flush()


def trickling_body(server: Server) -> None:
    server.give(b"", promised=10_000)
    slowly(server, server.content())


def trickling_headers(server: Server) -> None:
    slowly(server, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000)


def endless(server: Server, status: int = 200, **headers: str) -> None:
    server.give(b"", status, promised=-1, **headers)
    for _ in range(4_000):  # 250 MB, if nobody hangs up
        server.wfile.write(b"\0" * 2**16)
    server.over.wait(20)


def nonsense(server: Server) -> None:
    server.wfile.write(b"\x00\x1b[2J nonsense\r\n\r\n")


def hangs_up(server: Server) -> None:
    pass


def status(code: int, **headers: str) -> Callable[[Server], None]:
    return lambda server: server.give(b"<html>sorry</html>", code, **headers)


PASSING: dict[str, tuple[Callable[[Server], None], str]] = {
    "500": (status(500), "500 Internal Server Error"),
    "502": (status(502), "502 Bad Gateway"),
    "503": (status(503), "503 Service Unavailable"),
    # whoever obeyed would wait for a day
    "503, come back in a day": (status(503, Retry_After="86400"), "503 Service Unavailable"),
    "429": (status(429), "429 Too Many Requests"),
    "short body": (short, "IncompleteRead"),
    "connection reset within the body": (reset, "Connection reset by peer|IncompleteRead"),
    "chunks that end too soon": (chunked, "IncompleteRead"),
    "chunks of no length": (lambda server: chunked(server, b"zz\r\n"), "IncompleteRead"),
    "hangs up at once": (hangs_up, "closed connection without response"),
    "nonsense": (nonsense, "nonsense"),
    "no answer": (silent, "timed out"),
    "stalled body": (stalled, "timed out"),
}

STAYING: dict[str, tuple[Callable[[Server], None], str]] = {
    "404": (status(404), "404 Not Found"),
    "403": (status(403), "403 Forbidden"),
    "410": (status(410), "410 Gone"),
    "204": (status(204), "204 No Content"),
    "206": (status(206), "206 Partial Content"),
    "unknown status": (status(599), "599"),
    "redirect loop": (status(302, Location=f"/{FIRST}"), "sent on more than 5 times"),
    "redirect to a file": (status(302, Location="file:///etc/passwd"), "sent on to file:///etc/passwd, allowed: "),
    "redirect to ftp": (status(301, Location="ftp://127.0.0.1/x"), "sent on to ftp://127.0.0.1/x, allowed: "),
    "redirect to no URL": (status(302, Location="http://[x"), "sent on to no URL"),
    "endless body": (endless, "more than 300,000 bytes"),
    "endless redirect": (
        lambda server: endless(server, 302, Location=f"/{FIRST}"),
        "sent on more than 5 times",
    ),
    "trickling body": (trickling_body, "not all there after 2 seconds"),
    "trickling headers": (trickling_headers, "not all there after 2 seconds"),
}


def refused(match: str) -> str:
    """One line that names mirror, file, what went wrong and what to do."""
    mirror = os.environ["ABLATE_MIRROR"].rstrip("/")
    with pytest.raises(UserError) as caught, deadline(10):
        make()
    (line,) = str(caught.value).splitlines()
    begin, end = f"{mirror}/{FIRST}: cannot be had (", "); set ABLATE_MIRROR to a folder or URL that has the file"
    assert line.startswith(begin)
    assert line.endswith(end)
    reason = line.removeprefix(begin).removesuffix(end)
    assert re.search(match, reason), line
    assert "object at 0x" not in line
    return reason


@pytest.mark.parametrize("case", PASSING)
def test_a_fault_that_passes(case, mirror, cache, right, tally):
    fault, _ = PASSING[case]
    server = mirror(fault, times=1)
    assert make().train.inputs.shape == (1, 120, 784)
    assert server.asked == [FIRST, *NAMES]
    assert kept(cache, right) == set(NAMES)
    tally("downloads", "server, once: " + family(case), "tried again, right bytes")


@pytest.mark.parametrize("case", PASSING)
def test_a_fault_that_does_not_pass(case, mirror, cache, right, tally):
    fault, words = PASSING[case]
    server = mirror(fault)
    began = time.monotonic()
    reason = refused(words)
    assert reason.endswith("; tried 3 times")
    assert server.asked == [FIRST] * 3
    assert time.monotonic() - began < 5
    assert kept(cache, right) == set()
    tally("downloads", "server, always: " + family(case), "refused, named")


@pytest.mark.parametrize("case", STAYING)
def test_a_fault_that_stays(case, mirror, cache, right, tally, monkeypatch):
    monkeypatch.setattr(download, "FILE_SECONDS", 2.0)
    fault, words = STAYING[case]
    server = mirror(fault)
    began = time.monotonic()
    assert "tried" not in refused(words)
    assert time.monotonic() - began < 4
    assert server.asked == [FIRST] * (6 if "sent on more" in words else 1), "no retry where none can help"
    assert kept(cache, right) == set()
    tally("downloads", "server, always: " + family(case), "refused, named")


def family(case: str) -> str:
    """Few names for the page."""
    if case[0].isdecimal() or "status" in case:
        return "error status"
    if "redirect" in case:
        return "redirect"
    return "slow or silent" if case in ("no answer", "stalled body") or "trick" in case else "broken or endless answer"


def test_a_server_that_was_given_up_is_left_alone(mirror, right, monkeypatch, tally):
    """Its thread ends with the next bytes that come, and nothing of it is printed or kept any more."""
    monkeypatch.setattr(download, "FILE_SECONDS", 0.5)
    before = threading.active_count()
    server = mirror(trickling_body)
    refused("not all there after 0.5 seconds")
    deadline = time.monotonic() + 3
    # of the server: its own thread and one that still answers
    while threading.active_count() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before + 2
    assert server.asked == [FIRST]
    tally("downloads", "server, always: slow or silent", "refused, named")


@pytest.mark.parametrize(
    "case",
    [
        "no Content-Length",
        "Content-Length that is no number",
        "Content-Length of 5,000 digits",
        "chunks",
        "redirect to another server",
    ],
)
def test_an_answer_that_is_unusual_but_right(case, mirror, right, cache, tally):
    other = mirror(status(404), times=0)
    faults: dict[str, Callable[[Server], None]] = {
        "no Content-Length": lambda server: server.give(server.content(), promised=-1),
        "Content-Length that is no number": lambda server: server.give(server.content(), promised="many"),
        "Content-Length of 5,000 digits": lambda server: server.give(server.content(), promised="9" * 5_000),
        "chunks": lambda server: chunked(server, b"0\r\n\r\n"),
        "redirect to another server": status(307, Location=f"{other.url}/{FIRST}"),
    }
    mirror(faults[case])
    assert make().train.inputs.shape == (1, 120, 784)
    assert kept(cache, right) == set(NAMES)
    tally("downloads", "server: unusual, but right", "right bytes")


def test_compression_on_the_way_is_not_asked_for_and_not_undone(mirror, right, cache, tally):
    """A file that is compressed is often declared to be compressed on the way; unpacked, it were another file."""
    server = mirror(lambda server: server.give(server.content(), Content_Encoding="gzip"))
    make()
    assert kept(cache, right) == set(NAMES)
    assert {headers["Accept-Encoding"] for headers in server.headers_seen} == {"identity"}
    tally("downloads", "server: unusual, but right", "right bytes")


BOMB = gzip.compress(bytes(40_000_000))


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "wrong bytes": lambda right: b"something else",
    "empty": lambda right: b"",
    "right size, one bit wrong": lambda right: right[:-1] + bytes([right[-1] ^ 1]),
    "short, without Content-Length": lambda right: right[:-1],
    "gzip bomb": lambda right: BOMB,
    "HTML page": lambda right: b"<html>Please log in</html>",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_the_file_is_refused(case, mirror, right, cache, tally):
    wrong = WRONG[case]((right / FIRST).read_bytes())
    mirror(lambda server: server.give(wrong, promised=-1 if "without" in case else None))
    must_name_both_digests(wrong, cache, right)
    tally("downloads", "server: wrong content", "refused, both digests named")


def must_name_both_digests(wrong: bytes, cache: Path, right: Path) -> None:
    mirror = os.environ["ABLATE_MIRROR"]
    with pytest.raises(UserError) as caught:
        make()
    found, expected = (hashlib.sha256(content).hexdigest() for content in (wrong, (right / FIRST).read_bytes()))
    assert str(caught.value) == (
        f"{mirror}: {FIRST}: found sha256 {found} ({len(wrong):,} bytes), expected {expected}; "
        "set ABLATE_MIRROR to a folder or URL that has the file"
    )
    assert kept(cache, right) == set()


def test_a_redirect_to_a_page_is_refused(mirror, right, cache, tally):
    mirror(status(302, Location="/login/"))
    must_name_both_digests(b"<html></html>", cache, right)
    tally("downloads", "server, always: redirect", "refused, named")


def test_a_mirror_that_gives_another_data_set_s_files(mirror, right, cache, tally):
    """What is MNIST by its digest is no Fashion-MNIST, whatever the mirror calls it."""
    other = (right / NAMES[2]).read_bytes()
    mirror(lambda server: server.give(other))
    must_name_both_digests(other, cache, right)
    tally("downloads", "server: wrong content", "refused, both digests named")


def test_servers_that_are_not_there(right, cache, monkeypatch, tally):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("ABLATE_MIRROR", f"http://127.0.0.1:{port}")
    assert refused("^Connection refused; tried 3 times$")
    monkeypatch.setenv("ABLATE_MIRROR", "http://no-such-host.invalid/files/")
    monkeypatch.setattr(download, "FILE_SECONDS", 20.0)
    assert refused("; tried 3 times$")
    assert kept(cache, right) == set()
    tally("downloads", "server gone or unknown", "refused, named", 2)


def test_a_host_that_is_looked_up_for_ever(right, cache, monkeypatch, tally):
    over = threading.Event()
    monkeypatch.setattr(download, "FILE_SECONDS", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    monkeypatch.setenv("ABLATE_MIRROR", "http://somewhere.example")
    refused("not all there after 0.5 seconds")
    over.set()
    tally("downloads", "server gone or unknown", "refused, named")


def test_each_server_is_asked_and_has_its_line(mirror, right, cache, monkeypatch, tally):
    first = mirror(status(404)).url
    second = mirror(lambda server: server.give(b"wrong")).url
    third = mirror(status(500))
    monkeypatch.delenv("ABLATE_MIRROR")
    monkeypatch.setitem(raw_files.SERVERS, "fashion_mnist", (first, second, third.url))
    with pytest.raises(UserError) as caught:
        make()
    lines = str(caught.value).splitlines()
    for line, server, word in zip(lines, (first, second, third.url), ("404", "found sha256", "500"), strict=True):
        assert line.startswith(server)
        assert FIRST in line
        assert word in line
    third.times = 0  # the last one is repaired
    assert make().train.inputs.shape == (1, 120, 784)
    tally("downloads", "several servers, all faulty", "one line each")
    tally("downloads", "several servers, the last right", "right bytes")


# --- https -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and the file with its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = tmp_path / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, pem


def test_nobody_is_sent_away_from_https(mirror, right, cache, tls, monkeypatch, tally):
    context, pem = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    plain = mirror(status(404), times=0)
    secure = mirror(status(302, Location=f"{plain.url}/{FIRST}"), tls=context)
    for url in (secure.url, secure.url.replace("https", "HTTPS")):
        monkeypatch.setenv("ABLATE_MIRROR", url)
        refused(f"^sent on to {plain.url}/{FIRST}, allowed: https$")
    assert plain.asked == []
    assert kept(cache, right) == set()
    tally("downloads", "redirect from https to http", "refused, named")


def test_whoever_is_sent_on_to_https_follows(mirror, right, cache, tls, monkeypatch):
    context, pem = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    secure = mirror(status(404), times=0, tls=context)
    mirror(status(308, Location=f"{secure.url}/{FIRST}"))
    make()
    assert kept(cache, right) == set(NAMES)


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(mirror, right, cache, tls, tally):
    server = mirror(status(404), times=0, tls=tls[0])
    assert "tried" not in refused("CERTIFICATE_VERIFY_FAILED.*self-signed certificate")
    assert server.asked == []
    assert kept(cache, right) == set()
    tally("downloads", "certificate that nobody vouches for", "refused, named")


# --- mirrors and caches that are files --------------------------------------------------------------------------------


def test_mirror_folders_with_wrong_files(right, cache, tmp_path, monkeypatch, tally):
    whole = (right / FIRST).read_bytes()
    folder = tmp_path / "-rf --help; mirror%20of \N{SNOWMAN}"
    shutil.copytree(right, folder)
    monkeypatch.setenv("ABLATE_MIRROR", str(folder))
    for wrong in (b"", whole[:-1], whole + b"\0", whole[:-1] + bytes([whole[-1] ^ 1]), BOMB):
        (folder / FIRST).write_bytes(wrong)
        must_name_both_digests(wrong, cache, right)
    tally("downloads", "mirror folder: wrong content", "refused, both digests named", 5)
    (folder / FIRST).write_bytes(whole)
    make()
    assert kept(cache, right) == set(NAMES)


def nothing_there(path: Path) -> None:
    pass


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**40)  # no block of it is stored


NO_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (nothing_there, "No such file or directory"),
    "folder": (Path.mkdir, "Is a directory"),
    "pipe": (os.mkfifo, "no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    "huge": (huge, "more than 300,000 bytes"),
}


@pytest.mark.parametrize("case", NO_FILES)
def test_what_is_no_file_is_refused_at_once(case, right, cache, tmp_path, monkeypatch, tally):
    place, words = NO_FILES[case]
    folder = tmp_path / "mirror"
    shutil.copytree(right, folder)
    (folder / FIRST).unlink()
    place(folder / FIRST)
    monkeypatch.setenv("ABLATE_MIRROR", str(folder))
    refused(f"^{words}$")
    assert kept(cache, right) == set()
    tally("downloads", "mirror folder: no file", "refused, named")


@pytest.mark.parametrize("case", sorted(set(NO_FILES) - {"missing", "folder"}))
def test_a_cache_that_holds_no_file_is_put_right(case, right, cache, monkeypatch, tally):
    place, _ = NO_FILES[case]
    cache.mkdir(parents=True)
    place(cache / FIRST)
    monkeypatch.setenv("ABLATE_MIRROR", str(right))
    with deadline(10):
        make()
    assert kept(cache, right) == set(NAMES)
    tally("downloads", "cache: no file", "fetched again, right bytes")


def test_a_cache_that_cannot_be_written_is_named(right, cache, monkeypatch, tally):
    monkeypatch.setenv("ABLATE_MIRROR", str(right))
    (cache / FIRST).mkdir(parents=True)
    with pytest.raises(UserError, match=rf"^{cache / FIRST}: cannot be written \(Is a directory\)$"):
        make()
    shutil.rmtree(cache)
    cache.write_bytes(b"")  # a file in the place of the folder
    with pytest.raises(UserError, match=r"cannot be written \((Not a directory|File exists)\)$"):
        make()
    tally("downloads", "cache: cannot be written", "refused, named", 2)


def test_a_kept_file_that_is_damaged_is_fetched_again(right, cache, monkeypatch, many, tally):
    """Bits flipped, bytes cut off or added, at random: noticed at the next use."""
    monkeypatch.setenv("ABLATE_MIRROR", str(right))
    first = make()
    random = np.random.default_rng(1)
    count = many(300)
    for number in range(count):
        name = NAMES[random.integers(len(NAMES))]
        content = bytearray((right / name).read_bytes())
        where = int(random.integers(len(content)))
        if number % 3 == 0:
            content[where] ^= 1 << int(random.integers(8))
        elif number % 3 == 1:
            del content[where:]
        else:
            content[where:where] = random.bytes(random.integers(1, 9))
        (cache / name).write_bytes(content)
        monkeypatch.setenv("ABLATE_MIRROR", "/nowhere")
        with pytest.raises(UserError, match=rf"^/nowhere/{name}: cannot be had \(No such file"):
            make()
        monkeypatch.setenv("ABLATE_MIRROR", str(right))
        np.testing.assert_array_equal(make().train.inputs, first.train.inputs)
        assert kept(cache, right) == set(NAMES)
    tally("downloads", "cache: damaged", "refused, named", count)
    tally("downloads", "cache: damaged", "fetched again, right bytes", count)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://127.0.0.1/files",
        "file://server/folder",
        "file:",
        "data://text/plain",
        "http://",
        "http:///folder",
        "https://host:99999/x",
        "http://[::1",
        "http://host/folder?version=1",
        "http://host/folder#top",
        "javascript://x",
        "HTTP+unix://x",
    ],
)
def test_urls_of_another_kind_are_refused(text, right, monkeypatch, tally):
    monkeypatch.setenv("ABLATE_MIRROR", text)
    with pytest.raises(UserError) as caught:
        make()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"ABLATE_MIRROR: found {text!r}")
    assert line.endswith("allowed: a folder, file:///folder, http://host/folder or https://host/folder")
    tally("downloads", "mirror: strange name", "refused, named")


@pytest.mark.parametrize(
    "text", ["data:,x", "-rf", "--help", "a\nb", "\x1b[2J", "C:\\files", "~", "$HOME", "x" * 5_000]
)
def test_strange_names_are_folders_that_are_not_there(text, right, monkeypatch, tally, in_folder):
    monkeypatch.setenv("ABLATE_MIRROR", text)
    with pytest.raises(UserError) as caught:
        make()
    (line,) = str(caught.value).splitlines()
    assert line.isprintable()
    assert f"/{FIRST}: cannot be had (" in line
    tally("downloads", "mirror: strange name", "refused, named")


def test_hosts_that_cannot_be_are_named(right, monkeypatch):
    for host in ("a..b", ".", "x" * 70, "a b", "%00"):
        monkeypatch.setenv("ABLATE_MIRROR", f"http://{host}/files")
        refused("")


def test_a_file_url_may_have_percent_signs(right, tmp_path, monkeypatch):
    folder = tmp_path / "of a user"
    shutil.copytree(right, folder)
    for text in (folder.as_uri(), folder.as_uri().replace("file://", "file://localhost"), f"file:{folder}"):
        monkeypatch.setenv("ABLATE_MIRROR", text)
        assert make().train.inputs.shape == (1, 120, 784)
        shutil.rmtree(tmp_path / "cache")


def test_a_password_is_not_printed(mirror, right, monkeypatch, tally):
    server = mirror(status(404))
    monkeypatch.setenv("ABLATE_MIRROR", server.url.replace("://", "://person:secret@"))
    with pytest.raises(UserError) as caught:
        make()
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith(f"{server.url}/{FIRST}: cannot be had (404 Not Found)")
    assert server.headers_seen[0]["Authorization"].startswith("Basic ")
    tally("downloads", "mirror with a password", "not printed")


def test_what_a_server_says_cannot_steer_the_terminal(mirror, right, tally):
    for fault in (nonsense, lambda server: server.wfile.write(b"HTTP/1.1 404 \x1b[2J\r\nContent-Length: 0\r\n\r\n")):
        mirror(fault)
        with pytest.raises(UserError) as caught:
            make()
        assert str(caught.value).isprintable()
    mirror(status(302, Location="ftp://x/\x1b[2J"))
    with pytest.raises(UserError) as caught:
        make()
    assert str(caught.value).isprintable()
    assert download.one_line("\x1b[2J\nx") == r"\x1b[2J x"
    tally("downloads", "server: words for the terminal", "printed without effect", 3)


# --- several at once, and interrupted --------------------------------------------------------------------------------


def program(cache: Path) -> list[str]:
    """A process that makes the data set, with the digests of the tests, as a stage would."""
    script = f"""
import pathlib, sys
from pipeline.data import images, raw_files
from pipeline.core import console
from pipeline.data.config import Images
raw_files.SHA256["fashion_mnist"] = {raw_files.SHA256["fashion_mnist"]!r}
raw_files.platformdirs.user_cache_path = lambda name: pathlib.Path({str(cache.parents[1])!r})
console.run(lambda _: print(images.make(Images(source="fashion_mnist", scale="unit")).fingerprint(0)))
"""
    return [sys.executable, "-c", script]


def start(cache: Path) -> "subprocess.Popen[str]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(program(cache), cwd=ROOT, text=True, **pipes)


def test_two_that_fetch_at_once(mirror, right, cache, tally):
    gate = threading.Barrier(2, timeout=60)

    def together(server: Server) -> None:
        gate.wait()
        server.give(server.content())

    mirror(together, times=2)
    processes = [start(cache) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert {output for output, _ in outputs} == {f"{make().fingerprint(0)}\n"}
    assert kept(cache, right) == set(NAMES)
    tally("downloads", "two processes at once", "right bytes", 2)


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_download_that_is_interrupted(number, status, word, mirror, right, cache, tally):
    busy = threading.Event()

    def wait(server: Server) -> None:
        server.give(server.content()[:1000], promised=len(server.content()))
        server.wfile.flush()
        busy.set()
        server.over.wait(30)

    mirror(wait)
    process = start(cache)
    assert busy.wait(60)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == status, errors
    assert errors.splitlines()[-1].endswith(word)
    assert "Traceback" not in errors
    assert kept(cache, right) == set()
    tally("downloads", "interrupted", "one word, nothing kept")
